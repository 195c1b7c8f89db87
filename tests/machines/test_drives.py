"""Drives: on one machine to be written, on several to be read; larger, copied, deleted."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from jupyterhub_vmshare.cloud.port import CloudRefused
from jupyterhub_vmshare.errors import WrongState
from tests.fakes.cloud import FakeCloud
from tests.fakes.cloud_state import EVERYTHING
from tests.machines.conftest import Lab, is_, on

pytestmark = pytest.mark.asyncio


@pytest.mark.scenario("V13")
async def test_a_days_work_of_a_drive(lab: Lab, cloud: FakeCloud) -> None:
    first, second, drive = await asyncio.gather(
        lab.make("first"), lab.make("second"), lab.make_drive("data", size_gib=5)
    )
    ana, path = lab("ana"), f"/drives/{drive['id']}"
    renamed = {"name": "results"}
    told = await ana.ask("PATCH", path, renamed, headers={"If-Match": '"1"'})
    assert told["name"] == "results"
    told = await ana.ask("PUT", f"{path}/writer/{first['id']}")
    assert [one["state"] for one in told["machines"]] == ["attaching"]
    await lab.until(path, on(first["id"]))
    await ana.ask("PUT", f"{path}/size", {"size_gib": 9})  # while it is attached
    await lab.until(path, is_(state="ready", size_gib=9))
    [there] = await cloud.drives()
    assert there.size_gib == 9
    for way in ("writer", "readers"):
        refused = await ana.call("PUT", f"{path}/{way}/{second['id']}")
        assert refused.status_code == 409
        assert refused.json()["detail"].startswith("results is attached to first.")
    with pytest.raises(WrongState, match="results is attached to a machine"):
        await lab.delete(drive["id"])
    await ana.ask("DELETE", f"{path}/machines/{first['id']}")
    await lab.until(path, is_(machines=[]))
    await ana.ask("PUT", f"{path}/writer/{second['id']}")
    await lab.until(path, on(second["id"]))
    await ana.ask("DELETE", f"/machines/{second['id']}/drives/{drive['id']}")
    await lab.until(path, is_(machines=[]))
    await lab.delete(drive["id"])
    await lab.until_gone(path)
    assert await cloud.drives() == []


async def test_several_machines_read_one_drive(lab: Lab, cloud: FakeCloud) -> None:
    first, second, drive = await asyncio.gather(
        lab.make("first"), lab.make("second"), lab.make_drive()
    )
    path = f"/drives/{drive['id']}"
    for machine in (first, second):
        await lab("ana").ask("PUT", f"{path}/readers/{machine['id']}")
        await lab.until(path, on(machine["id"]))
    [there] = await cloud.drives()
    assert len(there.attached_to) == 2
    refused = await lab("ana").call("PUT", f"{path}/writer/{first['id']}")
    assert refused.json()["detail"] == "data is on first in another way. Detach it first."


async def test_drives_only_get_larger(lab: Lab) -> None:
    drive = await lab.make_drive(size_gib=5)
    answer = await lab("ana").call("PUT", f"/drives/{drive['id']}/size", json={"size_gib": 4})
    assert answer.status_code == 422
    assert "5 GiB already" in answer.json()["detail"]


async def test_a_copy_is_a_drive_of_its_own(lab: Lab, cloud: FakeCloud) -> None:
    drive = await lab.make_drive(size_gib=7)
    copy = await lab("ana").ask("POST", f"/drives/{drive['id']}/clones", {"name": "copy"})
    told = await lab.until(f"/drives/{copy['id']}", is_(state="ready"))
    assert (told["size_gib"], told["name"]) == (7, "copy")
    assert {seen.mark for seen in await cloud.drives()} == {drive["id"], copy["id"]}


async def test_an_attachment_that_is_refused_says_why(lab: Lab, cloud: FakeCloud) -> None:
    box, drive = await asyncio.gather(lab.make(), lab.make_drive())
    path = f"/drives/{drive['id']}"
    cloud.refuse_next("attach_drive", CloudRefused("The machine has no slot left."))
    await lab("ana").ask("PUT", f"{path}/writer/{box['id']}")
    told = await lab.until(path, on(box["id"], "failed"))
    assert told["machines"][0]["because"] == "The machine has no slot left."
    await lab("ana").ask("PUT", f"{path}/writer/{box['id']}")  # try again
    await lab.until(path, on(box["id"]))


async def test_a_refused_extension_leaves_the_size(lab: Lab, cloud: FakeCloud) -> None:
    drive = await lab.make_drive(size_gib=5)
    path = f"/drives/{drive['id']}"
    cloud.refuse_next("extend_drive", CloudRefused("The quota of volumes is used up."))
    await lab("ana").ask("PUT", f"{path}/size", {"size_gib": 50})
    told = await lab.until(path, is_(because="The quota of volumes is used up."))
    assert (told["size_gib"], told["state"]) == (5, "ready")


async def test_a_drive_that_was_taken_off_from_elsewhere_comes_back(
    lab: Lab, cloud: FakeCloud
) -> None:
    box, drive = await asyncio.gather(lab.make(), lab.make_drive())
    path = f"/drives/{drive['id']}"
    await lab("ana").ask("PUT", f"{path}/writer/{box['id']}")
    await lab.until(path, on(box["id"]))
    [machine], [volume] = await cloud.machines(), await cloud.drives()
    await cloud.detach_drive(volume.id, machine.id)
    async with asyncio.timeout(30):
        while [verb for verb, _ in cloud.orders].count("attach_drive") < 2:
            await asyncio.sleep(0.01)
    await lab.until(path, on(box["id"]))


async def test_a_drive_that_vanished_says_so(lab: Lab, cloud: FakeCloud) -> None:
    drive = await lab.make_drive()
    [volume] = await cloud.drives()
    cloud.vanish(volume.id)
    told = await lab.until(f"/drives/{drive['id']}", is_(state="missing"))
    assert told["because"] == "The cloud has this drive no more."
    assert "extend" not in told["actions"]
    await lab.delete(drive["id"])
    await lab.until_gone(f"/drives/{drive['id']}")


async def test_what_the_cloud_cannot_do_is_not_offered(lab: Lab, cloud: FakeCloud) -> None:
    cloud.capabilities = EVERYTHING
    box, drive = await asyncio.gather(lab.make(), lab.make_drive())
    cloud.capabilities = replace(
        EVERYTHING, clone_drive=False, snapshot=False, resize_running=False, attach_running=False
    )
    ana, path = lab("ana"), f"/drives/{drive['id']}"
    assert "clone" not in (await ana.ask("GET", path))["actions"]
    assert not {"snapshot", "resize"} & set(
        (await ana.ask("GET", f"/machines/{box['id']}"))["actions"]
    )
    refusals = [
        ("POST", f"{path}/clones", {"name": "x"}, "Drives can't be cloned at this site."),
        ("PUT", f"{path}/writer/{box['id']}", None, "Stop gpu-box first"),
        ("PUT", f"/machines/{box['id']}/size", {"size": "large"}, "Stop gpu-box first"),
        ("POST", f"/machines/{box['id']}/snapshots", {"name": "x"}, "There are no snapshots"),
    ]
    for method, where, body, sentence in refusals:
        more = {"json": body} if body else {}
        answer = await ana.call(method, where, **more)
        assert (answer.status_code, answer.json()["rule"]) == (409, "gate.state")
        assert answer.json()["detail"].startswith(sentence)
    assert "clone_drive" not in (await ana.ask("GET", "/cloud"))["can"]
