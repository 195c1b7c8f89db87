"""Sharing machines and drives: ticks, one team, lineage, leaving, handing over."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest
import pytest_asyncio

from jupyterhub_vmshare.audit.sequencer import backlog
from tests.fixtures.api import Json
from tests.machines.conftest import Lab, on

pytestmark = pytest.mark.asyncio

STANDARD = ["terminal", "files", "upload", "download", "apps", "invite"]


@pytest_asyncio.fixture
async def box(lab: Lab) -> str:
    """ana's machine, asked for; nothing here depends on its state."""
    return str((await lab.ask_for())["id"])


async def held(lab: Lab, thing: str, level: str, *names: str, by: str = "ana", **more: Any) -> str:
    """These people have it, one given by the other; the last grant's id."""
    grant = ""
    for name in names:
        grant = await lab.give(thing, level, name, by=by, **more)
        await lab(name).accept(grant)
        by = name
    return grant


async def invited(lab: Lab, thing: str, to: str, by: str, what: str = "users", **more: Any) -> Json:
    """What became of an invitation that may be refused."""
    asked = {"json": {"grants": [{"receiver": to, **more}]}}
    kind = "machines" if thing.startswith("mch") else "drives"
    answer = await lab(by).call("POST", f"/{kind}/{thing}/{what}", **asked)
    if not answer.is_success:
        return dict(answer.json())
    [result] = answer.json()["results"]
    return dict(result["problem"] or result["grant"])


async def may(lab: Lab, name: str, thing: str, action: str) -> str:
    """The rule that answers, allowed or not; or that it is not there."""
    answer = await lab(name).get("/why", action=action, thing=thing)
    if answer.status_code == 404:
        return "not there"
    return f"{'yes' if answer.json()['allowed'] else 'no'}: {answer.json()['rule']}"


async def levels(lab: Lab, thing: str) -> dict[str, str | None]:
    """Who holds what, as the owner sees it."""
    kind = "machines" if thing.startswith("mch") else "drives"
    told = await lab("ana").ask("GET", f"/{kind}/{thing}/people")
    return {one["name"]: one["level"] for one in told["people"]}


async def ended(lab: Lab, name: str) -> list[tuple[str, str | None]]:
    """The ends that somebody was told of: whose, and why."""
    async with asyncio.timeout(30):
        while (await backlog(lab.api.running.service.db)).events:
            await asyncio.sleep(0.02)
    events = await lab(name).ask("GET", "/events", params={"limit": 200})
    kinds = ("grant.revoked", "grant.left", "grant.ended")
    told = [e for e in reversed(events["items"]) if e["type"] in kinds]
    return [(e["data"]["receiver"], e["data"].get("why", e["type"][6:])) for e in told]


async def leaves(lab: Lab, name: str, team: str = "genomics") -> None:
    lab.api.running.hub.leave(name, team)
    await lab.api.running.service.membership.refresh()


@pytest.mark.scenario("V2")
async def test_nothing_is_open_before_the_yes_and_the_drive_never_is(lab: Lab) -> None:
    machine = (await lab.ask_for(drive_gib=1))["id"]
    [drive] = await lab("ana").all("/drives")
    grant = await lab.give(machine, "use", "ben")
    assert await lab("ben").all("/machines") == []
    offered = await lab("ben").ask("GET", f"/machines/{machine}")
    assert (offered["name"], offered["level"], offered["state"]) == ("gpu-box", "use", None)
    assert await may(lab, "ben", machine, "connect") == "no: grant.pending"
    told = await lab("ben").accept(grant)
    assert (told["ticks"], told["profile"], told["team"]) == (STANDARD, "standard", "genomics")
    [seen] = await lab("ben").all("/machines")
    assert (seen["name"], seen["owner"], seen["drives"]) == ("gpu-box", "ana", [])
    assert await may(lab, "ben", machine, "connect") == "yes: table.connect"
    assert (await lab("ben").get(f"/drives/{drive['id']}")).status_code == 404
    assert await lab("ben").all("/drives") == []


