"""Who is in which team: a mirror of the hub's groups (DESIGN: D6).

The hub publishes no group events, so the mirror asks: every 30 s at most, when somebody asks it
to, and before a dangerous verb. When the hub is down the mirror stays as it is and says how old
it is. Several services may mirror at once: an older answer never undoes a newer one.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Final, NamedTuple

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database, NewEvent, Transaction
from jupyterhub_vmshare.db.tables import mirrors, team_members
from jupyterhub_vmshare.db.upsert import insert_new
from jupyterhub_vmshare.errors import HubUnreachable
from jupyterhub_vmshare.people.hub import Group, Hub
from jupyterhub_vmshare.people.memory import ShortMemory
from jupyterhub_vmshare.steps import reached

log = logging.getLogger(__name__)

MIRROR: Final = "teams"
_CHUNK: Final = 500
_TEAMS_OF: Final = sa.select(team_members.c.team).where(
    team_members.c.person == sa.bindparam("who")
)


class Member(NamedTuple):
    """One person in one team."""

    team: str
    person: str


@dataclass(frozen=True, slots=True)
class Change:
    """What a refresh found; handed to the listeners in the transaction that makes it so."""

    joined: tuple[Member, ...]
    left: tuple[Member, ...]


ChangeListener = Callable[[Transaction, Change], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class TeamChoice:
    """Which hub groups are teams: by ``fnmatch`` patterns, and ``at_most`` so many of them.

    Beyond ``at_most`` the youngest groups don't count, so that a new one pushes no old one out.
    """

    include: Sequence[str] = ("*",)
    exclude: Sequence[str] = ()
    at_most: int = 5000

    def __call__(self, name: str) -> bool:
        """Whether a group of this name counts."""
        return _matches(name, self.include) and not _matches(name, self.exclude)


class Membership:
    """The mirror.

    Args:
        db: Where the mirror is kept, so that every replica and every restart finds it.
        hub: Where it comes from.
        choice: Which groups count.
        every: Seconds between refreshes in the background, 30 at most.
    """

    def __init__(
        self, db: Database, hub: Hub, choice: TeamChoice | None = None, *, every: float = 30.0
    ) -> None:
        self._db = db
        self._hub = hub
        self._choice = choice or TeamChoice()
        self._every = min(every, 30.0)
        self._listeners: list[ChangeListener] = []
        self._turn = asyncio.Lock()
        self._waiting: asyncio.Task[Change] | None = None
        self._teams = ShortMemory[frozenset[str]](max_age=1.0, size=20_000)

    def on_change(self, listener: ChangeListener) -> None:
        """Have ``listener`` called inside the transaction of every change, in order."""
        self._listeners.append(listener)

    async def teams_of(self, person: str, *, fresh: bool = False) -> frozenset[str]:
        """The teams that a person is in.

        What this process changes counts at once, what another replica did within a second; with
        ``fresh``, at once too.
        """
        return await self._teams.get(person, lambda: self._teams_of(person), fresh=fresh)

    async def _teams_of(self, person: str) -> frozenset[str]:
        async with self._db.glance() as conn:
            return frozenset((await conn.scalars(_TEAMS_OF, {"who": person})).all())

    async def members_of(self, team: str) -> frozenset[str]:
        """The people in a team."""
        query = sa.select(team_members.c.person).where(team_members.c.team == team)
        async with self._db.read() as conn:
            return frozenset((await conn.scalars(query)).all())

    async def counts(self, teams: Collection[str]) -> dict[str, int]:
        """How many people are in each of these teams."""
        query = (
            sa.select(team_members.c.team, sa.func.count())
            .where(team_members.c.team.in_(sorted(teams)))
            .group_by(team_members.c.team)
        )
        async with self._db.read() as conn:
            return {team: count for team, count in await conn.execute(query)}

    async def age(self) -> timedelta | None:
        """How long ago the hub was last asked with success; None if it never was."""
        query = sa.select(mirrors.c.refreshed_at).where(mirrors.c.name == MIRROR)
        async with self._db.read() as conn:
            at = (await conn.scalars(query)).one_or_none()
        return None if at is None else self._db.clock() - at

    async def refresh(self) -> Change:
        """Ask the hub now. The answer is never older than this call.

        Raises ``HubUnreachable``; the mirror then stays as it is.
        """
        # One at work, one waiting for its turn: later askers share the one that waits, because
        # it will put its question to the hub after theirs came.
        if self._waiting is None or self._waiting.done():
            self._waiting = asyncio.ensure_future(self._in_turn())
            self._waiting.add_done_callback(_look_at)
        return await asyncio.shield(self._waiting)

    async def catch_up(self) -> None:
        """Refresh before the first request is served; without the hub, go on with what is known."""
        try:
            await self.refresh()
        except HubUnreachable:
            log.warning("teams.stale age=%s", await self.age())

    async def keep_fresh(self) -> None:
        """Refresh for ever; a task of the application. Cancel it to stop."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.catch_up()
            except Exception:
                log.exception("teams.refresh_failed")

    async def _in_turn(self) -> Change:
        async with self._turn:
            self._waiting = None
            asked_at = self._db.clock()
            wanted = await self._ask()
            reached("teams.before_write")
            try:
                async with self._db.write() as tx:
                    return await self._apply(tx, wanted, asked_at)
            finally:
                self._teams.forget()

    async def _ask(self) -> frozenset[Member]:
        groups = [group for group in await self._hub.groups() if self._choice(group.name)]
        groups += await self._skipped({group.name for group in groups})
        if len(groups) > self._choice.at_most:
            log.warning("teams.too_many groups=%s at_most=%s", len(groups), self._choice.at_most)
        counted = groups[: self._choice.at_most]
        return frozenset(Member(g.name, person) for g in counted for person in g.members)

    async def _skipped(self, listed: set[str]) -> list[Group]:
        """Mirrored teams that the list left out and that are there all the same.

        The hub pages by offset: a group deleted meanwhile shifts the pages, and hides another.
        """
        query = sa.select(team_members.c.team).distinct()
        async with self._db.read() as conn:
            mirrored = set((await conn.scalars(query)).all())
        asked = [await self._hub.group(n) for n in sorted(mirrored - listed) if self._choice(n)]
        return [group for group in asked if group is not None]

    async def _apply(
        self, tx: Transaction, wanted: frozenset[Member], asked_at: datetime
    ) -> Change:
        if not await _take_turn(tx, asked_at):
            return Change((), ())
        rows = await tx.conn.execute(sa.select(team_members.c.team, team_members.c.person))
        held = frozenset(Member(*row) for row in rows)
        change = Change(tuple(sorted(wanted - held)), tuple(sorted(held - wanted)))
        await _store(tx, change)
        await _record(tx, change)
        if change.joined or change.left:
            for listener in self._listeners:
                await listener(tx, change)
        return change


