"""What the worker looks for by itself: lists that were not obeyed, and people not heard of."""

from __future__ import annotations

from datetime import timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import mounts, sessions
from jupyterhub_vmshare.mounts.sessions import LIVE

_AT_ONCE: Final = 50
_SESSIONS_KEPT: Final = timedelta(days=7)
_MOUNTS_KEPT: Final = timedelta(hours=1)

_UNOBEYED: Final = sa.or_(
    sessions.c.ended_at.is_not(None),
    sessions.c.told.is_(None),
    sessions.c.told != sessions.c.version,
)
_UNSETTLED: Final = sa.or_(
    mounts.c.level.is_distinct_from(mounts.c.seen_level),
    sa.and_(mounts.c.level.is_not(None), mounts.c.name.is_distinct_from(mounts.c.seen_name)),
)


async def unsettled(conn: AsyncConnection, node: str) -> set[str]:
    """People whose sessions are not as they were last wanted: at most so many at once."""
    here = (
        sessions.c.node == node,
        sessions.c.closed_at.is_(None),
        sa.or_(sessions.c.ended_at.is_not(None), sessions.c.viewless.is_(sa.false())),
    )
    lists: sa.Select[Any] = sa.select(sessions.c.person).where(*here, _UNOBEYED)
    folders = (
        sa.select(sessions.c.person)
        .join(mounts, mounts.c.session_id == sessions.c.id)
        .where(*here, LIVE, _UNSETTLED)
    )
    found = await conn.execute(sa.union(lists, folders).limit(_AT_ONCE))
    return set(found.scalars())


async def holding(conn: AsyncConnection, node: str) -> set[str]:
    """People whose sessions hold what was taken from them, to look whether they do still."""
    query = (
        sa.select(sessions.c.person)
        .join(mounts, mounts.c.session_id == sessions.c.id)
        .where(LIVE, sessions.c.node == node, mounts.c.held > 0)
        .limit(_AT_ONCE)
    )
    return set((await conn.execute(query)).scalars())


async def next_people(conn: AsyncConnection, node: str, after: str) -> list[str]:
    """The next people with running sessions, in the order of their names."""
    query = (
        sa.select(sessions.c.person)
        .where(LIVE, sessions.c.node == node, sessions.c.person > after)
        .distinct()
        .order_by(sessions.c.person)
        .limit(_AT_ONCE)
    )
    return list((await conn.execute(query)).scalars())


async def forget(tx: Transaction) -> None:
    """Drop rows that nobody asks for any more; the events keep what happened.

    A node that was never told of an end by then hears of it with the next list of all sessions.
    """
    ended = sessions.c.ended_at < tx.at - _SESSIONS_KEPT
    old = sa.select(sessions.c.id).where(ended)
    await tx.conn.execute(mounts.delete().where(mounts.c.session_id.in_(old)))
    await tx.conn.execute(sessions.delete().where(ended))
    gone = (mounts.c.level.is_(None), mounts.c.seen_level.is_(None), mounts.c.held == 0)
    await tx.conn.execute(mounts.delete().where(*gone, mounts.c.seen_at < tx.at - _MOUNTS_KEPT))
