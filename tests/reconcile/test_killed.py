"""The service is killed in each named step, twice, and goes on where it was.

What is wanted is there in the end, exactly once, and nothing is left over.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

import pytest

from jupyterhub_vmshare.cloud.port import DriveWanted, MachineWanted, Power, Seed
from jupyterhub_vmshare.db.upgrade import upgrade
from jupyterhub_vmshare.machines import drives, life
from jupyterhub_vmshare.reconcile.steps import ORDERS
from tests.fakes.cloud_state import EVERYTHING
from tests.reconcile import killing
from tests.reconcile.choosing import choices
from tests.reconcile.site import DEBIAN, Site, sized

pytestmark = pytest.mark.asyncio(loop_scope="module")


@dataclass
class Asked:
    """What a test asked for, and what must have come of it."""

    kind: str
    row_id: str
    is_there: bool = True
    power: Power | None = None
    because: str | None = None
    made: bool = True


async def running(site: Site) -> str:
    machine = await site.machine()
    await site.settle()
    return machine


async def stopped(site: Site) -> str:
    machine = await running(site)
    await site.asked(life.stop, machine, EVERYTHING)
    await site.settle()
    return machine


async def create_machine(site: Site) -> Asked:
    return Asked("machines", await site.machine(), power=Power.RUNNING)


async def start(site: Site) -> Asked:
    machine = await stopped(site)
    await site.asked(life.start, machine, EVERYTHING)
    return Asked("machines", machine, power=Power.RUNNING)


async def stop(site: Site) -> Asked:
    machine = await running(site)
    await site.asked(life.stop, machine, EVERYTHING)
    return Asked("machines", machine, power=Power.STOPPED)


async def reboot(site: Site) -> Asked:
    machine = await running(site)
    await site.asked(life.reboot, machine, EVERYTHING, hard=False)
    return Asked("machines", machine, power=Power.RUNNING)


async def resize(site: Site) -> Asked:
    machine = await running(site)
    await site.asked(life.resize, machine, EVERYTHING, sized("large"))
    return Asked("machines", machine, power=Power.RUNNING)


async def rebuild(site: Site) -> Asked:
    machine = await running(site)
    await site.asked(life.rebuild, machine, EVERYTHING, DEBIAN)
    return Asked("machines", machine, power=Power.RUNNING)


async def delete_machine(site: Site) -> Asked:
    machine = await running(site)
    await site.asked(life.delete, machine)
    return Asked("machines", machine, is_there=False)


async def broken_machine(site: Site) -> Asked:
    for _ in range(2):
        site.cloud.fail_next("create_machine", "No host has room.")
    return await create_machine(site)


async def create_drive(site: Site) -> Asked:
    return Asked("drives", await site.drive())


async def broken_drive(site: Site) -> Asked:
    for _ in range(2):
        site.cloud.fail_next("create_drive", "No disk has room.")
    return await create_drive(site)


async def extend(site: Site) -> Asked:
    drive = await site.drive()
    await site.settle()
    await site.asked(drives.extend, drive, EVERYTHING, 9)
    return Asked("drives", drive)


async def delete_drive(site: Site) -> Asked:
    drive = await site.drive()
    await site.settle()
    await site.asked(drives.delete, drive)
    return Asked("drives", drive, is_there=False)


async def attach(site: Site) -> Asked:
    machine, drive = await site.machine(), await site.drive()
    await site.settle()
    return Asked("attachments", await site.attach(drive, machine))


async def detach(site: Site) -> Asked:
    asked = await attach(site)
    await site.settle()
    row = await site.row("attachments", asked.row_id)
    await site.asked(drives.detach, row.drive_id, row.machine_id, EVERYTHING)
    return Asked("attachments", asked.row_id, is_there=False)


async def create_snapshot(site: Site) -> Asked:
    return Asked("snapshots", await site.snapshot(await running(site)))


async def broken_snapshot(site: Site) -> Asked:
    machine = await running(site)
    for _ in range(2):
        site.cloud.fail_next("create_snapshot", "No.")
    return Asked("snapshots", await site.snapshot(machine))


async def delete_snapshot(site: Site) -> Asked:
    asked = await create_snapshot(site)
    await site.settle()
    await site.delete_snapshot(asked.row_id)
    return Asked("snapshots", asked.row_id, is_there=False)


SCRIPTS: dict[str, Callable[[Site], Awaitable[Asked]]] = {
    "machines.create": create_machine,
    "machines.read_keys": create_machine,
    "machines.settle": create_machine,
    "machines.start": start,
    "machines.stop": stop,
    "machines.reboot": reboot,
    "machines.resize": resize,
    "machines.rebuild": rebuild,
    "machines.delete": delete_machine,
    "machines.forget": delete_machine,
    "machines.discard": broken_machine,
    "drives.create": create_drive,
    "drives.settle": create_drive,
    "drives.extend": extend,
    "drives.delete": delete_drive,
    "drives.forget": delete_drive,
    "drives.discard": broken_drive,
    "attachments.attach": attach,
    "attachments.settle": attach,
    "attachments.detach": detach,
    "attachments.forget": detach,
    "snapshots.create": create_snapshot,
    "snapshots.settle": create_snapshot,
    "snapshots.delete": delete_snapshot,
    "snapshots.forget": delete_snapshot,
    "snapshots.discard": broken_snapshot,
}


async def test_no_step_that_may_be_chosen_is_forgotten() -> None:
    """Of all that the reconciler may want of a row, whatever there is in the cloud."""
    chosen = {f"{kind}.{step}" for kind, steps in choices().items() for step in steps}
    ordered = {name for name in chosen if name.rpartition(".")[2] in ORDERS}
    assert {name.rpartition(".")[0] for name in killing.STEPS} == chosen
    assert {name.rpartition(".")[0] for name in killing.ORDERS} == ordered
    dropped = {name for name in ordered if name.rpartition(".")[2] not in killing.NEVER_REFUSED}
    assert {name.rpartition(".")[0] for name in killing.REFUSED} == dropped


@pytest.mark.parametrize("step", (*killing.ORDERS, *killing.WRITTEN))
async def test_killed_in_each_step(site: Site, step: str) -> None:
    noun = step.rpartition(".")[0]
    asked = await SCRIPTS[noun](site)
    before = list(site.cloud.orders)
    assert await site.killed_at(step), "the step was not reached"
    await site.killed_at(step)
    await site.settle()
    await came_true(site, asked)
    orders = [verb for verb, _ in site.cloud.orders[len(before) :]]
    if "discard" not in noun:  # what comes out broken is made anew
        assert len([verb for verb in orders if verb.startswith("create_")]) <= 1


async def came_true(site: Site, asked: Asked) -> None:
    row = await site.row(asked.kind, asked.row_id)
    if not asked.is_there:
        assert row is None or row.cloud_id is None
    if asked.is_there or asked.because is not None:
        assert (row.because, row.settled, row.made) == (asked.because, True, asked.made)
    if asked.kind == "attachments":
        on = [a for seen in await site.cloud.machines() for a in seen.attachments]
        rows = (await site.rows())["attachments"].values()
        assert len(on) == len([one for one in rows if getattr(one, "state", "") == "attached"])
    if asked.power is not None:
        assert (await site.cloud.machine(row.cloud_id)).power is asked.power
    await site.check()


async def test_twins_are_noticed(site: Site) -> None:
    """An order that was given and never heard of again may have made a second one."""
    machine = await running(site)
    for kind, make in (("machines", site.machine), ("drives", site.drive)):
        thing = await make()
        await site.settle()
        row = await site.row(kind, thing)
        if kind == "machines":
            wanted = MachineWanted(thing, "small", Seed("x", thing, ()), image="debian")
            await site.cloud.create_machine(wanted)
        else:
            await site.cloud.create_drive(DriveWanted(thing, 5))
        await site.swept()
        assert (await site.row(kind, thing)).cloud_id == row.cloud_id
        await site.check()
    assert (await site.row("machines", machine)).settled


async def test_on_the_wrong_database_nothing_is_deleted(
    site: Site, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for _ in range(4):
        await running(site)
    before = await site.there()
    url = f"sqlite:///{tmp_path_factory.mktemp('wrong')}/vmshare.sqlite"
    await asyncio.to_thread(upgrade, url)
    wrong = Site(url)
    wrong.cloud = site.cloud
    async with wrong.living() as reconciler:
        for _ in range(3):
            await reconciler.sweep.look(frozenset())
    await wrong.close()
    assert await site.there() == before
