"""Who hears what happens to a machine or a drive: its owner, and everybody who accepted it."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import answers, grants, team_members
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.words import GrantState, ReceiverKind


async def everyone_on(conn: AsyncConnection, thing_id: str, at: datetime) -> frozenset[str]:
    """Its owner, the administrators of the project in which it is, and the people to whom a live
    grant on it is open.

    Unlike a folder, a machine that a team was given is nobody's before they accept it.
    """
    open_now = (
        grants.c.thing_id == thing_id,
        grants.c.state == GrantState.ACTIVE,
        sa.or_(grants.c.ends_at.is_(None), grants.c.ends_at > at),
    )
    direct = sa.select(grants.c.receiver).where(
        *open_now, grants.c.receiver_kind == ReceiverKind.PERSON
    )
    accepted = (
        sa.select(answers.c.person)
        .join(grants, grants.c.id == answers.c.grant_id)
        .join(
            team_members,
            sa.and_(
                team_members.c.team == grants.c.receiver,
                team_members.c.person == answers.c.person,
            ),
        )
        .where(*open_now, grants.c.receiver_kind == ReceiverKind.TEAM)
        .where(answers.c.answer == "accepted")
    )
    found = await conn.execute(sa.union(direct, accepted))
    thing = await store.thing_of(conn, thing_id)
    return frozenset(found.scalars()) | await store.keepers(conn, thing, at)
