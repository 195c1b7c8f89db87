"""How projects come to be: made by those who may, or asked for and answered by a hub admin."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import project_members, projects
from jupyterhub_vmshare.errors import BadInput, ChangedMeanwhile, Conflict, NameTaken, NotFound
from jupyterhub_vmshare.folders.names import checked, free_name
from jupyterhub_vmshare.folders.quota import limit_project
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.projects.model import PROJECTS, QUOTAS, Project, described
from jupyterhub_vmshare.projects.standing import Asker, locked, permitted, project_of
from jupyterhub_vmshare.projects.telling import tell_administrators, tell_members
from jupyterhub_vmshare.sharing.facts import demand
from jupyterhub_vmshare.sharing.projects import renamed
from jupyterhub_vmshare.words import ProjectKind, ProjectRole, ProjectState

_THERE = (ProjectState.REQUESTED, ProjectState.ACTIVE)
_ONE_AT_A_TIME = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('vmshare projects', 0))")
MOST_WAITING = 20
"""Requests of one person that wait at a time."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """A project as somebody wishes it."""

    name: str
    description: str = ""
    quota: Mapping[str, int] = field(default_factory=dict)


async def create(
    tx: Transaction, person: Person, wanted: Wanted, administrators: Sequence[str]
) -> str:
    """Make a project. ``administrators`` are people whom the hub knows; none: the person.

    Raises ``Forbidden`` for those who may not, ``NameTaken`` and ``BadInput``.
    """
    demand(decide(person, "create_project", None, tx.at))
    project = await _insert(tx, person.name, wanted, ProjectState.ACTIVE)
    await _begin(tx, project, administrators or [person.name], person.name)
    return project.id


async def request(tx: Transaction, person: Person, wanted: Wanted) -> str:
    """Ask for a project; it is there once a hub admin has said yes. Raises as ``create``."""
    demand(decide(person, "request_project", None, tx.at))
    query = sa.select(sa.func.count()).where(
        projects.c.created_by == person.name, projects.c.state == ProjectState.REQUESTED
    )
    if (await tx.conn.scalar(query) or 0) >= MOST_WAITING:
        raise Conflict(f"{MOST_WAITING} of your requests wait for an answer. Take one back first.")
    project = await _insert(tx, person.name, wanted, ProjectState.REQUESTED)
    await tell_administrators(tx, "requested", project, person.name, also=[person.name])
    return project.id


async def approve(
    tx: Transaction, person: Person, project_id: str, quota: Mapping[str, int] | None
) -> None:
    """Say yes to a request; ``quota`` None: as it was asked for. Who asked administers it."""
    project = await _waiting(tx, person, project_id)
    kept = project.quota if quota is None else _limits(quota)
    await _change(
        tx,
        project,
        state=ProjectState.ACTIVE,
        answered_by=person.name,
        answered_at=tx.at,
        quota=dict(kept),
    )
    await _begin(tx, project, [project.created_by], person.name)


async def decline(tx: Transaction, person: Person, project_id: str, because: str) -> None:
    """Say no to a request, and why."""
    project = await _waiting(tx, person, project_id)
    answer = {"answered_by": person.name, "answered_at": tx.at, "because": described(because)}
    await _change(tx, project, state=ProjectState.DECLINED, **answer)
    await tell_administrators(tx, "declined", project, person.name, also=[project.created_by])


async def cancel(tx: Transaction, person: Person, project_id: str) -> None:
    """Take one's own request back."""
    project = await locked(tx, project_id)
    if project.created_by != person.name:
        raise NotFound
    _demand_waiting(project)
    await _change(tx, project, state=ProjectState.CANCELLED)
    await tell_administrators(tx, "cancelled", project, person.name, also=[person.name])


