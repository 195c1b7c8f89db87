"""Who hears what happens to a folder: its owner, and everybody with accepted access."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import answers, grants, team_members
from jupyterhub_vmshare.folders.visible import live_at
from jupyterhub_vmshare.words import ReceiverKind


async def everyone_with_access(
    conn: AsyncConnection, thing_id: str, owner: str, at: datetime
) -> frozenset[str]:
    """The people in whose lists the folder stands; a team's members come from the mirror."""
    direct = sa.select(grants.c.receiver).where(
        grants.c.thing_id == thing_id,
        grants.c.receiver_kind == ReceiverKind.PERSON,
        live_at(at),
    )
    declined = sa.exists().where(
        answers.c.grant_id == grants.c.id,
        answers.c.person == team_members.c.person,
        answers.c.answer == "declined",
    )
    by_team = (
        sa.select(team_members.c.person)
        .join(grants, grants.c.receiver == team_members.c.team)
        .where(
            grants.c.thing_id == thing_id,
            grants.c.receiver_kind == ReceiverKind.TEAM,
            live_at(at),
            ~declined,
        )
    )
    found = await conn.execute(sa.union(direct, by_team))
    return frozenset(found.scalars()) | {owner}
