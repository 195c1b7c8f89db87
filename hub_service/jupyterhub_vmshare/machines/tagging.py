"""A project's tag on a machine or a drive: the gate through which only its active members come."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import attachments
from jupyterhub_vmshare.errors import Conflict
from jupyterhub_vmshare.machines import model
from jupyterhub_vmshare.machines.model import Desired
from jupyterhub_vmshare.projects import tags
from jupyterhub_vmshare.projects.standing import Asker
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.words import ThingKind

_ON: Final = attachments.c.desired == Desired.ATTACHED


async def tag(tx: Transaction, asker: Asker, thing_id: str) -> SharedThing:
    """Let only members in. With a machine, the drives of its owner that it writes are tagged."""
    held = await tags.to_tag(tx, asker, thing_id)
    if held.tagged:
        return held
    if held.kind is ThingKind.MACHINE:
        await _with_its_drives(tx, asker, held)
    elif held.kind is ThingKind.DRIVE:
        await _demand_on_tagged_machines(tx, held)
    return await tags.put(tx, asker, held)


async def demand_untaggable(tx: Transaction, held: SharedThing) -> None:
    """Raise ``Conflict`` where the other end of an attachment would be without its gate."""
    column = attachments.c.machine_id if held.kind is ThingKind.MACHINE else attachments.c.drive_id
    if held.kind is ThingKind.FOLDER:
        return
    query = attachments.select().where(column == held.id)
    for row in (await tx.conn.execute(query)).all():
        drive = await model.drive(tx.conn, row.drive_id)
        machine = await model.machine(tx.conn, row.machine_id)
        writes_there = machine.tagged and not row.read_only
        if drive.tagged if held.kind is ThingKind.MACHINE else writes_there:
            raise Conflict(f"Detach {drive.name} from {machine.name} first: both bear the tag.")


async def _with_its_drives(tx: Transaction, asker: Asker, held: SharedThing) -> None:
    query = sa.select(attachments.c.drive_id).where(
        attachments.c.machine_id == held.id, _ON, attachments.c.read_only.is_(False)
    )
    for drive_id in (await tx.conn.scalars(query.order_by(attachments.c.drive_id))).all():
        drive = await model.drive(tx.conn, drive_id)
        if drive.tagged:
            continue
        if (drive.owner, drive.within_id) != (held.owner, held.within_id):
            raise Conflict(
                f"{drive.name} is on {held.name} to be written, and is not a drive of "
                f"{held.owner}'s in {held.project_name}. Detach it first."
            )
        await tags.put(tx, asker, await tags.to_tag(tx, asker, drive_id))


async def _demand_on_tagged_machines(tx: Transaction, held: SharedThing) -> None:
    query = sa.select(attachments.c.machine_id).where(attachments.c.drive_id == held.id, _ON)
    for machine_id in (await tx.conn.scalars(query)).all():
        machine = await model.machine(tx.conn, machine_id)
        if not machine.tagged:
            raise Conflict(f"{held.name} is on {machine.name}: tag that, or detach it first.")
