"""What belongs to a project, in its members' running sessions."""

from __future__ import annotations

from datetime import timedelta

import pytest

from tests.fixtures.service import ScriptedClock
from tests.mounts.conftest import Stage, StageMaker, until
from tests.mounts.test_hub_hook import told_of
from tests.projects.conftest import ProjectLab

pytestmark = pytest.mark.asyncio


async def reef(stage: Stage, level: str = "edit") -> tuple[ProjectLab, str, str]:
    """A project that ana administers, with ben and cleo in it, and a folder of it."""
    lab = ProjectLab(stage.api)
    project = await lab.make("reef", "ben", "cleo")
    return lab, project, str((await lab.folder(project, "reads", level))["id"])


async def accepts(stage: Stage, *names: str) -> None:
    """They say yes to the one thing that waits for them."""
    for name in names:
        (waiting,) = await stage.api(name).invitations()
        await stage.api(name).accept(waiting["id"])


@pytest.mark.scenario("P5")
async def test_it_is_mounted_after_accepting_and_cut_with_the_membership(stage: Stage) -> None:
    ben, cleo = await stage.session("ben"), await stage.session("cleo")
    lab, project, folder = await reef(stage)
    await accepts(stage, "ben")
    await stage.has(ben, reads="edit")
    await stage.has(cleo)
    assert stage.agent.folders(ben)["reads"].owner == "reef"
    told = await (await lab.admin()).ask("DELETE", f"/projects/{project}/members/ben")
    assert (told["sessions_cut"], told["unconfirmed"]) == (1, 0)
    await stage.has(ben)
    (told,) = await told_of(stage.api, "ben", "mount.unmounted", 1)
    assert (told["session_id"], told["level"]) == (ben, "edit")
    # Coming back is being asked anew; a yes that was given once mounts in a later session, too.
    await lab.let_in(project, "ben")
    await stage.has(ben)
    await accepts(stage, "ben", "cleo")
    await stage.has(ben, reads="edit")
    await stage.has(cleo, reads="edit")
    await stage.has(await stage.session("ben", "second"), reads="edit")
    await stage.api("cleo").ask("DELETE", f"/folders/{folder}/mount")
    await stage.has(cleo)
    await stage.api("ben").ask("POST", f"/projects/{project}/leave")
    await stage.has(ben)


@pytest.mark.scenario("P5")
async def test_an_administrators_session_has_what_a_member_has(stage: Stage) -> None:
    await reef(stage, "view")
    ana = await stage.session("ana")
    await stage.has(ana)
    await accepts(stage, "ana")
    await stage.has(ana, reads="view")


@pytest.mark.scenario("P5")
async def test_the_guard_knows_when_a_membership_ends(make_stage: StageMaker) -> None:
    clock = ScriptedClock()
    stage = await make_stage(clock)
    lab, project, folder = await reef(stage)
    ben = await stage.session("ben")
    await accepts(stage, "ben")
    await stage.has(ben, reads="edit")
    end = clock.now + timedelta(hours=2)
    await lab.change(project, "ben", ends_at=end.isoformat())
    await until(lambda: stage.agent.folders(ben)["reads"].until == end.timestamp())
    await lab.change(project, "ben", ends_at=None)
    await until(lambda: stage.agent.folders(ben)["reads"].until is None)
    await lab.change(project, "ben", ends_at=end.isoformat())
    clock.advance(hours=2)
    stage.agent.expire(ben, folder)
    await stage.has(ben)


@pytest.mark.scenario("P5")
async def test_an_override_reaches_the_session_and_says_so(stage: Stage) -> None:
    ben, cleo = await stage.session("ben"), await stage.session("cleo")
    lab, _, folder = await reef(stage)
    await accepts(stage, "ben", "cleo")
    for session in (ben, cleo):
        await stage.has(session, reads="edit")
    told = await lab.override(folder, "ben", "view")
    assert (told["sessions_cut"], told["unconfirmed"]) == (1, 0)
    assert stage.agent.levels(ben) == {"reads": "view"}
    assert stage.agent.levels(cleo) == {"reads": "edit"}
    await lab.override(folder, "ben", "edit_delete")
    await stage.has(ben, reads="edit_delete")
    told = await lab.override(folder, "ben", None)
    assert (told["sessions_cut"], told["level"]) == (1, None)
    assert stage.agent.levels(ben) == {"reads": "edit"}


@pytest.mark.scenario("P5")
async def test_another_level_and_the_trash_reach_all_members(stage: Stage) -> None:
    ben, cleo = await stage.session("ben"), await stage.session("cleo")
    lab, _, folder = await reef(stage)
    await accepts(stage, "ben", "cleo")
    for session in (ben, cleo):
        await stage.has(session, reads="edit")
    admin = await lab.admin()
    (grant,) = (await admin.ask("GET", f"/folders/{folder}/people"))["grants"]
    lowered = await admin.ask(
        "PATCH", f"/grants/{grant['id']}", {"level": "view"}, headers={"If-Match": '"1"'}
    )
    assert lowered["sessions_cut"] == 2
    assert stage.agent.levels(ben) == stage.agent.levels(cleo) == {"reads": "view"}
    refused = await admin.call("POST", f"/folders/{folder}/trash")
    assert (refused.status_code, refused.json()["code"]) == (409, "mounted-elsewhere")
    trashed = await admin.ask("POST", f"/folders/{folder}/trash", {"force": True})
    assert trashed["sessions_cut"] == 2
    await stage.has(ben)
    await admin.ask("POST", f"/folders/{folder}/restore")
    await stage.has(ben, reads="view")


@pytest.mark.scenario("P5")
async def test_another_name_of_the_project_is_another_owner_of_the_mount(stage: Stage) -> None:
    ben = await stage.session("ben")
    lab, project, _ = await reef(stage)
    await accepts(stage, "ben")
    await stage.has(ben, reads="edit")
    version = (await (await lab.admin()).ask("GET", f"/projects/{project}"))["version"]
    await (await lab.admin()).ask(
        "PATCH", f"/projects/{project}", {"name": "atoll"}, headers={"If-Match": f'"{version}"'}
    )
    await until(lambda: stage.agent.folders(ben)["reads"].owner == "atoll")
