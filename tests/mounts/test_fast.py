"""Folders whose owner chose fast mounts: who gets one, what a revoke can't cut, and ending that."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jupyterhub_vmshare.mounts.reach import Holder, Reached
from jupyterhub_vmshare.policy.mounting import is_direct
from tests.mounts.conftest import PATIENCE, Stage, StageMaker, until

pytestmark = pytest.mark.asyncio

GIGABYTE = 2**30

RULES: list[Any] = [
    pytest.param("view", True, False, True, id="View, since a bind can be read-only"),
    pytest.param("view", True, True, True, id="View, whatever the owner's limit"),
    pytest.param("edit", True, False, False, id="not Edit, since no bind refuses deletes"),
    pytest.param("edit", True, True, False, id="not Edit, with a limit"),
    pytest.param("edit_delete", True, False, True, id="Edit+Delete"),
    pytest.param("edit_delete", True, True, False, id="not Edit+Delete, where bytes are counted"),
    pytest.param("view", False, False, False, id="not View, where the owner did not choose it"),
    pytest.param("edit_delete", False, False, False, id="not Edit+Delete, where they did not"),
]


@pytest.mark.parametrize(("level", "fast", "limited", "direct"), RULES)
async def test_who_has_it_directly(level: str, fast: bool, limited: bool, direct: bool) -> None:
    assert is_direct(level, fast=fast, limited=limited) is direct


async def choose(stage: Stage, owner: str, folder: str, fast: bool = True) -> dict[str, Any]:
    """The owner's choice, with the version that they see."""
    api = stage.api(owner)
    version = (await api.ask("GET", f"/folders/{folder}"))["version"]
    seen = {"If-Match": f'"{version}"'}
    answer = await api.call("PUT", f"/folders/{folder}/fast", json={"fast": fast}, headers=seen)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


async def is_direct_in(stage: Stage, session: str, **direct: bool) -> None:
    """Waits until exactly these directories are there, each directly or not."""
    await until(
        lambda: {n: f.direct for n, f in stage.agent.folders(session).items()} == direct,
    )


async def test_each_persons_level_decides(stage: Stage) -> None:
    sessions = {person: await stage.session(person) for person in ("ana", "ben", "cleo", "dan")}
    folder = await stage.share("ana", "tests", "view", "ben")
    for person, level in (("cleo", "edit"), ("dan", "edit_delete")):
        (grant,) = await stage.api("ana").invite(folder, level, person)
        await stage.api(person).accept(grant)
    told = await choose(stage, "ana", folder)
    assert (told["fast"], told["holders"]) == (True, [])
    for person, direct in (("ana", True), ("ben", True), ("cleo", False), ("dan", True)):
        await is_direct_in(stage, sessions[person], tests=direct)
    # Everybody who has it sees what kind it is: in the list, and in their session.
    assert (await stage.api("ben").ask("GET", f"/folders/{folder}"))["fast"] is True
    await until_seen(stage, "ben", direct=True)
    await choose(stage, "ana", folder, False)
    for session in sessions.values():
        await is_direct_in(stage, session, tests=False)


async def until_seen(stage: Stage, person: str, **facts: Any) -> dict[str, Any]:
    """A person's only mount, once these hold of it."""
    async with asyncio.timeout(PATIENCE):
        while True:
            (session,) = await stage.sessions(person)
            for found in session["mounts"]:
                if {key: found[key] for key in facts} == facts:
                    return dict(found)
            await asyncio.sleep(0.02)


async def test_a_limit_of_the_owner_keeps_writers_with_the_guard(stage: Stage) -> None:
    ana, ben = await stage.session("ana"), await stage.session("ben")
    folder = await stage.share("ana", "tests", "view", "ben")
    await choose(stage, "ana", folder)
    await is_direct_in(stage, ana, tests=True)
    hub_admin = await stage.api.page("root-hub")
    limits = {"bytes": GIGABYTE, "folders": None}
    await hub_admin.ask("PUT", "/people/ana/quota", limits)
    await is_direct_in(stage, ana, tests=False)
    await is_direct_in(stage, ben, tests=True)
    await hub_admin.ask("PUT", "/people/ana/quota", {"bytes": None, "folders": None})
    await is_direct_in(stage, ana, tests=True)


