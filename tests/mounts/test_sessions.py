"""From grants to running sessions and back: what the agent is told, and what people are told."""

from __future__ import annotations

import asyncio
from datetime import datetime

import pytest

from jupyterhub_vmshare.db.tables import mount_choices, sessions, things
from jupyterhub_vmshare.folders import life
from jupyterhub_vmshare.mounts.sweep import forget
from jupyterhub_vmshare.policy.model import Person
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
            "direct": False,
            "not_direct": None,
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


@pytest.mark.scenario("F7")
async def test_events_say_the_sessions_own_name_for_a_folder(stage: Stage) -> None:
    """What its owner calls it by then is nothing that a revoked person should learn."""
    folder = await stage.api("ana").make_folder("tests")
    (grant,) = await stage.api("ana").invite(folder, "edit", "ben")
    await stage.api("ben").accept(grant, alias="hers")
    session = await stage.session("ben")
    await stage.has(session, hers="edit")
    told = {"name": "unpublished"}
    await stage.api("ana").ask("PATCH", f"/folders/{folder}", told, headers={"If-Match": '"1"'})
    for level, version in (("view", 2), ("edit", 3)):
        told, seen = {"level": level}, {"If-Match": f'"{version}"'}
        await stage.api("ana").ask("PATCH", f"/grants/{grant}", told, headers=seen)
        await stage.has(session, hers=level)
    await stage.api("ana").ask("DELETE", f"/grants/{grant}")
    await told_of(stage.api, "ben", "mount.unmounted", 1)
    items = (await stage.api("ben").ask("GET", "/events", params={"limit": 200}))["items"]
    events = [event for event in items if event["type"].startswith("mount.")]
    assert {event["type"] for event in events} == {
        *("mount.mounted", "mount.changed", "mount.unmounted"),
    }
    assert {(event["thing_name"], event["data"]["name"]) for event in events} == {("hers", "hers")}


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


@pytest.mark.scenario("F12")
async def test_an_end_date_that_is_moved_reaches_the_node(make_stage: StageMaker) -> None:
    clock = ScriptedClock()
    stage = await make_stage(clock)
    folder = await stage.share("ana", "tests", "edit", "ben")
    session = await stage.session("ben")
    for hour in (18, 12, None):
        grant = await stage.grant_of("ana", folder, "ben")
        ends = None if hour is None else clock.now.replace(hour=hour)
        told = await stage.api("ana").ask(
            "PATCH",
            f"/grants/{grant['id']}",
            {"ends_at": None if ends is None else ends.isoformat().replace("+00:00", "Z")},
            headers={"If-Match": f'"{grant["version"]}"'},
        )
        assert told["sessions_cut"] == 0
        wanted = None if ends is None else ends.timestamp()
        async with asyncio.timeout(30):
            while stage.agent.folders(session)["tests"].until != wanted:
                await asyncio.sleep(0.01)


@pytest.mark.scenario("F12")
async def test_what_is_left_after_the_stronger_one_ended(make_stage: StageMaker) -> None:
    clock = ScriptedClock()
    stage = await make_stage(clock)
    folder = await stage.share("ana", "tests", "view", "ben")
    friday = clock.now.replace(hour=18)
    await team_grant(stage, folder, "edit", friday)
    session = await stage.session("ben")
    there = stage.agent.folders(session)["tests"]
    assert (there.level, there.until) == ("edit", friday.timestamp())
    clock.advance(hours=9)
    stage.agent.expire(session, folder)
    await stage.has(session, tests="view")
    assert stage.agent.folders(session)["tests"].until is None


@pytest.mark.scenario("F15")
async def test_who_leaves_the_team_loses_its_folder_in_the_session(stage: Stage) -> None:
    folder = await stage.api("ana").make_folder("tests")
    await team_grant(stage, folder, "edit", None)
    session = await stage.session("ben")
    assert stage.agent.levels(session) == {"tests": "edit"}
    stage.running.hub.add_group("genomics", ("ana", "cleo"))
    await stage.running.service.membership.refresh()
    await stage.has(session)
    stage.running.hub.add_group("genomics", ("ana", "ben", "cleo"))
    await stage.running.service.membership.refresh()
    # Coming back is being asked anew.
    await stage.has(session)
    (invitation,) = await stage.api("ben").invitations()
    await stage.api("ben").accept(invitation["id"])
    await stage.has(session, tests="edit")


async def team_grant(stage: Stage, folder: str, level: str, ends_at: datetime | None) -> None:
    """A grant to genomics that ben has accepted."""
    end = None if ends_at is None else ends_at.isoformat()
    (grant,) = await stage.api("ana").invite(
        folder, level, "genomics", receiver_kind="team", ends_at=end
    )
    await stage.api("ben").accept(grant)


async def test_what_is_deleted_for_ever_leaves_no_rows(stage: Stage) -> None:
    folder = await stage.api("ana").make_folder("tests")
    await stage.session("ana")
    await stage.api("ana").ask("DELETE", f"/folders/{folder}/mount")
    await stage.api("ana").ask("POST", f"/folders/{folder}/trash")
    service = stage.running.service
    async with service.db.write() as tx:
        await life.delete_for_ever(tx, Person("ana"), folder)
    await service.folders.removal.catch_up()
    async with service.db.read() as conn:
        assert (await conn.execute(mount_choices.select())).all() == []
        assert (await conn.execute(things.select())).all() == []


async def test_sessions_of_long_ago_are_forgotten(make_stage: StageMaker) -> None:
    clock = ScriptedClock()
    stage = await make_stage(clock)
    await stage.share("ana", "tests", "view", "ben")
    await stage.session("ben")
    await stage.end("ben")
    kept = await stage.session("ben", "other")
    clock.advance(days=8)
    async with stage.running.service.db.write() as tx:
        await forget(tx)
        left = await tx.conn.execute(sessions.select())
        assert [row.id for row in left] == [kept]


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
