"""Lists that show themselves as a table, in a notebook and in a terminal."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, TypeVar

from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.moments import shown
from jupyterhub_vmshare.api.contract.clones import CloneView
from jupyterhub_vmshare.api.contract.files import EntryView
from jupyterhub_vmshare.api.contract.grants import (
    AccessSourceView,
    GrantResult,
    GrantView,
    PeopleOfThing,
    PersonWithAccess,
)
from jupyterhub_vmshare.api.contract.hand_overs import HandOverView
from jupyterhub_vmshare.api.contract.mounts import SessionView
from jupyterhub_vmshare.api.contract.people import PersonView, QuotaView, TeamView, Why

T = TypeVar("T")


class Table(list[T]):
    """A list with a title. Subclasses say what a row shows."""

    heads: ClassVar[tuple[str, ...]] = ()
    empty = "Nothing here."

    def __init__(self, items: Iterable[T] = (), title: str = "", *, more: bool = False) -> None:
        super().__init__(items)
        self.title = title
        self.more = more
        """Whether there are more than are listed here."""

    def row(self, item: T) -> tuple[str, ...]:
        """An item's cells."""
        raise NotImplementedError

    def __repr__(self) -> str:
        text = cards.plain_table(self.heads, [self.row(item) for item in self], self.empty)
        return f"{text}\n… and more." if self.more else text

    def _repr_html_(self) -> str:
        shown_here = cards.table(self.title, self.heads, map(self.row, self), self.empty)
        more = cards.paragraph("… and more.") if self.more else ""
        return cards.card(self.title or type(self).__name__, shown_here, more)


class Entries(Table[EntryView]):
    """What lies in a directory."""

    heads = ("Name", "Kind", "Size", "Changed")
    empty = "This directory is empty."

    def row(self, item: EntryView) -> tuple[str, ...]:
        """Name, kind, size, time."""
        return item.name, item.kind.value, cards.size(item.size), shown(item.modified_at)


class People(Table[PersonView]):
    """People found."""

    heads = ("Name", "Teams in common")
    empty = "Nobody was found. People outside your teams are found by their exact name only."

    def row(self, item: PersonView) -> tuple[str, ...]:
        """Name and teams."""
        return item.name, ", ".join(item.teams)


class Quota:
    """What one's folders hold together, and may hold, whoever wrote it."""

    def __init__(self, view: QuotaView) -> None:
        self.view = view

    @property
    def left(self) -> int | None:
        """Bytes that may still come; None: as many as the store has room for."""
        return self.view.bytes.left

    def __repr__(self) -> str:
        return "\n".join(f"{name}: {value}" for name, value in self._facts())

    def _repr_html_(self) -> str:
        return cards.card("Quota", cards.facts(self._facts()))

    def _facts(self) -> list[tuple[str, str]]:
        held, folders = self.view.bytes, self.view.folders
        most = "no limit" if held.limit is None else f"of {cards.size(held.limit)}"
        count = "no limit" if folders.limit is None else f"of {folders.limit}"
        return [
            ("Files", f"{cards.size(held.used)}, {most}"),
            ("Left", cards.size(held.left)),
            ("Folders", f"{folders.used}, {count}"),
        ]


class Teams(Table[TeamView]):
    """Teams of yours."""

    heads = ("Team", "Members")
    empty = "You are in no team."

    def row(self, item: TeamView) -> tuple[str, ...]:
        """Name and size."""
        return item.name, str(item.members)


class HandOvers(Table[HandOverView]):
    """Offers to take something over."""

    heads = ("What", "Whose", "For", "Offered by", "The owner keeps")
    empty = "Nothing is being handed over."

    def row(self, item: HandOverView) -> tuple[str, ...]:
        """What, from whom, to whom, who offers it, and whether the owner stays."""
        keeps = cards.level("edit_delete") if item.keep else ""
        return item.thing_name, item.owner, item.receiver, item.by, keeps


class Copies(Table[CloneView]):
    """Copies of folders, the newest first."""

    heads = ("Copy", "Of", "Name", "State", "Files", "Bytes")
    empty = "No copies. folder.clone('name') makes one."

    def row(self, item: CloneView) -> tuple[str, ...]:
        """Id, source, name, state, and how far it is."""
        state, size = item.because or item.state.value, cards.size(item.bytes)
        return item.id, item.source_name, item.name, state, str(item.files), size


class Sessions(Table[SessionView]):
    """Running notebook servers, and the folders in them."""

    heads = ("Server", "Since", "Folders")
    empty = "None of your servers is known to have folders."

    def row(self, item: SessionView) -> tuple[str, ...]:
        """Name, start, and each folder with how it stands, or why there are none."""
        there = ", ".join(f"{mount.name} ({mount.state.value})" for mount in item.mounts)
        shown_there = there if item.mounts_available else item.because or "none"
        return item.server_name or "(default)", shown(item.started_at), shown_there


