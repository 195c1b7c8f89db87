"""What every cloud does alike: the contract of the port, held to each adapter.

What an adapter declares that it can't do is skipped here, as it is never offered to anybody.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable
from functools import partial

import pytest

from jupyterhub_vmshare.cloud.port import (
    CloudMissing,
    CloudRefused,
    DriveWanted,
    MachineWanted,
    Power,
    SeenAttachment,
    Settled,
)
from jupyterhub_vmshare.ids import new_id
from tests.cloud.bench import Bench

pytestmark = pytest.mark.asyncio


def needs(bench: Bench, *capabilities: str) -> None:
    for name in capabilities:
        if not getattr(bench.cloud.capabilities, name):
            pytest.skip(f"{bench.cloud.name} does not declare {name}.")


def drives_of(attachments: Iterable[SeenAttachment]) -> dict[str, bool]:
    return {at.drive: at.read_only for at in attachments}


async def test_images_and_sizes_are_listed(bench: Bench) -> None:
    assert bench.image in {image.id for image in await bench.cloud.images()}
    sizes = await bench.cloud.sizes()
    assert {bench.size, bench.larger} <= {size.id for size in sizes}
    assert list(sizes) == sorted(sizes, key=lambda size: (size.processors, size.memory_mib))


async def test_a_machine_carries_its_mark_and_runs(bench: Bench) -> None:
    wanted = bench.wanted(new_id("mch"))
    name = await bench.cloud.create_machine(wanted)
    seen = await bench.settled(name)
    assert (seen.id, seen.mark, seen.power, seen.size) == (
        name,
        wanted.mark,
        Power.RUNNING,
        bench.size,
    )
    assert seen.address is not None
    assert seen.attachments == ()
    assert [each.mark for each in await bench.cloud.machines()] == [wanted.mark]


@pytest.mark.parametrize(
    "wrong",
    [
        pytest.param({"image": "no-such-image"}, id="an image that is not there"),
        pytest.param({"image": "../etc"}, id="an image that is a path"),
        pytest.param({"image": "$(id)"}, id="an image that is shell text"),
        pytest.param({"image": None, "snapshot": "nothing"}, id="a snapshot that is not there"),
        pytest.param({"image": None}, id="nothing to start from"),
        pytest.param({"size": "no-such-size"}, id="a size that is not there"),
    ],
)
async def test_what_can_not_be_made_is_refused(bench: Bench, wrong: dict[str, str | None]) -> None:
    good = bench.wanted(new_id("mch"))
    told = {"image": good.image, "snapshot": None, "size": good.size, **wrong}
    with pytest.raises(CloudRefused):
        await bench.cloud.create_machine(
            MachineWanted(good.mark, told["size"] or "", good.seed, told["image"], told["snapshot"])
        )
    assert await bench.cloud.machines() == []


async def test_an_order_that_holds_already_is_accepted(bench: Bench) -> None:
    machine = (await bench.machine()).id
    await bench.cloud.start_machine(machine)
    assert (await bench.settled(machine)).power is Power.RUNNING
    await bench.order(lambda: bench.cloud.stop_machine(machine))
    await bench.settled(machine)
    await bench.order(lambda: bench.cloud.stop_machine(machine))
    assert (await bench.settled(machine)).power is Power.STOPPED


async def test_host_keys_are_a_machines_own_and_outlive_stops_and_reboots(bench: Bench) -> None:
    """In one test: for some adapters a first start takes a minute."""
    machine, other = (await bench.machine()).id, (await bench.machine()).id
    keys = await bench.keys(machine)
    assert all(key.split()[0].startswith(("ssh-", "ecdsa-")) for key in keys)
    assert set(keys).isdisjoint(await bench.keys(other))
    await bench.order(lambda: bench.cloud.stop_machine(machine))
    assert (await bench.settled(machine)).power is Power.STOPPED
    await bench.order(lambda: bench.cloud.start_machine(machine))
    assert (await bench.settled(machine)).power is Power.RUNNING
    assert await bench.keys(machine) == keys
    for hard in (False, True) if bench.cloud.capabilities.reboot_hard else (False,):
        await bench.order(partial(bench.cloud.reboot_machine, machine, hard=hard))
        assert (await bench.settled(machine)).power is Power.RUNNING
        assert await bench.keys(machine) == keys


async def test_a_hard_reboot_waits_for_no_stop(bench: Bench) -> None:
    needs(bench, "reboot_hard")
    machine = (await bench.machine()).id
    for stops in (
        bench.cloud.stop_machine,
        partial(bench.cloud.reboot_machine, hard=False),
    ):
        await bench.order(partial(stops, machine))
        await bench.cloud.reboot_machine(machine, hard=True)
        await bench.cloud.reboot_machine(machine, hard=True)  # that is what goes on
        seen = await bench.settled(machine)
        assert (seen.power, seen.notice) == (Power.RUNNING, None)


async def test_a_stopped_machine_is_not_rebooted_softly(bench: Bench) -> None:
    machine = (await bench.machine(power=Power.STOPPED)).id
    with pytest.raises(CloudRefused):
        await bench.order(lambda: bench.cloud.reboot_machine(machine, hard=False))


async def test_a_machine_gets_another_size(bench: Bench) -> None:
    needs(bench, "resize")
    running = bench.cloud.capabilities.resize_running
    power = Power.RUNNING if running else Power.STOPPED
    machine = (await bench.machine(power=power)).id
    await bench.order(lambda: bench.cloud.resize_machine(machine, bench.larger))
    seen = await bench.settled(machine)
    assert (seen.size, seen.power) == (bench.larger, power)
    with pytest.raises(CloudRefused):  # a disk does not shrink
        await bench.order(lambda: bench.cloud.resize_machine(machine, bench.size))
    with pytest.raises(CloudRefused):
        await bench.order(lambda: bench.cloud.resize_machine(machine, "no-such-size"))


async def test_a_rebuilt_machine_keeps_its_mark_and_drives_but_not_its_keys(bench: Bench) -> None:
    needs(bench, "rebuild")
    machine = await bench.machine()
    drive = (await bench.drive()).id
    keys = await bench.keys(machine.id)
    await bench.attached(drive, machine.id)
    again = bench.wanted(machine.mark)
    await bench.order(lambda: bench.cloud.rebuild_machine(machine.id, again))
    seen = await bench.settled(machine.id)
    assert (seen.mark, seen.power) == (machine.mark, Power.RUNNING)
    assert drives_of(seen.attachments) == {drive: False}
    assert set(await bench.keys(machine.id)).isdisjoint(keys)


async def test_deleting_a_machine_leaves_its_drives(bench: Bench) -> None:
    machine, drive = (await bench.machine()).id, (await bench.drive()).id
    await bench.attached(drive, machine)
    await bench.order(lambda: bench.cloud.delete_machine(machine))
    await bench.gone(lambda: bench.cloud.machine(machine))
    assert await bench.cloud.machines() == []
    seen = await bench.ready_drive(drive)
    assert (seen.settled, seen.attached_to) == (Settled.READY, ())


async def test_the_console_log_has_an_end(bench: Bench) -> None:
    needs(bench, "console_log")
    machine = (await bench.machine()).id

    async def look() -> str | None:
        told = await bench.cloud.console_log(machine, most_bytes=1000)
        return told if len(told) > 3 else None

    assert len(await bench.until(look)) <= 1000
    assert len(await bench.cloud.console_log(machine, most_bytes=3)) == 3


ORDERS: dict[str, Callable[[Bench, str], Awaitable[object]]] = {
    "machine": lambda b, x: b.cloud.machine(x),
    "start_machine": lambda b, x: b.cloud.start_machine(x),
    "stop_machine": lambda b, x: b.cloud.stop_machine(x),
    "reboot_machine": lambda b, x: b.cloud.reboot_machine(x, hard=True),
    "resize_machine": lambda b, x: b.cloud.resize_machine(x, b.larger),
    "rebuild_machine": lambda b, x: b.cloud.rebuild_machine(x, b.wanted(new_id("mch"))),
    "delete_machine": lambda b, x: b.cloud.delete_machine(x),
    "console_log": lambda b, x: b.cloud.console_log(x, most_bytes=10),
    "host_keys": lambda b, x: b.cloud.host_keys(x),
    "drive": lambda b, x: b.cloud.drive(x),
    "extend_drive": lambda b, x: b.cloud.extend_drive(x, 2),
    "delete_drive": lambda b, x: b.cloud.delete_drive(x),
    "clone": lambda b, x: b.cloud.create_drive(DriveWanted(new_id("drv"), 1, x)),
    "attach_drive": lambda b, x: b.cloud.attach_drive(x, x, read_only=False),
    "detach_drive": lambda b, x: b.cloud.detach_drive(x, x),
    "snapshot": lambda b, x: b.cloud.snapshot(x),
    "create_snapshot": lambda b, x: b.cloud.create_snapshot(x, new_id("snp")),
    "delete_snapshot": lambda b, x: b.cloud.delete_snapshot(x),
}


@pytest.mark.parametrize("verb", ORDERS)
async def test_what_is_not_there_is_missing(bench: Bench, verb: str) -> None:
    for name in ("nothing", "../../etc/passwd", "; true", "", "x" * 4000):
        with pytest.raises(CloudMissing):
            await ORDERS[verb](bench, name)


async def test_a_drive_is_made_extended_and_deleted(bench: Bench) -> None:
    drive = await bench.drive(size_gib=1)
    assert (drive.settled, drive.size_gib, drive.attached_to) == (Settled.READY, 1, ())
    assert [each.mark for each in await bench.cloud.drives()] == [drive.mark]
    if bench.cloud.capabilities.extend_drive:
        await bench.order(lambda: bench.cloud.extend_drive(drive.id, 2))
        assert (await bench.ready_drive(drive.id)).size_gib == 2
        with pytest.raises(CloudRefused):
            await bench.order(lambda: bench.cloud.extend_drive(drive.id, 1))
    await bench.order(lambda: bench.cloud.delete_drive(drive.id))
    await bench.gone(lambda: bench.cloud.drive(drive.id))
    assert await bench.cloud.drives() == []


async def test_a_drive_comes_and_goes_while_the_machine_runs(bench: Bench) -> None:
    needs(bench, "attach_running")
    machine, drive = (await bench.machine()).id, (await bench.drive()).id
    seen = await bench.attached(drive, machine)
    assert drives_of(seen.attachments) == {drive: False}
    assert (await bench.ready_drive(drive)).attached_to == (machine,)
    await bench.order(lambda: bench.cloud.attach_drive(drive, machine, read_only=False))
    with pytest.raises(CloudRefused):  # it is in use
        await bench.order(lambda: bench.cloud.delete_drive(drive))
    await bench.order(lambda: bench.cloud.detach_drive(drive, machine))
    assert (await bench.settled(machine)).attachments == ()
    assert (await bench.ready_drive(drive)).attached_to == ()
    await bench.order(lambda: bench.cloud.detach_drive(drive, machine))


async def test_a_drive_of_a_stopped_machine_is_there_when_it_starts(bench: Bench) -> None:
    machine, drive = (await bench.machine(power=Power.STOPPED)).id, (await bench.drive()).id
    await bench.attached(drive, machine)
    await bench.order(lambda: bench.cloud.start_machine(machine))
    seen = await bench.settled(machine)
    assert (seen.power, drives_of(seen.attachments)) == (Power.RUNNING, {drive: False})


async def test_one_writer_or_several_readers(bench: Bench) -> None:
    one, other = (await bench.machine()).id, (await bench.machine()).id
    written, read = (await bench.drive()).id, (await bench.drive()).id
    await bench.attached(written, one)
    for read_only in (False, True):
        with pytest.raises(CloudRefused):
            await bench.order(
                partial(bench.cloud.attach_drive, written, other, read_only=read_only)
            )
    needs(bench, "attach_read_only", "attach_to_many")
    await bench.attached(read, one, read_only=True)
    seen = await bench.attached(read, other, read_only=True)
    assert drives_of(seen.attachments) == {read: True}
    assert set((await bench.ready_drive(read)).attached_to) == {one, other}
    third = (await bench.machine(power=Power.STOPPED)).id
    with pytest.raises(CloudRefused):
        await bench.order(lambda: bench.cloud.attach_drive(read, third, read_only=False))


async def test_a_drive_grows_while_it_is_attached(bench: Bench) -> None:
    needs(bench, "extend_attached")
    machine, drive = (await bench.machine()).id, (await bench.drive()).id
    await bench.attached(drive, machine)
    await bench.order(lambda: bench.cloud.extend_drive(drive, 2))
    seen = await bench.ready_drive(drive)
    assert (seen.size_gib, seen.attached_to) == (2, (machine,))


async def test_a_clone_is_a_drive_of_its_own(bench: Bench) -> None:
    needs(bench, "clone_drive")
    drive = await bench.drive(size_gib=1)
    clone = await bench.drive(size_gib=2, clone_of=drive.id)
    assert (clone.settled, clone.size_gib) == (Settled.READY, 2)
    assert {clone.id, drive.id} == {each.id for each in await bench.cloud.drives()}
    with pytest.raises(CloudRefused):
        await bench.order(
            lambda: bench.cloud.create_drive(DriveWanted(new_id("drv"), 1, clone_of=clone.id))
        )


async def test_machines_start_from_a_snapshot_and_outlive_it(bench: Bench) -> None:
    needs(bench, "snapshot")
    running = bench.cloud.capabilities.snapshot_running
    machine = await bench.machine(power=Power.RUNNING if running else Power.STOPPED)
    snapshot = await bench.snapshot(machine.id)
    assert snapshot.settled is Settled.READY
    assert [each.mark for each in await bench.cloud.snapshots()] == [snapshot.mark]
    assert (await bench.settled(machine.id)).power is machine.power
    copy = await bench.machine(snapshot=snapshot.id)
    assert set(await bench.keys(copy.id)).isdisjoint(await bench.keys(machine.id))
    await bench.order(lambda: bench.cloud.delete_snapshot(snapshot.id))
    await bench.gone(lambda: bench.cloud.snapshot(snapshot.id))
    await bench.order(lambda: bench.cloud.reboot_machine(copy.id, hard=True))
    assert (await bench.settled(copy.id)).power is Power.RUNNING


async def test_a_snapshot_of_a_large_disk_needs_a_large_size(bench: Bench) -> None:
    needs(bench, "snapshot")
    machine = await bench.machine(size=bench.larger, power=Power.STOPPED)
    snapshot = await bench.snapshot(machine.id)
    with pytest.raises(CloudRefused):
        await bench.cloud.create_machine(bench.wanted(new_id("mch"), snapshot=snapshot.id))
