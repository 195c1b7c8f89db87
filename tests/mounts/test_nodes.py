"""Nodes that can't mount, agents that are not there or stuck, services that start again."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jupyterhub_vmshare.mounts.messages import KeepSessions, Refusal, SayHello, SetSession
from tests.fixtures.service import ScriptedClock
from tests.mounts.conftest import Stage, StageMaker, until
from tests.mounts.test_hub_hook import told_of

pytestmark = pytest.mark.asyncio


@pytest.mark.scenario("M8")
async def test_a_node_that_cannot_mount_says_why(stage: Stage) -> None:
    await stage.agent.stop()
    stage.agent.can_mount = False
    stage.agent.missing = ("There is no /dev/fuse here: load the kernel module fuse.",)
    await stage.agent.start()

    async def because() -> str:
        told = await stage.start("ben")
        return str(told["because"])

    async with asyncio.timeout(30):
        while "/dev/fuse" not in await because():
            await asyncio.sleep(0.05)
    (seen,) = await stage.sessions("ben")
    assert seen["mounts_available"] is False
    assert "/dev/fuse" in seen["because"], "to start it again would not help"
    # Everything else works.
    folder = await stage.share("ana", "tests", "view", "ben")
    told = await stage.api("ana").ask("DELETE", f"/folders/{folder}/grants")
    assert told["sessions_cut"] == told["unconfirmed"] == 0


@pytest.mark.scenario("M8")
async def test_a_service_without_an_agent_starts_and_says_so(make_stage: StageMaker) -> None:
    stage = await make_stage(agent_socket="/nowhere/agent.sock")
    told = await stage.start("ben")
    assert told["view"] is None
    assert "jupyterhub-vmshare agent" in told["because"]
    health = await stage.api.nobody.client.get(f"{stage.running.url}/services/vmshare/health")
    assert (health.status_code, health.json()["mounts"]) == (200, "unavailable")


async def test_a_spawner_does_not_wait_for_an_agent_that_is_stuck(stage: Stage) -> None:
    stage.agent.deaf = True
    told = await stage.start("ben")
    assert told["view"] is None
    assert "did not prepare" in told["because"]
    # What the agent makes of it later is not in that session: it is taken away again.
    stage.agent.deaf = False
    (seen,) = await stage.sessions("ben")
    assert seen["mounts_available"] is False
    assert "start it again" in seen["because"], "the node can mount by now"
    await stage.share("ana", "tests", "view", "ben")
    other = await stage.session("ben", "second")
    await stage.has(other, tests="view")
    assert stage.agent.levels(told["id"]) == {}


async def test_a_hub_that_can_wait_longer_gets_the_view(stage: Stage) -> None:
    await stage.share("ana", "tests", "view", "ben")
    stage.agent.delay = 2.0  # more than a spawner waits that does not say how long
    told = await stage.start("ben", wait_seconds=30)
    assert told["view"], told
    assert stage.agent.levels(told["id"]) == {"tests": "view"}


async def test_a_view_that_comes_too_late_is_taken_away_again(stage: Stage) -> None:
    await stage.share("ana", "tests", "view", "ben")
    stage.agent.delay = 1.0
    told = await stage.start("ben", wait_seconds=0.1)
    assert told["view"] is None
    await until(lambda: told["id"] in stage.agent.ended)
    assert stage.agent.levels(told["id"]) == {}
    (seen,) = await stage.sessions("ben")
    assert (seen["mounts_available"], seen["mounts"]) == (False, [])


async def test_a_revoke_that_the_node_has_not_confirmed_says_so(make_stage: StageMaker) -> None:
    stage = await make_stage(cut_within=0.5)
    folder = await stage.share("ana", "tests", "edit", "ben")
    session = await stage.session("ben")
    await stage.has(session, tests="edit")
    stage.agent.deaf = True
    told = await stage.api("ana").ask("DELETE", f"/folders/{folder}/grants")
    assert (told["sessions_cut"], told["unconfirmed"]) == (0, 1)
    assert "not confirmed yet" in told["in_sessions"]
    ((mount,),) = [s["mounts"] for s in await stage.sessions("ben")]
    assert mount["state"] == "closing"
    stage.agent.deaf = False
    await stage.agent.stop()
    await stage.agent.start()
    await stage.has(session)


async def test_a_folder_that_fails_is_tried_again_and_holds_up_no_other(stage: Stage) -> None:
    folder = await stage.share("ana", "broken", "edit", "ben")
    await stage.share("ana", "whole", "edit", "ben")
    stage.agent.fails[folder] = "The folder's tree is not there."
    session = await stage.session("ben")
    await stage.has(session, whole="edit")
    mounts: dict[str, Any] = {}
    async with asyncio.timeout(20):  # what the agent reports is on its way
        while {name: m["state"] for name, m in mounts.items()} != {
            "broken": "failed",
            "whole": "mounted",
        }:
            mounts = {m["name"]: m for (s,) in [await stage.sessions("ben")] for m in s["mounts"]}
    assert mounts["broken"]["because"] == "The folder's tree is not there."
    await told_of(stage.api, "ben", "mount.failed", 1)
    stage.agent.fails.clear()
    await stage.has(session, whole="edit", broken="edit")
    await told_of(stage.api, "ben", "mount.mounted", 2)


async def test_an_agent_that_comes_back_is_told_everything(stage: Stage) -> None:
    await stage.api("cleo").make_folder("hers")
    session, other = await stage.session("ben"), await stage.session("cleo")
    await stage.agent.stop()
    gone = await stage.start("ana")
    assert gone["view"] is None
    folder = await stage.share("ana", "tests", "edit", "ben")
    stage.agent.has.clear()  # it died, and what it had with it
    before = stage.agent.count(KeepSessions)
    await stage.agent.start()
    await stage.has(session, tests="edit")
    # Hers too, though nothing of it has changed.
    await stage.has(other, hers="edit_delete")
    assert stage.agent.count(KeepSessions) == before + 1
    assert folder in {f.folder for f in stage.agent.folders(session).values()}


async def test_a_node_with_a_later_list_gets_a_later_one_still(stage: Stage) -> None:
    """As after a database was restored from a copy."""
    session = await stage.session("ben")
    nodes: list[int] = []

    def refuses(order: Any) -> Refusal | None:
        if isinstance(order, SetSession) and order.session.id == session:
            nodes.append(order.session.version)
            if order.session.version <= nodes[0]:
                return Refusal("stale", "There is a later list.")
        return None

    stage.agent.refuses = refuses
    await stage.share("ana", "tests", "edit", "ben")
    await stage.has(session, tests="edit")
    assert nodes[0] < stage.agent.has[session].version


async def test_the_guard_of_a_node_is_started_again(stage: Stage) -> None:
    session = await stage.session("ben")
    orders = stage.agent.count(SetSession)
    stage.agent.restart_guard()
    await until(lambda: stage.agent.count(SetSession) > orders)
    await stage.has(session)


@pytest.mark.scenario("M6")
async def test_a_node_that_can_mount_again_is_told_what_ended_meanwhile(stage: Stage) -> None:
    folder = await stage.share("ana", "tests", "edit", "ben")
    session = await stage.session("ben")
    await stage.has(session, tests="edit")
    await stage.agent.stop()
    stage.agent.can_mount, stage.agent.missing = False, ("There is no share-guard here.",)
    hellos = stage.agent.count(SayHello)
    await stage.agent.start()
    await until(lambda: stage.agent.count(SayHello) > hellos)
    await stage.api("ana").ask("DELETE", f"/folders/{folder}/grants")
    # Its agent brings back what it was told last.
    stage.agent.can_mount, stage.agent.missing = True, ()
    stage.agent.restart_guard()
    await stage.has(session)


# --- restarts and replicas ---


async def test_a_service_that_starts_catches_up_before_its_first_answer(
    make_stage: StageMaker,
) -> None:
    clock = ScriptedClock()
    first = await make_stage(clock)
    ends = clock.now.replace(hour=18).isoformat().replace("+00:00", "Z")
    await first.share("ana", "brief", "edit", "ben", ends_at=ends)
    await first.share("ana", "tests", "view", "ben")
    session = await first.session("ben")
    assert set(first.agent.levels(session)) == {"brief", "tests"}
    await first.running.service.stop()
    clock.advance(hours=10)
    first.agent.has["ses_" + "0" * 26] = first.agent.has[session]
    second = await make_stage(clock)
    # Nobody has asked it anything yet.
    assert second.agent.levels(session) == {"tests": "view"}
    assert "ses_" + "0" * 26 in second.agent.ended


async def test_metrics_count_what_is_mounted(stage: Stage) -> None:
    await stage.share("ana", "tests", "view", "ben")
    await stage.session("ben")
    text = (await stage.running.service.metrics.text()).decode()
    assert "vmshare_sessions 1.0" in text
    assert 'vmshare_mounts{state="mounted"} 1.0' in text
