"""A machine's life through the API, down to what the cloud has in the end."""

from __future__ import annotations

import asyncio

import pytest

from jupyterhub_vmshare.cloud.port import CloudFull, CloudRefused, MachineWanted, Power, Seed
from tests.fakes.cloud import FakeCloud
from tests.fixtures.waiting import within
from tests.machines.conftest import PATIENCE, Lab, is_

pytestmark = pytest.mark.asyncio


@pytest.mark.scenario("V1")
async def test_a_machine_with_a_drive_comes_up(lab: Lab, cloud: FakeCloud) -> None:
    made = await lab.ask_for(drive_gib=None)
    assert (made["state"], made["level"], made["desired"]) == ("making", "owner", "running")
    [drive] = made["drives"]
    assert drive["drive_name"] == "gpu-box drive"
    told = await lab.until(
        f"/machines/{made['id']}",
        lambda told: told["state"] == "running" and told["drives"][0]["state"] == "attached",
    )
    [there] = await cloud.machines()
    [volume] = await cloud.drives()
    assert (there.mark, there.size, there.made_from) == (made["id"], "small", "debian")
    assert (volume.mark, volume.size_gib, volume.attached_to) == (
        drive["drive_id"],
        10,
        (there.id,),
    )
    assert told["because"] is None
    states = [event["data"]["state"] for event in await lab("ana").events("machine.changed")]
    assert states[0] == "running"
    assert [e["data"]["made_from"] for e in await lab("ana").events("machine.created")] == [
        "Debian"
    ]


async def test_stop_start_and_reboot(lab: Lab, cloud: FakeCloud) -> None:
    box = await lab.make()
    path = f"/machines/{box['id']}"
    assert (await lab("ana").ask("POST", f"{path}/stop"))["state"] == "stopping"
    await lab.until(path, is_(state="stopped"))
    assert "reboot" not in (await lab("ana").ask("GET", path))["actions"]
    refused = await lab("ana").call("POST", f"{path}/reboot")
    assert (refused.status_code, refused.json()["rule"]) == (409, "gate.state")
    assert refused.json()["detail"] == "gpu-box is stopped. Start it."
    await lab("ana").ask("POST", f"{path}/start")
    await lab.until(path, is_(state="running"))
    await lab("ana").ask("POST", f"{path}/reboot", {"hard": True})
    await lab.until(path, is_(state="running"))
    verbs = [verb for verb, _ in cloud.orders]
    assert verbs == ["create_machine", "stop_machine", "start_machine", "reboot_machine"]


async def test_one_that_does_not_stop_is_rebooted_hard(lab: Lab, cloud: FakeCloud) -> None:
    """It was asked to stop and may take its time: whoever may reboot it need not wait."""
    box = await lab.make()
    path = f"/machines/{box['id']}"
    cloud.delays["stop_machine"] = 3600
    await lab("ana").ask("POST", f"{path}/stop")
    async with within(PATIENCE, "The order to stop"):
        while cloud.orders[-1][0] != "stop_machine":
            await asyncio.sleep(0.01)
    told = await lab("ana").ask("GET", path)
    assert told["state"] == "stopping"
    assert "reboot" in told["actions"]
    refused = await lab("ana").call("POST", f"{path}/reboot")
    assert (refused.status_code, refused.json()["rule"]) == (409, "gate.state")
    because = "gpu-box is stopping. Wait until it is stopped, or reboot it hard."
    assert refused.json()["detail"] == because
    told = await lab("ana").ask("POST", f"{path}/reboot", {"hard": True})
    assert told["state"] == "rebooting"
    await lab.until(path, is_(state="running"))
    verbs = [verb for verb, _ in cloud.orders]
    assert verbs == ["create_machine", "stop_machine", "reboot_machine"]


async def test_what_holds_already_is_ordered_no_second_time(lab: Lab, cloud: FakeCloud) -> None:
    box = await lab.make()
    for _ in range(2):
        await lab("ana").ask("POST", f"/machines/{box['id']}/start")
    await lab.until(f"/machines/{box['id']}", is_(state="running"))
    assert [verb for verb, _ in cloud.orders] == ["create_machine"]


