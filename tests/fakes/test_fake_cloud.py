"""What a test can do to the cloud in memory. That it is a cloud is held by `tests/cloud`."""

from __future__ import annotations

import pytest

from jupyterhub_vmshare.cloud.port import (
    CloudBusy,
    CloudFull,
    CloudMissing,
    CloudUnreachable,
    DriveWanted,
    MachineWanted,
    Power,
    Seed,
    Settled,
)
from tests.fakes.cloud import FakeCloud

pytestmark = pytest.mark.asyncio
WANTED = MachineWanted("mch_1", "small", Seed("box", "mch_1", ()), image="debian")


async def test_an_order_comes_true_when_its_time_has_passed() -> None:
    cloud = FakeCloud(delays={"create_machine": 5})
    name = await cloud.create_machine(WANTED)
    cloud.advance(4.9)
    assert (await cloud.machine(name)).power is Power.CHANGING
    with pytest.raises(CloudBusy):
        await cloud.stop_machine(name)
    cloud.advance(0.1)
    assert (await cloud.machine(name)).power is Power.RUNNING
    assert cloud.orders == [("create_machine", "mch_1"), ("stop_machine", name)]


async def test_an_answer_that_is_lost_leaves_what_was_made() -> None:
    cloud = FakeCloud()
    cloud.lose_next("create_machine")
    with pytest.raises(CloudUnreachable):
        await cloud.create_machine(WANTED)
    assert [seen.mark for seen in await cloud.machines()] == ["mch_1"]


async def test_a_refusal_changes_nothing_and_is_said_once() -> None:
    cloud = FakeCloud()
    cloud.refuse_next("create_drive", CloudFull("The cloud is full."))
    with pytest.raises(CloudFull):
        await cloud.create_drive(DriveWanted("drv_1", 1))
    assert await cloud.drives() == []
    await cloud.create_drive(DriveWanted("drv_1", 1))


async def test_what_fails_later_says_why() -> None:
    cloud = FakeCloud()
    cloud.fail_next("create_machine", "No host has room.")
    cloud.fail_next("create_drive", "The disk is broken.")
    machine = await cloud.machine(await cloud.create_machine(WANTED))
    drive = await cloud.drive(await cloud.create_drive(DriveWanted("drv_1", 1)))
    assert (machine.power, machine.because) == (Power.FAILED, "No host has room.")
    assert (drive.settled, drive.because) == (Settled.FAILED, "The disk is broken.")


async def test_things_stop_and_vanish_behind_our_back() -> None:
    cloud = FakeCloud()
    name = await cloud.create_machine(WANTED)
    cloud.crash(name)
    assert (await cloud.machine(name)).power is Power.STOPPED
    cloud.vanish(name)
    with pytest.raises(CloudMissing):
        await cloud.machine(name)


async def test_an_unreachable_cloud_changes_nothing() -> None:
    cloud = FakeCloud(unreachable=True)
    with pytest.raises(CloudUnreachable):
        await cloud.create_machine(WANTED)
    cloud.unreachable = False
    assert await cloud.machines() == []
