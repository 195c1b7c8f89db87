"""Who hears what happens to a folder: its owner, and everybody with accepted access."""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.projects import is_project
from jupyterhub_vmshare.db.tables import answers, grants, project_members, team_members, things
from jupyterhub_vmshare.folders.visible import live_at
from jupyterhub_vmshare.sharing.store import TO_PROJECT, active
from jupyterhub_vmshare.words import ReceiverKind


async def everyone_with_access(
    conn: AsyncConnection, thing_id: str, owner: str, at: datetime
) -> frozenset[str]:
    """The people in whose lists the folder stands; a team's members come from the mirror.

    What belongs to a project is its members'; the owner is then nobody who could hear.
    """
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
    by_project = (
        sa.select(project_members.c.person)
        .join(things, things.c.project_id == project_members.c.project_id)
        .join(grants, grants.c.thing_id == things.c.id)
        .where(things.c.id == thing_id, TO_PROJECT, live_at(at), active(at))
        .where(
            ~sa.exists().where(
                answers.c.grant_id == grants.c.id,
                answers.c.person == project_members.c.person,
                answers.c.answer == "declined",
            )
        )
    )
    found = await conn.execute(sa.union(direct, by_team, by_project))
    return frozenset(found.scalars()) | (set() if is_project(owner) else {owner})
