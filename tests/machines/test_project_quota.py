"""What a project may hold: refusals say asked and left, and no race or retry gets past them."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from tests.fixtures.api import Json
from tests.machines.conftest import Lab, is_
from tests.machines.test_in_projects import BOX, InProject
from tests.machines.test_races import labs as labs

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def reef(lab: Lab) -> InProject:
    made = InProject(lab.api)
    await made.build()
    return made


async def set_quota(reef: InProject, **quota: int) -> None:
    hub_admin = await reef.api.page("root-hub")
    await hub_admin.ask("PUT", f"/projects/{reef.project}/quota", dict(quota))


async def meters(reef: InProject) -> dict[str, Json]:
    told = await reef("ben").ask("GET", f"/projects/{reef.project}/meters")
    return {one["name"]: one for one in told["meters"]}


async def refused(reef: InProject, what: str, path: str, body: Json, verb: str = "POST") -> Json:
    answer = await reef("ben").call(verb, path, json=body)
    assert (answer.status_code, answer.json()["code"]) == (409, "quota-exceeded"), (what, answer)
    return dict(answer.json())


@pytest.mark.scenario("P4")
async def test_each_part_of_a_quota_refuses_and_says_asked_and_left(reef: InProject) -> None:
    sizes = (await reef("ben").ask("GET", "/cloud"))["sizes"]
    small = next(one for one in sizes if one["id"] == "small")
    large = max(sizes, key=lambda one: one["processors"])
    box = (await reef.box("ben"))["id"]
    drive = await reef.drive("ben")
    await reef.snapshot(box, "ben")
    at = f"/projects/{reef.project}"
    machine, new_drive = {"name": "more", **BOX}, {"name": "more", "size_gib": 3}
    ram = -(-small["memory_mib"] // 1024)
    for quota, path, body, verb, left in (
        ({"machines": 1}, f"{at}/machines", machine, "POST", (1, 0)),
        ({"cores": small["processors"]}, f"{at}/machines", machine, "POST",
         (small["processors"], 0)),
        ({"ram_gib": ram}, f"{at}/machines", {**machine, "size": large["id"]}, "POST", None),
        ({"drives": 1}, f"{at}/drives", new_drive, "POST", (1, 0)),
        ({"drive_gib": 7}, f"{at}/drives", new_drive, "POST", (3, 2)),
        ({"drive_gib": 7}, f"/drives/{drive}/size", {"size_gib": 8}, "PUT", (3, 2)),
        ({"drive_gib": 7}, f"/drives/{drive}/clones", {"name": "copy"}, "POST", (5, 2)),
        ({"drives": 1}, f"{at}/machines", {**machine, "drive_gib": 1}, "POST", (1, 0)),
        ({"machine_snapshots": 1}, f"/machines/{box}/snapshots", {"name": "x"}, "POST", (1, 0)),
        ({"cores": small["processors"]}, f"/machines/{box}/size", {"size": large["id"]}, "PUT",
         (large["processors"] - small["processors"], 0)),
    ):  # fmt: skip
        await set_quota(reef, **quota)
        told = await refused(reef, str(quota), path, body, verb)
        assert "genome has" in told["detail"]
        if left is not None:
            assert (told["asked"], told["left"]) == left, (quota, told)
    shown = await meters(reef)
    assert {name: one["used"] for name, one in shown.items()} == {
        **{"machines": 1, "cores": small["processors"], "ram_gib": ram},
        **{"drives": 1, "drive_gib": 5, "machine_snapshots": 1, "folder_gib": 0},
    }
    assert (shown["cores"]["limit"], shown["cores"]["left"]) == (small["processors"], 0)
    assert shown["drives"]["left"] is None


@pytest.mark.scenario("P4")
async def test_what_is_gone_makes_room_and_ones_own_machines_count_nowhere(
    reef: InProject,
) -> None:
    await set_quota(reef, machines=1)
    box = (await reef.box("ben"))["id"]
    await reef.make("personal", by="ben")
    assert (await meters(reef))["machines"]["left"] == 0
    await reef.deletes(box, "ben", administers=False)
    await reef.until_gone(f"/machines/{box}", by="ben")
    assert (await meters(reef))["machines"]["left"] == 1
    await reef.box("ben", "again")


@pytest.mark.scenario("P4")
@pytest.mark.parametrize("what", ["machines", "drives"])
async def test_of_twenty_at_once_against_room_for_five_five_are_made(
    labs: list[Lab],
    what: str,
) -> None:
    reef, other = InProject(labs[-1].api), labs[0]  # the hub sends browsers to the last one
    await reef.build()
    await set_quota(reef, **{what: 5})
    path = f"/projects/{reef.project}/{what}"
    more: Json = BOX if what == "machines" else {"size_gib": 1}

    async def one(number: int) -> Any:
        lab = reef if number % 2 else other
        who = ("ana", "ben", "cleo")[number % 3]
        return await lab(who).call("POST", path, json={"name": f"new {number}", **more})

    answers = await asyncio.gather(*map(one, range(20)))
    assert sorted(answer.status_code for answer in answers) == [201] * 5 + [409] * 15
    refusals = [answer.json() for answer in answers if answer.status_code == 409]
    assert {(told["code"], told["asked"], told["left"]) for told in refusals} == {
        ("quota-exceeded", 1, 0)
    }
    assert (await meters(reef))[what]["used"] == 5


@pytest.mark.scenario("P4")
async def test_a_retry_is_counted_once(reef: InProject) -> None:
    await set_quota(reef, machines=2)
    path, asked = f"/projects/{reef.project}/machines", {"name": "box", **BOX}
    headers = {"Idempotency-Key": "the-same"}
    answers = await asyncio.gather(
        *(reef("ben").call("POST", path, json=asked, headers=headers) for _ in range(6))
    )
    assert [answer.status_code for answer in answers] == [201] * 6
    [made] = {answer.json()["id"] for answer in answers}
    await reef.until(f"/machines/{made}", is_(state="running"), by="ben")
    assert (await meters(reef))["machines"]["used"] == 1