async def test_a_node_that_cant_says_why(stage: Stage) -> None:
    stage.agent.indirect = "The file system of the store can't be shown under another account."
    await stage.session("ana")
    folder = await stage.api("ana").make_folder("tests")
    await choose(stage, "ana", folder)
    found = await until_seen(stage, "ana", not_direct=stage.agent.indirect)
    assert (found["state"], found["direct"], found["because"]) == ("mounted", False, None)


async def test_two_who_choose_at_once(stage: Stage) -> None:
    folder = await stage.api("ana").make_folder("tests")
    asked: dict[str, Any] = {"json": {"fast": True}, "headers": {"If-Match": '"7"'}}
    answer = await stage.api("ana").call("PUT", f"/folders/{folder}/fast", **asked)
    assert (answer.status_code, answer.json()["code"]) == (412, "changed-meanwhile")


# --- what can't be cut ---


async def fast_folder(stage: Stage, level: str = "view", **more: Any) -> tuple[str, str]:
    """A folder that ben has as a fast mount, and his session, in which a program holds it."""
    session = await stage.session("ben")
    folder = await stage.share("ana", "tests", level, "ben", **more)
    await choose(stage, "ana", folder)
    await is_direct_in(stage, session, tests=True)
    await until_seen(stage, "ben", direct=True)
    stage.agent.holds[session] = 2
    return folder, session


def ben_holds(folder: str, session: str) -> list[dict[str, Any]]:
    his = {"session_id": session, "person": "ben", "server_name": "", "processes": 2}
    return [{"folder_id": folder, **his}]


async def holders(stage: Stage, folder: str, person: str = "ana") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (
        await stage.api(person).ask("GET", f"/folders/{folder}/holders")
    )["items"]
    return found


async def take_away(stage: Stage, folder: str, how: str) -> dict[str, Any]:
    ana, grant = stage.api("ana"), await stage.grant_of("ana", folder, "ben")
    changes: dict[str, tuple[str, str, dict[str, Any]]] = {
        "a revoke": ("DELETE", f"/grants/{grant['id']}", {}),
        "sharing with nobody any more": ("DELETE", f"/folders/{folder}/grants", {}),
        "the trash": ("POST", f"/folders/{folder}/trash", {"json": {"force": True}}),
        "a lower level": (
            "PATCH",
            f"/grants/{grant['id']}",
            {"json": {"level": "view"}, "headers": {"If-Match": f'"{grant["version"]}"'}},
        ),
    }
    if how == "fast mounts no more":
        return await choose(stage, "ana", folder, False)
    method, path, more = changes[how]
    answer = await ana.call(method, path, **more)
    assert answer.status_code == 200, answer.text
    return dict(answer.json())


WAYS = (
    *("a revoke", "sharing with nobody any more", "the trash"),
    *("a lower level", "fast mounts no more"),
)


@pytest.mark.scenario("F8")
@pytest.mark.parametrize("how", WAYS)
async def test_the_answer_names_what_it_could_not_cut(stage: Stage, how: str) -> None:
    folder, session = await fast_folder(stage, "edit_delete")
    told = await take_away(stage, folder, how)
    assert (told["holders"], told["unconfirmed"]) == (ben_holds(folder, session), 0)
    assert "1 running session had it as a fast mount and has something" in told["in_sessions"]
    assert await holders(stage, folder) == ben_holds(folder, session)


async def test_who_holds_nothing_is_not_named(stage: Stage) -> None:
    folder, _session = await fast_folder(stage)
    stage.agent.holds.clear()
    told = await take_away(stage, folder, "a revoke")
    assert (told["sessions_cut"], told["holders"]) == (1, [])
    assert "fast" not in told["in_sessions"]


@pytest.mark.scenario("F12")
async def test_an_end_date_names_them_to_the_owner(stage: Stage) -> None:
    folder, session = await fast_folder(stage)
    stage.agent.expire(session, folder)
    event = await event_of(stage, "ana", "mount.held")
    assert (event["thing_name"], event["data"]["person"], event["data"]["processes"]) == (
        *("tests", "ben"),
        2,
    )
    assert await holders(stage, folder) == ben_holds(folder, session)


async def event_of(stage: Stage, person: str, kind: str) -> dict[str, Any]:
    async with asyncio.timeout(PATIENCE):
        while not (found := await stage.api(person).events(kind)):
            await asyncio.sleep(0.02)
    return dict(found[-1])


