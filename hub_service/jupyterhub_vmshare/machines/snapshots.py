"""Snapshots of machines: each belongs to its machine's owner, and outlives the machine.

One of a machine in a project is in that project: its members see it, whoever its owner opened it to
makes machines of it there, and its administrators delete it.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.cloud.port import Capabilities
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import machine_snapshots, project_members
from jupyterhub_vmshare.errors import Conflict, NotFound
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.machines import model
from jupyterhub_vmshare.machines.life import permitted_now
from jupyterhub_vmshare.machines.model import Desired, Snapshot, State
from jupyterhub_vmshare.machines.names import checked
from jupyterhub_vmshare.machines.places import project_held
from jupyterhub_vmshare.machines.quota import Amount, demand_room
from jupyterhub_vmshare.machines.telling import tell_of_snapshot, where
from jupyterhub_vmshare.policy.model import Decision, Fact, Person
from jupyterhub_vmshare.policy.projects import InProject, Whose, decide_in_project
from jupyterhub_vmshare.projects.standing import Asker, project_of, standing
from jupyterhub_vmshare.sharing.facts import demand
from jupyterhub_vmshare.sharing.store import active


async def take(
    tx: Transaction, person: Person, machine_id: str, can: Capabilities, name: str
) -> Snapshot:
    """Want a stored copy of a machine's system disk."""
    project = await project_held(tx, machine_id)
    machine = await permitted_now(tx, person, "snapshot", machine_id, can)
    await demand_room(tx, project, Amount(machine_snapshots=1))
    row = {
        "id": new_id("msn"),
        "machine_id": machine.id,
        "machine_name": machine.name,
        "owner": machine.owner,
        "name": checked(name, "snapshot name"),
        "desired": Desired.PRESENT,
        "state": State.NONE,
        "created_at": tx.at,
        "project_id": machine.within_id,
        "opened": project is not None and project.new_things_open,
    }
    inserted = machine_snapshots.insert().values(row).returning(*machine_snapshots.columns)
    taken = Snapshot.of((await tx.conn.execute(inserted)).one())
    await tell_of_snapshot(tx, "begun", taken, person.name, **where(project))
    return taken


async def delete(tx: Transaction, asker: Asker, snapshot_id: str) -> None:
    """Want it gone; machines that were made from it stay."""
    snapshot = await _held(tx, snapshot_id)
    await _permitted(tx.conn, asker, snapshot, "delete", tx.at)
    if snapshot.desired is Desired.DELETED:
        return
    gone = machine_snapshots.update().where(machine_snapshots.c.id == snapshot_id)
    await tx.conn.execute(
        gone.values(desired=Desired.DELETED, settled=False, because=None, attempts=0, retry_at=None)
    )
    await tell_of_snapshot(tx, "deleted", snapshot, asker.name)


async def its_owners(tx: Transaction, asker: Asker, snapshot_id: str) -> Snapshot:
    """A snapshot, held, of whoever asks. Raises ``NotFound`` for another one's."""
    snapshot = await _held(tx, snapshot_id)
    await _permitted(tx.conn, asker, snapshot, "list", tx.at)
    if snapshot.owner != asker.name or snapshot.desired is Desired.DELETED:
        raise NotFound
    return snapshot


async def one(conn: AsyncConnection, asker: Asker, snapshot_id: str, at: datetime) -> Snapshot:
    """One snapshot. Raises ``NotFound`` to whom it is not there."""
    snapshot = await model.snapshot(conn, snapshot_id)
    await _permitted(conn, asker, snapshot, "list", at)
    return snapshot


async def usable(
    conn: AsyncConnection, asker: Asker, snapshot_id: str, within: str | None, at: datetime
) -> Snapshot:
    """A snapshot that this person can make a machine from, in a project or (None) of their own.

    Raises what it is not. What was taken in a project stays in it.
    """
    snapshot = await one(conn, asker, snapshot_id, at)
    await _permitted(conn, asker, snapshot, "use", at)
    if snapshot.desired is Desired.DELETED:
        raise NotFound
    if snapshot.project_id is not None and snapshot.project_id != within:
        project = await project_of(conn, snapshot.project_id)
        raise Conflict(
            f"The snapshot {snapshot.name} is in {project.name}: machines are made of it there."
        )
    if snapshot.state is not State.READY:
        raise Conflict(f"The snapshot {snapshot.name} is not ready. Wait until it is.")
    return snapshot


async def page(
    conn: AsyncConnection,
    person: str,
    at: datetime,
    *,
    after: str | None,
    limit: int,
    within: str | None = None,
) -> Sequence[Snapshot]:
    """What somebody may see: their own, and those in projects of theirs, the newest first.

    ``within``: those in one project.
    """
    mine = sa.select(project_members.c.project_id).where(
        project_members.c.person == person, active(at)
    )
    project = machine_snapshots.c.project_id
    own = sa.and_(machine_snapshots.c.owner == person, project.is_(None))
    query = machine_snapshots.select().where(
        sa.or_(own, project.in_(mine)), machine_snapshots.c.desired != Desired.DELETED
    )
    if within is not None:
        query = query.where(project == within)
    if after is not None:
        query = query.where(machine_snapshots.c.id < after)
    rows = await conn.execute(query.order_by(machine_snapshots.c.id.desc()).limit(limit))
    return [Snapshot.of(row) for row in rows]


async def actions(
    conn: AsyncConnection, asker: Asker, found: Sequence[Snapshot], at: datetime
) -> list[tuple[str, ...]]:
    """What somebody may do with each of these, by the rows of ``project_roles.csv``."""
    known = {one.project_id: one for one in found if one.project_id is not None}
    stands = {
        project_id: await standing(conn, asker, await project_of(conn, project_id), at)
        for project_id in known
    }
    told: list[tuple[str, ...]] = []
    for each in found:
        where_it_is = None if each.project_id is None else stands[each.project_id]
        own = each.owner == asker.name
        may = [
            action
            for action in ("use", "delete")
            if (own if where_it_is is None else _decide(asker, each, action, where_it_is).allowed)
        ]
        told.append((*may, *(["open"] if own and where_it_is is not None else [])))
    return told


def _decide(asker: Asker, snapshot: Snapshot, action: str, stands: InProject) -> Decision:
    opened: frozenset[Fact] = frozenset({"opened"}) if snapshot.opened else frozenset()
    whose: Whose = "own" if snapshot.owner == asker.name else "others"
    where_it_is = replace(stands, facts=stands.facts | opened)
    return decide_in_project(asker.name, f"snapshot.{action}", where_it_is, whose=whose)


async def _permitted(
    conn: AsyncConnection, asker: Asker, snapshot: Snapshot, action: str, at: datetime
) -> None:
    """Raise what it refuses with; to whom it is not there, ``NotFound``."""
    if snapshot.project_id is None:
        if snapshot.owner != asker.name:
            raise NotFound
        return
    stands = await standing(conn, asker, await project_of(conn, snapshot.project_id), at)
    demand(_decide(asker, snapshot, action, stands))


async def _held(tx: Transaction, snapshot_id: str) -> Snapshot:
    query = machine_snapshots.select().where(machine_snapshots.c.id == snapshot_id)
    row = (await tx.conn.execute(query.with_for_update())).one_or_none()
    if row is None:
        raise NotFound
    return Snapshot.of(row)
