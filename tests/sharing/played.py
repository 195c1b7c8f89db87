"""What random histories of sharing are played on: a database, a model beside it, their equality.

After every step, for every person: the list (SQL) equals what `decide` says of every folder, and
both equal the model.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable, Coroutine, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeVar

import sqlalchemy as sa
from hypothesis.stateful import RuleBasedStateMachine, invariant
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.audit.catalogue import check
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.db.tables import grants, team_members, things
from jupyterhub_vmshare.errors import Forbidden, NotFound, VMShareError
from jupyterhub_vmshare.folders import life, listing, quota
from jupyterhub_vmshare.folders.room import Folders
from jupyterhub_vmshare.policy.decide import decide, effective
from jupyterhub_vmshare.policy.model import Person, Thing
from jupyterhub_vmshare.sharing import facts
from jupyterhub_vmshare.sharing.expiry import Expiry
from jupyterhub_vmshare.sharing.listing import invitations
from jupyterhub_vmshare.storage.posix.store import PosixStore
from tests.sharing.model import Model, ModelFolder

PEOPLE = ("ana", "ben", "cleo")
START = datetime(2026, 11, 23, 12, 0, tzinfo=UTC)
T = TypeVar("T")


class Ground:
    """What all histories of a test are played on, one after the other: made once, since whatever
    is new to a connection is slow."""

    def __init__(self, url: str, root: Path) -> None:
        self.loop = asyncio.new_event_loop()
        self.clock: Callable[[], datetime] = lambda: START
        self.db = Database(url, clock=lambda: self.clock(), check=check)
        self.store = PosixStore(root, threads=1)
        self.run(self.store.start())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def close(self) -> None:
        self.run(self.db.close())
        self.run(self.store.close())
        self.loop.close()


class Played(RuleBasedStateMachine):
    """The two worlds, and what has to hold after each step."""

    def __init__(self, ground: Ground) -> None:
        super().__init__()
        self.model = Model(START)
        self.ground, self.db, self.store = ground, ground.db, ground.store
        ground.clock = lambda: self.model.at
        self.expiry = Expiry(self.db)
        self.leases = Leases(self.db)
        self.room = Folders(self.db, self.store)  # not started: its workers work when they are told
        self.teams: dict[str, set[str]] = {person: {"genomics"} for person in PEOPLE}
        self.model.teams = self.teams
        self._rows: dict[str, sa.Row[Any]] = {}
        # What a step did to files alone changes nobody's lists: the next step looks at those.
        self.only_files = False
        self.run(self._empty())
        self.numbers = itertools.count()  # deleted folders leave the model: their number is taken
        self.first = [self.make_folder(owner) for owner in ("ana", "ben")]

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.ground.run(work)

    async def _empty(self) -> None:
        async with self.db.write() as tx:
            for table in reversed(things.metadata.sorted_tables):
                await tx.conn.execute(table.delete())
            for person, teams in self.teams.items():
                for team in teams:
                    row = {"person": person, "team": team, "since": tx.at}
                    await tx.conn.execute(team_members.insert().values(row))

    def person(self, name: str) -> Person:
        return Person(name, teams=frozenset(self.teams[name]))

    def make_folder(self, owner: str) -> str:
        name = f"folder {next(self.numbers)}"
        folder_id = self.run(self._make_folder(owner, name))
        self.model.folders[folder_id] = ModelFolder(owner, name)
        return folder_id

    async def _make_folder(self, owner: str, name: str) -> str:
        async with self.room.tree_made(owner) as tree, self.db.write() as tx:
            await life.create(tx, self.person(owner), tree.folder_id, name)
            await quota.book(tx, tree.folder_id, tree.account)
        return tree.folder_id

    async def _write(self, act: Callable[..., Awaitable[T]], *args: Any, **more: Any) -> T:
        async with self.db.write() as tx:
            return await act(tx, *args, **more)

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
        return Forbidden if self.model.may_know(folder, by) else NotFound

    def row(self, grant: str) -> sa.Row[Any]:
        """A grant as it is, or was before its folder went."""
        row = self.run(self._row(grant))
        if row is not None:
            self._rows[grant] = row
        return self._rows[grant]

    async def _row(self, grant: str) -> sa.Row[Any] | None:
        async with self.db.read() as conn:
            return (await conn.execute(_ROW, {"asked": grant})).one_or_none()

    @invariant()
    def everything_agrees(self) -> None:
        """All in one transaction, and each query once: this is what most of the time goes to."""
        self.run(self._agree())
        self.only_files = False

    async def _agree(self) -> None:
        async with self.db.read() as conn:
            for name in () if self.only_files else PEOPLE:
                held = await facts.load(conn, self.person(name), list(self.model.folders))
                await self.agree_on(conn, name, held)
            await self.agree_on_all(conn)

    async def agree_on_all(self, conn: AsyncConnection) -> None:
        """What has to hold whoever looks."""
        assert not list(await conn.execute(_DOUBLED)), "two live grants"

    async def agree_on(self, conn: AsyncConnection, name: str, held: Mapping[str, Thing]) -> None:
        """Lists, decisions and the model say the same of a person."""
        person, at = self.person(name), self.model.at
        waiting = await invitations(conn, person, at, before=None, limit=1000)
        page = await listing.page(conn, person, at, limit=1000)
        decided = self._decided_to_see(person, held)
        assert decided == self.model.sees(name), name
        assert {seen.id: seen.level for seen in page.items} == decided, name
        told = sorted((one.thing.id, one.grant.level) for one in waiting)
        assert told == self.model.invited(name), name

    def _decided_to_see(self, person: Person, held: Mapping[str, Thing]) -> dict[str, str]:
        decided = {}
        for thing_id, thing in held.items():
            decision = decide(person, "see_in_list", thing, self.model.at)
            source = effective(thing, self.model.at)
            trashed = self.model.folders[thing_id].trashed
            if decision.allowed and source is not None and not trashed:
                decided[thing_id] = source.level or "owner"
        return decided


_KEY: Final = (grants.c.thing_id, grants.c.receiver, grants.c.giver)
_DOUBLED: Final = (
    sa.select(*_KEY)
    .where(grants.c.state.in_(["pending", "active"]))
    .group_by(*_KEY)
    .having(sa.func.count() > 1)
)
_ROW: Final = grants.select().where(grants.c.id == sa.bindparam("asked"))
