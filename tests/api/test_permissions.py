"""Every cell of the tables whose action has a route, asked over HTTP.

The files are read anew, without the loader; what is refused leaves no trace.
"""

from __future__ import annotations

import asyncio
import csv
from importlib.resources import files
from typing import Any

import pytest

from jupyterhub_vmshare.api.openapi import stored
from jupyterhub_vmshare.policy import model as policy
from jupyterhub_vmshare.sharing import handing
from tests.fixtures.api import Api, Person

SEEN = {"If-Match": '"1"'}
COLUMNS = {
    "owner": "ana",
    "edit_delete": "ben",
    "edit": "ben",
    "view": "ben",
    "invited": "ben",
    "hub_admin": "root-hub",
    "stranger": "dan",
    "person": "dan",
}
"""Who holds the column; ``project_admin`` comes with projects."""
LEVELS = ("view", "edit", "edit_delete")
SLOW = ("edit_delete", "view", "hub_admin")
"""Columns that ``make test`` leaves to ``make test-all``; the others ask for every action too."""
REQUESTS: dict[str, tuple[str, str, dict[str, Any]]] = {
    "see_in_list": ("GET", "/folders/{folder}", {}),
    "see_people": ("GET", "/folders/{folder}/people", {}),
    "list_files": ("GET", "/folders/{folder}/entries", {}),
    "read_file": ("GET", "/folders/{folder}/file", {"params": {"path": "notes.txt"}}),
    "download": ("GET", "/folders/{folder}/download", {"params": {"path": "notes.txt"}}),
    "create_directory": ("POST", "/folders/{folder}/directories", {"json": {"path": "new"}}),
    "upload": ("PUT", "/folders/{folder}/file", {"params": {"path": "new"}, "content": b"x"}),
    "rename_file": (
        "POST",
        "/folders/{folder}/moves",
        {"json": {"source": "notes.txt", "target": "new"}},
    ),
    "delete_file": ("DELETE", "/folders/{folder}/file", {"params": {"path": "notes.txt"}}),
    "rename_folder": ("PATCH", "/folders/{folder}", {"json": {"name": "new"}, "headers": SEEN}),
    "change_settings": ("PATCH", "/folders/{folder}/settings", {"json": {"cloneable": True}}),
    "mount_direct": ("PUT", "/folders/{folder}/fast", {"json": {"fast": True}, "headers": SEEN}),
    "clone": ("POST", "/folders/{folder}/clones", {"json": {"name": "mine"}}),
    "snapshot_folder": ("POST", "/folders/{folder}/snapshots", {}),
    "read_snapshot": ("GET", "/folders/{folder}/snapshots", {}),
    "restore_from_snapshot": (
        "POST",
        "/folders/{folder}/snapshots/{snapshot}/restore",
        {"json": {"path": "notes.txt", "target": "new"}},
    ),
    "trash_folder": ("POST", "/folders/{folder}/trash", {}),
    "restore_folder": ("POST", "/folders/{folder}/restore", {}),
    "invite": (
        "POST",
        "/folders/{folder}/grants",
        {"json": {"grants": [{"receiver": "eve", "level": "view"}]}},
    ),
    "change_level": ("PATCH", "/grants/{cleos}", {"json": {"level": "edit"}, "headers": SEEN}),
    "revoke": ("DELETE", "/grants/{cleos}", {}),
    "choose_alias": ("PUT", "/folders/{folder}/alias", {"json": {"alias": "mine"}}),
    "mount_read_only": ("PUT", "/folders/{folder}/mount", {}),
    "leave": ("POST", "/folders/{folder}/leave", {}),
    "hand_over": ("DELETE", "/hand-overs/{offer}", {}),
    "accept_or_decline": ("POST", "/invitations/{own}/accept", {}),
    "search_people": ("GET", "/people", {"params": {"q": "cleo"}}),
    "create_folder": ("POST", "/folders", {"json": {"name": "new"}}),
    "create_machine": ("GET", "/cloud", {}),
    "ask_why": ("GET", "/why", {"params": {"action": "create_folder"}}),
    "ask_why_about_another": (
        "GET",
        "/people/cleo/why",
        {"params": {"action": "read_file", "thing": "{folder}"}},
    ),
    "set_quota_of_person": (
        "PUT",
        "/people/cleo/quota",
        {"json": {"bytes": None, "folders": None}},
    ),
    "request_project": ("POST", "/project-requests", {"json": {"name": "new"}}),
    "approve_project": ("GET", "/project-requests", {}),
    "create_project": ("POST", "/projects", {"json": {"name": "new"}}),
    "set_quota_of_project": ("PUT", "/projects/{project}/quota", {"json": {"machines": 1}}),
    "list_leavers_things": ("GET", "/leavers/things", {}),
    "read_own_events": ("GET", "/events", {}),
    "read_audit": ("GET", "/audit", {}),
    "verify_audit": ("GET", "/audit/verification", {}),
}


def cells(table: str) -> list[tuple[str, str, str]]:
    path = files("jupyterhub_vmshare.policy") / "tables" / f"{table}.csv"
    lines = [line for line in path.read_text("utf-8").splitlines() if not line.startswith("#")]
    return [
        (row["action"], column, row[column])
        for row in csv.DictReader(lines)
        for column in row
        if column in COLUMNS and row["action"] in REQUESTS
    ]


def spoken(table: str) -> list[Any]:
    may = {"yes": "may", "no": "cannot"}
    return [
        pytest.param(
            *cell,
            id=f"{cell[1]} {may.get(cell[2], 'may ' + cell[2])} {cell[0]}",
            marks=[pytest.mark.slow] if cell[1] in SLOW else [],
        )
        for cell in cells(table)
        # Who holds a level has answered: test_accepting_again says what follows.
        if cell[0] != "accept_or_decline" or cell[1] not in LEVELS
    ]


