"""Events of projects, and who hears of them. Nobody outside a project does."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import project_members
from jupyterhub_vmshare.projects.model import Project, active
from jupyterhub_vmshare.projects.standing import administrators_of


async def tell_administrators(
    tx: Transaction,
    verb: str,
    project: Project,
    actor: str | None,
    *,
    also: Iterable[str] = (),
    **data: Any,
) -> None:
    """Record ``project.<verb>`` for the administrators, and for those whom it is about."""
    administrators = await administrators_of(tx.conn, [project.id], tx.at)
    audience = {*(one.person for one in administrators), *also}
    await _record(tx, verb, project, actor, audience, data)


async def tell_members(
    tx: Transaction, verb: str, project: Project, actor: str | None, **data: Any
) -> None:
    """Record ``project.<verb>`` for everybody in the project."""
    query = sa.select(project_members.c.person).where(
        project_members.c.project_id == project.id, active(tx.at)
    )
    audience = set((await tx.conn.scalars(query)).all())
    await _record(tx, verb, project, actor, audience, data)


async def _record(
    tx: Transaction,
    verb: str,
    project: Project,
    actor: str | None,
    audience: set[str],
    data: Mapping[str, Any],
) -> None:
    told = {"project_id": project.id, "project": project.name, **data}
    await tx.record(NewEvent(f"project.{verb}", actor, frozenset(audience), data=told))