async def _take_turn(tx: Transaction, asked_at: datetime) -> bool:
    """Whether nobody has written a newer answer; locks the mirror until the commit."""
    if await insert_new(tx.conn, mirrors, {"name": MIRROR, "refreshed_at": asked_at}):
        return True
    ours = mirrors.c.name == MIRROR
    query = sa.select(mirrors.c.refreshed_at).where(ours).with_for_update()
    if (await tx.conn.scalars(query)).one() > asked_at:
        return False
    await tx.conn.execute(mirrors.update().where(ours).values(refreshed_at=asked_at))
    return True


async def _store(tx: Transaction, change: Change) -> None:
    for start in range(0, len(change.left), _CHUNK):
        await tx.conn.execute(
            team_members.delete().where(
                (team_members.c.team == sa.bindparam("t"))
                & (team_members.c.person == sa.bindparam("p"))
            ),
            [{"t": m.team, "p": m.person} for m in change.left[start : start + _CHUNK]],
        )
    for start in range(0, len(change.joined), _CHUNK):
        rows = [{**m._asdict(), "since": tx.at} for m in change.joined[start : start + _CHUNK]]
        await tx.conn.execute(team_members.insert(), rows)


async def _record(tx: Transaction, change: Change) -> None:
    for kind, members in (("team.left", change.left), ("team.joined", change.joined)):
        for member in members:
            await tx.record(NewEvent(kind, None, frozenset({member.person}), data=member._asdict()))


def _matches(name: str, patterns: Sequence[str]) -> bool:
    return any(fnmatchcase(name, pattern) for pattern in patterns)


def _look_at(task: asyncio.Task[Change]) -> None:
    # Somebody may have stopped waiting: the error is looked at here, once.
    with contextlib.suppress(asyncio.CancelledError):
        task.exception()