@pytest.mark.scenario("V3")
async def test_a_user_invites_within_the_team_alone(lab: Lab, box: str) -> None:
    await held(lab, box, "use", "ben")
    assert (await invited(lab, box, "cleo", "ben"))["state"] == "pending"
    refused = await invited(lab, box, "dan", "ben")
    assert (refused["status"], refused["rule"]) == (403, "if.same_team")
    assert "must share one team" in refused["because"]
    assert (await invited(lab, box, "dan", "ana"))["rule"] == "if.same_team"  # owners, too


@pytest.mark.scenario("V3")
async def test_without_the_tick_nobody_is_invited(lab: Lab, box: str) -> None:
    await held(lab, box, "use", "ben", ticks=["terminal"])
    assert (await invited(lab, box, "cleo", "ben"))["rule"] == "if.invite"


PASSED_ON = [
    pytest.param(None, ["files", "invite"], None, id="the usual is cut to what the giver has"),
    pytest.param(["files"], ["files"], None, id="less is passed on"),
    pytest.param(["terminal"], None, "if.own_ticks", id="more is refused"),
    pytest.param(["power", "files"], None, "if.own_ticks", id="one too much is refused"),
]


@pytest.mark.parametrize(("asked", "given", "rule"), PASSED_ON)
async def test_ticks_are_passed_on_as_far_as_one_has_them(
    lab: Lab, box: str, asked: list[str] | None, given: list[str] | None, rule: str | None
) -> None:
    await held(lab, box, "use", "ben", ticks=["files", "invite"])
    told = await invited(lab, box, "cleo", "ben", ticks=asked)
    assert (told.get("ticks"), told.get("rule")) == (given, rule)


TICKED = [
    pytest.param("terminal", "open_terminal", id="a terminal"),
    pytest.param("files", "read_files", id="its files"),
    pytest.param("upload", "upload", id="uploading"),
    pytest.param("download", "download", id="downloading"),
    pytest.param("apps", "open_app", id="programs"),
    pytest.param("power", "stop", id="stopping it"),
    pytest.param("power", "reboot", id="rebooting it"),
]


@pytest.mark.parametrize(("tick", "action"), TICKED)
async def test_a_tick_opens_what_it_says(lab: Lab, box: str, tick: str, action: str) -> None:
    grant = await held(lab, box, "use", "ben", ticks=[tick])
    assert await may(lab, "ben", box, action) == f"yes: if.{tick}"
    await lab("ana").ask("PATCH", f"/grants/{grant}", {"ticks": []}, headers={"If-Match": '"2"'})
    assert await may(lab, "ben", box, action) == f"no: if.{tick}"
    assert await may(lab, "ben", box, "start") == "yes: table.start"


async def test_a_profile_is_a_name_for_ticks(lab: Lab, box: str) -> None:
    grant = await lab.give(box, "use", "ben", profile="files")
    path, seen = f"/grants/{grant}", {"If-Match": '"1"'}
    told = await lab("ana").ask("PATCH", path, {"ticks": ["files", "apps"]}, headers=seen)
    assert (told["ticks"], told["profile"]) == (["files", "apps"], "custom")
    late = await lab("ana").call("PATCH", path, json={"profile": "everything"}, headers=seen)
    assert late.status_code == 412
    both = {"profile": "files", "ticks": []}
    assert (await lab("ana").call("PATCH", path, json=both, headers=seen)).status_code == 422


RAISED = [
    pytest.param("use", None, "manage", "everything", id="the usual becomes the usual"),
    pytest.param("manage", None, "use", "standard", id="and back"),
    pytest.param("use", ["files"], "manage", "custom", id="what was chosen stays"),
]


@pytest.mark.parametrize(("level", "ticks", "to", "profile"), RAISED)
async def test_another_level_comes_with_its_usual_ticks(
    lab: Lab, box: str, level: str, ticks: list[str] | None, to: str, profile: str
) -> None:
    grant = await lab.give(box, level, "ben", ticks=ticks)
    seen = {"If-Match": '"1"'}
    told = await lab("ana").ask("PATCH", f"/grants/{grant}", {"level": to}, headers=seen)
    assert (told["level"], told["profile"]) == (to, profile)