async def change(
    tx: Transaction, asker: Asker, project_id: str, version: int, **changes: Any
) -> None:
    """Change name, description or settings, for everybody.

    Raises ``ChangedMeanwhile`` where ``version`` is not the present one.
    """
    project = await locked(tx, project_id)
    await permitted(tx.conn, asker, "settings.change", project, tx.at, whose="own")
    if project.version != version:
        raise ChangedMeanwhile("Somebody else changed the project first; load it again.")
    if "name" in changes:
        changes["name"] = checked(changes["name"])
        await _demand_free(tx, changes["name"], besides=project.id)
    if "description" in changes:
        described(changes["description"])
    new = {name: value for name, value in changes.items() if getattr(project, name) != value}
    if new:
        await _change(tx, project, **new)
        if "name" in new:
            await renamed(tx, project.id, new["name"])
        changed = await project_of(tx.conn, project.id)
        await tell_members(tx, "changed", changed, asker.name, changed=sorted(new))


async def set_quota(
    tx: Transaction, person: Person, project_id: str, quota: Mapping[str, int]
) -> None:
    """Say what a project may hold. What is there stays, also where it is more."""
    demand(decide(person, "set_quota_of_project", None, tx.at))
    project = await locked(tx, project_id)
    if project.state is not ProjectState.ACTIVE:
        raise NotFound
    await _change(tx, project, quota=dict(_limits(quota)))
    await limit_project(tx, project.id, quota)
    await tell_administrators(tx, "quota_changed", project, person.name)


async def requests(conn: AsyncConnection, *, after: str | None, limit: int) -> list[Project]:
    """Requests that wait, the oldest first."""
    query = PROJECTS.where(projects.c.state == ProjectState.REQUESTED)
    if after is not None:
        query = query.where(projects.c.id > after)
    rows = await conn.execute(query.order_by(projects.c.id).limit(limit))
    return [Project.of(row) for row in rows]


async def _waiting(tx: Transaction, person: Person, project_id: str) -> Project:
    demand(decide(person, "approve_project", None, tx.at))
    project = await locked(tx, project_id)
    _demand_waiting(project)
    return project


def _demand_waiting(project: Project) -> None:
    if project.state is not ProjectState.REQUESTED:
        raise Conflict("This request does not wait for an answer any more.")


async def _insert(tx: Transaction, by: str, wanted: Wanted, state: ProjectState) -> Project:
    name = checked(wanted.name)
    await _demand_free(tx, name)
    project_id = new_id("prj")
    await tx.conn.execute(
        projects.insert().values(
            id=project_id,
            kind=ProjectKind.RESEARCH,
            name=name,
            description=described(wanted.description),
            state=state,
            created_by=by,
            created_at=tx.at,
            quota=dict(_limits(wanted.quota)),
            members_may_create=True,
            members_see_each_other=True,
            new_things_open=False,
        )
    )
    return await project_of(tx.conn, project_id)


async def _begin(
    tx: Transaction, project: Project, administrators: Collection[str], actor: str
) -> None:
    """The first members; told to them."""
    for name in sorted(set(administrators)):
        await tx.conn.execute(
            project_members.insert().values(
                project_id=project.id, person=name, role=ProjectRole.ADMINISTRATOR, since=tx.at
            )
        )
    await tell_administrators(tx, "created", project, actor, also=[project.created_by])


async def _demand_free(tx: Transaction, name: str, *, besides: str | None = None) -> None:
    if tx.conn.dialect.name == "postgresql":
        await tx.conn.execute(_ONE_AT_A_TIME)
    query = sa.select(projects.c.name).where(projects.c.state.in_(_THERE))
    if besides is not None:
        query = query.where(projects.c.id != besides)
    if await tx.conn.scalar(sa.select(query.where(projects.c.name == name).exists())):
        taken = set((await tx.conn.scalars(query)).all())
        free = free_name(name, taken)
        raise NameTaken(
            f"There is a project called {name} already. Take another name, such as {free}.",
            suggestion=free,
        )


async def _change(tx: Transaction, project: Project, **values: Any) -> None:
    query = projects.update().where(projects.c.id == project.id)
    await tx.conn.execute(query.values(version=projects.c.version + 1, **values))


def _limits(quota: Mapping[str, int]) -> Mapping[str, int]:
    for name, limit in quota.items():
        if name not in QUOTAS:
            raise BadInput(f"There is no quota called {name}. There are: {', '.join(QUOTAS)}.")
        if limit < 0:
            raise BadInput(f"{name}: a limit is not below zero.")
    return quota