async def test_deleting_leaves_nothing_but_the_drive(lab: Lab, cloud: FakeCloud) -> None:
    box = await lab.make(drive_gib=3)
    await lab.delete(box["id"])
    await lab.until_gone(f"/machines/{box['id']}")
    assert await cloud.machines() == []
    [drive] = await lab("ana").all("/drives")
    assert (drive["state"], drive["machines"], drive["size_gib"]) == ("ready", [], 3)
    assert await lab("ana").events("machine.gone")
    # Its name is free again.
    await lab.make()


async def test_deleting_while_it_is_being_made(lab: Lab, cloud: FakeCloud) -> None:
    cloud.delays["create_machine"] = 60
    box = await lab.ask_for()
    await lab.until(f"/machines/{box['id']}", is_(step="create"))
    await lab.delete(box["id"])
    cloud.advance(60)
    await lab.until_gone(f"/machines/{box['id']}")
    assert await cloud.machines() == []


@pytest.mark.scenario("V14")
async def test_what_comes_out_broken_is_made_anew_and_then_given_up(
    lab: Lab, cloud: FakeCloud
) -> None:
    for _ in range(3):
        cloud.fail_next("create_machine", "No host has room.")
    box = await lab.ask_for()
    path = f"/machines/{box['id']}"
    told = await lab.until(path, is_(state="failed"))
    assert told["because"] == "No host has room."
    assert await cloud.machines() == []
    assert "reboot" not in told["actions"]
    await lab("ana").ask("POST", f"{path}/start")  # try again
    told = await lab.until(path, is_(state="running"))
    assert told["because"] is None
    assert [verb for verb, _ in cloud.orders].count("create_machine") == 4


@pytest.mark.scenario("V14")
async def test_a_failed_machine_is_deleted_without_leftovers(lab: Lab, cloud: FakeCloud) -> None:
    cloud.refuse_next("create_machine", CloudRefused("This image is broken. Choose another one."))
    box = await lab.ask_for()
    path = f"/machines/{box['id']}"
    told = await lab.until(path, is_(state="failed"))
    assert told["because"] == "This image is broken. Choose another one."
    await lab.delete(box["id"])
    await lab.until_gone(path)
    assert [verb for verb, _ in cloud.orders] == ["create_machine"]


async def test_a_full_cloud_is_asked_again_until_there_is_room(lab: Lab, cloud: FakeCloud) -> None:
    for _ in range(5):
        cloud.refuse_next("create_machine", CloudFull("There is no room for it now."))
    box = await lab.ask_for()
    await lab.until(f"/machines/{box['id']}", is_(state="running", because=None))
    reasons = {event["data"]["because"] for event in await lab("ana").events("machine.changed")}
    assert reasons == {"There is no room for it now.", None}


async def test_a_lost_answer_makes_no_second_one(lab: Lab, cloud: FakeCloud) -> None:
    cloud.lose_next("create_machine")
    cloud.lose_next("create_drive")
    box = await lab.make(drive_gib=1)
    assert len(await cloud.machines()) == len(await cloud.drives()) == 1
    assert box["because"] is None


async def test_a_cloud_that_does_not_answer_is_survived(lab: Lab, cloud: FakeCloud) -> None:
    await lab("ana").ask("GET", "/cloud")
    cloud.unreachable = True
    box = await lab.ask_for()
    await asyncio.sleep(0.3)  # many attempts
    assert (await lab("ana").ask("GET", f"/machines/{box['id']}"))["state"] == "making"
    cloud.unreachable = False
    await lab.until(f"/machines/{box['id']}", is_(state="running"))
    assert len(await cloud.machines()) == 1


async def test_resize_and_rebuild(lab: Lab, cloud: FakeCloud) -> None:
    box = await lab.make(drive_gib=1)
    path = f"/machines/{box['id']}"
    await lab("ana").ask("PUT", f"{path}/size", {"size": "large"})
    await lab.until(path, is_(state="running"))
    [there] = await cloud.machines()
    keys = await cloud.host_keys(there.id)
    assert there.size == "large"
    told = await lab("ana").ask("POST", f"{path}/rebuild", {"image": "science"})
    assert told["state"] == "rebuilding"
    told = await lab.until(path, is_(state="running", made_from="Science", step=None))
    [there] = await cloud.machines()
    assert there.made_from == "science"
    assert await cloud.host_keys(there.id) != keys
    assert told["drives"][0]["state"] == "attached"


