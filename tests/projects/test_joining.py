"""Links, wishes to join, and their answers."""

from __future__ import annotations

import asyncio
from datetime import timedelta

import pytest
import sqlalchemy as sa

from jupyterhub_vmshare.db.tables import metadata
from jupyterhub_vmshare.projects.expiry import end_what_is_over
from jupyterhub_vmshare.sharing.model import wire
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService, ScriptedClock
from tests.projects.conftest import ProjectLab

pytestmark = pytest.mark.asyncio


@pytest.mark.scenario("P2")
async def test_a_link_leads_to_a_request_and_an_administrator_lets_in(
    api: Api, lab: ProjectLab, project: str
) -> None:
    cleo, admin = api("cleo"), await lab.admin()
    code = (await lab.link(project, note="the new lab"))["code"]
    leads = await cleo.ask("POST", "/project-links/look", {"code": code})
    assert (leads["name"], leads["administrators"]) == ("genome", ["ana"])
    asked = await cleo.ask("POST", "/project-links/ask", {"code": code})
    [waits] = await cleo.all("/projects")
    assert (waits["role"], waits["ask_id"]) == (None, asked["id"])
    assert (await cleo.call("GET", f"/projects/{project}/members")).status_code == 404
    [ask] = await admin.all(f"/projects/{project}/asks")
    assert ask["person"] == "cleo"
    await admin.ask("POST", f"/projects/{project}/asks/{ask['id']}/accept")
    assert (await lab.members(project))["cleo"] == "member"
    assert len(await cleo.events("project.joined")) == 1


@pytest.mark.scenario("P2")
async def test_a_no_leaves_nothing_and_they_may_ask_again(
    api: Api, lab: ProjectLab, project: str
) -> None:
    asked = await lab.ask(project, "cleo")
    admin = await lab.admin()
    await admin.ask("POST", f"/projects/{project}/asks/{asked}/decline")
    assert await api("cleo").all("/projects") == []
    again = await admin.call("POST", f"/projects/{project}/asks/{asked}/accept")
    assert again.status_code == 409
    await lab.let_in(project, "cleo")
    assert "cleo" in await lab.members(project)


async def test_who_asks_twice_waits_once(api: Api, lab: ProjectLab, project: str) -> None:
    code = (await lab.link(project, uses=2))["code"]
    asks = [api("cleo").ask("POST", "/project-links/ask", {"code": code}) for _ in range(4)]
    assert len({asked["id"] for asked in await asyncio.gather(*asks)}) == 1
    [link] = [
        link
        for link in await (await lab.admin()).all(f"/projects/{project}/links")
        if link["uses"] == 2
    ]
    assert link["used"] == 1


async def test_who_is_in_already_is_told_so(api: Api, lab: ProjectLab, project: str) -> None:
    code = (await lab.link(project))["code"]
    answer = await api("ben").call("POST", "/project-links/ask", json={"code": code})
    assert (answer.status_code, answer.json()["detail"]) == (409, "You are in genome already.")


async def test_a_link_for_two_lets_two_ask_however_many_come_at_once(
    api: Api, lab: ProjectLab, project: str
) -> None:
    code = (await lab.link(project, uses=2))["code"]
    names = ("cleo", "dan", "eve", "root-hub")
    asks = [api(name).call("POST", "/project-links/ask", json={"code": code}) for name in names]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*asks))
    assert statuses == [201, 201, 404, 404]


@pytest.mark.parametrize("why", ["revoked", "over", "unknown"])
async def test_a_link_that_is_not_valid(
    api: Api, lab: ProjectLab, project: str, clock: ScriptedClock, why: str
) -> None:
    link = await lab.link(project)
    code = link["code"] if why != "unknown" else "x" * 32
    if why == "revoked":
        await (await lab.admin()).ask("DELETE", f"/projects/{project}/links/{link['id']}")
    if why == "over":
        clock.advance(days=14)
    for verb in ("look", "ask"):
        answer = await api("cleo").call("POST", f"/project-links/{verb}", json={"code": code})
        assert answer.status_code == 404
        assert "not valid" in answer.json()["detail"]


async def test_a_code_is_told_once_and_kept_nowhere(
    api: Api, lab: ProjectLab, project: str, service: RunningService
) -> None:
    code = (await lab.link(project, note="for cleo"))["code"]
    admin = await lab.admin()
    [link, *_] = await admin.all(f"/projects/{project}/links")
    assert "code" not in link
    async with service.service.db.read() as conn:
        for table in metadata.sorted_tables:
            rows = (await conn.execute(sa.select(table))).all()
            assert code not in repr(rows), table.name


async def test_another_projects_administrator_has_no_say(
    api: Api, lab: ProjectLab, project: str
) -> None:
    other = await lab.make("trees")
    asked = await lab.ask(project, "cleo")
    link = await lab.link(project)
    admin = await lab.admin()
    path = f"/projects/{other}"
    assert (await admin.call("POST", f"{path}/asks/{asked}/accept")).status_code == 404
    assert (await admin.call("DELETE", f"{path}/links/{link['id']}")).status_code == 404


async def test_only_who_asked_takes_it_back(api: Api, lab: ProjectLab, project: str) -> None:
    asked = await lab.ask(project, "cleo")
    path = f"/projects/{project}/asks/{asked}"
    for other in (api("dan"), api("ben"), await lab.admin()):
        assert (await other.call("DELETE", path)).status_code == 404
    await api("cleo").ask("DELETE", path)
    assert await (await lab.admin()).all(f"/projects/{project}/asks") == []
    assert (await api("cleo").call("DELETE", path)).status_code == 409


async def test_a_membership_ends_on_its_date(
    api: Api, lab: ProjectLab, project: str, clock: ScriptedClock, service: RunningService
) -> None:
    ends_at = clock() + timedelta(hours=1)
    await lab.let_in(project, "cleo", ends_at=wire(ends_at))
    cleo = api("cleo")
    clock.advance(seconds=3599)
    assert len(await cleo.all("/projects")) == 1
    clock.advance(seconds=1)
    assert await cleo.all("/projects") == []
    assert (await cleo.call("GET", f"/projects/{project}")).status_code == 404
    assert "cleo" not in await lab.members(project)
    await end_what_is_over(service.service.db)
    [ended] = await cleo.events("project.member_ended")
    assert ended["actor"] is None
    assert await end_what_is_over(service.service.db) == 0


async def test_who_comes_back_is_a_plain_member(api: Api, lab: ProjectLab, project: str) -> None:
    await lab.change(project, "ben", role="administrator")
    await api("ben").ask("POST", f"/projects/{project}/leave")
    await lab.let_in(project, "ben")
    assert (await lab.members(project))["ben"] == "member"