@pytest.mark.scenario("V4")
async def test_a_manager_makes_nobody_a_manager(lab: Lab, box: str) -> None:
    await held(lab, box, "manage", "ben")
    assert (await invited(lab, box, "cleo", "ben", "managers"))["status"] == 403
    cleos = await lab.give(box, "use", "cleo", by="ben")
    change = {"json": {"level": "manage"}, "headers": {"If-Match": '"1"'}}
    assert (await lab("ben").call("PATCH", f"/grants/{cleos}", **change)).status_code == 403
    assert (await lab("ana").call("PATCH", f"/grants/{cleos}", **change)).status_code == 200


async def test_co_ownership_is_given_on_its_page_alone(lab: Lab, box: str) -> None:
    drive = (await lab.ask_for_drive())["id"]
    told = await invited(lab, drive, "ben", "ana", "grants", level="co_own")
    assert (told["status"], told["rule"]) == (403, "confirm.page")
    grant = await lab.give(box, "use", "ben")
    change = {"json": {"level": "co_own"}, "headers": {"If-Match": '"1"'}}
    answer = await lab("ana").call("PATCH", f"/grants/{grant}", **change)
    assert (answer.status_code, answer.json()["rule"]) == (403, "confirm.page")
    body = {"name": "two", "size": "small", "image": "debian", "drive_gib": 0}
    body["grants"] = [{"receiver": "ben", "level": "co_own"}]
    assert (await lab("ana").call("POST", "/machines", json=body)).status_code == 403


async def test_what_ends_with_a_grant_is_shown_before(lab: Lab, box: str) -> None:
    bens = await held(lab, box, "manage", "ben")
    cleos = await held(lab, box, "use", "cleo", by="ben")
    lab.api.running.hub.add_person("fay")
    lab.api.running.hub.join("fay", "genomics")
    await lab.api.running.service.membership.refresh()
    fays = await lab.give(box, "use", "fay", by="cleo")
    told = await lab("ana").ask("GET", f"/grants/{bens}/lineage")
    assert [one["id"] for one in told["grants"]] == [bens, cleos, fays]
    assert (await lab("dan").get(f"/grants/{bens}/lineage")).status_code == 404
    cut = await lab("ana").ask("DELETE", f"/grants/{bens}")
    assert [(g["id"], g["ended_why"]) for g in cut["ended"]] == [
        (bens, "revoked"),
        (cleos, "giver_lost"),
        (fays, "giver_lost"),
    ]
    assert await ended(lab, "fay") == [("fay", "giver_lost")]
    assert await levels(lab, box) == {}


async def test_whoever_gave_takes_away_what_flows_from_it(lab: Lab, box: str) -> None:
    lab.api.running.hub.add_person("fay")
    lab.api.running.hub.join("fay", "genomics")
    await lab.api.running.service.membership.refresh()
    await held(lab, box, "use", "ben", "cleo")
    fays = await held(lab, box, "use", "fay", by="cleo")
    anas = await lab.give(box, "use", "cleo")
    refused = await lab("ben").call("DELETE", f"/grants/{anas}")
    assert (refused.status_code, refused.json()["rule"]) == (403, "if.own_grant")
    assert (await lab("fay").call("DELETE", f"/grants/{fays}")).json()["rule"] == "if.own_grant"
    cut = await lab("ben").ask("DELETE", f"/grants/{fays}")  # cleo's, whose is his
    assert [one["receiver"]["name"] for one in cut["ended"]] == ["fay"]


LEFT = [
    pytest.param("cleo", {"ben": "use"}, "team_left", id="the receiver leaves"),
    pytest.param("ben", {}, "giver_lost", id="a giver leaves, and what flows from them ends"),
    pytest.param("ana", {}, "giver_lost", id="the owner leaves who gave it"),
]


@pytest.mark.parametrize(("who", "left", "why"), LEFT)
async def test_leaving_the_team_ends_what_it_was_given_for(
    lab: Lab, box: str, who: str, left: dict[str, str], why: str
) -> None:
    await held(lab, box, "use", "ben", "cleo")
    await leaves(lab, who)
    assert await levels(lab, box) == left
    assert await ended(lab, "cleo") == [("cleo", why)]
    assert await may(lab, "cleo", box, "start") in ("not there", "no: grant.ended")


