"""How projects come to be, and what a hub admin says of them."""

from __future__ import annotations

import asyncio

import pytest

from tests.fixtures.api import Api
from tests.projects.conftest import ProjectLab

pytestmark = pytest.mark.asyncio

WANTED = {"name": "genome", "description": "Reads and trees.", "quota": {"machines": 3}}


@pytest.mark.scenario("P2")
async def test_a_project_is_asked_for_and_there_once_a_hub_admin_says_yes(
    api: Api, lab: ProjectLab
) -> None:
    ana, hub_admin = api("ana"), await api.page("root-hub")
    asked = await ana.ask("POST", "/project-requests", WANTED)
    assert (asked["state"], asked["role"], asked["members"]) == ("requested", None, 0)
    [waiting] = await hub_admin.all("/project-requests")
    assert (waiting["id"], waiting["quota"]["machines"]) == (asked["id"], 3)
    approval = {"quota": {"machines": 2, "cores": 8}}
    await hub_admin.ask("POST", f"/projects/{asked['id']}/approve", approval)
    [mine] = await ana.all("/projects")
    assert (mine["state"], mine["role"]) == ("active", "administrator")
    assert (mine["quota"]["machines"], mine["quota"]["cores"]) == (2, 8)
    assert mine["quota"]["drives"] is None
    assert await hub_admin.all("/project-requests") == []
    assert len(await ana.events("project.created")) == 1


async def test_a_no_says_why_and_frees_the_name(api: Api) -> None:
    ana, hub_admin = api("ana"), await api.page("root-hub")
    asked = await ana.ask("POST", "/project-requests", WANTED)
    path = f"/projects/{asked['id']}"
    await hub_admin.ask("POST", f"{path}/decline", {"because": "Use the lab's project."})
    [mine] = await ana.all("/projects")
    assert (mine["state"], mine["because"]) == ("declined", "Use the lab's project.")
    answer = await hub_admin.call("POST", f"{path}/approve")
    assert (answer.status_code, answer.json()["code"]) == (409, "conflict")
    await ana.ask("POST", "/project-requests", WANTED)


async def test_who_asked_takes_it_back_and_nobody_else_can(api: Api) -> None:
    ana, hub_admin = api("ana"), await api.page("root-hub")
    asked = await ana.ask("POST", "/project-requests", WANTED)
    path = f"/projects/{asked['id']}/cancel"
    assert (await api("ben").call("POST", path)).status_code == 404
    await ana.ask("POST", path)
    assert await hub_admin.all("/project-requests") == []
    assert await ana.all("/projects") == []
    assert (await ana.call("POST", path)).status_code == 409


@pytest.mark.parametrize("through", ["panel", "kernel", "own"])
async def test_a_hub_admin_counts_on_the_pages_alone(api: Api, through: str) -> None:
    asked = await api("ana").ask("POST", "/project-requests", WANTED)
    hub_admin = api("root-hub", through)  # type: ignore[arg-type]
    for method, path, body in (
        ("GET", "/project-requests", None),
        ("POST", f"/projects/{asked['id']}/approve", None),
        ("POST", f"/projects/{asked['id']}/decline", {"because": "x"}),
        ("POST", "/projects", {"name": "other"}),
    ):
        answer = await hub_admin.call(method, path, **({"json": body} if body else {}))
        assert answer.status_code == 403, path


@pytest.mark.parametrize("name", ["ana", "ben"])
async def test_who_is_no_hub_admin_answers_no_request(api: Api, name: str) -> None:
    asked = await api("ana").ask("POST", "/project-requests", WANTED)
    who = await api.page(name)
    assert (await who.call("POST", f"/projects/{asked['id']}/approve")).status_code == 403
    quota = {"machines": 99}
    answer = await who.call("PUT", f"/projects/{asked['id']}/quota", json=quota)
    assert answer.status_code == 403


async def test_a_name_is_one_projects_and_the_refusal_names_a_free_one(
    api: Api, project: str
) -> None:
    answer = await api("cleo").call("POST", "/project-requests", json={"name": "genome"})
    told = answer.json()
    assert (answer.status_code, told["code"]) == (409, "name-taken")
    assert told["suggestion"] == "genome 2"


async def test_of_two_who_ask_for_a_name_at_once_one_gets_it(api: Api) -> None:
    asks = [
        api(name).call("POST", "/project-requests", json={"name": "genome"})
        for name in ("ana", "ben", "cleo", "dan")
    ]
    statuses = sorted(answer.status_code for answer in await asyncio.gather(*asks))
    assert statuses == [201, 409, 409, 409]


async def test_an_administrator_who_is_not_there_is_named(api: Api) -> None:
    hub_admin = await api.page("root-hub")
    asked = {"name": "genome", "administrators": ["ana", "nobody-here"]}
    answer = await hub_admin.call("POST", "/projects", json=asked)
    assert answer.status_code == 422
    assert "nobody-here" in answer.json()["detail"]
    assert await api("ana").all("/projects") == []


@pytest.mark.scenario("P3")
async def test_settings_change_for_everybody_and_are_told(
    api: Api, lab: ProjectLab, project: str
) -> None:
    admin, ben = await lab.admin(), api("ben")
    version = (await ben.ask("GET", f"/projects/{project}"))["version"]
    changes = {"description": "All of it.", "members_may_create": False}
    seen = {"If-Match": f'"{version}"'}
    await admin.ask("PATCH", f"/projects/{project}", changes, headers=seen)
    told = await ben.ask("GET", f"/projects/{project}")
    assert (told["description"], told["members_may_create"]) == ("All of it.", False)
    [event] = await ben.events("project.changed")
    assert event["data"]["changed"] == ["description", "members_may_create"]
    again = await admin.call("PATCH", f"/projects/{project}", json=changes, headers=seen)
    assert again.status_code == 412


@pytest.mark.scenario("P3")
async def test_members_who_do_not_see_each_other_list_themselves(
    api: Api, lab: ProjectLab, project: str
) -> None:
    await lab.let_in(project, "cleo")
    ben, admin = api("ben"), await lab.admin()
    path = f"/projects/{project}/members"
    assert [one["person"] for one in await ben.all(path, limit=1)] == ["ana", "ben", "cleo"]
    hidden = {"members_see_each_other": False}
    await admin.ask("PATCH", f"/projects/{project}", hidden, headers={"If-Match": '"1"'})
    assert [one["person"] for one in await ben.all(path)] == ["ben"]
    assert len(await admin.all(path)) == 3
    assert (await ben.get(f"{path}/cleo")).status_code == 404


@pytest.mark.scenario("P4")
async def test_a_hub_admin_sets_what_a_project_may_hold(
    api: Api, lab: ProjectLab, project: str
) -> None:
    hub_admin = await api.page("root-hub")
    await hub_admin.ask("PUT", f"/projects/{project}/quota", {"drive_gib": 500})
    assert (await api("ben").ask("GET", f"/projects/{project}"))["quota"]["drive_gib"] == 500
    wrong = await hub_admin.call("PUT", f"/projects/{project}/quota", json={"machines": -1})
    assert wrong.status_code == 422
