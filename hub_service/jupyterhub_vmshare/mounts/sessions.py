"""Running sessions, as the hub's spawner hook tells of them: one live row a notebook server."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import sessions
from jupyterhub_vmshare.ids import new_id

LOCAL: Final = "local"
"""The node whose agent this service reaches over a unix socket."""

LIVE: Final = sessions.c.ended_at.is_(None)


@dataclass(frozen=True, slots=True)
class Session:
    """One notebook server of one person.

    ``version`` is of the list of what it should have, ``told`` the one that its node obeyed last.
    ``viewless``: it was started without a view, so nothing can appear in it any more.
    """

    id: str
    person: str
    server_name: str
    node: str
    uid: int
    gid: int
    started_at: datetime
    ended_at: datetime | None
    version: int
    told: int | None
    view: str | None
    viewless: bool
    because: str | None

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Session:
        """From a row of ``sessions``."""
        return cls(**{name: getattr(row, name) for name in cls.__slots__})

    @property
    def told_of(self) -> dict[str, str]:
        """What events say of a session."""
        return {"session_id": self.id, "server_name": self.server_name}


async def start(
    tx: Transaction, person: str, server_name: str, uid: int, gid: int, node: str = LOCAL
) -> Session:
    """A session that is about to run. One that ran under the same name has ended, whatever was
    heard of it: the hub starts no server twice."""
    await end(tx, person, server_name)
    values = {
        "id": new_id("ses"),
        "person": person,
        "server_name": server_name,
        "node": node,
        "uid": uid,
        "gid": gid,
        "started_at": tx.at,
        "version": 1,
        "viewless": False,
    }
    query = sessions.insert().values(values).returning(*sessions.columns)
    session = Session.of((await tx.conn.execute(query)).one())
    await tell(tx, "started", session)
    return session


async def end(tx: Transaction, person: str, server_name: str) -> None:
    """A session is over; nothing happens where there is none."""
    named = (sessions.c.person == person, sessions.c.server_name == server_name)
    await _end_where(tx, *named)


async def end_all_of(tx: Transaction, person: str) -> None:
    """All sessions of somebody are over."""
    await _end_where(tx, sessions.c.person == person)


async def end_lost(tx: Transaction, session_id: str) -> None:
    """The same for one that its node has lost."""
    await _end_where(tx, sessions.c.id == session_id)


async def _end_where(tx: Transaction, *which: sa.ColumnElement[bool]) -> None:
    query = sessions.update().where(LIVE, *which).values(ended_at=tx.at)
    for row in (await tx.conn.execute(query.returning(*sessions.columns))).all():
        await tell(tx, "ended", Session.of(row))


async def tell(tx: Transaction, verb: str, session: Session) -> None:
    """Record ``session.<verb>`` for the person whose session it is."""
    audience = frozenset({session.person})
    await tx.record(NewEvent(f"session.{verb}", None, audience, data=session.told_of))


async def close(tx: Transaction, *which: sa.ColumnElement[bool]) -> None:
    """The node knows that these have ended."""
    ended = (sessions.c.ended_at.is_not(None), sessions.c.closed_at.is_(None))
    await tx.conn.execute(sessions.update().where(*ended, *which).values(closed_at=tx.at))


async def refuse(tx: Transaction, session: Session, because: str) -> None:
    """The node won't have this session: its person is told why."""
    change = sessions.update().where(sessions.c.id == session.id)
    await tx.conn.execute(change.values(because=because[:500]))


async def one(conn: AsyncConnection, session_id: str, *, held: bool = False) -> Session:
    """A session by its id, which must be there; ``held``: until the transaction ends."""
    query = sessions.select().where(sessions.c.id == session_id)
    if held:
        query = query.with_for_update()
    return Session.of((await conn.execute(query)).one())


async def live_of(conn: AsyncConnection, person: str) -> list[Session]:
    """The person's running sessions, oldest first."""
    query = sessions.select().where(LIVE, sessions.c.person == person).order_by(sessions.c.id)
    return [Session.of(row) for row in await conn.execute(query)]


async def unclosed_of(
    conn: AsyncConnection, person: str, node: str, *, held: bool = False
) -> list[Session]:
    """The person's sessions of which the node has to know: running, or ended and not told yet.

    ``held``: until the transaction ends.
    """
    query = sessions.select().where(
        sessions.c.person == person, sessions.c.node == node, sessions.c.closed_at.is_(None)
    )
    query = query.order_by(sessions.c.id)
    if held:
        query = query.with_for_update()
    return [Session.of(row) for row in await conn.execute(query)]


async def people_with_sessions(
    conn: AsyncConnection, node: str, among: Sequence[str] | None = None
) -> set[str]:
    """The people with sessions of which the node has to know; ``among``: of these alone."""
    query = sa.select(sessions.c.person).where(
        sessions.c.node == node, sessions.c.closed_at.is_(None)
    )
    if among is not None:
        query = query.where(sessions.c.person.in_(among))
    return set((await conn.execute(query.distinct())).scalars())


async def start_without_view(tx: Transaction, session: Session, because: str) -> Session:
    """The session can't wait for its view any longer, unless that has come just now."""
    waiting = (sessions.c.id == session.id, sessions.c.view.is_(None))
    query = sessions.update().where(*waiting).values(viewless=True, because=because)
    await tx.conn.execute(query)
    return await one(tx.conn, session.id)
