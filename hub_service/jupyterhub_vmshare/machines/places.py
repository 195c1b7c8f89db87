"""Where machines and drives are: with a person, or in a project of theirs.

Locks are taken in one order everywhere: the teams' mirror, projects, things, people's lists. So a
verb that makes something in a project holds the project before anything of it.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import Conflict, NotFound
from jupyterhub_vmshare.machines.model import Drive, Machine
from jupyterhub_vmshare.policy.decide import effective
from jupyterhub_vmshare.policy.model import Fact, Person
from jupyterhub_vmshare.projects.model import Project
from jupyterhub_vmshare.projects.standing import Asker, locked, permitted, project_of
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import load_one
from jupyterhub_vmshare.words import ProjectState


async def permitted_in(
    conn: AsyncConnection, asker: Asker, project_id: str, action: str, at: datetime
) -> None:
    """Raise what it refuses with, as for one's own, before anything else is looked up."""
    await permitted(conn, asker, action, await project_of(conn, project_id), at, whose="own")


async def place(tx: Transaction, asker: Asker, project_id: str, *actions: str) -> Project:
    """The project, held, where they may make these (rows of ``project_roles.csv``) in it."""
    project = await locked(tx, project_id)
    for action in actions:
        await permitted(tx.conn, asker, action, project, tx.at, whose="own")
    if project.state is not ProjectState.ACTIVE:
        raise NotFound
    return project


async def demand_place(tx: Transaction, person: Person, project: Project, action: str) -> None:
    """The same of a project that is held already, for what its members all may."""
    await permitted(tx.conn, Asker(person.name), action, project, tx.at, whose="own")


async def project_held(tx: Transaction, thing_id: str) -> Project | None:
    """The project in which a thing is, held; to be called before the thing is."""
    within = (await store.thing_of(tx.conn, thing_id)).within_id
    return None if within is None else await locked(tx, within)


def why_not_on(drive: Drive, machine: Machine, *, read_only: bool) -> str | None:
    """Why a drive can't be on a machine, by their projects and tags; None where it can.

    A project's drive is on machines of that project alone: who leaves it would go on having it.
    What bears a tag is behind that gate with all that can be written from it.
    """
    if drive.within_id is not None and drive.within_id != machine.within_id:
        return (
            f"{drive.name} is in {drive.project_name}: it goes on machines of that project alone."
        )
    if drive.tagged and not machine.tagged:
        return (
            f"{drive.name} bears the tag of {drive.project_name}, and {machine.name} does not: "
            "people could get at it who are not in the project."
        )
    if machine.tagged and not drive.tagged and not read_only:
        return (
            f"{machine.name} bears the tag of {machine.project_name}: a drive without that tag can "
            "be attached to it to be read, not to be written."
        )
    return None


def demand_fits(drive: Drive, machine: Machine, *, read_only: bool) -> None:
    """Raise ``Conflict`` with why not."""
    because = why_not_on(drive, machine, read_only=read_only)
    if because is not None:
        raise Conflict(because)


async def granted_on(
    conn: AsyncConnection, person: Person, drive: Drive, machine_id: str, at: datetime
) -> frozenset[Fact]:
    """``machine_granted``, where somebody's own drive is to go on a machine that they use."""
    machine = await load_one(conn, person, machine_id)
    held = effective(machine, at)
    is_granted = held is not None and held.level is not None and drive.owner == person.name
    return frozenset({"machine_granted"}) if is_granted else frozenset()


def owned_by(person: Person, drive: Drive) -> frozenset[Fact]:
    """``volume_owner``, where it is their own drive."""
    return frozenset({"volume_owner"}) if drive.owner == person.name else frozenset()
