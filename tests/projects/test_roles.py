"""Every cell of ``project_roles.csv`` whose object there is, asked over HTTP.

The file is read anew, without the loader. Administrators act on the service's own pages; members in
their panel.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any

import pytest

from tests.fixtures.api import Api, Person
from tests.projects.conftest import ProjectLab

pytestmark = pytest.mark.asyncio

COLUMNS = ("admin_own", "admin_others", "member_own", "member_others")
OBJECTS = ("member", "settings", "project_folder")
"""The others come with what belongs to a project."""
SEEN = {"If-Match": '"1"'}
ONE_ACT = ("invite", "answer_request", "change", "create")


def _cells(column: str) -> list[tuple[str, str]]:
    """Action and cell of every row whose object there is."""
    text = (files("jupyterhub_vmshare.policy") / "tables" / "project_roles.csv").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    rows = (row for row in csv.DictReader(lines) if row["object"] in OBJECTS)
    return [(row["action"], row[column]) for row in rows if not _is_nobodys(row["action"], column)]


def _is_nobodys(action: str, column: str) -> bool:
    """Nobody leaves for somebody else; and inviting, answering, settings and its folders are about
    the project, so that there is no other request for one's own."""
    own = column.endswith("own")
    return (action == "leave" and not own) or (action in ONE_ACT and own)


class Scene:
    """ana and eve administer, ben and cleo are members, dan asks to join."""

    def __init__(self, api: Api, lab: ProjectLab) -> None:
        self.api, self.lab = api, lab

    async def build(self, name: str, not_so: str = "") -> None:
        """A project of its own for each cell; ``not_so`` is the rule that does not hold in it."""
        others = () if not_so == "if:not_last_administrator" else ("eve",)
        self.project = await self.lab.make(name, "ben", "cleo", *others)
        for other in others:
            await self.lab.change(self.project, other, role="administrator")
        self.ask = await self.lab.ask(self.project, "dan")
        self.folder = (await self.lab.folder(self.project, "reads"))["id"]
        if not_so == "if:members_see_each_other":
            await self.settings(members_see_each_other=False)

    async def settings(self, **changes: bool) -> None:
        admin, path = await self.lab.admin(), f"/projects/{self.project}"
        await admin.ask("PATCH", path, dict(changes), headers=SEEN)

    async def who(self, column: str) -> Person:
        return await self.lab.admin() if column.startswith("admin") else self.api("ben")

    async def does(self, action: str, column: str) -> int:
        """The status that they get."""
        who, own = await self.who(column), column.endswith("own")
        about = who.name if own else "cleo"
        at = f"/projects/{self.project}"
        asked: dict[str, tuple[str, str, dict[str, Any]]] = {
            "invite": ("POST", f"{at}/links", {"json": {}}),
            "list": ("GET", f"{at}/members/{about}", {}),
            "answer_request": ("POST", f"{at}/asks/{self.ask}/accept", {}),
            "change_role": ("PATCH", f"{at}/members/{about}",
                            {"json": {"role": "member" if own else "administrator"},
                             "headers": SEEN}),
            "remove": ("DELETE", f"{at}/members/{about}", {}),
            "leave": ("POST", f"{at}/leave", {}),
            "create": ("POST", f"{at}/folders", {"json": {"name": "runs", "level": "view"}}),
            "override_member_level": ("PUT", f"/folders/{self.folder}/overrides/{about}",
                                      {"json": {"level": "view"}}),
            "change": ("PATCH", at, {"json": {"members_may_create": False}, "headers": SEEN}),
        }  # fmt: skip
        method, path, more = asked[action]
        return (await who.call(method, path, **more)).status_code


@pytest.mark.scenario("P1")
@pytest.mark.parametrize("column", COLUMNS)
async def test_every_cell_of(api: Api, lab: ProjectLab, column: str) -> None:
    cells = _cells(column)
    assert len(cells) >= 4
    wrong = []
    for action, cell in cells:
        scene = Scene(api, lab)
        await scene.build(action)
        status = await scene.does(action, column)
        if (status < 300) != (cell != "no") or (cell == "no" and status not in (403, 404)):
            wrong.append(f"{action} is {cell}, and {status} came")
    assert wrong == []


@pytest.mark.scenario("P1")
@pytest.mark.scenario("P3")
@pytest.mark.parametrize("column", ["admin_own", "member_others"])
async def test_cells_whose_rule_does_not_hold(api: Api, lab: ProjectLab, column: str) -> None:
    cells = [(action, cell) for action, cell in _cells(column) if cell.startswith("if:")]
    assert cells
    for action, cell in cells:
        scene = Scene(api, lab)
        await scene.build(action, cell)
        before = await lab.members(scene.project)
        assert await scene.does(action, column) in (403, 404), action
        assert await lab.members(scene.project) == before


@pytest.mark.scenario("P1")
async def test_an_administrator_in_the_panel_is_a_member_and_is_told_where_to_go(
    api: Api, project: str
) -> None:
    ana = api("ana")
    answer = await ana.call("POST", f"/projects/{project}/links", json={})
    told = answer.json()
    assert (answer.status_code, told["rule"]) == (403, "credential.page")
    assert "page in JupyterHub" in told["detail"]
    seen = await ana.ask("GET", f"/projects/{project}")
    assert seen["role"] == "administrator"
    assert "member.invite" not in seen["actions"]


@pytest.mark.scenario("P1")
@pytest.mark.parametrize("name", ["dan", "root-hub"])
async def test_to_outsiders_there_is_no_such_project(api: Api, project: str, name: str) -> None:
    for who in (api(name), await api.page(name)):
        for method, path in (
            ("GET", ""),
            ("GET", "/members"),
            ("GET", "/members/ben"),
            ("GET", "/links"),
            ("GET", "/asks"),
            ("POST", "/leave"),
            ("DELETE", "/members/ben"),
        ):
            answer = await who.call(method, f"/projects/{project}{path}")
            assert answer.status_code == 404, (method, path)
        assert await who.all("/projects") == []
