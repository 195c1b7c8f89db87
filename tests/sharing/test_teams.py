"""A team as receiver: listed at once, answered by each member, and left with the hub's group."""

from __future__ import annotations

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from jupyterhub_vmshare.audit.sequencer import backlog
from tests.fixtures.api import Api, Json
from tests.fixtures.service import ScriptedClock

pytestmark = pytest.mark.asyncio

GENOMICS = {"receiver": "genomics", "receiver_kind": "team", "level": "edit"}


async def offer(api: Api, folder: str, by: str = "ana", **more: Any) -> Json:
    """What became of giving a folder to a team."""
    told = await api(by).ask(
        "POST", f"/folders/{folder}/grants", {"grants": [{**GENOMICS, **more}]}
    )
    return dict(told["results"][0])


async def given(api: Api, name: str = "tests", **more: Any) -> tuple[str, str]:
    """A folder of ana's that genomics has, and the grant."""
    folder = await api("ana").make_folder(name)
    return folder, str((await offer(api, folder, **more))["grant"]["id"])


async def members(api: Api, *joined: str, left: tuple[str, ...] = ()) -> None:
    """The hub's group changes, and the service looks."""
    for name in joined:
        api.running.hub.join(name, "genomics")
    for name in left:
        api.running.hub.leave(name, "genomics")
    await api.running.service.membership.refresh()


async def told(api: Api, name: str, *kinds: str) -> list[tuple[str, str | None]]:
    """The person's events of these kinds, oldest first, each with who did it."""
    async with asyncio.timeout(30):
        while (await backlog(api.running.service.db)).events:
            await asyncio.sleep(0.02)
    events = (await api(name).ask("GET", "/events", params={"limit": 200}))["items"]
    return [(e["type"], e["actor"]) for e in reversed(events) if e["type"] in kinds]


async def may(api: Api, name: str, folder: str, action: str) -> tuple[bool, str]:
    answer = await api(name).get("/why", action=action, thing=folder)
    if answer.status_code == 404:
        return False, "not-found"
    return answer.json()["allowed"], answer.json()["rule"]


@pytest.mark.scenario("F15")
async def test_members_list_it_at_once_and_each_answers_for_themselves(api: Api) -> None:
    folder, grant = await given(api)
    ben, cleo = api("ben"), api("cleo")
    for person in (ben, cleo):
        seen = (await person.folders())["tests"]
        assert (seen["level"], seen["owner"]) == ("edit", "ana")
        assert "upload" in seen["actions"]
        assert "mount_read_only" not in seen["actions"]
        (invitation,) = await person.invitations()
        assert (invitation["id"], invitation["receiver"]) == (
            grant,
            {"kind": "team", "name": "genomics"},
        )
        assert invitation["suggested_alias"] is None
    # ana is of the team herself, and owns the folder: nothing waits for her.
    assert await api("ana").invitations() == []
    hers = (await api("ana").folders())["tests"]
    assert (hers["relation"], "accept_or_decline" in hers["actions"]) == ("mine", False)
    assert await api("ana").folders(relation="shared_with_me") == {}
    assert await api("dan").folders() == {}

    assert (await ben.accept(grant))["answer"] == "accepted"
    assert "mount_read_write" in (await ben.folders())["tests"]["actions"]
    assert await ben.invitations() == []
    said = await cleo.ask("POST", f"/invitations/{grant}/decline")
    assert (said["answer"], said["state"]) == ("declined", "active")
    assert await cleo.folders() == {}
    assert (await cleo.get(f"/folders/{folder}")).status_code == 404
    assert "tests" in await ben.folders()


@pytest.mark.scenario("F15")
async def test_who_declined_may_still_accept(api: Api) -> None:
    folder, grant = await given(api)
    ben = api("ben")
    for _ in range(2):
        await ben.ask("POST", f"/invitations/{grant}/decline")
    assert await ben.invitations() == []
    (waiting,) = await ben.all("/invitations", declined="true")
    assert (waiting["id"], waiting["answer"]) == (grant, "declined")
    assert await may(api, "ben", folder, "read_file") == (False, "grant.declined")
    await ben.accept(grant)
    await ben.accept(grant)
    assert await ben.all("/invitations", declined="true") == []
    assert "mount_read_write" in (await ben.folders())["tests"]["actions"]
    late = await ben.call("POST", f"/invitations/{grant}/decline")
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
    kinds = ("grant.accepted", "grant.declined")
    both = [("grant.declined", "ben"), ("grant.accepted", "ben")]
    assert await told(api, "ana", *kinds) == await told(api, "ben", *kinds) == both
    assert await told(api, "cleo", *kinds) == []


