"""Snapshots of machines, and machines that are made from them."""

from __future__ import annotations

import pytest

from jupyterhub_vmshare.cloud.port import CloudRefused
from tests.fakes.cloud import FakeCloud
from tests.fixtures.api import Json
from tests.machines.conftest import Lab, is_

pytestmark = pytest.mark.asyncio


async def taken(lab: Lab, machine: Json, name: str = "with-tools") -> Json:
    path = f"/machines/{machine['id']}/snapshots"
    told = await lab("ana").ask("POST", path, {"name": name})
    return await lab.until(f"/machine-snapshots/{told['id']}", is_(state="ready"))


@pytest.mark.scenario("V12")
async def test_a_machine_from_a_snapshot(lab: Lab, cloud: FakeCloud) -> None:
    box = await lab.make()
    snapshot = await taken(lab, box)
    assert (snapshot["owner"], snapshot["machine_name"]) == ("ana", "gpu-box")
    again = await lab.make("again", image=None, snapshot_id=snapshot["id"])
    assert again["made_from"] == "with-tools"
    [kept] = await cloud.snapshots()
    assert {seen.made_from for seen in await cloud.machines()} == {"debian", kept.id}
    # It outlives its machine, and machines outlive it.
    await lab.delete(box["id"])
    await lab.until_gone(f"/machines/{box['id']}")
    assert [one["id"] for one in await lab("ana").all("/machine-snapshots")] == [snapshot["id"]]
    await lab("ana").ask("DELETE", f"/machine-snapshots/{snapshot['id']}")
    await lab.until_gone(f"/machine-snapshots/{snapshot['id']}")
    assert await cloud.snapshots() == []
    assert (await lab("ana").ask("GET", f"/machines/{again['id']}"))["state"] == "running"


async def test_a_size_that_is_too_small_for_it_is_refused(lab: Lab) -> None:
    snapshot = await taken(lab, await lab.make(size="large", image="science"))
    asked = {"name": "again", "size": "small", "snapshot_id": snapshot["id"]}
    answer = await lab("ana").call("POST", "/machines", json=asked)
    assert answer.status_code == 422
    assert "Choose a larger size." in answer.json()["detail"]


async def test_others_snapshots_are_not_there(lab: Lab) -> None:
    snapshot = await taken(lab, await lab.make())
    for name in ("ben", "root-hub"):
        assert (await lab(name).get(f"/machine-snapshots/{snapshot['id']}")).status_code == 404
        asked = {"name": "x", "size": "small", "snapshot_id": snapshot["id"]}
        assert (await lab(name).call("POST", "/machines", json=asked)).status_code == 404
        answer = await lab(name).call("DELETE", f"/machine-snapshots/{snapshot['id']}")
        assert answer.status_code == 404
        assert await lab(name).all("/machine-snapshots") == []


async def test_a_snapshot_that_fails_says_why_and_leaves_nothing(
    lab: Lab, cloud: FakeCloud
) -> None:
    box = await lab.make()
    for _ in range(3):
        cloud.fail_next("create_snapshot", "The image service is full.")
    told = await lab("ana").ask("POST", f"/machines/{box['id']}/snapshots", {"name": "x"})
    told = await lab.until(f"/machine-snapshots/{told['id']}", is_(state="failed"))
    assert told["because"] == "The image service is full."
    assert await cloud.snapshots() == []
    cloud.refuse_next("create_snapshot", CloudRefused("Not of this machine."))
    told = await lab("ana").ask("POST", f"/machines/{box['id']}/snapshots", {"name": "x"})
    told = await lab.until(f"/machine-snapshots/{told['id']}", is_(state="failed"))
    assert told["because"] == "Not of this machine."
    reasons = [e["data"]["because"] for e in await lab("ana").events("machine_snapshot.ended")]
    assert reasons == ["Not of this machine.", "The image service is full."]


async def test_of_a_machine_that_is_deleted_meanwhile_there_is_none(
    lab: Lab, cloud: FakeCloud
) -> None:
    box = await lab.make()
    cloud.delays["reboot_machine"] = 60  # so that the snapshot has to wait
    await lab("ana").ask("POST", f"/machines/{box['id']}/reboot")
    await lab.until(f"/machines/{box['id']}", is_(state="starting"))
    told = await lab("ana").ask("POST", f"/machines/{box['id']}/snapshots", {"name": "x"})
    cloud.vanish((await cloud.machines())[0].id)
    told = await lab.until(f"/machine-snapshots/{told['id']}", is_(state="failed"))
    assert told["because"] == "The machine was gone before its snapshot was made."