async def test_a_team_has_it_and_each_member_accepts(lab: Lab, box: str) -> None:
    team = await lab.give(box, "use", "genomics", receiver_kind="team")
    assert await lab("ben").all("/machines") == []
    assert await may(lab, "ben", box, "start") == "no: grant.pending"
    assert [one["id"] for one in await lab("ben").invitations()] == [team]
    await lab("ben").accept(team)
    assert [one["name"] for one in await lab("ben").all("/machines")] == ["gpu-box"]
    assert await lab("cleo").all("/machines") == []
    cleos = await held(lab, box, "use", "cleo", by="ben")
    assert [
        g["id"] for g in (await lab("ana").ask("GET", f"/grants/{team}/lineage"))["grants"]
    ] == [
        team,
        cleos,
    ]
    cut = await lab("ben").ask("POST", f"/machines/{box}/leave")
    assert [g["id"] for g in cut["declined"]] == [team]
    assert [(g["id"], g["ended_why"]) for g in cut["ended"]] == [(cleos, "giver_lost")]


@pytest.mark.scenario("V7")
async def test_stopping_with_everyone_leaves_the_co_owner(lab: Lab, box: str) -> None:
    await held(lab, box, "co_own", "cleo")
    await held(lab, box, "use", "ben", by="cleo")
    await lab.give(box, "use", "genomics", receiver_kind="team")
    cut = await lab("ana").ask("DELETE", f"/machines/{box}/grants")
    assert {g["receiver"]["name"] for g in cut["ended"]} == {"ben", "genomics"}
    assert await levels(lab, box) == {"cleo": "co_own"}


@pytest.mark.scenario("V8")
async def test_ben_leaves_and_what_he_gave_ends(lab: Lab, box: str) -> None:
    await held(lab, box, "use", "ben", "cleo")
    cut = await lab("ben").ask("POST", f"/machines/{box}/leave")
    assert [g["ended_why"] for g in cut["ended"]] == ["left", "giver_lost"]
    assert await lab("ben").all("/machines") == []


@pytest.mark.scenario("V9")
async def test_an_owner_leaves_it_to_the_first_co_owner(lab: Lab, box: str) -> None:
    alone = await lab("ana").call("POST", f"/machines/{box}/leave")
    assert (alone.status_code, alone.json()["rule"]) == (403, "if.not_last_owner")
    cleos = await lab.give(box, "co_own", "cleo")
    bens = await lab.give(box, "co_own", "ben")
    await lab("ben").accept(bens)
    lab.api.running.clock.advance(minutes=1)
    await lab("cleo").accept(cleos)
    await held(lab, box, "use", "cleo", by="ben")
    cut = await lab("ana").ask("POST", f"/machines/{box}/leave")
    assert (cut["offered_to"], cut["ended"]) == ("ben", [])
    assert (await lab("ana").ask("GET", f"/machines/{box}"))["level"] == "owner"
    [offer] = await lab("ben").all("/hand-overs")
    assert (await lab("ben").call("POST", f"/hand-overs/{offer['id']}/accept")).status_code == 404
    taken = await lab("ben").ask("POST", f"/hand-overs/{offer['id']}/machine")
    assert (taken["owner"], taken["level"]) == ("ben", "owner")
    assert (await lab("ana").get(f"/machines/{box}")).status_code == 404
    told = await lab("ben").ask("GET", f"/machines/{box}/people")
    # What both gave cleo is one grant by now: the stronger.
    assert [(g["receiver"]["name"], g["giver"], g["level"]) for g in told["grants"]] == [
        ("cleo", "ben", "co_own")
    ]
    assert ("cleo", "superseded") in await ended(lab, "cleo")


