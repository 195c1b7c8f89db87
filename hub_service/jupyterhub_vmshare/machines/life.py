"""A machine's life as people want it: made, started, stopped, changed, deleted.

Every verb runs inside the caller's transaction, holds the machine's row while it decides and acts,
and records its event beside the change. What is wanted here, the reconciler brings about.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from jupyterhub_vmshare.cloud.port import Capabilities, Size
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import attachments, machines
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.machines import gates, model
from jupyterhub_vmshare.machines.model import Desired, Machine, State
from jupyterhub_vmshare.machines.names import checked, demand_free
from jupyterhub_vmshare.machines.places import project_held
from jupyterhub_vmshare.machines.quota import Amount, demand_room
from jupyterhub_vmshare.machines.telling import tell, where
from jupyterhub_vmshare.machines.things import end, insert_thing
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.projects.model import Project
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import demand, permitted
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.words import ThingKind


@dataclass(frozen=True, slots=True)
class Source:
    """What a system disk is made from: an image of the cloud's, or a snapshot of ours."""

    name: str
    image: str | None = None
    snapshot_id: str | None = None


async def create(
    tx: Transaction,
    person: Person,
    name: str,
    source: Source,
    size: Size,
    *,
    idle_minutes: int | None = None,
    within: Project | None = None,
) -> str:
    """Want a new machine, running; its id. ``within``: in a project, which is held."""
    demand(decide(person, "create_machine", None, tx.at))
    name = checked(name, "machine name")
    await demand_free(tx, ThingKind.MACHINE, person.name, name)
    await demand_room(tx, within, Amount.of_machine(size))
    machine_id = new_id("mch")
    await insert_thing(tx, machine_id, ThingKind.MACHINE, person.name, name, within)
    await tx.conn.execute(
        machines.insert().values(
            id=machine_id,
            desired=Desired.RUNNING,
            size=size.id,
            processors=size.processors,
            memory_mib=size.memory_mib,
            image=source.image,
            snapshot_id=source.snapshot_id,
            made_from=source.name,
            power=State.NONE,
            idle_minutes=idle_minutes,
        )
    )
    made = await model.machine(tx.conn, machine_id)
    told = {"size": size.id, "made_from": source.name, **where(within)}
    await tell(tx, "created", made, person.name, **told)
    reached("machines.created")
    return machine_id


async def start(tx: Transaction, person: Person, machine_id: str, can: Capabilities) -> None:
    """Want it running; where something failed, try again."""
    machine = await permitted_now(tx, person, "start", machine_id, can)
    is_on_its_way = not machine.settled or machine.power is State.RUNNING
    if machine.desired is Desired.RUNNING and machine.because is None and is_on_its_way:
        return
    await want(tx, machine, desired=Desired.RUNNING)
    await tell(tx, "asked", machine, person.name, what="start")


async def stop(tx: Transaction, person: Person, machine_id: str, can: Capabilities) -> None:
    """Want it stopped."""
    machine = await permitted_now(tx, person, "stop", machine_id, can)
    if machine.desired is Desired.STOPPED and machine.because is None:
        return
    await want(tx, machine, desired=Desired.STOPPED)
    await tell(tx, "asked", machine, person.name, what="stop")


async def reboot(
    tx: Transaction, person: Person, machine_id: str, can: Capabilities, *, hard: bool
) -> None:
    """Want it rebooted; ``hard`` asks nobody on it, and does not wait for one that is stopping."""
    machine = await permitted_now(tx, person, "reboot", machine_id, can)
    hard = hard and can.reboot_hard
    if not hard:
        gates.demand(gates.soft_reboot_blocked(machine))
    wanted = {"desired": Desired.RUNNING, "reboot_hard": hard}
    await want(tx, machine, reboots=machine.reboots + 1, **wanted)
    await tell(tx, "asked", machine, person.name, what="reboot")


