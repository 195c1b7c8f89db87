"""Every cell of the tables of machines and drives whose action has a route, asked over HTTP.

Deleting has a page of the service instead: ``tests/pages/test_delete_machines.py``.

The files are read anew, without the loader. What is refused leaves no trace in the cloud.
"""

from __future__ import annotations

import csv
from importlib.resources import files
from typing import Any

import pytest

from jupyterhub_vmshare.api.openapi import stored
from jupyterhub_vmshare.policy import model as policy
from jupyterhub_vmshare.sharing import handing
from tests.fakes.cloud import FakeCloud
from tests.fixtures.api import Person
from tests.machines.conftest import Lab, on

pytestmark = pytest.mark.asyncio

PUBLIC_KEY = "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDaivS4A1670AipFRTtL25i9+YMUOXVS6Lr/xhqvsvIS"
SEEN = {"If-Match": '"1"'}
LEVELS = {
    **{"co_owner": "co_own", "manager": "manage", "user": "use"},
    **{"attach_write": "attach_write", "attach_read": "attach_read"},
}
COLUMNS = {"owner": "ana", **dict.fromkeys(LEVELS, "ben"), "invited": "ben"} | {
    "hub_admin": "root-hub",
    "stranger": "dan",
}
"""Who holds the column. ana, ben, cleo and fay share a team."""
SLOW = ("co_owner", "manager", "invited", "hub_admin", "attach_write")
"""Columns that ``make test`` leaves to ``make test-all``; the others ask for every action too."""
FAYS: dict[str, Any] = {"json": {"grants": [{"receiver": "fay"}]}}
MACHINE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "see_in_list": ("GET", "/machines/{machine}", {}),
    "see_people": ("GET", "/machines/{machine}/people", {}),
    "invite_user": ("POST", "/machines/{machine}/users", FAYS),
    "invite_manager": ("POST", "/machines/{machine}/managers", FAYS),
    "change_grant": ("PATCH", "/grants/{other}", {"json": {"ends_at": None}, "headers": SEEN}),
    "revoke_grant": ("DELETE", "/grants/{other}", {}),
    "stop_sharing_with_all": ("DELETE", "/machines/{machine}/grants", {}),
    "leave": ("POST", "/machines/{machine}/leave", {}),
    "accept_or_decline": ("POST", "/invitations/{held}/accept", {}),
    "hand_over": ("DELETE", "/hand-overs/{offer}", {}),
    "connect": ("POST", "/machines/{machine}/certificates", {"json": {"public_key": PUBLIC_KEY}}),
    "start": ("POST", "/machines/{machine}/start", {}),
    "stop": ("POST", "/machines/{machine}/stop", {}),
    "reboot": ("POST", "/machines/{machine}/reboot", {}),
    "read_console_log": ("GET", "/machines/{machine}/console", {}),
    "rename": ("PATCH", "/machines/{machine}", {"json": {"name": "new"}, "headers": SEEN}),
    "resize": ("PUT", "/machines/{machine}/size", {"json": {"size": "large"}}),
    "rebuild": ("POST", "/machines/{machine}/rebuild", {"json": {"image": "debian"}}),
    "snapshot": ("POST", "/machines/{machine}/snapshots", {"json": {"name": "new"}}),
    "detach_drive": ("DELETE", "/machines/{machine}/drives/{attached}", {}),
    "use_drive_elsewhere": (
        "POST",
        "/machines/{machine}/drives/{attached}/move",
        {"json": {"machine_id": "{own}"}},
    ),
    "keep_on": ("POST", "/machines/{machine}/keep-on", {"json": {"hours": 2}}),
    "edit_idle_policy": ("PUT", "/machines/{machine}/idle-policy", {"json": {"minutes": 60}}),
}
DRIVE: dict[str, tuple[str, str, dict[str, Any]]] = {
    "see_in_list": ("GET", "/drives/{drive}", {}),
    "see_people": ("GET", "/drives/{drive}/people", {}),
    "invite": (
        "POST",
        "/drives/{drive}/grants",
        {"json": {"grants": [{"receiver": "fay", "level": "attach_read"}]}},
    ),
    "change_level": ("PATCH", "/grants/{other}", {"json": {"ends_at": None}, "headers": SEEN}),
    "revoke": ("DELETE", "/grants/{other}", {}),
    "leave": ("POST", "/drives/{drive}/leave", {}),
    "accept_or_decline": ("POST", "/invitations/{held}/accept", {}),
    "hand_over": ("DELETE", "/hand-overs/{offer}", {}),
    "attach_read_only": ("PUT", "/drives/{drive}/readers/{own}", {}),
    "attach_read_write": ("PUT", "/drives/{drive}/writer/{own}", {}),
    "detach": ("DELETE", "/drives/{attached}/machines/{machine}", {}),
    "rename": ("PATCH", "/drives/{drive}", {"json": {"name": "new"}, "headers": SEEN}),
    "extend": ("PUT", "/drives/{drive}/size", {"json": {"size_gib": 9}}),
    "clone": ("POST", "/drives/{drive}/clones", {"json": {"name": "mine"}}),
    # This one is in no project: test_projects.py asks where it is.
    "open_to_project": ("PUT", "/drives/{drive}/opened", {"json": {"opened": False}}),
}


FAILS = {"owner": ("not_last_owner", "leaver"), "hub_admin": ("leaver",), "user": ("power",)}
"""Rules that do not hold in this world; test_sharing asks where they do."""