async def test_a_new_owner_shares_a_team_with_whom_they_give(lab: Lab, box: str) -> None:
    await held(lab, box, "use", "ben")
    await held(lab, box, "use", "cleo")
    async with lab.api.running.service.db.write() as tx:
        from jupyterhub_vmshare.policy.model import Person
        from jupyterhub_vmshare.sharing import handing

        made = await handing.offer(tx, Person("ana"), box, handing.Offer("dan"))
    await lab("dan").ask("POST", f"/hand-overs/{made.id}/machine", {"name": "dans-box"})
    told = await lab("dan").ask("GET", f"/machines/{box}/people")
    # dan and cleo are of imaging; with ben he shares nothing.
    assert [(g["receiver"]["name"], g["team"]) for g in told["grants"]] == [("cleo", "imaging")]
    assert ("ben", "handed_over") in await ended(lab, "ben")
    assert [one["name"] for one in await lab("cleo").all("/machines")] == ["dans-box"]


async def test_a_machine_is_made_with_its_people_or_not_at_all(lab: Lab) -> None:
    one = {"receiver": "ben", "level": "use"}
    made = await lab.ask_for(grants=[one, {"receiver": "cleo", "level": "manage"}])
    assert await levels(lab, made["id"]) == {"ben": None, "cleo": None}
    [waits] = await lab("ben").invitations()
    assert (waits["thing_name"], waits["level"], waits["thing_kind"]) == (
        "gpu-box",
        "use",
        "machine",
    )
    body = {"name": "two", "size": "small", "image": "debian", "drive_gib": 1}
    asked = {**body, "grants": [one, {"receiver": "dan", "level": "use"}]}
    refused = await lab("ana").call("POST", "/machines", json=asked)
    assert (refused.status_code, refused.json()["rule"]) == (403, "if.same_team")
    assert [m["name"] for m in await lab("ana").all("/machines")] == ["gpu-box"]
    assert len(await lab("ben").invitations()) == 1


@pytest.mark.scenario("V13")
async def test_a_drive_is_shared_to_be_attached(lab: Lab) -> None:
    drive = (await lab.ask_for_drive())["id"]
    await held(lab, drive, "attach_read", "ben")
    [seen] = await lab("ben").all("/drives")
    assert (seen["level"], seen["owner"]) == ("attach_read", "ana")
    assert (await invited(lab, drive, "cleo", "ben", "grants", level="attach_read"))[
        "status"
    ] == 403
    told = await invited(lab, drive, "cleo", "ana", "grants", level="attach_read", ticks=["files"])
    assert told["status"] == 422
    assert (await invited(lab, drive, "dan", "ana", "grants", level="attach_read"))["rule"] == (
        "if.same_team"
    )
    await leaves(lab, "ben")
    assert await lab("ben").all("/drives") == []


@pytest.mark.scenario("V5")
async def test_a_co_owner_takes_the_drive_to_her_own_machine(lab: Lab) -> None:
    box, mine = (await lab.make(drive_gib=1))["id"], (await lab.make("mine", by="cleo"))["id"]
    [drive] = await lab("ana").all("/drives")
    path, asked = f"/machines/{box}/drives/{drive['id']}/move", {"machine_id": mine}
    grant = await held(lab, box, "use", "cleo")
    assert (await lab("cleo").call("POST", path, json=asked)).status_code == 403
    await lab("cleo").ask("POST", f"/machines/{box}/leave")
    grant = await held(lab, box, "co_own", "cleo")
    [seen] = (await lab("cleo").ask("GET", f"/machines/{box}"))["drives"]
    assert seen["drive_name"] == drive["name"]
    await lab("cleo").ask("POST", path, asked)
    told = await lab.until(f"/drives/{drive['id']}", on(mine))
    assert [one["machine_name"] for one in told["machines"]] == ["mine"]  # ana sees where
    async with asyncio.timeout(30):
        while (await backlog(lab.api.running.service.db)).events:
            await asyncio.sleep(0.02)
    events = (await lab("ana").ask("GET", "/events", params={"limit": 200}))["items"]
    moved = [(e["type"], e["actor"]) for e in events if e["type"].startswith("drive.")]
    assert ("drive.attach_asked", "cleo") in moved
    await lab("ana").ask("DELETE", f"/grants/{grant}")
    assert (await lab("cleo").get(f"/machines/{box}")).status_code == 404
    await lab("ana").ask("DELETE", f"/drives/{drive['id']}/machines/{mine}")  # hers to take back