def test_every_action_with_a_route_is_asked() -> None:
    named = {o["x-action"] for path in stored()["paths"].values() for o in path.values()}
    # The others: tests/machines/test_permissions.py, tests/projects/test_roles.py.
    here = {name for name in named if not name.startswith(("machine.", "drive.", "project."))}
    assert {action.partition(".")[2] for action in here} - {""} == set(REQUESTS)


async def setting(api: Api, column: str, action: str) -> dict[str, str]:
    """ana's folder, cleo's grant on it, and what the person of that column holds."""
    ana, ben = api("ana"), api("ben")
    folder = await ana.make_folder("tests")
    await ana.write(folder, "notes.txt", b"hello")
    (cleos,) = await ana.invite(folder, "view", "cleo")
    own = cleos
    if column in LEVELS:
        (own,) = await ana.invite(folder, column, "ben")
        await ben.accept(own)
    elif column == "invited":
        (own,) = await ana.invite(folder, "edit_delete", "ben")
    offer = ""
    if action == "hand_over":  # offers are made on a page of the service, which has its own tests
        async with api.running.service.db.write() as tx:
            wanted = handing.Offer("eve")
            offer = (await handing.offer(tx, policy.Person("ana"), folder, wanted)).id
    if action == "restore_folder":
        await ana.ask("POST", f"/folders/{folder}/trash")
    snapshot = await snapshot_of(ana, folder) if "snapshot" in action else ""
    told = {"folder": folder, "cleos": cleos, "own": own, "snapshot": snapshot, "offer": offer}
    if action == "set_quota_of_project":
        made = await (await api.page("root-hub")).ask("POST", "/projects", {"name": "genome"})
        told["project"] = made["id"]
    return told


async def snapshot_of(ana: Person, folder: str) -> str:
    made = (await ana.ask("POST", f"/folders/{folder}/snapshots"))["id"]
    async with asyncio.timeout(60):
        where = f"/folders/{folder}/snapshots/{made}"
        while (await ana.ask("GET", where))["state"] == "making":
            await asyncio.sleep(0.02)
    return str(made)


async def ask(api: Api, action: str, person: Person, ids: dict[str, str]) -> Any:
    method, path, more = REQUESTS[action]
    params = {name: value.format(**ids) for name, value in more.get("params", {}).items()}
    more = {**more, "params": params} if params else more
    return await person.call(method, path.format(**ids), **more)


async def who(api: Api, column: str) -> Person:
    # hub_admin counts on the service's own pages alone.
    return await api.page("root-hub") if column == "hub_admin" else api(COLUMNS[column])


def expected(action: str, column: str, cell: str) -> tuple[int, ...]:
    if cell == "yes" or cell == "if:personal":
        return (200, 201, 202, 204)
    if cell == "if:as_invitation":
        return (200,)  # as little as the invitation says: below
    if action == "restore_folder" and column != "invited":
        return (404,)  # what is in the trash is its owner's alone; an invitation waits
    if column in ("stranger", "hub_admin") or action == "accept_or_decline":
        return (404,)  # what one may not see is not there
    return (403,)


@pytest.mark.parametrize(("action", "column", "cell"), spoken("folder_levels"))
@pytest.mark.asyncio
async def test_folder_levels(api: Api, action: str, column: str, cell: str) -> None:
    ids = await setting(api, column, action)
    person = await who(api, column)
    answer = await ask(api, action, person, ids)
    assert answer.status_code in expected(action, column, cell), answer.text
    if answer.status_code in (403, 404):
        told = answer.json()
        assert told["code"] == {403: "forbidden", 404: "not-found"}[answer.status_code]
        assert bool(told["rule"]) == bool(told["because"]) == (answer.status_code == 403)
    if cell == "if:as_invitation":
        told = answer.json()
        assert told["actions"] == ["see_in_list", "accept_or_decline"]
        assert told["shared_with"] is None
        assert ids["own"] in [one["id"] for one in await person.invitations()]


@pytest.mark.parametrize(("action", "column", "cell"), spoken("service_actions"))
@pytest.mark.asyncio
async def test_service_actions(api: Api, action: str, column: str, cell: str) -> None:
    ids = await setting(api, column, action)
    person = await who(api, column)
    answer = await ask(api, action, person, ids)
    allowed = (200, 201) if cell in ("yes", "if:self", "if:team_mates") else (403, 404)
    assert answer.status_code in allowed, answer.text
    if cell == "if:holds":  # who may see a thing's people may ask about them
        answer = await ask(api, action, api("ana"), ids)
        assert answer.status_code == 200, answer.text


@pytest.mark.asyncio
async def test_only_the_receiver_answers_an_invitation(api: Api) -> None:
    ids = await setting(api, "stranger", "accept_or_decline")
    for name in ("ana", "ben", "dan", "root-hub"):
        for verb in ("accept", "decline"):
            answer = await api(name).call("POST", f"/invitations/{ids['cleos']}/{verb}")
            assert answer.status_code == 404, (name, answer.text)


@pytest.mark.parametrize("level", LEVELS)
@pytest.mark.asyncio
async def test_accepting_again_is_accepting_once(api: Api, level: str) -> None:
    ids = await setting(api, level, "see_in_list")
    again = await api("ben").accept(ids["own"])
    assert (again["state"], again["version"]) == ("active", 2)
    late = await api("ben").call("POST", f"/invitations/{ids['own']}/decline")
    assert (late.status_code, late.json()["code"]) == (409, "conflict")
