"""Reading the log of events: rows to ``Event``, pages by position."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.audit.chain import GENESIS, Event
from jupyterhub_vmshare.db.tables import chain_head, event_audience, events


def event_of(row: sa.Row[Any]) -> Event:
    """A row of ``events`` as an event."""
    return Event(
        id=row.id,
        type=row.type,
        at=row.at,
        actor=row.actor,
        thing_id=row.thing_id,
        thing_name=row.thing_name,
        audience=tuple(row.audience),
        data=row.data,
        position=row.position or 0,
        hash=row.hash or "",
    )


async def head(conn: AsyncConnection) -> tuple[int, str]:
    """Position and hash of the newest event; ``(0, GENESIS)`` before the first."""
    row = (await conn.execute(sa.select(chain_head.c.position, chain_head.c.hash))).one_or_none()
    return (0, GENESIS) if row is None else (row.position, row.hash)


async def after(conn: AsyncConnection, position: int, limit: int) -> Sequence[Event]:
    """The next events of everybody, oldest first."""
    query = events.select().where(events.c.position > position)
    rows = await conn.execute(query.order_by(events.c.position).limit(limit))
    return [event_of(row) for row in rows]


def _of(person: str) -> sa.Select[Any]:
    both = events.join(event_audience, event_audience.c.event_id == events.c.id)
    return sa.select(events).select_from(both).where(event_audience.c.person == person)


async def page_forward(
    conn: AsyncConnection, person: str, after: int, up_to: int, limit: int
) -> Sequence[Event]:
    """What ``person`` may see of the events in ``after < position <= up_to``, oldest first."""
    place = event_audience.c.position
    query = _of(person).where(place > after, place <= up_to).order_by(place).limit(limit)
    return [event_of(row) for row in await conn.execute(query)]


@dataclass(frozen=True, slots=True)
class Only:
    """Which events: of one thing, and in a span of time; None: of all."""

    thing_id: str | None = None
    since: datetime | None = None
    until: datetime | None = None

    def of(self, query: sa.Select[Any]) -> sa.Select[Any]:
        """The query for these alone."""
        if self.thing_id is not None:
            query = query.where(events.c.thing_id == self.thing_id)
        if self.since is not None:
            query = query.where(events.c.at >= self.since)
        return query if self.until is None else query.where(events.c.at <= self.until)


async def page_backward(
    conn: AsyncConnection, person: str, before: int | None, limit: int, only: Only | None = None
) -> Sequence[Event]:
    """What ``person`` may see before a position (``None``: from the newest), newest first."""
    place = event_audience.c.position
    query = _of(person).where(place.is_not(None) if before is None else place < before)
    query = query if only is None else only.of(query)
    rows = await conn.execute(query.order_by(place.desc()).limit(limit))
    return [event_of(row) for row in rows]
