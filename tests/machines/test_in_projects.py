"""Machines, drives and snapshots in a project: every cell of ``project_roles.csv`` over HTTP.

The file is read anew, without the loader. Administrators act on the service's own pages; members in
their panel. ana and eve administer; ben and cleo are members, and share a team with ana.
"""

from __future__ import annotations

import asyncio
import csv
from collections.abc import Awaitable, Callable
from datetime import timedelta
from importlib.resources import files
from typing import Any

import pytest
import pytest_asyncio

from jupyterhub_vmshare.machines import drives, life
from jupyterhub_vmshare.policy import model as policy
from jupyterhub_vmshare.projects import members
from jupyterhub_vmshare.projects.standing import locked, member_of
from jupyterhub_vmshare.sharing.model import wire
from jupyterhub_vmshare.words import MemberEnded
from tests.fixtures.api import Json, Person
from tests.machines.conftest import Lab, is_, on
from tests.machines.test_permissions import PUBLIC_KEY
from tests.projects.conftest import ProjectLab

pytestmark = pytest.mark.asyncio

BOX = {"size": "small", "image": "debian", "drive_gib": 0}
COLUMNS = ("admin_own", "admin_others", "member_own", "member_others")
OBJECTS = ("machine", "drive", "snapshot")
NO_SUCH_REQUEST = {("machine", "create"), ("drive", "create")}
"""For others: nobody makes anything in another one's name."""


class InProject(Lab):
    """A project, and what its members make in it."""

    project: str
    projects: ProjectLab

    async def build(self) -> None:
        self.projects = ProjectLab(self.api)
        self.project = await self.projects.make("genome", "ben", "cleo", "eve")
        await self.projects.change(self.project, "eve", role="administrator")

    async def box(self, by: str, name: str = "box") -> Json:
        """A machine in the project, that runs."""
        path = f"/projects/{self.project}/machines"
        made = await self.api(by).ask("POST", path, {"name": name, **BOX})
        return await self.until(f"/machines/{made['id']}", is_(state="running"), by=by)

    async def drive(self, by: str, name: str = "data") -> str:
        """A drive in the project, that is ready."""
        path = f"/projects/{self.project}/drives"
        made = await self.api(by).ask("POST", path, {"name": name, "size_gib": 5})
        await self.until(f"/drives/{made['id']}", is_(state="ready"), by=by)
        return str(made["id"])

    async def snapshot(self, machine: str, by: str) -> str:
        """A snapshot that is ready."""
        made = await self.api(by).ask("POST", f"/machines/{machine}/snapshots", {"name": "soft"})
        await self.until(f"/machine-snapshots/{made['id']}", is_(state="ready"), by=by)
        return str(made["id"])

    async def settings(self, **changes: bool) -> None:
        admin, path = await self.projects.admin(), f"/projects/{self.project}"
        version = (await admin.ask("GET", path))["version"]
        await admin.ask("PATCH", path, dict(changes), headers={"If-Match": f'"{version}"'})

    async def deletes(self, thing: str, by: str, administers: bool) -> int:
        """What the page of the service answers: there it is deleted by its name."""
        verb = drives.delete if thing.startswith("drv_") else life.delete
        who = policy.Person(by, administers=frozenset({self.project} if administers else ()))
        try:
            async with self.api.running.service.db.write() as tx:
                await verb(tx, who, thing)
        except Exception as refused:
            return int(getattr(refused, "status", 500))
        return 204


@pytest_asyncio.fixture
async def reef(lab: Lab) -> InProject:
    made = InProject(lab.api)
    await made.build()
    return made


Ask = Callable[[], Awaitable[int]]


