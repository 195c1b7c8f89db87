"""How a person stands in a project: what every decision in it is made from."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import project_members, projects
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.policy.model import Fact
from jupyterhub_vmshare.policy.projects import InProject, Whose, decide_in_project
from jupyterhub_vmshare.projects.model import MEMBERS, PROJECTS, Member, Project, active
from jupyterhub_vmshare.sharing.facts import demand
from jupyterhub_vmshare.words import ProjectRole, ProjectState


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks: by name, and whether on the service's own pages."""

    name: str
    on_pages: bool = False


async def locked(tx: Transaction, project_id: str) -> Project:
    """The project, held until the transaction ends, and with it all its members.

    Raises ``NotFound``. Whatever changes members holds their project first.
    """
    query = PROJECTS.where(projects.c.id == project_id).with_for_update()
    return _one(await tx.conn.execute(query))


async def project_of(conn: AsyncConnection, project_id: str) -> Project:
    """The project, not held. Raises ``NotFound``."""
    return _one(await conn.execute(PROJECTS.where(projects.c.id == project_id)))


async def member_of(
    conn: AsyncConnection, project_id: str, person: str, at: datetime
) -> Member | None:
    """The person as a member, if they are one now."""
    query = MEMBERS.where(
        project_members.c.project_id == project_id, project_members.c.person == person, active(at)
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else Member.of(row)


async def permitted(
    conn: AsyncConnection,
    asker: Asker,
    action: str,
    project: Project,
    at: datetime,
    *,
    whose: Whose,
) -> InProject:
    """How they stand, when they may do that. Raises what ``decide_in_project`` refuses with."""
    stands = await standing(conn, asker, project, at)
    demand(decide_in_project(asker.name, action, stands, whose=whose))
    return stands


async def standing(
    conn: AsyncConnection, asker: Asker, project: Project, at: datetime
) -> InProject:
    """The project as this person stands in it."""
    mine = await member_of(conn, project.id, asker.name, at)
    return stands(asker, project, mine, await administrators_of(conn, [project.id], at))


def stands(
    asker: Asker, project: Project, mine: Member | None, administrators: Sequence[Member]
) -> InProject:
    """The same from what is known: the person as an active member, and the administrators."""
    is_in = mine is not None and project.state is ProjectState.ACTIVE
    # One who is there until a date leaves the project without one by then.
    others = [one for one in administrators if one.person != asker.name and one.ends_at is None]
    facts = facts_of(project)
    if is_in and others:
        facts |= {"administrator_remains"}
    role = mine.role if mine is not None and is_in else None
    return InProject(project.id, project.name, role, asker.on_pages, facts)


def facts_of(project: Project) -> frozenset[Fact]:
    """What rules look at of a project alone."""
    known: dict[Fact, bool] = {
        "members_may_create": project.members_may_create,
        "members_see_each_other": project.members_see_each_other,
    }
    return frozenset(fact for fact, holds in known.items() if holds)


async def administrators_of(
    conn: AsyncConnection, project_ids: Sequence[str], at: datetime
) -> list[Member]:
    """The administrators of these projects, by name."""
    query = MEMBERS.where(
        project_members.c.project_id.in_(project_ids),
        project_members.c.role == ProjectRole.ADMINISTRATOR,
        active(at),
    )
    rows = await conn.execute(query.order_by(project_members.c.person))
    return [Member.of(row) for row in rows]


def _one(found: sa.CursorResult[Any]) -> Project:
    row = found.one_or_none()
    if row is None:
        raise NotFound
    return Project.of(row)