async def resize(
    tx: Transaction,
    person: Person,
    machine_id: str,
    can: Capabilities,
    size: Size,
) -> None:
    """Want it in another size."""
    within = await project_held(tx, machine_id)
    machine = await permitted_now(tx, person, "resize", machine_id, can)
    if machine.size == size.id and machine.because is None:
        return
    cores, memory = machine.processors or 0, machine.memory_mib or 0
    more = Amount(cores=max(0, size.processors - cores), ram_mib=max(0, size.memory_mib - memory))
    await demand_room(tx, within, more)
    is_of = {"processors": size.processors, "memory_mib": size.memory_mib}
    await want(tx, machine, size=size.id, **is_of)
    await tell(tx, "asked", machine, person.name, what="resize", size=size.id)


async def rebuild(
    tx: Transaction, person: Person, machine_id: str, can: Capabilities, source: Source
) -> None:
    """Want a fresh system disk; drives, grants, name and address stay."""
    machine = await permitted_now(tx, person, "rebuild", machine_id, can)
    wanted: dict[str, Any] = {
        "image": source.image,
        "snapshot_id": source.snapshot_id,
        "made_from": source.name,
        "desired": Desired.RUNNING,
    }
    if machine.power is State.MISSING or not machine.made:
        # There is no disk to replace: it is made from this, as a new one is.
        wanted |= {"cloud_id": None, "made": False, "power": State.NONE}
    else:
        wanted["rebuilds"] = machine.rebuilds + 1
    await want(tx, machine, **wanted)
    await tell(tx, "asked", machine, person.name, what="rebuild", made_from=source.name)


async def delete(tx: Transaction, person: Person, machine_id: str) -> None:
    """No way back for its system disk; drives stay, detached. Every grant on it ends."""
    held = await store.lock(tx, machine_id)
    await permitted(tx.conn, person, "delete", machine_id, tx.at)
    machine = await model.machine(tx.conn, machine_id)
    audience = await end(tx, held, person)
    await want(tx, machine, desired=Desired.DELETED)
    off = attachments.update().where(attachments.c.machine_id == machine_id)
    await tx.conn.execute(off.values(desired=Desired.DETACHED, settled=False, attempts=0))
    await tell(tx, "deleted", machine, person.name, also=audience)
    reached("machines.deleted")


async def permitted_now(
    tx: Transaction, person: Person, action: str, machine_id: str, can: Capabilities
) -> Machine:
    """The machine, held, where the person may do this and its state lets it be done."""
    await store.lock(tx, machine_id)
    await permitted(tx.conn, person, action, machine_id, tx.at)
    machine = await model.machine(tx.conn, machine_id)
    gates.demand(gates.machine_blocked(action, machine, can))
    return machine


async def want(tx: Transaction, machine: Machine, **wanted: Any) -> None:
    """Write down what is wanted of a machine that is held; what failed before is forgotten."""
    fresh = {"settled": False, "doing": None, "attempts": 0, "retry_at": None, "because": None}
    changed = machines.update().where(machines.c.id == machine.id)
    await tx.conn.execute(changed.values(**fresh, **wanted))
    # What waited for the machine in vain may come of it now.
    waiting = attachments.update().where(
        attachments.c.machine_id == machine.id,
        attachments.c.because.is_not(None),
        attachments.c.desired == Desired.ATTACHED,
    )
    await tx.conn.execute(waiting.values(settled=False, because=None, attempts=0))


def is_failed(machine: Machine) -> bool:
    """Nothing goes on, and it is not what was wanted."""
    return machine.settled and machine.because is not None


def shown_state(machine: Machine) -> str:
    """What to call where it is, for people."""
    if machine.desired is Desired.DELETED:
        return "deleting"
    if machine.settled:
        return "failed" if machine.power is State.NONE else machine.power.value
    return _under_way(machine)


def _under_way(machine: Machine) -> str:
    if not machine.made:
        return "making"
    if machine.rebuilds != machine.rebuilds_done:
        return "rebuilding"
    if machine.reboots != machine.reboots_done:
        return "rebooting"
    if machine.size_seen not in (None, machine.size):
        return "resizing"
    if machine.desired is Desired.STOPPED:
        return "stopped" if machine.power is State.STOPPED else "stopping"
    return "running" if machine.power is State.RUNNING else "starting"
