"""What a team was given, in its members' running sessions."""

from __future__ import annotations

import pytest

from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import handing
from tests.mounts.conftest import Stage, until
from tests.mounts.test_hub_hook import told_of

pytestmark = pytest.mark.asyncio


async def given(stage: Stage, level: str = "edit") -> tuple[str, str]:
    """A folder of ana's that genomics has, and the grant."""
    folder = await stage.api("ana").make_folder("tests")
    (grant,) = await stage.api("ana").invite(folder, level, "genomics", receiver_kind="team")
    return folder, grant


@pytest.mark.scenario("F15")
async def test_it_is_mounted_after_accepting_and_gone_with_the_group(stage: Stage) -> None:
    ben, cleo = await stage.session("ben"), await stage.session("cleo")
    _, grant = await given(stage)
    await stage.api("ben").accept(grant)
    await stage.has(ben, tests="edit")
    # cleo lists it, and has not answered: it is not in her session.
    await stage.has(cleo)
    stage.running.hub.leave("ben", "genomics")
    await stage.running.service.membership.refresh()
    await stage.has(ben)
    (told,) = await told_of(stage.api, "ben", "mount.unmounted", 1)
    assert (told["session_id"], told["level"]) == (ben, "edit")


@pytest.mark.scenario("F15")
async def test_who_joins_has_it_once_they_accept(stage: Stage) -> None:
    dan = await stage.session("dan")
    _, grant = await given(stage)
    stage.running.hub.join("dan", "genomics")
    await stage.running.service.membership.refresh()
    await stage.api("dan").accept(grant, alias="anas")
    await stage.has(dan, anas="edit")


@pytest.mark.scenario("F8")
async def test_lowering_and_revoking_reach_all_members_and_say_how_many(stage: Stage) -> None:
    sessions = {name: await stage.session(name) for name in ("ben", "cleo")}
    _, grant = await given(stage)
    for name, session in sessions.items():
        await stage.api(name).accept(grant)
        await stage.has(session, tests="edit")
    changed = await stage.api("ana").ask(
        "PATCH", f"/grants/{grant}", {"level": "view"}, headers={"If-Match": '"1"'}
    )
    assert (changed["sessions_cut"], changed["unconfirmed"]) == (2, 0)
    for session in sessions.values():
        await stage.has(session, tests="view")
    cut = await stage.api("ana").ask("DELETE", f"/grants/{grant}")
    assert (cut["sessions_cut"], cut["unconfirmed"]) == (2, 0)
    for session in sessions.values():
        await stage.has(session)


@pytest.mark.scenario("F9")
async def test_leaving_cuts_the_leavers_sessions_alone(stage: Stage) -> None:
    sessions = {name: await stage.session(name) for name in ("ben", "cleo")}
    folder, grant = await given(stage)
    for name, session in sessions.items():
        await stage.api(name).accept(grant)
        await stage.has(session, tests="edit")
    left = await stage.api("ben").ask("POST", f"/folders/{folder}/leave")
    assert (left["sessions_cut"], left["unconfirmed"]) == (1, 0)
    await stage.has(sessions["ben"])
    await stage.has(sessions["cleo"], tests="edit")


async def test_of_two_sources_what_is_left_is_mounted(stage: Stage) -> None:
    ben = await stage.session("ben")
    folder, grant = await given(stage, "edit_delete")
    (direct,) = await stage.api("ana").invite(folder, "view", "ben")
    await stage.api("ben").accept(direct)
    await stage.has(ben, tests="view")
    await stage.api("ben").accept(grant)
    await stage.has(ben, tests="edit_delete")
    stage.running.hub.leave("ben", "genomics")
    await stage.running.service.membership.refresh()
    await stage.has(ben, tests="view")


@pytest.mark.scenario("F8")
async def test_many_revoked_at_once_say_what_all_of_them_reached(stage: Stage) -> None:
    session = await stage.session("ben")
    grants = []
    for name in ("one", "two", "three"):
        folder = await stage.share("ana", name, "edit", "ben")
        grants.append((await stage.grant_of("ana", folder, "ben"))["id"])
    await stage.has(session, one="edit", two="edit", three="edit")
    told = await stage.api("ana").ask("POST", "/grants/revoke", {"grants": grants[:2]})
    assert (told["sessions_cut"], told["unconfirmed"]) == (2, 0)
    assert "Cut in 2 running sessions" in told["in_sessions"]
    await stage.has(session, three="edit")


@pytest.mark.scenario("F14")
async def test_a_folder_that_changes_hands_stays_mounted_at_the_new_rights(stage: Stage) -> None:
    folder = await stage.share("ana", "tests", "view", "ben", "cleo")
    ana, ben, cleo = [await stage.session(name) for name in ("ana", "ben", "cleo")]
    async with stage.running.service.db.write() as tx:
        offer = await handing.offer(tx, Person("ana"), folder, handing.Offer("ben", keep=True))
    taken = await stage.api("ben").ask("POST", f"/hand-overs/{offer.id}/accept")
    assert (taken["sessions_cut"], taken["unconfirmed"]) == (0, 0)
    await stage.has(ben, tests="edit_delete")
    await stage.has(ana, tests="edit_delete")
    await stage.has(cleo, tests="view")
    await until(lambda: stage.agent.folders(cleo)["tests"].owner == "ben")
    assert stage.agent.folders(ben)["tests"].grant == "owner"
    kept = await stage.grant_of("ben", folder, "ana")
    await until(lambda: stage.agent.folders(ana)["tests"].grant == kept["id"])


@pytest.mark.scenario("F14")
async def test_who_keeps_nothing_loses_the_mount(stage: Stage) -> None:
    folder = await stage.share("dan", "tests", "view", "ben")
    dan = await stage.session("dan")
    async with stage.running.service.db.write() as tx:
        offer = await handing.offer(tx, Person("dan"), folder, handing.Offer("ben"))
    taken = await stage.api("ben").ask("POST", f"/hand-overs/{offer.id}/accept")
    assert (taken["sessions_cut"], taken["unconfirmed"]) == (1, 0)
    await stage.has(dan)
