"""Drives: made, cloned, extended, deleted; and onto which machines they go."""

from __future__ import annotations

from typing import Any

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.cloud.port import Capabilities
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import attachments, drives
from jupyterhub_vmshare.errors import BadInput, Conflict, NotFound
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.machines import gates, model
from jupyterhub_vmshare.machines.model import Attachment, Desired, Drive, Machine, State
from jupyterhub_vmshare.machines.names import checked, demand_free
from jupyterhub_vmshare.machines.places import (
    demand_fits,
    demand_place,
    granted_on,
    owned_by,
    project_held,
    why_not_on,
)
from jupyterhub_vmshare.machines.quota import Amount, demand_room
from jupyterhub_vmshare.machines.telling import tell, tell_of_attachment, where
from jupyterhub_vmshare.machines.things import change_thing, end, insert_thing
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.projects.model import Project
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import demand, permitted
from jupyterhub_vmshare.words import ThingKind


async def create(
    tx: Transaction,
    person: Person,
    name: str,
    size_gib: int,
    *,
    clone_of: Drive | None = None,
    within: Project | None = None,
) -> Drive:
    """Want a new drive; ``within``: in a project, which is held."""
    demand(decide(person, "create_machine", None, tx.at))
    name = checked(name, "drive name")
    await demand_free(tx, ThingKind.DRIVE, person.name, name)
    await demand_room(tx, within, Amount.of_drive(size_gib))
    drive_id = new_id("drv")
    await insert_thing(tx, drive_id, ThingKind.DRIVE, person.name, name, within)
    await tx.conn.execute(
        drives.insert().values(
            id=drive_id,
            desired=Desired.PRESENT,
            size_gib=size_gib,
            clone_of=None if clone_of is None else clone_of.id,
            state=State.NONE,
        )
    )
    made = await model.drive(tx.conn, drive_id)
    await tell(tx, "created", made, person.name, size_gib=size_gib, **where(within))
    return made


async def clone(
    tx: Transaction, person: Person, drive_id: str, can: Capabilities, name: str
) -> Drive:
    """Want a copy of a drive as a drive of one's own; in the project, if that is where it is."""
    within = await project_held(tx, drive_id)
    source = await _permitted_now(tx, person, "clone", drive_id, can)
    if within is not None:
        await demand_place(tx, person, within, "drive.create")
    size = max(source.size_gib, source.size_seen or 0)
    made = await create(tx, person, name, size, clone_of=source, within=within)
    if source.tagged:
        await change_thing(tx, made.id, tagged=True)
    return made


async def extend(
    tx: Transaction, person: Person, drive_id: str, can: Capabilities, size_gib: int
) -> None:
    """Want it larger."""
    within = await project_held(tx, drive_id)
    drive = await _permitted_now(tx, person, "extend", drive_id, can)
    if size_gib < drive.size_gib:
        raise BadInput(
            f"{drive.name} has {drive.size_gib} GiB already, and drives only get larger."
        )
    if size_gib == drive.size_gib and drive.because is None:
        return
    more = size_gib - max(drive.size_gib, drive.size_seen or 0)
    await demand_room(tx, within, Amount(drive_gib=max(0, more)))
    await want(tx, drive, size_gib=size_gib)
    await tell(tx, "asked", drive, person.name, what="extend", size_gib=size_gib)


async def delete(tx: Transaction, person: Person, drive_id: str) -> None:
    """Its bytes are gone for ever. Refused while it is attached."""
    held = await store.lock(tx, drive_id)
    await permitted(tx.conn, person, "delete", drive_id, tx.at)
    drive = await model.drive(tx.conn, drive_id)
    await demand_on_no_machine(tx.conn, drive)
    audience = await end(tx, held, person)
    await want(tx, drive, desired=Desired.DELETED)
    await tell(tx, "deleted", drive, person.name, also=audience)


async def demand_on_no_machine(conn: AsyncConnection, drive: Drive) -> None:
    """Raise ``WrongState`` where it is attached, or on its way: nobody's work is pulled away."""
    if await model.attachments_of(conn, drive_id=drive.id):
        gates.demand(f"{drive.name} is attached to a machine. Detach it first.")


