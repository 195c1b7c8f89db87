"""Histories of a project with machines and drives in it: whose they are, quotas, and tags.

After every step, for everybody, in the panel and on the service's own pages: the lists (SQL) equal
what `decide` says of each thing, and what it says of the way in, of stopping, attaching and
deleting equals the model.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Final

import hypothesis.strategies as st
from hypothesis.stateful import Bundle, multiple, rule
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.cloud.port import Size
from jupyterhub_vmshare.errors import Conflict, Forbidden, NotFound, QuotaExceeded, VMShareError
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.machines import drives, listing, opening, places, tagging
from jupyterhub_vmshare.machines import life as machine_life
from jupyterhub_vmshare.machines.life import Source
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.projects import life, tags
from jupyterhub_vmshare.projects.expiry import end_what_is_over
from jupyterhub_vmshare.projects.standing import Asker
from jupyterhub_vmshare.sharing import facts, store
from jupyterhub_vmshare.sharing.model import Grant
from jupyterhub_vmshare.words import GrantState, ReceiverKind, ThingKind
from tests.sharing.belonging import NOT_FOR_THEM, ProjectHistories, pages, people
from tests.sharing.played import PEOPLE, Ground

SIZE: Final = Size("small", "Small", 2, 1024, 5)
SOURCE: Final = Source("Debian", image="debian")
kinds = st.sampled_from((ThingKind.MACHINE, ThingKind.DRIVE))


@dataclass
class Placed:
    """A machine or a drive in the project, as it should be."""

    kind: ThingKind
    owner: str
    opened: bool = False
    tagged: bool = False
    given: set[str] = field(default_factory=set)
    confirmed: dict[str, str] = field(default_factory=dict)
    """By ``owner`` and ``admin``: who has confirmed last that the tag is to go."""


class PlacedHistories(ProjectHistories):
    """The same project, in which people make machines and drives."""

    made = Bundle("made")

    def __init__(self, ground: Ground) -> None:
        super().__init__(ground)
        self.there: dict[str, Placed] = {}
        self.machines_ever = 0
        self.most: int | None = None

    # --- the model ---

    def joins_(self, name: str, ends: Any) -> None:
        lapsed = name in self.people and self.member(name) is None
        if lapsed:
            self._out_of_things(name)
        super().joins_(name, ends)

    def _is_out(self, name: str) -> None:
        super()._is_out(name)
        self._out_of_things(name)

    def _out_of_things(self, name: str) -> None:
        for it in self.there.values():
            it.given.discard(name)

    def owns(self, name: str, it: Placed) -> bool:
        return it.owner == name and self.member(name) is not None

    def has(self, name: str, it: Placed) -> bool:
        """Whether a grant of theirs counts: a member's ends with the membership."""
        lapsed = name in self.people and self.member(name) is None
        return name in it.given and it.owner != name and not lapsed

    def may(self, action: str, name: str, it: Placed, on_pages: bool) -> bool:
        is_in, leads = self.member(name) is not None, on_pages and self.administers(name)
        owns, has = self.owns(name, it), self.has(name, it)
        others = it.owner != name
        sees_drive = is_in and others and it.kind is ThingKind.DRIVE
        return {
            "see_in_list": owns or has or sees_drive or (leads and others),
            "connect": owns or (has and (is_in or not it.tagged)),
            "stop": owns or (leads and others),
            "delete": owns or (leads and others),
            "attach_read_write": owns or (sees_drive and it.opened),
        }[action]

    # --- what people do ---

    @rule(target=made, by=people, kind=kinds, on_pages=pages)
    def makes(self, by: str, kind: ThingKind, on_pages: bool) -> Any:
        result = self.attempt(self._make_there(Asker(by, on_pages), kind))
        full = kind is ThingKind.MACHINE and self.most is not None
        if self.member(by) is None:
            assert isinstance(result, NOT_FOR_THEM), result
        elif full and self.machines_ever >= (self.most or 0):
            assert isinstance(result, QuotaExceeded), result
            assert (result.asked, result.left) == (1, 0)
        else:
            assert isinstance(result, str), result
            self.there[result] = Placed(kind, by)
            self.machines_ever += kind is ThingKind.MACHINE
            return result
        return multiple()

    async def _make_there(self, asker: Asker, kind: ThingKind) -> str:
        name, person = f"thing {next(self.numbers)}", self.person(asker.name)
        async with self.db.write() as tx:
            action = f"{kind.value}.create"
            within = await places.place(tx, asker, self.project, action)
            if kind is ThingKind.DRIVE:
                return (await drives.create(tx, person, name, 1, within=within)).id
            return await machine_life.create(tx, person, name, SOURCE, SIZE, within=within)

    @rule(most=st.none() | st.integers(0, 4))
    def quota_is_set(self, most: int | None) -> None:
        hub_admin = Person("root-hub", hub_admin=True)
        quota = {} if most is None else {"machines": most}
        self.run(self._write(life.set_quota, hub_admin, self.project, quota))
        self.most = most

    @rule(thing=made, name=people)
    def is_given(self, thing: str, name: str) -> None:
        it = self.there.get(thing)
        if it is None or name in it.given or it.kind is ThingKind.DRIVE:
            return
        if it.owner == name:
            return
        if name in self.people and self.member(name) is None:
            # Whoever is out by a date is given it as anybody outside is.
            self.run(end_what_is_over(self.db))
            self._is_out(name)
        self.run(self._is_put_in_hand(thing, it.owner, name))
        it.given.add(name)

    async def _is_put_in_hand(self, thing: str, giver: str, receiver: str) -> None:
        async with self.db.write() as tx:
            grant = Grant(
                id=new_id("gnt"),
                thing_id=thing,
                receiver_kind=ReceiverKind.PERSON,
                receiver=receiver,
                giver=giver,
                level="use",
                state=GrantState.ACTIVE,
                parent_id=None,
                created_at=tx.at,
                answered_at=tx.at,
                ends_at=None,
                ended_at=None,
                ended_why=None,
                version=1,
            )
            await store.insert(tx, grant)

    @rule(thing=made, by=people, opened=st.booleans())
    def is_opened(self, thing: str, by: str, opened: bool) -> None:
        it = self.there.get(thing)
        if it is None or it.kind is not ThingKind.DRIVE:
            return
        result = self.attempt(self._write(opening.open_drive, self.person(by), thing, opened))
        if self.owns(by, it):
            assert result is None, result
            it.opened = opened
        else:
            assert isinstance(result, NOT_FOR_THEM), result

    @rule(thing=made, by=people, on_pages=pages)
    def is_tagged(self, thing: str, by: str, on_pages: bool) -> None:
        it = self.there.get(thing)
        if it is None:
            return
        result = self.attempt(self._write(tagging.tag, Asker(by, on_pages), thing))
        if self.owns(by, it):
            assert not isinstance(result, VMShareError), result
            if not it.tagged:
                it.tagged, it.confirmed = True, {}
        else:
            assert isinstance(result, (NotFound, Forbidden)), result

    @rule(thing=made, by=people)
    def is_confirmed(self, thing: str, by: str) -> None:
        it = self.there.get(thing)
        if it is None:
            return
        act = self._write(tags.confirm_removal, Asker(by, True), thing, tagging.demand_untaggable)
        result = self.attempt(act)
        known = {name: self._sides(name, it) for name in {by, *it.confirmed.values()}}
        if not it.tagged:
            assert result is True, result
        elif not known[by]:
            assert isinstance(result, Forbidden), result
        elif any(
            "owner" in known[one] and "admin" in known[other]
            for one in known
            for other in known
            if one != other
        ):
            assert result is True, result
            it.tagged, it.confirmed = False, {}
        else:
            assert result is False, result
            it.confirmed["owner" if "owner" in known[by] else "admin"] = by

    def _sides(self, name: str, it: Placed) -> set[str]:
        sides = {"owner"} if self.owns(name, it) else set()
        return sides | ({"admin"} if self.administers(name) else set())

    @rule(thing=made, by=people, on_pages=pages)
    def is_deleted(self, thing: str, by: str, on_pages: bool) -> None:
        it = self.there.get(thing)
        if it is None:
            return
        verb = drives.delete if it.kind is ThingKind.DRIVE else machine_life.delete
        result = self.attempt(self._write(verb, self.as_(by, on_pages), thing))
        if self.may("delete", by, it, on_pages):
            assert not isinstance(result, VMShareError), result
            del self.there[thing]
        else:
            assert isinstance(result, (*NOT_FOR_THEM, Conflict)), result

    # --- what has to hold ---

    async def _agree(self) -> None:
        await super()._agree()
        async with self.db.read() as conn:
            for name in PEOPLE:
                for on_pages in (False, True):
                    await self._agree_on_things(conn, name, on_pages)

    async def _agree_on_things(self, conn: AsyncConnection, name: str, on_pages: bool) -> None:
        person, at = self.as_(name, on_pages), self.model.at
        held = await facts.load(conn, person, list(self.there))
        for thing, it in self.there.items():
            asked = ["see_in_list", "delete"]
            is_machine = it.kind is ThingKind.MACHINE
            asked += ["connect", "stop"] if is_machine else ["attach_read_write"]
            said = {action: decide(person, action, held[thing], at).allowed for action in asked}
            modelled = {action: self.may(action, name, it, on_pages) for action in asked}
            assert said == modelled, (name, on_pages, it)
        for kind, listed in (
            (ThingKind.MACHINE, listing.machines_of),
            (ThingKind.DRIVE, listing.drives_of),
        ):
            found = await listed(conn, person, at, after=None, limit=1000)
            there = {
                thing for thing, it in self.there.items()
                if it.kind is kind and self.may("see_in_list", name, it, on_pages)
            }  # fmt: skip
            ours = {one.row.id for one in found} & self.there.keys()
            assert ours == there, (name, on_pages, kind)