class Shared(Table[GrantResult]):
    """What became of each receiver of a batch."""

    heads = ("Receiver", "Level", "Ends", "Result")

    @property
    def granted(self) -> list[GrantView]:
        """The grants that came of it."""
        return [result.grant for result in self if result.grant is not None]

    @property
    def failed(self) -> dict[str, str]:
        """Why each of the others got none."""
        return {r.receiver: r.problem.detail for r in self if r.problem is not None}

    def row(self, item: GrantResult) -> tuple[str, ...]:
        """Receiver, level, end, and what happened."""
        grant, problem = item.grant, item.problem
        if grant is None:
            return item.receiver, "", "", problem.detail if problem else "nothing happened"
        state = "invited" if grant.state.value == "pending" else grant.state.value
        return item.receiver, cards.level(grant.level), shown(grant.ends_at), state


class Grants(Table[GrantView]):
    """Grants on one thing."""

    heads = ("Who", "Level", "State", "Ends", "Invited by")
    empty = "Nothing was given."

    def row(self, item: GrantView) -> tuple[str, ...]:
        """Receiver, level with what is ticked, state, end, giver."""
        kind = "" if item.receiver.kind.value == "person" else f" ({item.receiver.kind.value})"
        state = "invited" if item.state.value == "pending" else item.state.value
        return item.receiver.name + kind, _ticked(item), state, shown(item.ends_at), item.giver


class Access(Grants):
    """Who has a thing: the grants on it. ``people`` has each person with all their sources."""

    def __init__(self, told: PeopleOfThing, title: str) -> None:
        super().__init__(told.grants, title)
        self.owner = told.owner
        self.people = Holders(told.people, title)
        self.empty = f"Nobody but its owner, {told.owner}."

    def of(self, receiver: str) -> list[GrantView]:
        """The grants of one receiver: one person may have several, of several givers."""
        return [grant for grant in self if grant.receiver.name == receiver]


def _ticked(grant: GrantView) -> str:
    """The level; of a machine's with the name of what is ticked, or all of that."""
    ticks = ", ".join(tick.value for tick in grant.ticks or []) or "no ticks"
    profile = ticks if grant.profile == "custom" else grant.profile
    return cards.level(grant.level) + (f" ({profile})" if profile else "")


class Holders(Table[PersonWithAccess]):
    """Each person who has a thing, with everything that they have it by; the strongest counts."""

    heads = ("Who", "Level", "Ends", "By")
    empty = "Nobody but its owner."

    def row(self, item: PersonWithAccess) -> tuple[str, ...]:
        """Name, the level that counts, its end, and each source."""
        level = cards.level(item.level) if item.level else "not accepted yet"
        by = "; ".join(map(_source, item.sources))
        return item.name, level, shown(item.ends_at), by


def _source(source: AccessSourceView) -> str:
    team = f" through {source.team}" if source.team else ""
    if source.project:
        team = f" as a member of the project {source.project}"
    until = f" until {shown(source.ends_at)}" if source.ends_at else ""
    said = "" if source.answer == "accepted" else f" ({source.answer.replace('none', 'no answer')})"
    held = f"{cards.level(source.level)} from {source.giver}{team}{until}{said}"
    if source.override is None:
        return held
    return f"{held}, which an administrator set to {cards.level(source.override)}"


class Answer:
    """A decision: the sentence, the rule, and what it was made from. True when it is allowed."""

    def __init__(self, why: Why) -> None:
        self.why = why

    def __bool__(self) -> bool:
        return self.why.allowed

    @property
    def rule(self) -> str:
        """The rule of the permission tables that decided."""
        return self.why.rule

    @property
    def because(self) -> str:
        """The sentence."""
        return self.why.because

    def __repr__(self) -> str:
        lines = [f"{self._verdict()} {self.why.because} (rule {self.why.rule})"]
        lines += [f"  - {line}" for line in self._sources()]
        return "\n".join(map(cards.visible, lines))

    def _repr_html_(self) -> str:
        sources = [(line,) for line in self._sources()]
        parts = [cards.paragraph(self.why.because), cards.facts([("Rule", self.why.rule)])]
        if sources:
            parts.append(cards.table("Made from", ("Source",), sources))
        return cards.card(self._verdict(), *parts)

    def _verdict(self) -> str:
        who, action = self.why.person, self.why.action
        return f"{who} {'may' if self.why.allowed else 'may not'} {action}."

    def _sources(self) -> list[str]:
        return [
            " ".join(
                part
                for part in (
                    source.kind.replace("_", " "),
                    cards.level(source.level) if source.level else "",
                    f"for {source.receiver}" if source.receiver else "",
                    f"from {source.giver}" if source.giver else "",
                    f"until {shown(source.ends_at)}" if source.ends_at else "",
                    "" if source.live else f"(ended: {source.ended_why or 'over'})",
                )
                if part
            )
            for source in self.why.sources
        ]


def level_named(text: str) -> str:
    """A level as the service spells it: ``Edit+Delete`` is ``edit_delete``."""
    return text.strip().lower().replace("+", "_").replace(" ", "_").replace("-", "_")