def cells(table: str, requests: dict[str, Any]) -> list[Any]:
    path = files("jupyterhub_vmshare.policy") / "tables" / f"{table}.csv"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    may = {"yes": "may", "no": "cannot"}
    return [
        pytest.param(
            action,
            column,
            row[column],
            id=f"{column} {may.get(row[column], 'may ' + row[column])} {action}",
            marks=[pytest.mark.slow] if column in SLOW else [],
        )
        for row in csv.DictReader(lines)
        for column in COLUMNS
        if column in row and (action := row["action"]) in requests
        # Who holds a level has answered.
        if action != "accept_or_decline" or column not in LEVELS
    ]


SHARED = {"machine.change_grant", "machine.revoke_grant", "machine.hand_over"} | {
    "drive.change_level",
    "drive.hand_over",
}
"""Actions of routes that are for things of every kind, and name the folders' action."""


async def test_every_action_with_a_route_is_asked() -> None:
    named = {o["x-action"] for path in stored()["paths"].values() for o in path.values()}
    asked = {f"machine.{action}" for action in MACHINE} | {f"drive.{action}" for action in DRIVE}
    ours = {name for name in named if name.startswith(("machine.", "drive."))}
    assert ours | SHARED == asked


async def setting(lab: Lab, column: str, kind: str, action: str) -> dict[str, str]:
    """What the request names: things of ana's, and a machine of the one who asks."""
    asker = COLUMNS[column]
    lab.api.running.hub.add_person("fay")
    lab.api.running.hub.join("fay", "genomics")
    await lab.api.running.service.membership.refresh()
    path = str((MACHINE if kind == "machine" else DRIVE)[action])
    ids = {}
    # To some it is not there, whatever its state.
    unseen = column in ("hub_admin", "stranger")
    box, drive = (lab.ask_for, lab.ask_for_drive) if unseen else (lab.make, lab.make_drive)
    if kind == "machine" or "{machine}" in path:
        ids["machine"] = (await box())["id"]
    if "{attached}" in path:
        ids["attached"] = (await drive("attached"))["id"]
        await lab("ana").ask("PUT", f"/drives/{ids['attached']}/writer/{ids['machine']}")
        if not unseen:
            await lab.until(f"/drives/{ids['attached']}", on(ids["machine"]))
    if kind == "drive":
        ids["drive"] = ids.get("attached") or (await drive("loose"))["id"]
    if "{own}" in path:
        ids["own"] = (await box("own", by=asker))["id"]
    return ids | await grants(lab, column, kind, ids) | await offer(lab, ids[kind], action)


async def grants(lab: Lab, column: str, kind: str, ids: dict[str, str]) -> dict[str, str]:
    """What ben holds by this column, and a grant to cleo: ben's own where he may give one."""
    level = LEVELS.get(column, "use" if kind == "machine" else "attach_read")
    held = ""
    if column in (*LEVELS, "invited"):
        held = await lab.give(ids[kind], level, "ben")
        if column in LEVELS:
            await lab("ben").accept(held)
    giver = "ben" if column in ("manager", "user") else "ana"
    weakest = "use" if kind == "machine" else "attach_read"
    other = await lab.give(ids[kind], weakest, "cleo", by=giver)
    return {"held": held or other, "other": other}


async def offer(lab: Lab, thing: str, action: str) -> dict[str, str]:
    """An offer to hand it over; made on a page of the service, which has tests of its own."""
    if action != "hand_over":
        return {}
    async with lab.api.running.service.db.write() as tx:
        made = await handing.offer(tx, policy.Person("ana"), thing, handing.Offer("eve"))
    return {"offer": made.id}


async def who(lab: Lab, column: str) -> Person:
    # hub_admin counts on the service's own pages alone.
    return await lab.api.page("root-hub") if column == "hub_admin" else lab(COLUMNS[column])


async def check(lab: Lab, cloud: FakeCloud, kind: str, action: str, column: str, cell: str) -> None:
    ids = await setting(lab, column, kind, action)
    method, path, more = (MACHINE if kind == "machine" else DRIVE)[action]
    if "{own}" in str(more):
        more = {"json": {"machine_id": ids["own"]}}
    person = await who(lab, column)
    ordered = len(cloud.orders)
    answer = await person.call(method, path.format(**ids), **more)
    rules = cell.removeprefix("if:").split("+") if cell.startswith("if:") else []
    failing = [rule for rule in rules if rule in FAILS.get(column, ())]
    if cell != "no" and not failing:
        assert answer.is_success, answer.text
        told = answer.json() if answer.content else {}
        assert all(one["problem"] is None for one in told.get("results", [])), told
        return
    if column in ("hub_admin", "stranger"):
        assert answer.status_code == 404, answer.text
        assert "because" not in answer.json() or answer.json()["because"] is None
    elif failing:
        assert (answer.status_code, answer.json()["rule"]) == (403, f"if.{failing[0]}")
    else:
        assert answer.status_code in (403, 404), answer.text
    assert len(cloud.orders) == ordered or column in ("hub_admin", "stranger")


@pytest.mark.parametrize(("action", "column", "cell"), cells("machine_roles", MACHINE))
async def test_machine_roles(
    lab: Lab, cloud: FakeCloud, action: str, column: str, cell: str
) -> None:
    await check(lab, cloud, "machine", action, column, cell)


@pytest.mark.parametrize(("action", "column", "cell"), cells("drive_levels", DRIVE))
async def test_drive_levels(
    lab: Lab, cloud: FakeCloud, action: str, column: str, cell: str
) -> None:
    await check(lab, cloud, "drive", action, column, cell)
