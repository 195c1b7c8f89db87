"""The keeper is killed in every named step, and started again: nothing is half, and nothing twice.

Beside what is ordered, a machine runs that nobody touches: it must never blink.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

import pytest
import pytest_asyncio

from jupyterhub_vmshare.cloud import keeper
from jupyterhub_vmshare.cloud.keeper.drives import Drives
from jupyterhub_vmshare.cloud.keeper.machines import Machines
from jupyterhub_vmshare.cloud.port import CloudMissing, CloudUnreachable, DriveWanted, Power
from jupyterhub_vmshare.cloud.sandbox import keeper as sandboxes
from jupyterhub_vmshare.ids import new_id
from tests.cloud.bench import Bench
from tests.fixtures.sandboxes import IMAGE, KeeperProcess, missing_for_sandboxes

pytestmark = [pytest.mark.asyncio, pytest.mark.machines]


@dataclass
class Town:
    """A keeper that kills itself, a machine that nobody touches, and one that is worked on."""

    keeper: KeeperProcess
    bench: Bench
    beside: str
    beside_pid: int
    machine: str = ""
    drive: str = ""
    snapshot: str = ""

    async def is_whole(self, *, running: int) -> None:
        """What lies on the host is what the keeper knows, and as many machines run as should."""
        keeper = self.keeper
        assert keeper.pid(self.beside) == self.beside_pid
        cloud = self.bench.cloud
        for kind, seen in (
            ("machines", await cloud.machines()),
            ("drives", await cloud.drives()),
            ("snapshots", await cloud.snapshots()),
        ):
            names = {each.id for each in seen}
            assert {path.name for path in (keeper.state / kind).iterdir()} == names
            assert [r["doing"] for r in keeper.records(kind).values() if r["doing"]] == []
        assert list((keeper.state / "removed").iterdir()) == []
        assert len(keeper.machine_pids()) == running
        assert len(set(keeper.shims())) == running
        loops = keeper.loops()
        assert sorted(set(loops)) == sorted(loops), "a file is twice in use"


@pytest_asyncio.fixture
async def town(tmp_path: Path) -> AsyncIterator[Town]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    keeper = KeeperProcess(tmp_path)
    try:
        keeper.start(victim=True)
        bench = Bench(keeper.cloud(), IMAGE, "small", "large", patience=60)
        beside = (await bench.machine()).id
        yield Town(keeper, bench, beside, keeper.pid(beside))
    finally:
        keeper.stop()


Act = Callable[[Town], Awaitable[object]]
MARK = new_id("mch")
DRIVE_MARK = new_id("drv")
SNAPSHOT_MARK = new_id("snp")


async def nothing(town: Town) -> None:
    return None


async def a_machine(town: Town) -> None:
    town.machine = (await town.bench.machine()).id


async def a_stopped_machine(town: Town) -> None:
    town.machine = (await town.bench.machine(power=Power.STOPPED)).id


async def a_drive(town: Town) -> None:
    town.drive = (await town.bench.drive()).id


async def both(town: Town) -> None:
    await a_machine(town)
    await a_drive(town)


async def together(town: Town) -> None:
    await both(town)
    await town.bench.attached(town.drive, town.machine)


async def a_snapshot(town: Town) -> None:
    await a_machine(town)
    town.snapshot = (await town.bench.snapshot(town.machine)).id


async def create(town: Town) -> None:
    town.machine = await town.bench.cloud.create_machine(town.bench.wanted(MARK))


async def one_machine_runs(town: Town) -> None:
    found = await town.bench.settled(town.machine)
    assert (found.power, found.because) == (Power.RUNNING, None)
    assert await town.bench.keys(town.machine)
    await town.is_whole(running=2)


async def it_is_stopped(town: Town) -> None:
    assert (await town.bench.settled(town.machine)).power is Power.STOPPED
    await town.is_whole(running=1)


async def it_is_gone(town: Town) -> None:
    await town.bench.gone(lambda: town.bench.cloud.machine(town.machine))
    assert (await town.bench.ready_drive(town.drive)).attached_to == ()
    await town.is_whole(running=1)


async def create_drive(town: Town) -> None:
    town.drive = await town.bench.cloud.create_drive(DriveWanted(DRIVE_MARK, 1))


async def one_drive(town: Town) -> None:
    await town.bench.ready_drive(town.drive)
    assert [drive.mark for drive in await town.bench.cloud.drives()] == [DRIVE_MARK]
    await town.is_whole(running=1)


async def it_is_larger(town: Town) -> None:
    assert (await town.bench.ready_drive(town.drive)).size_gib == 2
    await town.is_whole(running=2)


async def the_drive_is_gone(town: Town) -> None:
    await town.bench.gone(lambda: town.bench.cloud.drive(town.drive))
    await town.is_whole(running=1)


async def it_is_there(town: Town) -> None:
    found = await town.bench.settled(town.machine)
    assert [at.drive for at in found.attachments] == [town.drive]
    mounts = Path(f"/proc/{town.keeper.pid(town.machine)}/mountinfo").read_text()
    assert sum("/srv/drives/" in line for line in mounts.splitlines()) == 1
    await town.is_whole(running=2)


async def it_is_off(town: Town) -> None:
    assert (await town.bench.settled(town.machine)).attachments == ()
    assert (await town.bench.ready_drive(town.drive)).attached_to == ()
    assert not [file for file in town.keeper.loops() if "/drives/" in file]
    await town.is_whole(running=2)


async def snap(town: Town) -> None:
    town.snapshot = await town.bench.cloud.create_snapshot(town.machine, SNAPSHOT_MARK)


async def one_snapshot(town: Town) -> None:
    await town.bench.settled(town.machine)
    seen = await town.bench.cloud.snapshots()
    assert [(each.mark, each.because) for each in seen] == [(SNAPSHOT_MARK, None)]
    await town.is_whole(running=2)


async def no_snapshot(town: Town) -> None:
    await town.bench.gone(lambda: town.bench.cloud.snapshot(town.snapshot))
    await town.is_whole(running=2)


@dataclass(frozen=True)
class Order:
    """What there is before, the order, what must hold in the end, and where the keeper dies."""

    before: Act
    give: Act
    holds: Act
    steps: tuple[str, ...]


STARTED = ("start.checked", "start.told", "start.running")
ORDERS = {
    "create": Order(
        nothing, create, one_machine_runs, ("create.recorded", "create.disk", *STARTED)
    ),
    "start": Order(
        a_stopped_machine,
        lambda t: t.bench.cloud.start_machine(t.machine),
        one_machine_runs,
        ("start.recorded", *STARTED),
    ),
    "stop": Order(
        a_machine,
        lambda t: t.bench.cloud.stop_machine(t.machine),
        it_is_stopped,
        ("stop.recorded", "stop.asked", "stop.ended"),
    ),
    "reboot": Order(
        a_machine,
        lambda t: t.bench.cloud.reboot_machine(t.machine, hard=False),
        one_machine_runs,
        ("reboot.recorded", "stop.ended", "reboot.ended", *STARTED),
    ),
    "rebuild": Order(
        a_machine,
        lambda t: t.bench.cloud.rebuild_machine(t.machine, t.bench.wanted(MARK)),
        one_machine_runs,
        ("rebuild.recorded", "stop.ended", "reboot.ended", "rebuild.emptied", *STARTED),
    ),
    "resize": Order(
        a_machine,
        lambda t: t.bench.cloud.resize_machine(t.machine, t.bench.larger),
        one_machine_runs,
        ("resize.recorded", "resize.grown"),
    ),
    "delete": Order(
        together,
        lambda t: t.bench.cloud.delete_machine(t.machine),
        it_is_gone,
        ("delete.recorded", "stop.ended", "delete.detached", "delete.removed"),
    ),
    "create a drive": Order(nothing, create_drive, one_drive, ("drive.recorded", "drive.made")),
    "extend a drive": Order(
        together,
        lambda t: t.bench.cloud.extend_drive(t.drive, 2),
        it_is_larger,
        ("drive.extend", "extend.grown"),
    ),
    "delete a drive": Order(
        a_drive,
        lambda t: t.bench.cloud.delete_drive(t.drive),
        the_drive_is_gone,
        ("drive.delete", "drive.removed"),
    ),
    "attach": Order(
        both,
        lambda t: t.bench.cloud.attach_drive(t.drive, t.machine, read_only=False),
        it_is_there,
        ("attach.recorded", "attach.checked", "attach.mounted"),
    ),
    "detach": Order(
        together,
        lambda t: t.bench.cloud.detach_drive(t.drive, t.machine),
        it_is_off,
        ("detach.recorded", "detach.unmounted"),
    ),
    "snapshot": Order(
        a_machine,
        snap,
        one_snapshot,
        ("snapshot.recorded", "snapshot.still", "snapshot.copied"),
    ),
    "delete a snapshot": Order(
        a_snapshot,
        lambda t: t.bench.cloud.delete_snapshot(t.snapshot),
        no_snapshot,
        ("snapshot.deleting",),
    ),
}
CASES = [
    pytest.param(order, f"keeper.{step}", id=f"{name}, at {step}")
    for name, order in ORDERS.items()
    for step in order.steps
]


async def test_no_step_of_the_keeper_is_forgotten() -> None:
    """What it names in its own code, and the beginning of each order that it carries out."""
    rooms = (Path(keeper.__file__).parent, Path(sandboxes.__file__).parent)
    code = "".join(path.read_text() for room in rooms for path in room.glob("*.py"))
    named = set(re.findall(r'reached\(f?"keeper\.([^"]+)"\)', code))
    assert len(named) > 20
    tried = {step for order in ORDERS.values() for step in order.steps}
    shapes = {re.escape(name).replace(r"\{what\}", r"\w+") for name in named}
    assert [shape for shape in shapes if not any(re.fullmatch(shape, one) for one in tried)] == []
    for what in (name.removeprefix("_do_") for name in vars(Machines) if name.startswith("_do_")):
        assert f"{what}.recorded" in tried
    begun = {"create": "drive.recorded", "extend": "drive.extend", "delete": "drive.delete"}
    for what in (name.removeprefix("_do_") for name in vars(Drives) if name.startswith("_do_")):
        assert begun.get(what, f"{what}.recorded") in tried


@pytest.mark.parametrize(("order", "step"), CASES)
async def test_what_was_ordered_holds_in_the_end(town: Town, order: Order, step: str) -> None:
    await order.before(town)
    town.keeper.armed.write_text(step)
    accepted = False
    with suppress(CloudUnreachable):
        await order.give(town)
        accepted = True
    town.keeper.wait_for_death()
    town.keeper.start()
    if not accepted:  # whether it was heard is not known, and to order it again does no harm
        with suppress(CloudMissing):
            await town.bench.order(lambda: order.give(town))
    await order.holds(town)


async def test_a_keeper_that_dies_blinks_no_machine(town: Town) -> None:
    town.keeper.kill()
    assert town.keeper.machine_pids() == [town.beside_pid]
    town.keeper.start()
    assert (await town.bench.cloud.machine(town.beside)).power is Power.RUNNING
    await town.is_whole(running=1)


async def test_after_a_reboot_of_the_host_machines_are_found_stopped(town: Town) -> None:
    town.keeper.kill()
    record = town.keeper.state / "machines" / town.beside / "process.json"
    told = record.read_text()
    boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    record.write_text(told.replace(boot, "another-boot"))
    town.keeper.start()
    assert (await town.bench.cloud.machine(town.beside)).power is Power.STOPPED
    record.write_text(told)
