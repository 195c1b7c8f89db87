"""Memberships that end on a date. Decisions look at the date; this writes the end down."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import project_members
from jupyterhub_vmshare.projects import members
from jupyterhub_vmshare.projects.model import MEMBERS, Member
from jupyterhub_vmshare.projects.standing import locked
from jupyterhub_vmshare.words import MemberEnded

_BATCH = 200
_PAUSE = 15.0


async def keep_dates(db: Database) -> None:
    """One turn of a worker: end what is over, then rest."""
    await end_what_is_over(db)
    await asyncio.sleep(_PAUSE)


async def end_what_is_over(db: Database) -> int:
    """End every membership whose date has come; says how many. Replicas end each once."""
    count = 0
    while due := await _due(db):
        for project_id in sorted(due):
            count += await _end(db, project_id)
    return count


async def _due(db: Database) -> set[str]:
    query = sa.select(project_members.c.project_id).where(*_over(db)).limit(_BATCH)
    async with db.read() as conn:
        return set((await conn.execute(query)).scalars())


async def _end(db: Database, project_id: str) -> int:
    async with db.write() as tx:
        project = await locked(tx, project_id)
        query = MEMBERS.where(project_members.c.project_id == project_id, *_over(db))
        over = [Member.of(row) for row in await tx.conn.execute(query)]
        for member in over:
            await members.end(tx, project, member, MemberEnded.EXPIRED, None)
    return len(over)


def _over(db: Database) -> tuple[sa.ColumnElement[bool], ...]:
    ends = project_members.c.ends_at
    return project_members.c.ended_at.is_(None), ends <= db.clock()
