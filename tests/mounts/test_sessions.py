"""From grants to running sessions and back: what the agent is told, and what people are told."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jupyterhub_vmshare.mounts.messages import KeepSessions, Refusal, SetSession
from tests.fixtures.service import ScriptedClock
from tests.mounts.conftest import Stage, StageMaker, until
from tests.mounts.test_hub_hook import told_of

pytestmark = pytest.mark.asyncio


@pytest.mark.scenario("M1")
async def test_what_is_accepted_appears_in_the_session_that_runs(stage: Stage) -> None:
    session = await stage.session("ben")
    await stage.has(session)
    folder = await stage.share("ana", "tests", "edit", "ben")
    await stage.has(session, tests="edit")
    (told,) = await told_of(stage.api, "ben", "mount.mounted", 1)
    assert told == {"session_id": session, "server_name": "", "name": "tests", "level": "edit"}
    (seen,) = await stage.sessions("ben")
    assert (seen["mounts_available"], seen["because"]) == (True, None)
    assert seen["mounts"] == [
        {
            "folder_id": folder,
            "name": "tests",
            "level": "edit",
            "read_only": False,
            "state": "mounted",
            "because": None,
            "until": None,
        }
    ]
    (order,) = [f for f in stage.agent.folders(session).values()]
    grant = await stage.grant_of("ana", folder, "ben")
    assert (order.grant, order.owner, order.until) == (grant["id"], "ana", None)


async def test_a_session_starts_with_all_that_its_person_has(stage: Stage) -> None:
    await stage.api("ben").make_folder("mine")
    await stage.share("ana", "tests", "view", "ben")
    session = await stage.session("ben")
    assert stage.agent.levels(session) == {"mine": "edit_delete", "tests": "view"}
    assert stage.agent.folders(session)["mine"].grant == "owner"
    wanted = stage.agent.has[session]
    assert (wanted.person, wanted.uid, wanted.gid) == ("ben", 1001, 1001)


async def test_an_invitation_that_is_not_answered_gives_nothing(stage: Stage) -> None:
    session = await stage.session("ben")
    folder = await stage.api("ana").make_folder("tests")
    await stage.api("ana").invite(folder, "edit", "ben")
    await stage.share("ana", "other", "view", "ben")
    await stage.has(session, other="view")


@pytest.mark.scenario("F6")
async def test_a_new_name_reaches_the_sessions(stage: Stage) -> None:
    folder = await stage.share("ana", "tests", "view", "ben")
    ben, ana = await stage.session("ben"), await stage.session("ana")
    await stage.api("ana").ask(
        "PATCH", f"/folders/{folder}", {"name": "results"}, headers={"If-Match": '"1"'}
    )
    await stage.has(ben, results="view")
    await stage.has(ana, results="edit_delete")
    (told,) = await told_of(stage.api, "ben", "mount.changed", 1)
    assert (told["name"], told["from"], told["to"]) == ("results", "view", "view")


@pytest.mark.scenario("F7")
async def test_an_alias_is_the_directorys_name(stage: Stage) -> None:
    await stage.api("ben").make_folder("tests")
    folder = await stage.api("ana").make_folder("tests")
    (grant,) = await stage.api("ana").invite(folder, "edit", "ben")
    await stage.api("ben").accept(grant, alias="hers")
    session = await stage.session("ben")
    assert stage.agent.levels(session) == {"tests": "edit_delete", "hers": "edit"}
    await stage.api("ben").ask("PUT", f"/folders/{folder}/alias", {"alias": "anas"})
    await stage.has(session, tests="edit_delete", anas="edit")


@pytest.mark.scenario("F8")
async def test_lowering_and_revoking_say_what_they_cut(stage: Stage) -> None:
    folder = await stage.share("ana", "tests", "edit", "dan")
    first, second = await stage.session("dan"), await stage.session("dan", "gpu")
    stage.agent.open_files = 3
    grant = await stage.grant_of("ana", folder, "dan")
    told = await stage.api("ana").ask(
        "PATCH",
        f"/grants/{grant['id']}",
        {"level": "view"},
        headers={"If-Match": f'"{grant["version"]}"'},
    )
    assert (told["level"], told["sessions_cut"], told["descriptors_cut"]) == ("view", 2, 6)
    # The answer came after the fact.
    assert stage.agent.levels(first) == stage.agent.levels(second) == {"tests": "view"}
    assert told["in_sessions"] == "Cut in 2 running sessions, with 6 open files."
    stage.agent.open_files = 1
    told = await stage.api("ana").ask("DELETE", f"/grants/{grant['id']}")
    assert (told["sessions_cut"], told["descriptors_cut"], told["unconfirmed"]) == (2, 2, 0)
    assert stage.agent.levels(first) == stage.agent.levels(second) == {}
    gone = await told_of(stage.api, "dan", "mount.unmounted", 2)
    assert {event["session_id"] for event in gone} == {first, second}
    assert [seen["mounts"] for seen in await stage.sessions("dan")] == [[], []]


async def test_raising_a_level_cuts_nothing(stage: Stage) -> None:
    folder = await stage.share("ana", "tests", "view", "ben")
    session = await stage.session("ben")
    grant = await stage.grant_of("ana", folder, "ben")
    told = await stage.api("ana").ask(
        "PATCH", f"/grants/{grant['id']}", {"level": "edit"}, headers={"If-Match": '"2"'}
    )
    assert (told["sessions_cut"], told["in_sessions"]) == (0, None)
    await stage.has(session, tests="edit")


@pytest.mark.parametrize("way", ["leave", "stop sharing", "trash"])
async def test_every_way_out_says_what_it_cut(stage: Stage, way: str) -> None:
    folder = await stage.share("ana", "tests", "edit", "ben")
    session = await stage.session("ben")
    other = await stage.share("ana", "other", "view", "ben")
    await stage.has(session, tests="edit", other="view")
    stage.agent.open_files = 2
    match way:
        case "leave":
            told = await stage.api("ben").ask("POST", f"/folders/{folder}/leave")
        case "stop sharing":
            told = await stage.api("ana").ask("DELETE", f"/folders/{folder}/grants")
        case _:
            path = f"/folders/{folder}/trash"
            told = await stage.api("ana").ask("POST", path, {"force": True})
    assert (told["sessions_cut"], told["descriptors_cut"], told["unconfirmed"]) == (1, 2, 0)
    assert stage.agent.levels(session) == {"other": "view"}
    assert other in {f.folder for f in stage.agent.folders(session).values()}


@pytest.mark.scenario("F13")
async def test_the_trash_names_who_has_the_folder_in_a_session(stage: Stage) -> None:
    folder = await stage.share("ana", "tests", "edit", "ben", "cleo", "dan")
    ana, ben, cleo = [await stage.session(name) for name in ("ana", "ben", "cleo")]
    answer = await stage.api("ana").call("POST", f"/folders/{folder}/trash")
    assert (answer.status_code, answer.json()["code"]) == (409, "mounted-elsewhere")
    assert answer.json()["detail"].startswith("ben and cleo have this folder")
    for session in (ben, cleo):
        await stage.has(session, tests="edit")
    # Whoever may not trash it hears nothing of the sessions.
    answer = await stage.api("ben").call("POST", f"/folders/{folder}/trash", json={"force": True})
    assert answer.status_code == 403
    told = await stage.api("ana").ask("POST", f"/folders/{folder}/trash", {"force": True})
    assert (told["state"], told["sessions_cut"]) == ("trashed", 3)
    assert stage.agent.levels(ana) == stage.agent.levels(ben) == stage.agent.levels(cleo) == {}
    await stage.api("ana").ask("POST", f"/folders/{folder}/restore")
    for session in (ben, cleo):
        await stage.has(session, tests="edit")
    await stage.has(ana, tests="edit_delete")


@pytest.mark.scenario("F13")
async def test_a_folder_that_only_its_owner_has_goes_to_the_trash(stage: Stage) -> None:
    folder = await stage.share("ana", "tests", "edit", "ben")
    await stage.session("ana")
    told = await stage.api("ana").ask("POST", f"/folders/{folder}/trash")
    assert (told["state"], told["sessions_cut"]) == ("trashed", 1)


async def test_what_is_not_wanted_is_not_there(stage: Stage) -> None:
    folder = await stage.share("ana", "tests", "view", "ben")
    session = await stage.session("ben")
    told = await stage.api("ben").ask("DELETE", f"/folders/{folder}/mount")
    assert (told["wanted"], [s["mounts"] for s in told["sessions"]]) == (False, [[]])
    assert stage.agent.levels(session) == {}
    told = await stage.api("ben").ask("PUT", f"/folders/{folder}/mount")
    ((mount,),) = [s["mounts"] for s in told["sessions"]]
    assert (mount["state"], mount["name"], mount["read_only"]) == ("mounted", "tests", True)
    assert stage.agent.levels(session) == {"tests": "view"}


@pytest.mark.scenario("F12")
async def test_an_end_date_travels_with_the_order(make_stage: StageMaker) -> None:
    clock = ScriptedClock()
    stage = await make_stage(clock)
    friday = clock.now.replace(hour=18)
    ends = friday.isoformat().replace("+00:00", "Z")
    folder = await stage.share("ana", "tests", "edit", "ben", ends_at=ends)
    session = await stage.session("ben")
    assert stage.agent.folders(session)["tests"].until == friday.timestamp()
    # The guard ends it by itself; the service hears of it.
    clock.advance(hours=9)
    stage.agent.expire(session, folder)
    await stage.has(session)
    (told,) = await told_of(stage.api, "ben", "mount.unmounted", 1)
    assert (told["session_id"], told["level"]) == (session, "edit")
    await until(lambda: stage.agent.has[session].folders == ())


async def test_a_session_that_ends_is_taken_off_its_node(stage: Stage) -> None:
    session = await stage.session("ben")
    await stage.end("ben")
    await until(lambda: session in stage.agent.ended)
    assert await stage.sessions("ben") == []


async def test_a_session_that_its_node_lost_has_ended(stage: Stage) -> None:
    session = await stage.session("ben")
    stage.agent.lose(session)
    await told_of(stage.api, "ben", "session.ended", 1)
    assert await stage.sessions("ben") == []


# --- nodes that can't, and agents that are not there ---


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
        while "/dev/fuse" not in await because():  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    (seen,) = await stage.sessions("ben")
    assert seen["mounts_available"] is False
    assert "start it again" in seen["because"]
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
    await stage.share("ana", "tests", "view", "ben")
    other = await stage.session("ben", "second")
    await stage.has(other, tests="view")
    assert stage.agent.levels(told["id"]) == {}


async def test_a_revoke_that_the_node_has_not_confirmed_says_so(stage: Stage) -> None:
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
    mounts = {m["name"]: m for (s,) in [await stage.sessions("ben")] for m in s["mounts"]}
    assert (mounts["broken"]["state"], mounts["whole"]["state"]) == ("failed", "mounted")
    assert mounts["broken"]["because"] == "The folder's tree is not there."
    await told_of(stage.api, "ben", "mount.failed", 1)
    stage.agent.fails.clear()
    await stage.has(session, whole="edit", broken="edit")
    await told_of(stage.api, "ben", "mount.mounted", 2)


async def test_an_agent_that_comes_back_is_told_everything(stage: Stage) -> None:
    session = await stage.session("ben")
    await stage.agent.stop()
    gone = await stage.start("ana")
    assert gone["view"] is None
    folder = await stage.share("ana", "tests", "edit", "ben")
    stage.agent.has.clear()  # it died, and what it had with it
    before = stage.agent.count(KeepSessions)
    await stage.agent.start()
    await stage.has(session, tests="edit")
    assert stage.agent.count(KeepSessions) == before + 1
    assert folder in {f.folder for f in stage.agent.folders(session).values()}


async def test_a_node_with_a_later_list_gets_a_later_one_still(stage: Stage) -> None:
    """As after a database was restored from a copy."""
    session = await stage.session("ben")
    refused: list[int] = []

    def refuses(order: Any) -> Refusal | None:
        if isinstance(order, SetSession) and order.session.id == session and len(refused) < 2:
            refused.append(order.session.version)
            return Refusal("stale", "There is a later list.")
        return None

    stage.agent.refuses = refuses
    await stage.share("ana", "tests", "edit", "ben")
    await stage.has(session, tests="edit")
    assert refused[1] > refused[0]


async def test_the_guard_of_a_node_is_started_again(stage: Stage) -> None:
    session = await stage.session("ben")
    orders = stage.agent.count(SetSession)
    stage.agent.restart_guard()
    await until(lambda: stage.agent.count(SetSession) > orders)
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
