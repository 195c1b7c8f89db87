"""Snapshots of machines: each belongs to its machine's owner, and outlives the machine."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.cloud.port import Capabilities
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import machine_snapshots
from jupyterhub_vmshare.errors import Conflict, NotFound
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.machines import model
from jupyterhub_vmshare.machines.life import permitted_now
from jupyterhub_vmshare.machines.model import Desired, Snapshot, State
from jupyterhub_vmshare.machines.names import checked
from jupyterhub_vmshare.machines.telling import tell_of_snapshot
from jupyterhub_vmshare.policy.model import Person


async def take(
    tx: Transaction, person: Person, machine_id: str, can: Capabilities, name: str
) -> Snapshot:
    """Want a stored copy of a machine's system disk."""
    machine = await permitted_now(tx, person, "snapshot", machine_id, can)
    row = {
        "id": new_id("msn"),
        "machine_id": machine.id,
        "machine_name": machine.name,
        "owner": machine.owner,
        "name": checked(name, "snapshot name"),
        "desired": Desired.PRESENT,
        "state": State.NONE,
        "created_at": tx.at,
    }
    inserted = machine_snapshots.insert().values(row).returning(*machine_snapshots.columns)
    taken = Snapshot.of((await tx.conn.execute(inserted)).one())
    await tell_of_snapshot(tx, "begun", taken, person.name)
    return taken


async def delete(tx: Transaction, owner: str, snapshot_id: str) -> None:
    """Want it gone; machines that were made from it stay."""
    query = machine_snapshots.select().where(
        machine_snapshots.c.id == snapshot_id, machine_snapshots.c.owner == owner
    )
    row = (await tx.conn.execute(query.with_for_update())).one_or_none()
    if row is None:
        raise NotFound
    snapshot = Snapshot.of(row)
    if snapshot.desired is Desired.DELETED:
        return
    gone = machine_snapshots.update().where(machine_snapshots.c.id == snapshot_id)
    await tx.conn.execute(
        gone.values(desired=Desired.DELETED, settled=False, because=None, attempts=0, retry_at=None)
    )
    await tell_of_snapshot(tx, "deleted", snapshot, owner)


async def usable(conn: AsyncConnection, owner: str, snapshot_id: str) -> Snapshot:
    """A snapshot of this person's that a machine can be made from. Raises what it is not."""
    snapshot = await model.snapshot(conn, snapshot_id, owner)
    if snapshot.desired is Desired.DELETED:
        raise NotFound
    if snapshot.state is not State.READY:
        raise Conflict(f"The snapshot {snapshot.name} is not ready. Wait until it is.")
    return snapshot


async def page(
    conn: AsyncConnection, owner: str, *, after: str | None, limit: int
) -> Sequence[Snapshot]:
    """Somebody's snapshots, the newest first."""
    query = machine_snapshots.select().where(
        machine_snapshots.c.owner == owner, machine_snapshots.c.desired != Desired.DELETED
    )
    if after is not None:
        query = query.where(machine_snapshots.c.id < after)
    rows = await conn.execute(query.order_by(machine_snapshots.c.id.desc()).limit(limit))
    return [Snapshot.of(row) for row in rows]