async def test_a_size_with_too_small_a_disk_is_refused(lab: Lab) -> None:
    asked = {"name": "x", "size": "small", "image": "science"}
    refused = await lab("ana").call("POST", "/machines", json=asked)
    assert refused.status_code == 422
    assert "needs 10 GiB" in refused.json()["detail"]
    for wrong in ({"size": "huge"}, {"image": "windows"}):
        answer = await lab("ana").call("POST", "/machines", json={**asked, **wrong})
        assert answer.status_code == 422


async def test_a_refused_wish_is_dropped_and_says_why(lab: Lab, cloud: FakeCloud) -> None:
    box = await lab.make()
    path = f"/machines/{box['id']}"
    cloud.refuse_next("resize_machine", CloudRefused("The flavour is gone."))
    await lab("ana").ask("PUT", f"{path}/size", {"size": "large"})
    told = await lab.until(path, is_(because="The flavour is gone."))
    assert (told["state"], told["size"]) == ("running", "small")
    await lab("ana").ask("POST", f"{path}/stop")
    told = await lab.until(path, is_(state="stopped"))
    assert told["because"] is None


@pytest.mark.scenario("V11")
async def test_a_machine_that_stops_by_itself_is_not_started_again(
    lab: Lab, cloud: FakeCloud
) -> None:
    box = await lab.make()
    [there] = await cloud.machines()
    cloud.crash(there.id)
    told = await lab.until(f"/machines/{box['id']}", is_(state="stopped"))
    assert told["because"] == "It was shut down from inside, or by the cloud."
    await lab("ana").ask("POST", f"/machines/{box['id']}/start")
    await lab.until(f"/machines/{box['id']}", is_(state="running", because=None))


async def test_a_machine_that_vanished_says_so(lab: Lab, cloud: FakeCloud) -> None:
    box = await lab.make()
    path = f"/machines/{box['id']}"
    [there] = await cloud.machines()
    cloud.vanish(there.id)
    told = await lab.until(path, is_(state="missing"))
    assert told["because"] == "The cloud has this machine no more."
    assert (await lab("ana").call("POST", f"{path}/start")).status_code == 409
    await lab("ana").ask("POST", f"{path}/rebuild", {"image": "debian"})
    await lab.until(path, is_(state="running", because=None))
    assert [seen.power for seen in await cloud.machines()] == [Power.RUNNING]


async def test_what_nobody_knows_of_is_removed_after_a_while(lab: Lab, cloud: FakeCloud) -> None:
    box = await lab.make()
    [there] = await cloud.machines()
    twin = await cloud.create_machine(_as_wanted(box["id"]))
    async with asyncio.timeout(30):
        while twin in [seen.id for seen in await cloud.machines()]:
            await asyncio.sleep(0.02)
    assert [seen.id for seen in await cloud.machines()] == [there.id]
    told = await lab("ana").ask("GET", f"/machines/{box['id']}")
    assert told["state"] == "running"


def _as_wanted(mark: str) -> MachineWanted:
    return MachineWanted(mark, "small", Seed("gpu-box", mark, ()), image="debian")


async def test_rename_needs_the_version_that_was_seen(lab: Lab) -> None:
    box = await lab.make()
    path, asked = f"/machines/{box['id']}", {"name": "cpu-box"}
    assert (await lab("ana").call("PATCH", path, json=asked)).status_code == 428
    told = await lab("ana").ask("PATCH", path, asked, headers={"If-Match": '"1"'})
    assert (told["name"], told["version"]) == ("cpu-box", 2)
    late = await lab("ana").call("PATCH", path, json={"name": "x"}, headers={"If-Match": '"1"'})
    assert late.status_code == 412
    taken = await lab("ana").call(
        "POST", "/machines", json={"name": "cpu-box", "size": "small", "image": "debian"}
    )
    assert (taken.json()["code"], taken.json()["suggestion"]) == ("name-taken", "cpu-box 2")


async def test_the_console_log(lab: Lab) -> None:
    box = await lab.make()
    told = await lab("ana").ask("GET", f"/machines/{box['id']}/console")
    assert "booted" in told["text"]
