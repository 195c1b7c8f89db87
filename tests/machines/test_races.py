"""Requests in the same instant, on two replicas that share one cloud: one outcome."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from jupyterhub_vmshare.errors import NotFound, WrongState
from tests.fakes.cloud import FakeCloud
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api
from tests.fixtures.service import ScriptedClock, running_service
from tests.fixtures.world import SmallWorld
from tests.machines.conftest import FAST, Lab, is_, on

pytestmark = pytest.mark.asyncio

ROUNDS = 4
BOX = {"size": "small", "image": "debian", "drive_gib": 0}


@pytest_asyncio.fixture
async def labs(
    tmp_path: Path, database_url: str, hub: FakeHub, small_world: SmallWorld, cloud: FakeCloud
) -> AsyncIterator[list[Lab]]:
    """The people, through one replica and the other: on SQLite there is one."""
    clock = ScriptedClock()
    count = 1 if database_url.startswith("sqlite") else 2
    async with AsyncExitStack() as stack:
        found = []
        for _ in range(count):
            running = await stack.enter_async_context(
                running_service(
                    tmp_path, database_url, hub, small_world, clock=clock, cloud=cloud, pace=FAST
                )
            )
            found.append(Lab(Api(running, stack)))
        yield [found[0], found[-1]]


async def at_once(*requests: Any) -> list[httpx2.Response]:
    return list(await asyncio.gather(*requests))


async def test_one_key_makes_one_machine(labs: list[Lab], cloud: FakeCloud) -> None:
    for number in range(ROUNDS):
        headers = {"Idempotency-Key": f"key {number}".replace(" ", "-")}
        asked = {**BOX, "name": f"box {number}"}
        answers = await at_once(
            *(lab("ana").call("POST", "/machines", json=asked, headers=headers) for lab in labs * 2)
        )
        assert [answer.status_code for answer in answers] == [201] * 4
        [made] = {answer.json()["id"] for answer in answers}
        await labs[0].until(f"/machines/{made}", is_(state="running"))
    assert len(await cloud.machines()) == ROUNDS
    assert [verb for verb, _ in cloud.orders].count("create_machine") == ROUNDS


async def test_one_name_is_one_machines(labs: list[Lab]) -> None:
    for number in range(ROUNDS):
        asked = {**BOX, "name": f"box {number}"}
        answers = await at_once(
            *(lab("ana").call("POST", "/machines", json=asked) for lab in labs * 2)
        )
        assert sorted(answer.status_code for answer in answers) == [201, 409, 409, 409]


@pytest.mark.scenario("V13")
async def test_two_machines_never_write_one_drive(labs: list[Lab], cloud: FakeCloud) -> None:
    lab = labs[0]
    first, second = await asyncio.gather(lab.make("first"), lab.make("second"))
    for number in range(ROUNDS):
        drive = (await lab.make_drive(f"data {number}"))["id"]
        path = f"/drives/{drive}"
        answers = await at_once(
            labs[0]("ana").call("PUT", f"{path}/writer/{first['id']}"),
            labs[1]("ana").call("PUT", f"{path}/writer/{second['id']}"),
            labs[1]("ana").call("PUT", f"{path}/readers/{second['id']}"),
        )
        assert sorted(answer.status_code for answer in answers) == [202, 409, 409]
        await lab.until(path, lambda told: [m["state"] for m in told["machines"]] == ["attached"])
    assert all(len(seen.attached_to) == 1 for seen in await cloud.drives())


async def test_many_machines_are_each_made_once(labs: list[Lab], cloud: FakeCloud) -> None:
    made = await asyncio.gather(
        *(labs[number % 2].make(f"box {number}", drive_gib=1) for number in range(8))
    )
    for box in made:  # a machine runs before its drive is there
        drive = box["drives"][0]["drive_id"]
        await labs[0].until(f"/drives/{drive}", on(box["id"]))
    assert sorted(seen.mark for seen in await cloud.machines()) == sorted(m["id"] for m in made)
    created = [what for verb, what in cloud.orders if verb in ("create_machine", "create_drive")]
    assert len(created) == len(set(created)) == 16


async def test_everybody_wants_something_else(labs: list[Lab], cloud: FakeCloud) -> None:
    for number in range(ROUNDS):
        box = await labs[0].make(f"box {number}")
        path = f"/machines/{box['id']}"
        answers = await at_once(
            labs[0]("ana").call("POST", f"{path}/stop"),
            labs[1]("ana").call("POST", f"{path}/start"),
            labs[0]("ana").call("POST", f"{path}/reboot"),
            labs[1]("ana").call("PUT", f"{path}/size", json={"size": "large"}),
        )
        assert {answer.status_code for answer in answers} <= {202, 409}
        wanted = (await labs[0]("ana").ask("GET", path))["desired"]
        told = await labs[0].until(path, is_(state=wanted))
        assert (told["size"], told["because"]) == ("large", None)


async def test_deleted_while_it_is_being_made(labs: list[Lab], cloud: FakeCloud) -> None:
    for number in range(ROUNDS):
        box = await labs[0].ask_for(f"box {number}", drive_gib=1)
        path = f"/machines/{box['id']}"
        both = [lab.delete(box["id"]) for lab in labs[:2]]
        told = await asyncio.gather(*both, return_exceptions=True)
        assert [isinstance(one, NotFound | WrongState) for one in told if one] == [True]
        await labs[0].until_gone(path)
    assert await cloud.machines() == []
    drives = await labs[0]("ana").all("/drives")
    assert [drive["machines"] for drive in drives] == [[]] * ROUNDS