async def test_who_lets_go_is_named_no_more(stage: Stage) -> None:
    folder, _session = await fast_folder(stage)
    await take_away(stage, folder, "a revoke")
    stage.agent.holds.clear()
    stage.agent.restart_guard()  # whatever makes the service say the list again
    await event_of(stage, "ana", "mount.let_go")
    assert await holders(stage, folder) == []


async def test_of_others_sessions_only_who_may_revoke_learns() -> None:
    bens, dans = (Holder("fld_1", f"ses_{who}", who, "", 1) for who in ("ben", "dan"))
    assert Reached(2, 0, 0, (bens, dans)).as_seen_by("ben").holders == (bens,)


async def test_who_leaves_learns_of_their_own_session(stage: Stage) -> None:
    folder, _session = await fast_folder(stage)
    told = await stage.api("ben").ask("POST", f"/folders/{folder}/leave")
    assert [holder["person"] for holder in told["holders"]] == ["ben"]


# --- ending the sessions ---


async def stop(stage: Stage, folder: str, *sessions: str, by: str = "ana") -> list[dict[str, Any]]:
    path = f"/folders/{folder}/holders/stop"
    told = await stage.api(by).ask("POST", path, {"sessions": list(sessions)})
    return list(told["results"])


async def test_a_session_that_holds_is_stopped_and_both_are_told(stage: Stage) -> None:
    folder, session = await fast_folder(stage)
    await take_away(stage, folder, "a revoke")
    (told,) = await stop(stage, folder, session)
    assert (told["person"], told["stopped"], told["problem"]) == ("ben", True, None)
    assert stage.running.hub.stopped == [("ben", "")]
    for person in ("ana", "ben"):
        event = await event_of(stage, person, "session.stopped")
        assert (event["actor"], event["thing_name"], event["data"]["person"]) == (
            *("ana", "tests"),
            "ben",
        )
    await stage.end("ben")
    assert await holders(stage, folder) == []


async def test_no_other_session_can_be_stopped(stage: Stage) -> None:
    folder, session = await fast_folder(stage)
    cleos = await stage.session("cleo")
    # Who still has it holds it by right; who never had it holds nothing.
    for one in (session, cleos, "ses_none"):
        (told,) = await stop(stage, folder, one)
        assert (told["stopped"], told["person"], told["problem"]["status"]) == (False, None, 404)
    assert stage.running.hub.stopped == []


@pytest.mark.parametrize(
    ("person", "status"),
    [
        pytest.param("ben", 404, id="who had it and has it no more"),
        pytest.param("cleo", 403, id="who has it at Edit+Delete"),
        pytest.param("eve", 404, id="a stranger"),
    ],
)
async def test_only_who_may_revoke_may_end_or_see_that(
    stage: Stage, person: str, status: int
) -> None:
    folder, session = await fast_folder(stage)
    (grant,) = await stage.api("ana").invite(folder, "edit_delete", "cleo")
    await stage.api("cleo").accept(grant)
    await take_away(stage, folder, "a revoke")
    api = stage.api(person)
    asked: dict[str, Any] = {"json": {"sessions": [session]}}
    seen = await api.call("GET", f"/folders/{folder}/holders")
    stopped = await api.call("POST", f"/folders/{folder}/holders/stop", **asked)
    assert (seen.status_code, stopped.status_code) == (status, status)
    assert stage.running.hub.stopped == []


HUBS: list[Any] = [
    pytest.param(403, "hub-forbids", id="does not let the service stop servers"),
    pytest.param(500, "hub-unreachable", id="fails"),
]


@pytest.mark.parametrize(("status", "code"), HUBS)
async def test_a_hub_that(stage: Stage, status: int, code: str) -> None:
    folder, session = await fast_folder(stage)
    await take_away(stage, folder, "a revoke")
    stage.running.hub.fail("/hub/api/users/ben/server", status)
    (told,) = await stop(stage, folder, session)
    assert (told["stopped"], told["problem"]["code"]) == (False, code)
    assert await holders(stage, folder) == ben_holds(folder, session)


async def test_another_service_on_the_same_database_knows_who_holds(make_stage: StageMaker) -> None:
    stage = await make_stage()
    folder, session = await fast_folder(stage)
    await take_away(stage, folder, "a revoke")
    again = await make_stage()
    assert await holders(again, folder) == ben_holds(folder, session)
