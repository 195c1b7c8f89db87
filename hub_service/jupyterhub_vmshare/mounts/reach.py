"""What a change of somebody's rights reached in running sessions, as their node confirms it.

A revoke waits for that after its commit, but not for long (``c.Serve.cut_within``). What was not
confirmed by then is said to be under way: it is done as soon as the node can be reached, and an end
date in any case.
"""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Collection, Sequence
from dataclasses import dataclass, replace
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import mounts, sessions
from jupyterhub_vmshare.mounts.desired import desired
from jupyterhub_vmshare.mounts.nodes import why_unavailable
from jupyterhub_vmshare.mounts.sessions import LIVE
from jupyterhub_vmshare.words import LEVELS, ThingKind

_LOOK_EVERY: Final = 0.1
_LEVELS: Final = (None, *LEVELS[ThingKind.FOLDER])

Changed = Callable[[float], Awaitable[None]]
"""Waits until something was observed, so many seconds at most."""


@dataclass(frozen=True, slots=True)
class HeldMount:
    """A folder that a running session has."""

    session_id: str
    person: str
    node: str
    level: str
    direct: bool


@dataclass(frozen=True, slots=True)
class Holder:
    """A running session in which so many processes still hold something of a folder that it had
    directly, and has no more, or no more directly."""

    folder_id: str
    session_id: str
    person: str
    server_name: str
    processes: int


@dataclass(frozen=True, slots=True)
class Reached:
    """In how many sessions something was taken away, and in how many that is under way.

    ``holders``: where something is left that can't be taken away.
    """

    sessions: int = 0
    descriptors: int = 0
    unconfirmed: int = 0
    holders: tuple[Holder, ...] = ()

    def as_seen_by(self, person: str) -> Reached:
        """For somebody whose folder it is not: of other people's sessions they learn nothing."""
        own = tuple(holder for holder in self.holders if holder.person == person)
        return replace(self, holders=own)

    @property
    def sentence(self) -> str | None:
        """The same for a person; None where nothing was concerned."""
        said = []
        if self.sessions:
            files = _count(self.descriptors, "open file")
            said.append(f"Cut in {_count(self.sessions, 'running session')}, with {files}.")
        if self.unconfirmed:
            where = _count(self.unconfirmed, "running session")
            said.append(
                f"In {where} it is being closed; that is not confirmed yet, and is done as soon as "
                "the node can be reached."
            )
        if self.holders:
            where = _count(len(self.holders), "running session")
            said.append(
                f"{where} had it as a fast mount and {_has(self.holders)} something of it open: "
                "that can't be cut, and ends with the session."
            )
        return " ".join(said) or None


async def held_by(
    conn: AsyncConnection, folder_id: str, people: Collection[str] | None = None
) -> list[HeldMount]:
    """Where a folder is in running sessions; ``people``: in theirs alone."""
    query = (
        sa.select(
            *(sessions.c.id, sessions.c.person, sessions.c.node),
            *(mounts.c.seen_level, mounts.c.seen_direct),
        )
        .join(mounts, mounts.c.session_id == sessions.c.id)
        .where(LIVE, mounts.c.thing_id == folder_id, mounts.c.seen_level.is_not(None))
        .order_by(sessions.c.id)
    )
    if people is not None:
        query = query.where(sessions.c.person.in_(people))
    return [HeldMount(*row) for row in await conn.execute(query)]


async def mounted_by(conn: AsyncConnection, people: Collection[str]) -> frozenset[str]:
    """The folders that any of these has in a running session."""
    query = (
        sa.select(mounts.c.thing_id)
        .join(sessions, mounts.c.session_id == sessions.c.id)
        .where(LIVE, sessions.c.person.in_(people), mounts.c.seen_level.is_not(None))
    )
    return frozenset((await conn.execute(query)).scalars())


async def holders_of(
    conn: AsyncConnection, folder_id: str, sessions_alone: Collection[str] | None = None
) -> list[Holder]:
    """Where something of a folder is held that was taken away, as its nodes found at their last
    look; ``sessions_alone``: in these."""
    query = (
        sa.select(
            *(mounts.c.thing_id, sessions.c.id, sessions.c.person),
            *(sessions.c.server_name, mounts.c.held),
        )
        .join(mounts, mounts.c.session_id == sessions.c.id)
        .where(LIVE, mounts.c.thing_id == folder_id, mounts.c.held > 0)
        .order_by(sessions.c.id)
    )
    if sessions_alone is not None:
        query = query.where(sessions.c.id.in_(sessions_alone))
    return [Holder(*row) for row in await conn.execute(query)]


async def reach(
    db: Database,
    folder_id: str,
    before: Sequence[HeldMount],
    changed: Changed,
    within: float,
    *,
    limited: bool = False,
) -> Reached:
    """What a commit since ``before`` took away: waits until it is so, so many seconds at most.

    ``limited``: as `desired` has it.
    """
    if not before:
        return Reached()
    until = time.monotonic() + within
    lowered = await _lowered(db, folder_id, before, limited)
    while True:
        found = await _look(db, folder_id, lowered)
        left = until - time.monotonic()
        if not found.unconfirmed or left <= 0 or await _nobody_answers(db, lowered):
            return found
        await changed(min(left, _LOOK_EVERY))


async def _lowered(
    db: Database, folder_id: str, before: Sequence[HeldMount], limited: bool
) -> dict[str, HeldMount]:
    """The sessions that should have less than they had, each with what they should have."""
    lowered = {}
    async with db.read() as conn:
        for person in sorted({held.person for held in before}):
            found = await desired(conn, person, db.clock(), {}, limited=limited)
            wanted = found.get(folder_id)
            level = None if wanted is None else wanted.level
            direct = wanted is not None and wanted.direct
            for held in before:
                is_concerned = _is_less(level, held.level) or (held.direct and not direct)
                if held.person == person and is_concerned:
                    lowered[held.session_id] = replace(held, level=level or "", direct=direct)
    return lowered


async def _look(db: Database, folder_id: str, lowered: dict[str, HeldMount]) -> Reached:
    query = (
        sa.select(
            *(sessions.c.id, sessions.c.ended_at),
            *(mounts.c.seen_level, mounts.c.seen_direct, mounts.c.cut_open),
        )
        .join(mounts, mounts.c.session_id == sessions.c.id)
        .where(sessions.c.id.in_(lowered), mounts.c.thing_id == folder_id)
    )
    async with db.read() as conn:
        rows = (await conn.execute(query)).all()
        holders = await holders_of(conn, folder_id, lowered)
    # Of a session that has ended meanwhile there is nothing left to cut.
    there = [row for row in rows if row.ended_at is None]
    done = [row for row in there if _is_done(lowered[row.id], row)]
    return Reached(
        sessions=len(done),
        descriptors=sum(row.cut_open for row in done),
        unconfirmed=len(there) - len(done),
        holders=tuple(holders),
    )


def _is_done(wanted: HeldMount, seen: Any) -> bool:
    if seen.seen_direct and not wanted.direct:
        return False
    return not _is_less(wanted.level or None, seen.seen_level)


async def _nobody_answers(db: Database, lowered: dict[str, HeldMount]) -> bool:
    async with db.read() as conn:
        nodes = {held.node for held in lowered.values()}
        return all([await why_unavailable(conn, node) is not None for node in nodes])


def _is_less(level: str | None, than: str | None) -> bool:
    return _LEVELS.index(level) < _LEVELS.index(than)


def _has(holders: Sequence[Holder]) -> str:
    return "has" if len(holders) == 1 else "have"


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"
