"""Random histories of sharing against a small model, on both databases (DESIGN: D1, D2).

After every step, for every person: the list (SQL) equals what `decide` says of every folder, and
both equal the model.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import hypothesis.strategies as st
import sqlalchemy as sa
from hypothesis.stateful import (
    Bundle,
    RuleBasedStateMachine,
    consumes,
    initialize,
    invariant,
    multiple,
    precondition,
    rule,
)
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.audit.catalogue import check
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import grants, team_members, things
from jupyterhub_vmshare.errors import (
    BadInput,
    ChangedMeanwhile,
    Conflict,
    Forbidden,
    NotFound,
    VMShareError,
    WrongState,
)
from jupyterhub_vmshare.folders import life, listing
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.decide import decide, effective
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import answering, ending, facts, inviting
from jupyterhub_vmshare.sharing.expiry import Expiry
from jupyterhub_vmshare.sharing.listing import invitations
from jupyterhub_vmshare.sharing.model import Grant
from tests.sharing.model import Model, ModelFolder, ModelGrant

PEOPLE = ("ana", "ben", "cleo")
LEVELS = ("view", "edit", "edit_delete")
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
T = TypeVar("T")

people = st.sampled_from(PEOPLE)
actors = st.sampled_from((*["who may"] * 12, *PEOPLE))
"""Mostly the one who may, so that histories get somewhere; else anybody, allowed or not."""
levels = st.sampled_from(LEVELS)
ends = st.sampled_from((None, None, None, 24, 72, 1, -1)).map(
    lambda hours: None if hours is None else timedelta(hours=hours)
)
seldom = st.sampled_from((False, False, False, True))


class Histories(RuleBasedStateMachine):
    """People share folders with each other in any order, also when they may not."""

    folders = Bundle("folders")
    given = Bundle("given")

    def __init__(self, url: str) -> None:
        super().__init__()
        self.model = Model(START)
        self.loop = asyncio.new_event_loop()
        self.db = Database(url, clock=lambda: self.model.at, check=check)
        self.expiry = Expiry(self.db)
        self.teams: dict[str, set[str]] = {person: set() for person in PEOPLE}
        self.run(self._empty())
        self.numbers = itertools.count()  # deleted folders leave the model: their number is taken
        self.first = [self.make_folder(owner) for owner in ("ana", "ben")]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    async def _empty(self) -> None:
        async with self.db.write() as tx:
            for table in reversed(things.metadata.sorted_tables):
                await tx.conn.execute(table.delete())

    def teardown(self) -> None:
        self.run(self.db.close())
        self.loop.close()

    def person(self, name: str) -> Person:
        return Person(name, teams=frozenset(self.teams[name]))

    @initialize(target=folders)
    def two_folders(self) -> Any:
        return multiple(*self.first)

    @initialize(target=given)
    def four_invitations(self) -> Any:
        """So that there is something to answer, and to take away, from the first step on."""
        asked: list[tuple[str, int, str, timedelta | None]]
        asked = [("ana", 0, "cleo", None), ("ana", 0, "ben", None), ("ben", 1, "cleo", None)]
        asked.append(("ben", 1, "ana", timedelta(days=1)))
        made = [self.invite_(by, self.first[n], to, "edit", end) for by, n, to, end in asked]
        for grant in made[1:]:
            self.answer_("who may", grant, True)
        return multiple(*made)

    @rule(target=folders, owner=people)
    def create(self, owner: str) -> str:
        return self.make_folder(owner)

    def make_folder(self, owner: str) -> str:
        name = f"folder {next(self.numbers)}"
        folder_id = new_id("fld")
        self.run(self._write(life.create, self.person(owner), folder_id, name))
        self.model.folders[folder_id] = ModelFolder(owner, name)
        return folder_id

    async def _write(self, act: Callable[..., Awaitable[T]], *args: Any, **more: Any) -> T:
        async with self.db.write() as tx:
            return await act(tx, *args, **more)

    @rule(by=actors, folder=folders, trashed=st.booleans())
    def trash_or_restore(self, by: str, folder: str, trashed: bool) -> None:
        by = self.actor(by, self.model.folders[folder].owner)
        act = life.trash if trashed else life.restore
        result = self.attempt(self._write(act, self.person(by), folder))
        it = self.model.folders[folder]
        if by != it.owner:
            assert isinstance(result, self.refusal(by, folder)), result
        elif it.trashed == trashed:
            assert isinstance(result, WrongState), result
        else:
            assert result is None, result
            it.trashed = trashed

    @precondition(lambda self: any(it.trashed for it in self.model.folders.values()))
    @rule(by=actors, folder=consumes(folders))
    def delete_for_ever(self, by: str, folder: str) -> None:
        by = self.actor(by, self.model.folders[folder].owner)
        result = self.attempt(self._write(life.delete_for_ever, self.person(by), folder))
        it = self.model.folders[folder]
        if by == it.owner and it.trashed:
            assert result is None, result
            self.model.delete(folder)
        else:
            assert isinstance(result, VMShareError), result

    @rule(person=people, team=st.sampled_from(("genomics", "imaging")), joins=st.booleans())
    def team_changes_and_nothing_else(self, person: str, team: str, joins: bool) -> None:
        if (team in self.teams[person]) == joins:
            return
        self.run(self._join_or_leave(person, team, joins))
        self.teams[person] ^= {team}

    async def _join_or_leave(self, person: str, team: str, joins: bool) -> None:
        row = {"person": person, "team": team}
        async with self.db.write() as tx:
            if joins:
                await tx.conn.execute(team_members.insert().values(**row, since=tx.at))
            else:
                await tx.conn.execute(team_members.delete().filter_by(**row))

    @rule(target=given, by=actors, folder=folders, receiver=people, level=levels, ends=ends)
    def invite(
        self, by: str, folder: str, receiver: str, level: str, ends: timedelta | None
    ) -> Any:
        by = self.actor(by, self.model.folders[folder].owner)
        return self.invite_(by, folder, receiver, level, ends)

    @rule(target=given, grant=given, level=levels)
    def invite_again(self, grant: str, level: str) -> Any:
        row = self.row(grant)  # the same receiver, whatever became of the first time
        if row.thing_id not in self.model.folders:
            return multiple()
        return self.invite_(row.giver, row.thing_id, row.receiver, level, None)

    def invite_(
        self, by: str, folder: str, receiver: str, level: str, ends: timedelta | None
    ) -> Any:
        ends_at = None if ends is None else self.model.at + ends
        result = self.attempt(self._invite(by, folder, receiver, level, ends_at))
        expected = self.expect_invite(by, folder, receiver, ends_at)
        if expected is not None:
            assert isinstance(result, expected), (result, expected)
            return multiple()
        assert isinstance(result, Grant), result
        self.model.grants[folder, receiver] = ModelGrant(level, ends_at=ends_at)
        return result.id

    def expect_invite(
        self, by: str, folder: str, receiver: str, ends_at: datetime | None
    ) -> type[VMShareError] | tuple[type[VMShareError], ...] | None:
        it = self.model.folders[folder]
        if by != it.owner:
            return self.refusal(by, folder)
        if it.trashed:
            return Conflict
        if receiver == by or (ends_at is not None and ends_at <= self.model.at):
            return BadInput
        return Conflict if self.model.live(folder, receiver) else None

    async def _invite(
        self, by: str, folder: str, receiver: str, level: str, ends_at: datetime | None
    ) -> Grant | VMShareError:
        wanted = inviting.Wanted(receiver, level, ends_at)
        known = {name: frozenset(self.teams[name]) for name in PEOPLE}
        async with self.db.write() as tx:
            results = await inviting.invite(tx, self.person(by), folder, [wanted], known)
        return results[0]

    def actor(self, by: str, who_may: str) -> str:
        return who_may if by == "who may" else by

    def owner(self, folder: str) -> str:
        """The owner of a folder; of one that was deleted, nobody may do anything."""
        it = self.model.folders.get(folder)
        return "ana" if it is None else it.owner

    def is_gone(self, row: sa.Row[Any], result: object) -> bool:
        """Of a folder that was deleted for ever, no grant comes to life again."""
        if row.thing_id in self.model.folders:
            return False
        assert isinstance(result, VMShareError) or result == [], result
        return True

    def attempt(self, work: Coroutine[Any, Any, T]) -> T | VMShareError:
        try:
            return self.run(work)
        except VMShareError as error:
            return error

    def refusal(self, by: str, folder: str) -> type[VMShareError]:
        """Seen but refused, or as if it were not there."""
        it = self.model.folders[folder]
        held = self.model.live(folder, by)
        if held is None or (held.accepted and it.trashed):
            return NotFound
        return Forbidden

    @rule(by=actors, grant=given, yes=st.booleans())
    def answer(self, by: str, grant: str, yes: bool) -> None:
        self.answer_(by, grant, yes)

    def answer_(self, by: str, grant: str, yes: bool) -> None:
        row = self.row(grant)
        by = self.actor(by, row.receiver)
        act = answering.accept if yes else answering.decline
        result = self.attempt(self._write(act, self.person(by), grant))
        if by != row.receiver:
            assert isinstance(result, NotFound), result
            return
        if not yes and row.ended_why == "declined":
            assert isinstance(result, Grant), result  # saying no twice is saying it once
            return
        if self.is_gone(row, result):
            return
        key = (row.thing_id, row.receiver)
        live = self.model.live(*key) if row.state != "ended" else None
        if live is None:
            assert isinstance(result, Conflict), result
        elif yes and (live.accepted or not self.model.folders[row.thing_id].trashed):
            assert isinstance(result, Grant), result
            live.accepted = True
        elif not yes and not live.accepted:
            assert isinstance(result, Grant), result
            del self.model.grants[key]
        else:
            assert isinstance(result, Conflict), result

    @rule(by=actors, grant=given, level=levels, ends=ends, stale=seldom)
    def change(self, by: str, grant: str, level: str, ends: timedelta | None, stale: bool) -> None:
        row = self.row(grant)
        by = self.actor(by, self.owner(row.thing_id))
        ends_at = None if ends is None else self.model.at + ends
        version = row.version - 1 if stale else row.version
        changes = {"level": level, "ends_at": ends_at}
        result = self.attempt(
            self._write(inviting.change, self.person(by), grant, version, **changes)
        )
        if self.is_gone(row, result):
            return
        it, key = self.model.folders[row.thing_id], (row.thing_id, row.receiver)
        live = self.model.live(*key) if row.state != "ended" else None
        if by != it.owner:
            assert isinstance(result, self.refusal(by, row.thing_id)), result
        elif live is None:
            assert isinstance(result, Conflict), result
        elif stale:
            assert isinstance(result, ChangedMeanwhile), result
        elif ends_at is not None and ends_at <= self.model.at:
            assert isinstance(result, BadInput), result
        else:
            assert isinstance(result, Grant), result
            live.level, live.ends_at = level, ends_at

    @rule(by=actors, grant=given)
    def revoke(self, by: str, grant: str) -> None:
        row = self.row(grant)
        by = self.actor(by, self.owner(row.thing_id))
        result = self.attempt(self._write(ending.revoke, self.person(by), grant))
        if self.is_gone(row, result):
            return
        if by != self.owner(row.thing_id):
            assert isinstance(result, self.refusal(by, row.thing_id)), result
            return
        key = (row.thing_id, row.receiver)
        live = self.model.live(*key) if row.state != "ended" else None
        assert not isinstance(result, VMShareError), result
        assert len(result) == (0 if live is None else 1)
        if live is not None:
            del self.model.grants[key]

    @rule(by=actors, folder=folders)
    def stop_sharing(self, by: str, folder: str) -> None:
        by = self.actor(by, self.model.folders[folder].owner)
        result = self.attempt(self._write(ending.stop_sharing, self.person(by), folder))
        if by != self.model.folders[folder].owner:
            assert isinstance(result, self.refusal(by, folder)), result
            return
        assert not isinstance(result, VMShareError), result
        for key in [key for key in self.model.grants if key[0] == folder]:
            del self.model.grants[key]

    @rule(by=actors, grant=given)
    def leave(self, by: str, grant: str) -> None:
        row = self.row(grant)
        by, folder = self.actor(by, row.receiver), row.thing_id
        result = self.attempt(self._write(ending.leave, self.person(by), folder))
        if self.is_gone(row, result):
            return
        held = self.model.live(folder, by)
        if held is not None and held.accepted:
            assert not isinstance(result, VMShareError), result
            del self.model.grants[folder, by]
        else:
            assert isinstance(result, (NotFound, Forbidden)), result

    @rule(hours=st.sampled_from((1, 24)))
    def time_passes(self, hours: int) -> None:
        """Nobody has written the ends down yet."""
        self.model.at += timedelta(hours=hours)

    @rule(hours=st.sampled_from((1, 24)))
    def time_passes_and_ends_are_written(self, hours: int) -> None:
        self.model.at += timedelta(hours=hours)
        self.run(self.expiry.catch_up())
        self.model.forget_expired()

    def row(self, grant: str) -> sa.Row[Any]:
        return self.run(self._row(grant))

    async def _row(self, grant: str) -> sa.Row[Any]:
        async with self.db.read() as conn:
            return (await conn.execute(grants.select().where(grants.c.id == grant))).one()

    @invariant()
    def lists_and_decisions_and_the_model_agree(self) -> None:
        self.run(self._agree())

    async def _agree(self) -> None:
        async with self.db.read() as conn:
            for name in PEOPLE:
                listed, decided, waiting = await self._seen_by(conn, name)
                assert decided == self.model.sees(name), name
                assert listed == decided, name
                assert waiting == self.model.invited(name), name

    async def _seen_by(
        self, conn: AsyncConnection, name: str
    ) -> tuple[dict[str, str], dict[str, str], dict[str, str]]:
        person, at = self.person(name), self.model.at
        found = await facts.load(conn, person, list(self.model.folders))
        waiting = await invitations(conn, person, at, before=None, limit=1000)
        page = await listing.page(conn, person, at, limit=1000)
        decided = {}
        for thing_id, thing in found.items():
            decision = decide(person, "see_in_list", thing, at)
            held = effective(thing, at)
            trashed = self.model.folders[thing_id].trashed
            if decision.allowed and held is not None and not trashed:
                decided[thing_id] = held.level or "owner"
        listed = {seen.id: seen.level for seen in page.items}
        return listed, decided, {one.thing.id: one.grant.level for one in waiting}

    @invariant()
    def never_two_live_grants(self) -> None:
        assert self.run(self._doubled()) == []

    async def _doubled(self) -> list[Any]:
        live = grants.c.state.in_(["pending", "active"])
        key = (grants.c.thing_id, grants.c.receiver, grants.c.giver)
        query = sa.select(*key).where(live).group_by(*key).having(sa.func.count() > 1)
        async with self.db.read() as conn:
            return list(await conn.execute(query))
