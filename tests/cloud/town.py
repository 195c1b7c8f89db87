"""What is played on a keeper that kills itself: its machines, drives and snapshots, and orders.

Beside what is ordered, a machine runs that nobody touches: it must never blink.
"""

from __future__ import annotations

import os
import signal
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from pathlib import Path

from jupyterhub_vmshare.cloud.port import DriveWanted, Power
from jupyterhub_vmshare.ids import new_id
from tests.cloud.bench import Bench
from tests.fixtures.sandboxes import KeeperProcess


@dataclass
class Town:
    """A keeper that kills itself, a machine that nobody touches, and one that is worked on."""

    keeper: KeeperProcess
    bench: Bench
    beside: str
    beside_pid: int
    virtual: bool = False
    """Its machines are there at once and take minutes until anything goes on in them."""
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

    def uses(self) -> int:
        """How often the drive is there, on its machine."""
        pid = self.keeper.pid(self.machine)
        if self.virtual:
            file = self.keeper.state.resolve() / "drives" / self.drive / "drive.ext4"
            return sum(os.readlink(each) == str(file) for each in Path(f"/proc/{pid}/fd").iterdir())
        mounts = Path(f"/proc/{pid}/mountinfo").read_text().splitlines()
        return sum("/srv/drives/" in line for line in mounts)


Act = Callable[[Town], Awaitable[object]]
MARK = new_id("mch")
DRIVE_MARK = new_id("drv")
SNAPSHOT_MARK = new_id("snp")


async def nothing(town: Town) -> None:
    return None


async def a_machine(town: Town) -> None:
    town.machine = (await town.bench.machine()).id


async def one_that_hangs(town: Town) -> None:
    """It runs, and does nothing that it is asked."""
    await a_machine(town)
    os.kill(town.keeper.pid(town.machine), signal.SIGSTOP)


async def one_that_does_not_end(town: Town) -> None:
    """It was asked to stop, and hangs."""
    await one_that_hangs(town)
    await town.bench.order(lambda: town.bench.cloud.stop_machine(town.machine))


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
    assert town.virtual or await town.bench.keys(town.machine)
    await town.is_whole(running=2)


async def it_is_stopped(town: Town) -> None:
    assert (await town.bench.settled(town.machine)).power is Power.STOPPED
    await town.is_whole(running=1)


async def it_is_stopped_hard(town: Town) -> None:
    """That it was not in order is said, whoever of the keepers saw it."""
    await it_is_stopped(town)
    notice = (await town.bench.cloud.machine(town.machine)).notice
    assert notice is not None
    assert "did not shut down" in notice


async def it_has_another_size(town: Town) -> None:
    found = await town.bench.settled(town.machine)
    assert (found.power, found.size) == (Power.STOPPED, town.bench.larger)
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
    assert town.uses() == 1
    await town.is_whole(running=2)


async def it_is_off(town: Town) -> None:
    assert (await town.bench.settled(town.machine)).attachments == ()
    assert (await town.bench.ready_drive(town.drive)).attached_to == ()
    assert town.uses() == 0
    assert not [file for file in town.keeper.loops() if "/drives/" in file]
    await town.is_whole(running=2)


async def snap(town: Town) -> None:
    town.snapshot = await town.bench.cloud.create_snapshot(town.machine, SNAPSHOT_MARK)


async def a_snapshot_of_one_that_is_off(town: Town) -> None:
    await a_stopped_machine(town)
    town.snapshot = (await town.bench.snapshot(town.machine)).id


async def one_snapshot(town: Town) -> None:
    power = (await town.bench.settled(town.machine)).power
    seen = await town.bench.cloud.snapshots()
    assert [(each.mark, each.because) for each in seen] == [(SNAPSHOT_MARK, None)]
    await town.is_whole(running=2 if power is Power.RUNNING else 1)


async def no_snapshot(town: Town) -> None:
    await town.bench.gone(lambda: town.bench.cloud.snapshot(town.snapshot))
    power = (await town.bench.settled(town.machine)).power
    await town.is_whole(running=2 if power is Power.RUNNING else 1)


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
    "stop one that hangs": Order(
        one_that_hangs,
        lambda t: t.bench.cloud.stop_machine(t.machine),
        it_is_stopped_hard,
        ("stop.asked", "stop.hard", "stop.ended"),
    ),
    "reboot": Order(
        a_machine,
        lambda t: t.bench.cloud.reboot_machine(t.machine, hard=False),
        one_machine_runs,
        ("reboot.recorded", "stop.ended", "reboot.ended", *STARTED),
    ),
    "reboot hard one that is stopping": Order(
        one_that_does_not_end,
        lambda t: t.bench.cloud.reboot_machine(t.machine, hard=True),
        one_machine_runs,
        ("reboot.instead", "reboot.ended"),
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
VIRTUAL_ORDERS = {
    name: replace(
        order,
        steps=tuple(
            step
            for each in order.steps
            for step in (each, *(("start.going",) if each == STARTED[-1] else ()))
        ),
    )
    for name, order in ORDERS.items()
} | {
    "resize": Order(
        a_stopped_machine,
        lambda t: t.bench.cloud.resize_machine(t.machine, t.bench.larger),
        it_has_another_size,
        ("resize.recorded", "resize.grown"),
    ),
    "snapshot": replace(ORDERS["snapshot"], steps=("snapshot.still",)),
    "snapshot of one that is off": replace(
        ORDERS["snapshot"], before=a_stopped_machine, steps=("snapshot.recorded", "snapshot.copied")
    ),
    "delete a snapshot": replace(ORDERS["delete a snapshot"], before=a_snapshot_of_one_that_is_off),
}
"""They start in one step more, and get another size only while they are stopped.

One that does not listen yet is held still in vain, for a while: not in more tests than it must.
"""