async def attach(
    tx: Transaction,
    person: Person,
    drive_id: str,
    machine_id: str,
    can: Capabilities,
    *,
    read_only: bool,
) -> Attachment:
    """Want a drive on a machine: on one to write, or on several to read."""
    await store.lock(tx, drive_id)  # things are locked in the order of their ids
    await store.lock(tx, machine_id)
    action = "attach_read_only" if read_only else "attach_read_write"
    await permitted(tx.conn, person, action, drive_id, tx.at)
    drive, machine = await model.drive(tx.conn, drive_id), await model.machine(tx.conn, machine_id)
    granted = await granted_on(tx.conn, person, drive, machine_id, tx.at)
    await permitted(tx.conn, person, "attach_drive", machine_id, tx.at, facts=granted)
    demand_fits(drive, machine, read_only=read_only)
    gates.demand(gates.drive_blocked(action, drive, can, attached=False))
    gates.demand(gates.machine_blocked("attach_drive", machine, can))
    return await put_on(tx, person, drive, machine, can, read_only=read_only)


async def take_elsewhere(
    tx: Transaction,
    person: Person,
    drive_id: str,
    machine_id: str,
    next_id: str,
    can: Capabilities,
) -> None:
    """Want a drive off a machine and, once it is off, on another one, as it was on the first.

    An owner of the machine may, whosever the drive is; its owner hears of it.
    """
    for thing_id in sorted((drive_id, machine_id, next_id)):  # things are locked in this order
        await store.lock(tx, thing_id)
    await permitted(tx.conn, person, "use_drive_elsewhere", machine_id, tx.at)
    await permitted(tx.conn, person, "attach_drive", next_id, tx.at)
    present = await model.attachments_of(tx.conn, drive_id=drive_id, machine_id=machine_id)
    if not present:
        raise NotFound("This drive is not on that machine.")
    [attachment], drive = present, await model.drive(tx.conn, drive_id)
    if next_id == machine_id:
        raise Conflict(f"{drive.name} is on this machine already.")
    machine = await model.machine(tx.conn, machine_id)
    following = await model.machine(tx.conn, next_id)
    demand_fits(drive, following, read_only=attachment.read_only)
    gates.demand(gates.machine_blocked("detach_drive", machine, can))
    gates.demand(gates.machine_blocked("attach_drive", following, can))
    await want_off(tx, attachment, next_machine=next_id, by=person.name)
    await tell_of_attachment(tx, "detach_asked", drive, machine, person.name)


async def put_on(
    tx: Transaction,
    person: Person,
    drive: Drive,
    machine: Machine,
    can: Capabilities,
    *,
    read_only: bool,
) -> Attachment:
    """The same for two that are held, by somebody who may."""
    present = await model.attachments_of(tx.conn, drive_id=drive.id)
    same = next((one for one in present if one.machine_id == machine.id), None)
    if same is not None:
        return await _wanted_again(tx, drive, machine, same, read_only)
    if present and not (read_only and can.attach_to_many and all(p.read_only for p in present)):
        other = await model.machine(tx.conn, present[0].machine_id)
        raise Conflict(_in_use(drive, other, read_only and all(p.read_only for p in present)))
    row = {
        "id": new_id("att"),
        "drive_id": drive.id,
        "machine_id": machine.id,
        "read_only": read_only,
        "by": person.name,
        "desired": Desired.ATTACHED,
        "state": State.NONE,
    }
    made = await tx.conn.execute(attachments.insert().values(row).returning(*attachments.columns))
    await tell_of_attachment(tx, "attach_asked", drive, machine, person.name, read_only=read_only)
    return Attachment.of(made.one())


async def _wanted_again(
    tx: Transaction, drive: Drive, machine: Machine, same: Attachment, read_only: bool
) -> Attachment:
    if same.read_only != read_only:
        raise Conflict(f"{drive.name} is on {machine.name} in another way. Detach it first.")
    if same.desired is Desired.DETACHED:
        raise Conflict(f"{drive.name} is just leaving {machine.name}. Try again in a moment.")
    if same.because is not None:
        await _change(tx, same, settled=False, because=None, attempts=0, retry_at=None)
    return same