@pytest.mark.scenario("F15")
async def test_nobody_outside_of_the_team_answers_for_it(api: Api) -> None:
    _, grant = await given(api)
    for name in ("ana", "dan", "eve", "root-hub"):
        for verb in ("accept", "decline"):
            answer = await api(name).call("POST", f"/invitations/{grant}/{verb}")
            assert answer.status_code == 404, name
    page = await api.page("root-hub")
    assert (await page.call("POST", f"/invitations/{grant}/accept")).status_code == 404


@pytest.mark.scenario("F15")
async def test_somebody_joining_gets_it_and_somebody_leaving_loses_it(api: Api) -> None:
    folder, grant = await given(api)
    await api("ben").accept(grant)
    assert await may(api, "dan", folder, "read_file") == (False, "not-found")
    await members(api, "dan", left=("ben",))
    assert (await api("dan").folders())["tests"]["level"] == "edit"
    assert [i["id"] for i in await api("dan").invitations()] == [grant]
    assert await api("ben").folders() == {}
    assert (await api("ben").get(f"/folders/{folder}/entries")).status_code == 404
    assert (await api("ben").call("POST", f"/invitations/{grant}/accept")).status_code == 404
    # What he lost, and how, is between him and ana.
    why = await api("ben").ask("GET", "/why", params={"action": "read_file", "thing": folder})
    assert (why["allowed"], why["rule"]) == (False, "grant.ended")
    assert "through genomics" in why["because"]
    assert "when the team was left" in why["because"]
    assert [source["ended_why"] for source in why["sources"]] == ["team_left"]
    lost = await told(api, "ben", "grant.ended", "team.left")
    assert sorted(lost, key=str) == [("grant.ended", None), ("team.left", None)]
    for name in ("ana", "cleo"):
        assert await told(api, name, "grant.ended") == []
    # Coming back is being asked anew.
    await members(api, "ben")
    assert "mount_read_only" not in (await api("ben").folders())["tests"]["actions"]
    assert [i["id"] for i in await api("ben").invitations()] == [grant]
    assert await may(api, "ben", folder, "mount_read_only") == (False, "grant.pending")


async def test_who_declined_loses_nothing_by_leaving_the_team(api: Api) -> None:
    folder, grant = await given(api)
    await api("ben").ask("POST", f"/invitations/{grant}/decline")
    await members(api, left=("ben",))
    assert await may(api, "ben", folder, "read_file") == (False, "not-found")
    assert await told(api, "ben", "grant.ended") == []
    await members(api, "ben")
    assert [i["id"] for i in await api("ben").invitations()] == [grant]


async def test_who_joins_hears_nothing_of_what_ended_before(api: Api, clock: ScriptedClock) -> None:
    folder, grant = await given(api)
    clock.advance(hours=1)
    await api("ana").ask("DELETE", f"/grants/{grant}")
    clock.advance(hours=1)
    await members(api, "dan")
    assert await may(api, "dan", folder, "read_file") == (False, "not-found")
    assert await may(api, "ben", folder, "read_file") == (False, "grant.ended")


@pytest.mark.scenario("F15")
async def test_a_clash_of_names_gives_an_alias_at_once(api: Api) -> None:
    ben, dan = api("ben"), api("dan")
    own, dans = await ben.make_folder("tests"), await dan.make_folder("tests")
    folder, grant = await given(api)
    labels = {label: seen["id"] for label, seen in (await ben.folders()).items()}
    assert labels == {"tests": own, "tests (ana)": folder}
    assert list(await api("cleo").folders()) == ["tests"]
    await members(api, "dan")
    labels = {label: seen["id"] for label, seen in (await dan.folders()).items()}
    assert labels == {"tests": dans, "tests (ana)": folder}
    # Each may call it otherwise, once they have accepted, or while they do.
    await ben.accept(grant, alias="anas tests")
    assert set(await ben.folders()) == {"tests", "anas tests"}
    refused = await dan.call("PUT", f"/folders/{folder}/alias", json={"alias": "mine"})
    assert (refused.status_code, refused.json()["rule"]) == (403, "grant.pending")


async def test_two_folders_of_one_name_come_with_the_team(api: Api) -> None:
    other = await api("cleo").make_folder("tests")
    await given(api)
    await offer(api, other, by="cleo")
    assert len(await api("ben").folders()) == 2
    await members(api, "dan", "eve")
    for name in ("dan", "eve"):
        assert len(await api(name).folders()) == 2, name


