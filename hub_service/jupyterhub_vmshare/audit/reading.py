"""Reading the audit trail for those who answer for others: what was done, by whom, with what, when.

``Scope`` says what of it somebody may read at all; ``Asked`` what they look for.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.audit.chain import Event
from jupyterhub_vmshare.audit.log import event_of
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import event_audience, events, things

BATCH: Final = 500


@dataclass(frozen=True, slots=True)
class Scope:
    """What somebody may read: what was told to them, and all of things of some projects."""

    person: str
    projects: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Asked:
    """Which events; None: whichever. ``verb`` begins the type.

    ``person`` did it, or was told; who reads a part of the trail is not told who else was told.
    """

    person: str | None = None
    thing_id: str | None = None
    verb: str | None = None
    since: datetime | None = None
    until: datetime | None = None


async def page(
    conn: AsyncConnection, scope: Scope | None, asked: Asked, before: int | None, limit: int
) -> Sequence[Event]:
    """Before a position (None: from the newest), newest first; ``scope`` None: of everything."""
    query = _which(scope, asked).order_by(events.c.position.desc()).limit(limit)
    if before is not None:
        query = query.where(events.c.position < before)
    return [event_of(row) for row in await conn.execute(query)]


async def all_of(
    database: Database, scope: Scope | None, asked: Asked
) -> AsyncIterator[Sequence[Event]]:
    """All of them in batches, oldest first, up to what is there now; no snapshot is held open."""
    async with database.read() as conn:
        last = await conn.scalar(sa.select(sa.func.max(events.c.position))) or 0
    after = 0
    while True:
        place = events.c.position
        query = _which(scope, asked).where(place > after, place <= last).order_by(place)
        async with database.read() as conn:
            batch = [event_of(row) for row in await conn.execute(query.limit(BATCH))]
        if not batch:
            return
        yield batch
        after = batch[-1].position


def _which(scope: Scope | None, asked: Asked) -> sa.Select[Any]:
    query = sa.select(events).where(events.c.position.is_not(None))
    if scope is not None:
        query = query.where(sa.or_(_told_to(scope.person), _of_projects(scope.projects)))
    if asked.person is not None:
        did = events.c.actor == asked.person
        knows = scope is None or scope.person == asked.person
        query = query.where(sa.or_(did, _told_to(asked.person)) if knows else did)
    if asked.thing_id is not None:
        query = query.where(events.c.thing_id == asked.thing_id)
    if asked.verb is not None:
        query = query.where(events.c.type.startswith(asked.verb, autoescape=True))
    if asked.since is not None:
        query = query.where(events.c.at >= asked.since)
    return query if asked.until is None else query.where(events.c.at <= asked.until)


def _told_to(person: str) -> sa.ColumnElement[bool]:
    theirs = sa.select(event_audience.c.event_id).where(event_audience.c.person == person)
    return events.c.id.in_(theirs)


def _of_projects(projects: Collection[str]) -> sa.ColumnElement[bool]:
    ours = sa.select(things.c.id).where(things.c.project_id.in_(sorted(projects)))
    return events.c.thing_id.in_(ours)
