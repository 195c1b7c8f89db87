"""Whoever is taken out of a project is off its machines at once, and the answer says from where."""

from __future__ import annotations

import asyncio
import time
from typing import Any

import asyncssh
import pytest

from tests.projects.conftest import ProjectLab
from tests.relay.entrance import PATIENCE, gone
from tests.relay.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def in_project(way: Scene, project: str, by: str, name: str) -> str:
    """A machine in the project that lets people in."""
    asked = {"name": name, "size": "small", "image": "debian", "drive_gib": 0}
    made = await way.api(by).ask("POST", f"/projects/{project}/machines", asked)
    async with asyncio.timeout(PATIENCE):
        while not await way._has_a_door(str(made["id"])):
            await asyncio.sleep(0.02)
    return str(made["id"])


async def enters(way: Scene, person: str, machine: str) -> Any:
    """On that machine, with something that runs there."""
    before, way.id = way.id, machine
    try:
        conn, there = await way.enter(person), way.machine
    finally:
        way.id = before
    uid = int(str((await conn.run("id -u")).stdout))
    await conn.create_process("sleep 1000", stdin=asyncssh.DEVNULL)
    await way.until(lambda: any("sleep 1000" in each for each in there.of(uid)))
    return conn


@pytest.mark.scenario("P2")
async def test_a_member_who_is_removed_is_off_two_machines_within_a_second(way: Scene) -> None:
    lab = ProjectLab(way.api)
    project = await lab.make("reef", "ben", "cleo")
    own = await in_project(way, project, "ben", "bens box")
    cleos = await in_project(way, project, "cleo", "cleos box")
    one = {"grants": [{"receiver": "ben"}]}
    told = await way.api("cleo").ask("POST", f"/machines/{cleos}/users", one)
    await way.api("ben").accept(str(told["results"][0]["grant"]["id"]))
    on = [await enters(way, "ben", own), await enters(way, "ben", cleos)]
    stays = await enters(way, "cleo", cleos)
    admin = await lab.admin()
    asked = time.monotonic()
    told = await admin.ask("DELETE", f"/projects/{project}/members/ben")
    took = time.monotonic() - asked
    links = {(one["person"], one["machine_id"]): one for one in told["links"]}
    assert links.keys() == {("ben", own), ("ben", cleos)}
    for link in links.values():
        assert (link["confirmed"], link["remaining"], link["channels"]) == (True, 0, 1)
        assert link["processes"] >= 1
    for conn in on:
        await gone(conn)
    assert took < 10  # a second on a quiet machine
    assert told["stays"] == {"machines": 1, "drives": 0, "snapshots": 0}
    assert [one["thing_id"] for one in told["ended"]] == [cleos]
    assert not stays.is_closed()
    for machine in (own, cleos):
        assert (await way.ask_for_certificate("ben", machine))[0] == 404
    assert (await admin.ask("GET", f"/machines/{own}"))["owner"] == "ben"
    stays.close()


@pytest.mark.scenario("V15")
async def test_a_tag_cuts_whoever_is_outside_and_the_answer_says_so(way: Scene) -> None:
    lab = ProjectLab(way.api)
    project = await lab.make("atoll", "cleo")
    box = await in_project(way, project, "cleo", "tagged box")
    one = {"grants": [{"receiver": "dan"}]}
    told = await way.api("cleo").ask("POST", f"/machines/{box}/users", one)
    await way.api("dan").accept(str(told["results"][0]["grant"]["id"]))
    conn, stays = await enters(way, "dan", box), await enters(way, "cleo", box)
    told = await way.api("cleo").ask("PUT", f"/machines/{box}/tag")
    assert [(one["person"], one["confirmed"]) for one in told["links"]] == [("dan", True)]
    await gone(conn)
    assert not stays.is_closed()
    stays.close()
