"""The words that sentences are made of: what actions, levels and moments are called."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from jupyterhub_vmshare.policy.tables import ACTIONS, ANSWERS, OF_KIND, TableError, read_sheet
from jupyterhub_vmshare.policy.tables import read_text as read_table_text
from jupyterhub_vmshare.words import ThingKind

LEVEL_NAMES: Final[Mapping[str, str]] = MappingProxyType(
    {
        "view": "View",
        "edit": "Edit",
        "edit_delete": "Edit+Delete",
        "use": "Use",
        "manage": "Manage",
        "co_own": "Co-own",
        "attach_read": "Attach to read",
        "attach_write": "Attach to write",
        "owner": "Owner",
    }
)

_MONTHS: Final = (
    "Jan",
    "Feb",
    "Mar",
    "Apr",
    "May",
    "Jun",
    *("Jul", "Aug", "Sep", "Oct"),
    "Nov",
    "Dec",
)


def _load() -> Iterator[tuple[str, str]]:
    sheet = read_sheet("phrases", read_table_text("phrases"))
    seen = [f"{kind}.{action}" for _, (kind, action, _) in sheet.lines]
    wanted = ACTIONS | {f"{kind}.{half}" for kind in OF_KIND for half in ANSWERS}
    if len(seen) != len(set(seen)) or set(seen) != wanted:
        wrong = sorted(wanted.symmetric_difference(seen)) or "an action that is there twice"
        raise TableError(f"phrases: {wrong}")
    yield from ((f"{kind}.{action}", doing) for _, (kind, action, doing) in sheet.lines)


_DOING: Final[Mapping[str, str]] = MappingProxyType(dict(_load()))


def doing(kind: ThingKind | None, action: str) -> str:
    """What an action is called inside a sentence: "deleting files"."""
    return _DOING.get(f"{kind or 'service'}.{action}", f"“{action}”")


def level_name(level: str | None) -> str:
    """What a level is called: "Edit+Delete"."""
    return LEVEL_NAMES.get(level or "", level or "access")


def noun(kind: ThingKind | None) -> str:
    """What to call a thing."""
    return "thing" if kind is None else kind.value


def moment(at: datetime | None) -> str:
    """A moment for people, in UTC: "27 Nov 2026 18:00 UTC"; seconds only where there are any."""
    if at is None:
        return "an unknown date"
    utc = at.astimezone(UTC)
    clock = f"{utc:%H:%M:%S}" if utc.second else f"{utc:%H:%M}"
    return f"{utc.day} {_MONTHS[utc.month - 1]} {utc.year} {clock} UTC"


def capital(text: str) -> str:
    """For words at the beginning of a sentence; a person's name stays as the hub spells it."""
    return text[:1].upper() + text[1:]


@dataclass(frozen=True, slots=True)
class Voice:
    """Of whom a sentence speaks, and to whom: a person reads "you", anybody else the name."""

    about: str
    listener: str

    @property
    def is_direct(self) -> bool:
        """Whether the sentence speaks to the person that it is about."""
        return self.about == self.listener

    @property
    def them(self) -> str:
        """The person, inside a sentence."""
        return self.name(self.about)

    @property
    def their(self) -> str:
        """The possessive, such as "your" or "ben's"."""
        return "your" if self.is_direct else f"{self.about}'s"

    @property
    def their_first(self) -> str:
        """The same at the beginning of a sentence."""
        return "Your" if self.is_direct else f"{self.about}'s"

    def name(self, person: str | None) -> str:
        """Anybody, inside a sentence."""
        if person is None:
            return "somebody"
        return "you" if person == self.listener else person

    def first(self, person: str | None) -> str:
        """Anybody, at the beginning of a sentence."""
        return "You" if person == self.listener else person or "Somebody"

    def begins(self, plain: str, third: str) -> str:
        """The person with a verb, at the beginning: "You have", "ben has"."""
        return f"You {plain}" if self.is_direct else f"{self.about} {third}"

    def does(self, plain: str, third: str) -> str:
        """The same inside a sentence."""
        return f"you {plain}" if self.is_direct else f"{self.about} {third}"