async def test_a_rename_reaches_members_who_have_the_name_already(api: Api) -> None:
    folder, _ = await given(api)
    await api("ben").make_folder("results")
    headers = {"If-Match": '"1"'}
    await api("ana").ask("PATCH", f"/folders/{folder}", {"name": "results"}, headers=headers)
    assert (await api("ben").folders())["results (ana)"]["id"] == folder
    assert (await api("cleo").folders())["results"]["id"] == folder


async def test_an_own_folder_is_not_called_like_one_of_the_teams(api: Api) -> None:
    await given(api)
    answer = await api("ben").call("POST", "/folders", json={"name": "tests"})
    assert (answer.status_code, answer.json()["code"]) == (409, "name-taken")
    own = await api("ben").make_folder("mine")
    headers = {"If-Match": '"1"'}
    answer = await api("ben").call(
        "PATCH", f"/folders/{own}", json={"name": "tests"}, headers=headers
    )
    assert (answer.status_code, answer.json()["code"]) == (409, "name-taken")


@pytest.mark.scenario("F15")
async def test_direct_and_team_sources_are_shown_together_and_the_strongest_counts(
    api: Api,
) -> None:
    folder, team = await given(api, level="view")
    (direct,) = await api("ana").invite(folder, "edit_delete", "ben")
    await api("ben").accept(direct)
    people = await api("ana").ask("GET", f"/folders/{folder}/people")
    assert [grant["receiver"]["name"] for grant in people["grants"]] == ["genomics", "ben"]
    found = {one["name"]: one for one in people["people"]}
    assert set(found) == {"ben", "cleo"}
    assert (found["ben"]["level"], found["ben"]["accepted"]) == ("edit_delete", True)
    assert [(s["grant_id"], s["team"], s["answer"]) for s in found["ben"]["sources"]] == [
        (team, "genomics", "none"),
        (direct, None, "accepted"),
    ]
    assert (found["cleo"]["level"], found["cleo"]["accepted"]) == ("view", False)
    assert (await api("ben").folders())["tests"]["level"] == "edit_delete"
    await api("ana").ask("DELETE", f"/grants/{direct}")
    assert (await api("ben").folders())["tests"]["level"] == "view"


async def test_who_declined_is_told_to_the_owner_alone(api: Api) -> None:
    folder, grant = await given(api)
    await api("ben").ask("POST", f"/invitations/{grant}/decline")
    seen = await api("ana").ask("GET", f"/folders/{folder}/people")
    assert [(p["name"], p["level"]) for p in seen["people"]] == [("ben", None), ("cleo", "edit")]
    seen = await api("cleo").ask("GET", f"/folders/{folder}/people")
    assert [p["name"] for p in seen["people"]] == ["cleo"]


@pytest.mark.scenario("F9")
async def test_leaving_is_declining_for_oneself(api: Api) -> None:
    folder, grant = await given(api)
    (direct,) = await api("ana").invite(folder, "view", "ben")
    await api("ben").accept(direct)
    await api("ben").accept(grant)
    left = await api("ben").ask("POST", f"/folders/{folder}/leave")
    assert [(g["id"], g["ended_why"]) for g in left["ended"]] == [(direct, "left")]
    assert [(g["id"], g["state"]) for g in left["declined"]] == [(grant, "active")]
    assert await api("ben").folders() == {}
    assert list(await api("cleo").folders()) == ["tests"]
    assert await told(api, "ana", "grant.left") == [("grant.left", "ben")] * 2
    # Who has not answered may leave as well: that is a no.
    left = await api("cleo").ask("POST", f"/folders/{folder}/leave")
    assert [g["id"] for g in left["declined"]] == [grant]
    assert await told(api, "ana", "grant.declined") == [("grant.declined", "cleo")]


@pytest.mark.scenario("F8")
async def test_a_change_a_revoke_and_an_end_date_reach_every_member(
    api: Api, clock: ScriptedClock
) -> None:
    folder, grant = await given(api)
    await api("ben").accept(grant)
    ends_at = (clock.now + timedelta(hours=2)).isoformat().replace("+00:00", "Z")
    change = {"level": "view", "ends_at": ends_at}
    path, headers = f"/grants/{grant}", {"If-Match": '"1"'}
    changed = await api("ana").ask("PATCH", path, change, headers=headers)
    assert (changed["version"], changed["level"]) == (2, "view")
    for name in ("ben", "cleo"):
        seen = (await api(name).folders())["tests"]
        assert (seen["level"], seen["ends_at"] is None) == ("view", False)
        assert await told(api, name, "grant.changed") == [("grant.changed", "ana")]
    # An answer is to what the team was given, at whatever level.
    assert "mount_read_only" in (await api("ben").folders())["tests"]["actions"]
    clock.advance(hours=2)
    assert await api("ben").folders() == await api("cleo").folders() == {}
    again = await offer(api, folder)
    assert again["problem"] is None
    ended = await api("ana").ask("DELETE", f"/grants/{again['grant']['id']}")
    assert [g["ended_why"] for g in ended["ended"]] == ["revoked"]
    assert await api("ben").folders() == {}
    for name in ("ben", "cleo", "ana"):
        assert await told(api, name, "grant.revoked") == [("grant.revoked", "ana")]


