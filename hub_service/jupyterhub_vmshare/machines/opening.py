"""Opening a drive or a snapshot to the project in which it is, and closing it again."""

from __future__ import annotations

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import attachments, grants, machine_snapshots
from jupyterhub_vmshare.errors import Conflict
from jupyterhub_vmshare.machines import model
from jupyterhub_vmshare.machines.drives import want_off
from jupyterhub_vmshare.machines.model import Desired, Snapshot
from jupyterhub_vmshare.machines.snapshots import its_owners
from jupyterhub_vmshare.machines.telling import tell, tell_of_attachment, tell_of_snapshot
from jupyterhub_vmshare.machines.things import change_thing
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.projects.standing import Asker
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.words import GrantState


async def open_drive(tx: Transaction, person: Person, drive_id: str, opened: bool) -> None:
    """Let members of its project attach it to machines of theirs there, or no longer.

    Closed, it is taken off where members have it by that alone.
    """
    held = await store.lock(tx, drive_id)
    await permitted(tx.conn, person, "open_to_project", drive_id, tx.at)
    if held.opened == opened:
        return
    if held.within_id is None:
        raise Conflict("This drive is in no project that it could be opened to.")
    await change_thing(tx, drive_id, opened=opened)
    drive = await model.drive(tx.conn, drive_id)
    await tell(tx, "opened" if opened else "closed", drive, person.name)
    if not opened:
        await _take_off(tx, drive)


async def open_snapshot(tx: Transaction, asker: Asker, snapshot_id: str, opened: bool) -> Snapshot:
    """Let members of its project make machines of it there, or no longer."""
    snapshot = await its_owners(tx, asker, snapshot_id)
    if snapshot.opened == opened:
        return snapshot
    if snapshot.project_id is None:
        raise Conflict("This snapshot is in no project that it could be opened to.")
    ours = machine_snapshots.update().where(machine_snapshots.c.id == snapshot_id)
    await tx.conn.execute(ours.values(opened=opened))
    changed = await model.snapshot(tx.conn, snapshot_id)
    await tell_of_snapshot(tx, "opened" if opened else "closed", changed, asker.name)
    return changed


async def _take_off(tx: Transaction, drive: model.Drive) -> None:
    """From where somebody put it who neither owns it nor was given it."""
    given = sa.select(grants.c.receiver).where(
        grants.c.thing_id == drive.id, grants.c.state == GrantState.ACTIVE
    )
    query = attachments.select().where(
        attachments.c.drive_id == drive.id,
        attachments.c.desired == Desired.ATTACHED,
        attachments.c.by != drive.owner,
        attachments.c.by.not_in(given),
    )
    for row in (await tx.conn.execute(query)).all():
        one = model.Attachment.of(row)
        await want_off(tx, one)
        machine = await model.machine(tx.conn, one.machine_id)
        await tell_of_attachment(tx, "detach_asked", drive, machine, None)