class Scene:
    """One person, before a thing of their own or of cleo's."""

    def __init__(self, reef: InProject, column: str) -> None:
        self.reef, self.column = reef, column
        self.is_admin, self.is_own = column.startswith("admin"), column.endswith("own")
        self.name = "ana" if self.is_admin else "ben"
        self.owner = self.name if self.is_own else "cleo"

    async def build(self) -> None:
        reef = self.reef
        self.who: Person = await reef.projects.admin() if self.is_admin else reef.api(self.name)
        self.box = (await reef.box(self.owner))["id"]
        self.apart = (await reef.box(self.owner, "apart"))["id"]  # granted to nobody
        self.data = await reef.drive(self.owner, "theirs")
        self.loose = await reef.drive(self.owner, "loose")
        self.own_box = (await reef.box(self.name, "own box"))["id"]
        self.own = await reef.drive(self.name, "own")
        self.soft = await reef.snapshot(self.box, self.owner)

    async def status(self, method: str, path: str, json: Json | None = None, **more: Any) -> int:
        body = {} if json is None else {"json": json}
        return (await self.who.call(method, path, **body, **more)).status_code

    def asks(self) -> dict[tuple[str, str], Ask]:
        """For each row what they send, in an order in which one does not spoil the next."""
        box, drive = f"/machines/{self.box}", f"/drives/{self.data}"
        at, soft = f"/projects/{self.reef.project}", f"/machine-snapshots/{self.soft}"
        key = {"public_key": PUBLIC_KEY}

        async def rename() -> int:
            known = await self.who.call("GET", drive)
            version = known.json().get("version", 1)
            return await self.status(
                "PATCH", drive, {"name": "new"}, headers={"If-Match": f'"{version}"'}
            )

        async def deletes(thing: str) -> int:
            return await self.reef.deletes(thing, self.name, self.is_admin)

        return {
            ("machine", "create"): lambda: self.status(
                "POST", f"{at}/machines", {"name": "x", **BOX}
            ),
            ("machine", "list"): lambda: self.status("GET", f"/machines/{self.apart}"),
            ("machine", "view_details"): lambda: self.status("GET", f"{box}/console"),
            ("machine", "access"): lambda: self.status("POST", f"{box}/certificates", key),
            ("machine", "create_snapshot"): lambda: self.status(
                "POST", f"{box}/snapshots", {"name": "x"}
            ),
            ("snapshot", "list"): lambda: self.status("GET", soft),
            ("snapshot", "use"): lambda: self.status(
                "POST", f"/machines/{self.own_box}/rebuild", {"snapshot_id": self.soft}
            ),
            ("drive", "create"): lambda: self.status(
                "POST", f"{at}/drives", {"name": "x", "size_gib": 1}
            ),
            ("drive", "list"): lambda: self.status("GET", drive),
            ("drive", "rename"): rename,
            ("drive", "extend"): lambda: self.status("PUT", f"{drive}/size", {"size_gib": 9}),
            ("drive", "allowed_to_attach"): lambda: self.status(
                "PUT", f"{drive}/writer/{self.own_box}"
            ),
            ("machine", "attach_drive"): lambda: self.status(
                "PUT", f"/drives/{self.own}/writer/{self.box}"
            ),
            ("machine", "detach_drive"): lambda: self.status("DELETE", f"{box}/drives/{self.own}"),
            ("machine", "reboot"): lambda: self.status("POST", f"{box}/reboot"),
            ("machine", "stop_restart"): lambda: self.status("POST", f"{box}/stop"),
            ("snapshot", "delete"): lambda: self.status("DELETE", soft),
            ("machine", "delete"): lambda: deletes(self.box),
            ("drive", "delete"): lambda: deletes(self.loose),
        }

    async def make_rules_hold(self) -> None:
        """What the rules of others' cells wait for: opened, granted, and their own drive."""
        cleo = self.reef.api("cleo")
        await cleo.ask("PUT", f"/drives/{self.data}/opened", {"opened": True})
        await cleo.ask("PUT", f"/machine-snapshots/{self.soft}/opened", {"opened": True})
        grant = await self.reef.give(self.box, "use", self.name, by="cleo")
        await self.reef.api(self.name).accept(grant)