def _in_use(drive: Drive, other: Machine, is_read: bool) -> str:
    if is_read:
        return f"{drive.name} is on {other.name}, and can be on one machine at a time here."
    return (
        f"{drive.name} is attached to {other.name}. A drive is on one machine to be written, or "
        "on several to be read: detach it there first."
    )


async def detach(
    tx: Transaction,
    person: Person,
    drive_id: str,
    machine_id: str,
    can: Capabilities,
    *,
    of_machine: bool = False,
) -> None:
    """Want a drive off a machine; ``of_machine``: as somebody who may say so of the machine."""
    await store.lock(tx, drive_id)
    await store.lock(tx, machine_id)
    if of_machine:
        own = owned_by(person, await model.drive(tx.conn, drive_id))
        await permitted(tx.conn, person, "detach_drive", machine_id, tx.at, facts=own)
    else:
        await permitted(tx.conn, person, "detach", drive_id, tx.at)
    present = await model.attachments_of(tx.conn, drive_id=drive_id, machine_id=machine_id)
    if not present:
        raise NotFound("This drive is not on that machine.")
    [attachment] = present
    is_asked = attachment.desired is Desired.DETACHED and attachment.next_machine is None
    if is_asked and attachment.because is None:
        return
    drive, machine = await model.drive(tx.conn, drive_id), await model.machine(tx.conn, machine_id)
    gates.demand(gates.machine_blocked("detach_drive", machine, can))
    await want_off(tx, attachment)
    await tell_of_attachment(tx, "detach_asked", drive, machine, person.name)


async def want_off(tx: Transaction, attachment: Attachment, **more: Any) -> None:
    """Want it off, and say nothing; ``more``: what else is to be written down."""
    fresh = {"settled": False, "because": None, "attempts": 0, "retry_at": None}
    off = {"desired": Desired.DETACHED, "next_machine": None}
    await _change(tx, attachment, **{**fresh, **off, **more})


async def go_on(tx: Transaction, gone: Attachment) -> None:
    """Put a drive that has just left a machine on the one where it is to go, if that is there."""
    if gone.next_machine is None:
        return
    try:
        following = await model.machine(tx.conn, gone.next_machine)
    except NotFound:
        return
    if following.desired is Desired.DELETED:
        return
    drive = await model.drive(tx.conn, gone.drive_id)
    if why_not_on(drive, following, read_only=gone.read_only) is not None:
        return  # a tag was set or taken away meanwhile
    row = {"drive_id": drive.id, "machine_id": following.id, "read_only": gone.read_only}
    row |= {"by": gone.by, "desired": Desired.ATTACHED, "state": State.NONE}
    await tx.conn.execute(attachments.insert().values(id=new_id("att"), **row))
    how = {"read_only": gone.read_only}
    await tell_of_attachment(tx, "attach_asked", drive, following, gone.by, **how)


async def want(tx: Transaction, drive: Drive, **wanted: Any) -> None:
    """Write down what is wanted of a drive that is held; what failed before is forgotten."""
    fresh = {"settled": False, "attempts": 0, "retry_at": None, "because": None}
    changed = drives.update().where(drives.c.id == drive.id)
    await tx.conn.execute(changed.values(**fresh, **wanted))


async def _permitted_now(
    tx: Transaction, person: Person, action: str, drive_id: str, can: Capabilities
) -> Drive:
    await store.lock(tx, drive_id)
    await permitted(tx.conn, person, action, drive_id, tx.at)
    drive = await model.drive(tx.conn, drive_id)
    attached = bool(await model.attachments_of(tx.conn, drive_id=drive_id))
    gates.demand(gates.drive_blocked(action, drive, can, attached=attached))
    return drive


async def _change(tx: Transaction, attachment: Attachment, **changes: Any) -> None:
    changed = attachments.update().where(attachments.c.id == attachment.id)
    await tx.conn.execute(changed.values(**changes))
