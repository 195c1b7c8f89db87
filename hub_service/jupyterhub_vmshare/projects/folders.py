"""Folders that belong to a project: made by its administrators, had by all its members.

The project is held first, then its things, then people's lists.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.projects import owner_of
from jupyterhub_vmshare.db.tables import project_overrides
from jupyterhub_vmshare.db.upsert import insert_or_replace
from jupyterhub_vmshare.errors import BadInput, Conflict, NotFound
from jupyterhub_vmshare.folders.aliases import make_room
from jupyterhub_vmshare.folders.life import created, demand_name
from jupyterhub_vmshare.folders.names import checked
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.projects import Whose
from jupyterhub_vmshare.projects.model import Project
from jupyterhub_vmshare.projects.standing import Asker, locked, member_of, permitted, project_of
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.inviting import check_level
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.words import GrantState, ReceiverKind, ThingKind, ThingState


@dataclass(frozen=True, slots=True)
class Override:
    """A member's own level on one folder, in the place of the project's."""

    thing_id: str
    person: str
    level: str
    set_by: str
    set_at: datetime

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Override:
        """From a row of ``project_overrides``."""
        return cls(**{name: getattr(row, name) for name in cls.__slots__})


async def may_create(conn: AsyncConnection, asker: Asker, project_id: str, at: datetime) -> Project:
    """The project, when they may make folders in it. Raises what it refuses with."""
    project = await project_of(conn, project_id)
    await permitted(conn, asker, "project_folder.create", project, at, whose="own")
    return project


async def create(
    tx: Transaction, asker: Asker, project_id: str, folder_id: str, name: str, level: str
) -> None:
    """The row of a new folder, whose tree is in the store already, for all members at a level.

    Raises ``NameTaken``: the project has a folder of that name.
    """
    project = await locked(tx, project_id)
    await permitted(tx.conn, asker, "project_folder.create", project, tx.at, whose="own")
    check_level(ThingKind.FOLDER, level)
    folder = SharedThing(
        id=folder_id,
        kind=ThingKind.FOLDER,
        owner=owner_of(project.id),
        name=checked(name, "folder name"),
        state=ThingState.LIVE,
        version=1,
        project_id=project.id,
        project_name=project.name,
    )
    await demand_name(tx, folder, folder.name)
    await created(tx, folder, asker.name)
    grant = _grant(tx, folder, project, asker.name, level)
    await store.insert(tx, grant)
    await make_room(tx, folder, folder.name)
    await store.tell(tx, "invited", folder, grant, asker.name)


async def set_level(
    tx: Transaction, asker: Asker, folder_id: str, person: str, level: str
) -> Override:
    """Give one member a level of their own on a folder, in the place of the project's.

    It caps what else they have been given of that folder. Raises ``BadInput`` for who is no member.
    """
    project, folder = await _to_change(tx, asker, folder_id, person)
    check_level(ThingKind.FOLDER, level)
    if folder.state is ThingState.DELETING:
        raise Conflict("This folder is being deleted for ever: nothing more can be done with it.")
    if await member_of(tx.conn, project.id, person, tx.at) is None:
        raise BadInput(f"{person} is not in {project.name}: only members have a level in it.")
    before = await _override(tx.conn, folder_id, person)
    if before is not None and before.level == level:
        return before
    key = {"thing_id": folder_id, "person": person}
    values = {"level": level, "set_by": asker.name, "set_at": tx.at}
    await insert_or_replace(tx.conn, project_overrides, key, values)
    await _tell(tx, "set", folder, person, asker.name, level=level)
    return Override(folder_id, person, level, asker.name, tx.at)


async def unset_level(tx: Transaction, asker: Asker, folder_id: str, person: str) -> None:
    """Take a member's own level away: the project's holds again. Raises ``NotFound`` for none."""
    _, folder = await _to_change(tx, asker, folder_id, person)
    if await _override(tx.conn, folder_id, person) is None:
        raise NotFound
    mine = (project_overrides.c.thing_id == folder_id, project_overrides.c.person == person)
    await tx.conn.execute(project_overrides.delete().where(*mine))
    await _tell(tx, "removed", folder, person, asker.name)


async def _to_change(
    tx: Transaction, asker: Asker, folder_id: str, person: str
) -> tuple[Project, SharedThing]:
    """The project and its folder, both held, when they may override somebody's level there."""
    project_id = (await store.thing_of(tx.conn, folder_id)).project_id
    if project_id is None:
        raise NotFound
    project = await locked(tx, project_id)
    action = "project_folder.override_member_level"
    whose: Whose = "own" if person == asker.name else "others"
    await permitted(tx.conn, asker, action, project, tx.at, whose=whose)
    return project, await store.lock(tx, folder_id)


async def _override(conn: AsyncConnection, folder_id: str, person: str) -> Override | None:
    query = project_overrides.select().where(
        project_overrides.c.thing_id == folder_id, project_overrides.c.person == person
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else Override.of(row)


def _grant(tx: Transaction, folder: SharedThing, project: Project, giver: str, level: str) -> Grant:
    return Grant(
        id=new_id("gnt"),
        thing_id=folder.id,
        receiver_kind=ReceiverKind.PROJECT,
        receiver=project.name,
        giver=giver,
        level=level,
        state=GrantState.ACTIVE,
        parent_id=None,
        created_at=tx.at,
        answered_at=None,
        ends_at=None,
        ended_at=None,
        ended_why=None,
        version=1,
    )


async def _tell(
    tx: Transaction, verb: str, folder: SharedThing, person: str, actor: str, **more: str
) -> None:
    """Record ``override.<verb>`` for the member and the administrators."""
    await tx.record(
        NewEvent(
            f"override.{verb}",
            actor=actor,
            audience=frozenset({person, *await store.keepers(tx.conn, folder, tx.at)}),
            thing_id=folder.id,
            thing_name=folder.name,
            data={"project": folder.shown_owner, "person": person, **more},
        )
    )