def _rows(column: str) -> list[tuple[tuple[str, str], str]]:
    text = (files("jupyterhub_vmshare.policy") / "tables" / "project_roles.csv").read_text("utf-8")
    lines = (line for line in text.splitlines() if not line.startswith("#"))
    rows = [row for row in csv.DictReader(lines) if row["object"] in OBJECTS]
    found = [((row["object"], row["action"]), row[column]) for row in rows]
    return [one for one in found if column.endswith("own") or one[0] not in NO_SUCH_REQUEST]


async def _wrong(scene: Scene, rules_hold: bool) -> list[str]:
    cells, wrong = dict(_rows(scene.column)), []
    asks = {what: ask for what, ask in scene.asks().items() if what in cells}
    assert asks.keys() == cells.keys()
    for what, ask in asks.items():
        cell = cells[what]
        if what == ("machine", "detach_drive") and not await _is_on(scene):
            continue  # there is nothing to detach: asked below, where they may attach it
        status = await ask()
        is_open = cell == "yes" or (cell.startswith("if:") and rules_hold)
        if (status < 300) != is_open or (not is_open and status not in (403, 404)):
            wrong.append(f"{'.'.join(what)} is {cell}, and {status} came")
        if what == ("machine", "attach_drive") and status < 300:
            await scene.reef.until(f"/drives/{scene.own}", on(scene.box), by=scene.name)
        if what[0] == "machine" and status < 300 and what[1] == "detach_drive":
            await _settled(scene)
    return wrong


async def _is_on(scene: Scene) -> bool:
    own = await scene.reef.api(scene.name).ask("GET", f"/drives/{scene.own}")
    return bool(own["machines"])


async def _settled(scene: Scene) -> None:
    path = f"/drives/{scene.own}"
    await scene.reef.until(path, lambda told: told["machines"] == [], by=scene.name)


@pytest.mark.scenario("P1")
@pytest.mark.parametrize("column", COLUMNS)
@pytest.mark.parametrize("rules_hold", [True, False], ids=["rules hold", "no rule holds"])
async def test_every_cell_of(reef: InProject, column: str, rules_hold: bool) -> None:
    scene = Scene(reef, column)
    await scene.build()
    if not scene.is_own and rules_hold:
        await scene.make_rules_hold()
    if not rules_hold:
        await reef.settings(members_may_create=False)
    assert await _wrong(scene, rules_hold) == []


@pytest.mark.scenario("P3")
async def test_new_drives_and_snapshots_are_open_where_the_setting_says_so(
    reef: InProject,
) -> None:
    await reef.settings(new_things_open=True)
    box, data = (await reef.box("cleo"))["id"], await reef.drive("cleo")
    soft = await reef.snapshot(box, "cleo")
    seen = await reef("ben").ask("GET", f"/drives/{data}")
    assert (seen["opened"], seen["level"], seen["owner"]) == (True, "project", "cleo")
    assert "attach_read_write" in seen["actions"]
    assert (await reef("ben").ask("GET", f"/machine-snapshots/{soft}"))["actions"] == ["use"]
    assert (await reef("ben").get(f"/machines/{box}")).status_code == 404


@pytest.mark.scenario("P1")
async def test_lists_hold_what_one_may_see_of_a_project(reef: InProject) -> None:
    bens, cleos = (await reef.box("ben", "bens"))["id"], (await reef.box("cleo", "cleos"))["id"]
    data = await reef.drive("cleo")
    at = f"/projects/{reef.project}"
    assert [one["id"] for one in await reef("ben").all(f"{at}/machines")] == [bens]
    assert [one["id"] for one in await reef("ben").all(f"{at}/drives")] == [data]
    assert [one["id"] for one in await reef("ben").all("/machines")] == [bens]
    assert await reef("ana").all(f"{at}/machines") == []  # in the panel, she is a member
    admin = await reef.projects.admin()
    shown = {one["id"]: one for one in await admin.all(f"{at}/machines")}
    assert shown.keys() == {bens, cleos}
    assert (shown[cleos]["owner"], shown[cleos]["project"]) == ("cleo", "genome")
    assert "stop" in shown[cleos]["actions"]
    assert "connect" not in shown[cleos]["actions"]
    for outside in ("dan", "root-hub"):
        for path in ("machines", "drives", "machine-snapshots"):
            assert (await reef(outside).get(f"{at}/{path}")).status_code == 404
        assert (await reef(outside).get(f"/drives/{data}")).status_code == 404


