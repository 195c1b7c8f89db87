"""The projects of one person, as they see them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import project_asks, project_members, projects
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.policy.projects import actions_in_project
from jupyterhub_vmshare.projects.model import ASKS, MEMBERS, PROJECTS, Ask, Member, Project, active
from jupyterhub_vmshare.projects.standing import Asker, administrators_of, stands
from jupyterhub_vmshare.words import AskState, ProjectState

_ANSWERED = (ProjectState.REQUESTED, ProjectState.DECLINED)


@dataclass(frozen=True, slots=True)
class Seen:
    """A project, and how the person who looks stands to it."""

    project: Project
    member: Member | None
    """None: they have asked for it, or asked to join, and are not in it."""
    ask: Ask | None
    administrators: Sequence[str]
    members: int
    actions: Sequence[str]


async def page(
    conn: AsyncConnection, asker: Asker, at: datetime, *, after: str | None, limit: int
) -> list[Seen]:
    """Projects that the person is in, asked for, or asked to join; the newest first."""
    mine = sa.select(project_members.c.project_id).where(
        project_members.c.person == asker.name, active(at)
    )
    asked = sa.select(project_asks.c.project_id).where(
        project_asks.c.person == asker.name, project_asks.c.state == AskState.WAITING
    )
    own = sa.and_(projects.c.created_by == asker.name, projects.c.state.in_(_ANSWERED))
    there = sa.and_(
        projects.c.state == ProjectState.ACTIVE,
        sa.or_(projects.c.id.in_(mine), projects.c.id.in_(asked)),
    )
    query = PROJECTS.where(sa.or_(own, there)).order_by(projects.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(projects.c.id < after)
    found = [Project.of(row) for row in await conn.execute(query)]
    return await seen(conn, asker, found, at)


async def one(conn: AsyncConnection, asker: Asker, project: Project, at: datetime) -> Seen:
    """One project. Raises ``NotFound`` to whom it is not there."""
    [found] = await seen(conn, asker, [project], at)
    own = project.created_by == asker.name and project.state in _ANSWERED
    if found.member is None and found.ask is None and not own:
        raise NotFound
    return found


async def seen(
    conn: AsyncConnection, asker: Asker, found: Sequence[Project], at: datetime
) -> list[Seen]:
    """These projects as the person sees them, in a fixed number of queries."""
    ids = [project.id for project in found]
    mine, asks = await _mine(conn, ids, asker.name, at), await _asks(conn, ids, asker.name)
    counts, administrators = await _counts(conn, ids, at), await administrators_of(conn, ids, at)
    told = []
    for project in found:
        lead = [one for one in administrators if one.project_id == project.id]
        where = stands(asker, project, mine.get(project.id), lead)
        told.append(
            Seen(
                project,
                mine.get(project.id) if where.role is not None else None,
                asks.get(project.id),
                [one.person for one in lead],
                counts.get(project.id, 0),
                actions_in_project(asker.name, where),
            )
        )
    return told


async def _mine(
    conn: AsyncConnection, ids: Sequence[str], person: str, at: datetime
) -> Mapping[str, Member]:
    query = MEMBERS.where(
        project_members.c.project_id.in_(ids), project_members.c.person == person, active(at)
    )
    return {row.project_id: Member.of(row) for row in await conn.execute(query)}


async def _counts(conn: AsyncConnection, ids: Sequence[str], at: datetime) -> Mapping[str, int]:
    query = (
        sa.select(project_members.c.project_id, sa.func.count())
        .where(project_members.c.project_id.in_(ids), active(at))
        .group_by(project_members.c.project_id)
    )
    return {project_id: count for project_id, count in await conn.execute(query)}


async def _asks(conn: AsyncConnection, ids: Sequence[str], person: str) -> Mapping[str, Ask]:
    query = ASKS.where(
        project_asks.c.project_id.in_(ids),
        project_asks.c.person == person,
        project_asks.c.state == AskState.WAITING,
    )
    return {row.project_id: Ask.of(row) for row in await conn.execute(query)}
