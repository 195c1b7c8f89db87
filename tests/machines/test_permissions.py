"""Every cell of the tables of machines and drives whose action has a route, asked over HTTP.

The files are read anew, without the loader. What is refused leaves no trace in the cloud.
"""

from __future__ import annotations

import asyncio
import csv
from importlib.resources import files
from typing import Any

import pytest

from jupyterhub_vmshare.api.openapi import stored
from tests.fakes.cloud import FakeCloud
from tests.fixtures.api import Person
from tests.machines.conftest import Lab, on

pytestmark = pytest.mark.asyncio

SEEN = {"If-Match": '"1"'}
COLUMNS = {"owner": "ana", "hub_admin": "root-hub", "stranger": "dan"}
"""Who holds the column. The levels come with sharing."""
MACHINE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "see_in_list": ("GET", "/machines/{machine}", {}),
    "start": ("POST", "/machines/{machine}/start", {}),
    "stop": ("POST", "/machines/{machine}/stop", {}),
    "reboot": ("POST", "/machines/{machine}/reboot", {}),
    "read_console_log": ("GET", "/machines/{machine}/console", {}),
    "rename": ("PATCH", "/machines/{machine}", {"json": {"name": "new"}, "headers": SEEN}),
    "resize": ("PUT", "/machines/{machine}/size", {"json": {"size": "large"}}),
    "rebuild": ("POST", "/machines/{machine}/rebuild", {"json": {"image": "debian"}}),
    "snapshot": ("POST", "/machines/{machine}/snapshots", {"json": {"name": "new"}}),
    "detach_drive": ("DELETE", "/machines/{machine}/drives/{attached}", {}),
    "keep_on": ("POST", "/machines/{machine}/keep-on", {"json": {"hours": 2}}),
    "edit_idle_policy": ("PUT", "/machines/{machine}/idle-policy", {"json": {"minutes": 60}}),
    "delete": ("DELETE", "/machines/{machine}", {}),
}
DRIVE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "see_in_list": ("GET", "/drives/{drive}", {}),
    "attach_read_only": ("PUT", "/drives/{drive}/readers/{own}", {}),
    "attach_read_write": ("PUT", "/drives/{drive}/writer/{own}", {}),
    "detach": ("DELETE", "/drives/{attached}/machines/{machine}", {}),
    "rename": ("PATCH", "/drives/{drive}", {"json": {"name": "new"}, "headers": SEEN}),
    "extend": ("PUT", "/drives/{drive}/size", {"json": {"size_gib": 9}}),
    "clone": ("POST", "/drives/{drive}/clones", {"json": {"name": "mine"}}),
    "delete": ("DELETE", "/drives/{drive}", {}),
}


def cells(table: str, requests: dict[str, Any]) -> list[Any]:
    path = files("jupyterhub_vmshare.policy") / "tables" / f"{table}.csv"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    may = {"yes": "may", "no": "cannot"}
    return [
        pytest.param(action, column, row[column], id=f"{column} {may[row[column]]} {action}")
        for row in csv.DictReader(lines)
        for column in COLUMNS
        if (action := row["action"]) in requests
    ]


async def test_every_action_with_a_route_is_asked() -> None:
    named = {o["x-action"] for path in stored()["paths"].values() for o in path.values()}
    asked = {f"machine.{action}" for action in MACHINE} | {f"drive.{action}" for action in DRIVE}
    assert {name for name in named if name.startswith(("machine.", "drive."))} == asked


async def setting(lab: Lab, column: str) -> dict[str, str]:
    """ana's machine with a drive on it, a loose drive, and a machine of the one who asks."""
    asker = COLUMNS[column]
    if column != "owner":  # to whom it is not there, whatever its state
        machine = (await lab.ask_for(drive_gib=1))["id"]
        [attached] = await lab("ana").all("/drives")
        own = (await lab.ask_for("own", by=asker))["id"]
        drive = await lab("ana").ask("POST", "/drives", {"name": "loose", "size_gib": 5})
        return {"machine": machine, "attached": attached["id"], "own": own, "drive": drive["id"]}
    box, attached, mine, loose = await asyncio.gather(
        lab.make(), lab.make_drive("attached"), lab.make("own"), lab.make_drive("loose")
    )
    machine = box["id"]
    await lab("ana").ask("PUT", f"/drives/{attached['id']}/writer/{machine}")
    await lab.until(f"/drives/{attached['id']}", on(machine))
    ids = {"attached": attached["id"], "own": mine["id"], "drive": loose["id"]}
    return {"machine": machine, **ids}


async def who(lab: Lab, column: str) -> Person:
    # hub_admin counts on the service's own pages alone.
    return await lab.api.page("root-hub") if column == "hub_admin" else lab(COLUMNS[column])


async def check(
    lab: Lab, cloud: FakeCloud, request: tuple[str, str, dict[str, Any]], column: str, cell: str
) -> None:
    ids = await setting(lab, column)
    method, path, more = request
    person = await who(lab, column)
    answer = await person.call(method, path.format(**ids), **more)
    if cell == "yes":
        assert answer.is_success, answer.text
        return
    assert answer.status_code == 404, answer.text
    assert "because" not in answer.json() or answer.json()["because"] is None
    asked = {verb for verb, _ in cloud.orders}
    assert asked <= {"create_machine", "create_drive", "attach_drive"}


@pytest.mark.parametrize(("action", "column", "cell"), cells("machine_roles", MACHINE))
async def test_machine_roles(
    lab: Lab, cloud: FakeCloud, action: str, column: str, cell: str
) -> None:
    await check(lab, cloud, MACHINE[action], column, cell)


@pytest.mark.parametrize(("action", "column", "cell"), cells("drive_levels", DRIVE))
async def test_drive_levels(
    lab: Lab, cloud: FakeCloud, action: str, column: str, cell: str
) -> None:
    await check(lab, cloud, DRIVE[action], column, cell)