async def test_an_administrator_reads_what_a_member_has_there_and_why(reef: InProject) -> None:
    await reef.box("ben", "his box")
    await reef.drive("cleo", "her data, open to members")
    eve, asked = await reef.api.page("eve"), f"/people/ben/things?project={reef.project}"
    told = {one["name"]: one for one in await eve.all(asked)}
    assert set(told) == {"his box", "her data, open to members"}
    everything = await (await reef.api.page("root-hub")).all("/people/ben/things")
    assert {one["name"]: one["project_id"] for one in everything} == dict.fromkeys(
        told, reef.project
    )


async def test_what_is_in_a_project_stays_in_it(reef: InProject) -> None:
    """Or whoever leaves would go on having it: drives on machines elsewhere, machines of its
    snapshots, and things that are somebody else's who is not in it."""
    box, data = (await reef.box("ben"))["id"], await reef.drive("ben")
    soft = await reef.snapshot(box, "ben")
    outside = (await reef.make("outside", by="ben"))["id"]
    answer = await reef("ben").call("PUT", f"/drives/{data}/writer/{outside}")
    assert answer.status_code == 409
    assert "genome" in answer.json()["detail"]
    asked = {"name": "of it", "size": "small", "snapshot_id": soft}
    assert (await reef("ben").call("POST", "/machines", json=asked)).status_code == 409
    rebuilt = await reef("ben").call(
        "POST", f"/machines/{outside}/rebuild", json={"snapshot_id": soft}
    )
    assert rebuilt.status_code == 409
    copy = await reef("ben").ask("POST", f"/drives/{data}/clones", {"name": "copy"})
    assert copy["project_id"] == reef.project


async def test_closing_a_drive_takes_it_off_where_others_had_it(reef: InProject) -> None:
    data, box = await reef.drive("cleo"), (await reef.box("ben"))["id"]
    await reef("cleo").ask("PUT", f"/drives/{data}/opened", {"opened": True})
    await reef("ben").ask("PUT", f"/drives/{data}/writer/{box}")
    await reef.until(f"/drives/{data}", on(box), by="cleo")
    await reef("cleo").ask("PUT", f"/drives/{data}/opened", {"opened": False})
    await reef.until(f"/machines/{box}", lambda told: told["drives"] == [], by="ben")
    told = (await reef("ben").call("PUT", f"/drives/{data}/writer/{box}")).json()
    assert told["rule"] == "if.opened"


async def test_an_owner_who_is_no_member_has_nothing_and_finds_it_again(reef: InProject) -> None:
    box, data = (await reef.box("ben"))["id"], await reef.drive("ben")
    soft = await reef.snapshot(box, "ben")
    admin = await reef.projects.admin()
    told = await admin.ask("DELETE", f"/projects/{reef.project}/members/ben")
    assert told["stays"] == {"machines": 1, "drives": 1, "snapshots": 1}
    paths = (f"/machines/{box}", f"/drives/{data}", f"/machine-snapshots/{soft}")
    for path in paths:
        assert (await reef("ben").get(path)).status_code == 404, path
        assert (await admin.get(path)).status_code == 200, path
    key = {"public_key": PUBLIC_KEY}
    answer = await reef("ben").call("POST", f"/machines/{box}/certificates", json=key)
    assert answer.status_code == 404
    for path in ("/machines", "/drives", "/machine-snapshots"):
        assert await reef("ben").all(path) == []
    await reef.projects.let_in(reef.project, "ben")
    for path in paths:
        assert (await reef("ben").get(path)).status_code == 200, path