async def test_who_declined_hears_no_more_of_it(api: Api) -> None:
    _, grant = await given(api)
    await api("ben").ask("POST", f"/invitations/{grant}/decline")
    await api("ana").ask("DELETE", f"/grants/{grant}")
    assert await told(api, "ben", "grant.revoked") == []
    assert await told(api, "cleo", "grant.revoked") == [("grant.revoked", "ana")]


async def test_stop_sharing_with_everyone_ends_teams_too(api: Api) -> None:
    folder, grant = await given(api)
    (direct,) = await api("ana").invite(folder, "view", "dan")
    cut = await api("ana").ask("DELETE", f"/folders/{folder}/grants")
    assert {(g["id"], g["ended_why"]) for g in cut["ended"]} == {
        (grant, "revoked"),
        (direct, "cancelled"),
    }
    for name in ("ben", "cleo", "dan"):
        assert await api(name).folders() == {}
        assert await api(name).invitations() == []


REFUSED = [
    pytest.param({"receiver": "imaging"}, "no-such-team", id="a team that one is not in"),
    pytest.param({"receiver": "Genomics"}, "no-such-team", id="a name that is spelled otherwise"),
    pytest.param({"receiver": "ben"}, "no-such-team", id="a person called a team"),
    pytest.param({"receiver": "nobody"}, "no-such-team", id="no team at all"),
    pytest.param({"receiver_kind": "person"}, "no-such-person", id="a team called a person"),
    pytest.param({"level": "own"}, "bad-input", id="a level that there is not"),
    pytest.param({"receiver_kind": "project"}, "bad-input", id="a project"),
]


@pytest.mark.parametrize(("asked", "code"), REFUSED)
async def test_teams_that_can_not_be_given_a_folder(api: Api, asked: Json, code: str) -> None:
    folder = await api("ana").make_folder("tests")
    result = await offer(api, folder, **asked)
    assert result["grant"] is None
    assert result["problem"]["code"] == code


async def test_one_batch_takes_teams_and_people(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    asked = [GENOMICS, {"receiver": "dan", "level": "view"}, {**GENOMICS, "level": "view"}]
    told = await api("ana").ask("POST", f"/folders/{folder}/grants", {"grants": asked})
    states = [(r["grant"] or {}).get("state") for r in told["results"]]
    assert states == ["active", "pending", None]
    assert "has access already" in told["results"][2]["problem"]["detail"]


async def test_the_teams_that_one_may_share_with(api: Api) -> None:
    told = await api("cleo").ask("GET", "/teams")
    assert told["items"] == [
        {"name": "genomics", "members": 3},
        {"name": "imaging", "members": 2},
    ]
    assert (await api("eve").ask("GET", "/teams"))["items"] == []


async def test_a_trashed_folder_waits_for_its_team(api: Api) -> None:
    folder, grant = await given(api)
    await api("ana").ask("POST", f"/folders/{folder}/trash")
    assert await api("ben").folders() == {}
    (seen,) = await api("ben").invitations()
    assert seen["available"] is False
    answer = await api("ben").call("POST", f"/invitations/{grant}/accept")
    assert (answer.status_code, answer.json()["rule"]) == (409, "gate.state")
    await api("ben").make_folder("tests")
    await api("ana").ask("POST", f"/folders/{folder}/restore")
    assert (await api("ben").folders())["tests (ana)"]["id"] == folder


@pytest.mark.scenario("F18")
async def test_why_names_the_team(api: Api) -> None:
    folder, grant = await given(api)
    why = await api("ben").ask("GET", "/why", params={"action": "delete_file", "thing": folder})
    assert why["because"] == (
        "You have Edit on this folder through genomics; deleting files needs Edit+Delete. "
        "ana can raise your level."
    )
    query = {"action": "mount_read_only", "thing": folder}
    why = await api("ana").ask("GET", "/people/ben/why", params=query)
    assert (why["allowed"], why["rule"]) == (False, "grant.pending")
    await api("ben").accept(grant)
    why = await api("ana").ask("GET", "/people/ben/why", params=query)
    assert why["because"] == "You gave genomics Edit, and ben is a member."
    assert [(s["kind"], s["receiver"]) for s in why["sources"]] == [("team_grant", "genomics")]