async def test_what_somebody_was_given_there_ends_with_their_membership(reef: InProject) -> None:
    box = (await reef.box("cleo"))["id"]
    await reef("ben").accept(await reef.give(box, "use", "ben", by="cleo"))
    personal = (await reef.make("personal"))["id"]
    await reef("ben").accept(await reef.give(personal, "use", "ben"))
    told = await reef("ben").ask("POST", f"/projects/{reef.project}/leave")
    assert [(one["thing_id"], one["ended_why"]) for one in told["ended"]] == [(box, "team_left")]
    assert (await reef("ben").get(f"/machines/{box}")).status_code == 404
    assert (await reef("ben").get(f"/machines/{personal}")).status_code == 200


async def test_on_the_date_of_a_membership_all_of_it_is_over(reef: InProject) -> None:
    box, cleos = (await reef.box("ben"))["id"], (await reef.box("cleo", "cleos"))["id"]
    await reef("ben").accept(await reef.give(cleos, "use", "ben", by="cleo"))
    clock = reef.api.running.clock
    end = wire(clock.now + timedelta(hours=1))
    await reef.projects.change(reef.project, "ben", ends_at=end)
    seen = await reef("ben").ask("GET", f"/machines/{box}")
    assert seen["ends_at"] == end
    assert (await reef("ben").ask("GET", f"/machines/{cleos}"))["ends_at"] == end
    clock.advance(hours=1)
    for path in (f"/machines/{box}", f"/machines/{cleos}"):
        assert (await reef("ben").get(path)).status_code == 404
    assert await reef("ben").all("/machines") == []


async def test_only_members_can_own_what_is_in_a_project(reef: InProject) -> None:
    from jupyterhub_vmshare.errors import Conflict
    from jupyterhub_vmshare.sharing import handing

    box = (await reef.box("ana"))["id"]
    db = reef.api.running.service.db
    with pytest.raises(Conflict, match="only its members can own it"):
        async with db.write() as tx:
            await handing.offer(tx, policy.Person("ana"), box, handing.Offer("dan"))
    async with db.write() as tx:
        made = await handing.offer(tx, policy.Person("ana"), box, handing.Offer("ben"))
    await reef("ben").ask("POST", f"/projects/{reef.project}/leave")
    answer = await reef("ben").call("POST", f"/hand-overs/{made.id}/machine", json={})
    assert answer.status_code in (404, 409)
    assert (await reef("ana").ask("GET", f"/machines/{box}"))["owner"] == "ana"


async def test_a_name_given_again_while_members_change_waits_for_nobody_for_ever(
    reef: InProject,
) -> None:
    """Both hold the project before what is in it: else each could wait for the other."""
    db, hub, clock = reef.api.running.service.db, reef.api.running.hub, reef.api.running.clock
    await reef.projects.folder(reef.project, "reads", "edit")

    async def goes_and_comes_back() -> None:
        for _ in range(10):
            async with db.write() as tx:
                project = await locked(tx, reef.project)
                gone = await member_of(tx.conn, project.id, "cleo", tx.at)
                if gone is not None:
                    await members.end(tx, project, gone, MemberEnded.REMOVED, "ana")
                else:
                    await members.join(tx, project, "cleo", None, "ana")

    async def is_somebody_else() -> None:
        for _ in range(5):
            async with db.write() as tx:
                row = await member_of(tx.conn, reef.project, "ben", tx.at)
                if row is None:
                    project = await locked(tx, reef.project)
                    await members.join(tx, project, "ben", None, "ana")
            clock.advance(minutes=1)
            hub.remove_person("ben")
            hub.add_person("ben", created=clock())
            await reef.api.running.service.succession.check("ben")

    async with asyncio.timeout(60):
        await asyncio.gather(goes_and_comes_back(), is_somebody_else())
    assert "ben" not in await reef.projects.members(reef.project)
