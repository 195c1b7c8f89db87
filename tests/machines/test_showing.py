"""Who may have a folder on a machine, what they are told before, and when it ends."""

from __future__ import annotations

import asyncio
from typing import Any

import pytest

from jupyterhub_vmshare.db.tables import shown_folders
from tests.machines.conftest import PATIENCE, Lab

pytestmark = pytest.mark.asyncio
READ = {"acknowledged": True}


def path(folder: str, machine: str) -> str:
    return f"/folders/{folder}/machines/{machine}"


async def shared(lab: Lab, *, name: str = "tests") -> tuple[str, str]:
    """A folder and a machine of ana's that ben may both use."""
    machine = (await lab.make())["id"]
    folder = await lab("ana").make_folder(name)
    for grant in await lab("ana").invite(folder, "view", "ben"):
        await lab("ben").accept(grant)
    await lab("ben").accept(await lab.give(machine, "use", "ben"))
    return folder, machine


async def chosen(lab: Lab, person: str) -> list[tuple[str, str]]:
    """What the list of somebody has."""
    items = (await lab(person).ask("GET", "/shown-folders"))["items"]
    return [(each["folder_name"], each["machine_name"]) for each in items]


async def until_rows(lab: Lab, wanted: int) -> None:
    """Until the service has written down so many choices of everybody."""
    db = lab.api.running.service.db
    async with asyncio.timeout(PATIENCE):
        while True:
            async with db.read() as conn:
                if len((await conn.execute(shown_folders.select())).all()) == wanted:
                    return
            await asyncio.sleep(0.02)


async def told(lab: Lab, person: str) -> list[Any]:
    """The events of it that somebody sees."""
    items = (await lab(person).ask("GET", "/events", params={"limit": 200}))["items"]
    kinds = ("mount.shown", "mount.hidden")
    return [(each["type"], each["data"].get("why")) for each in items if each["type"] in kinds]


async def test_nobody_shows_a_folder_without_having_read_who_can_read_it(lab: Lab) -> None:
    folder, machine = await shared(lab)
    seen = await lab("ben").ask("GET", path(folder, machine))
    assert (seen["readers"], seen["shown"]) == (["ana"], False)
    assert seen["sentence"].startswith("ana is root on gpu-box: whatever you may read")
    await lab("cleo").accept(await lab.give(machine, "co_own", "cleo"))
    seen = await lab("ben").ask("GET", path(folder, machine))
    assert seen["readers"] == ["ana", "cleo"]
    assert seen["sentence"].startswith("ana and cleo are root on gpu-box")
    for body in ({"acknowledged": False}, {}):
        refused = await lab("ben").call("PUT", path(folder, machine), json=body)
        assert refused.status_code == (409 if body else 422)
    answer = await lab("ben").call("PUT", path(folder, machine), json={"acknowledged": False})
    assert answer.json()["code"] == "not-acknowledged"
    assert await chosen(lab, "ben") == []
    assert await told(lab, "ben") == []


async def test_a_choice_is_ones_own_and_is_made_once(lab: Lab) -> None:
    folder, machine = await shared(lab)
    for _ in range(2):
        seen = await lab("ben").ask("PUT", path(folder, machine), READ)
        assert seen["shown"]
        assert seen["chosen_at"]
    assert await chosen(lab, "ben") == [("tests", "gpu-box")]
    assert await chosen(lab, "ana") == []
    assert not (await lab("ana").ask("GET", path(folder, machine)))["shown"]
    assert await told(lab, "ben") == [("mount.shown", None)]
    assert await told(lab, "ana") == []
    for _ in range(2):
        assert (await lab("ben").call("DELETE", path(folder, machine))).status_code == 204
    assert await chosen(lab, "ben") == []
    assert sorted(await told(lab, "ben")) == [("mount.hidden", "chosen"), ("mount.shown", None)]


async def test_it_needs_the_folder_and_a_terminal_on_the_machine(lab: Lab) -> None:
    folder, machine = await shared(lab)
    await lab("cleo").accept(await lab.give(machine, "use", "cleo"))
    others = await lab("ben").make_folder("own")
    for person, asked in (("cleo", folder), ("dan", folder), ("dan", others)):
        for method in ("GET", "PUT", "DELETE"):
            more = {"json": READ} if method == "PUT" else {}
            answer = await lab(person).call(method, path(asked, machine), **more)
            assert answer.status_code == 404, (person, method)
    own = await lab("dan").make_folder("dans")
    assert (await lab("dan").call("PUT", path(own, machine), json=READ)).status_code == 404
    # Neither is a folder a machine, nor the other way round.
    for wrong in (path(machine, machine), path(folder, folder)):
        assert (await lab("ana").call("PUT", wrong, json=READ)).status_code in (403, 404)
    await lab("ana").ask("DELETE", f"/machines/{machine}/grants")
    await lab("ben").accept(await lab.give(machine, "use", "ben", profile="files"))
    refused = await lab("ben").call("PUT", path(folder, machine), json=READ)
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    assert await chosen(lab, "ben") == []


@pytest.mark.parametrize("lost", ["the folder", "the machine"])
async def test_it_ends_with_either_and_does_not_come_back(lab: Lab, lost: str) -> None:
    folder, machine = await shared(lab)
    await lab("ben").ask("PUT", path(folder, machine), READ)
    await until_rows(lab, 1)
    what = f"/folders/{folder}" if lost == "the folder" else f"/machines/{machine}"
    await lab("ana").ask("DELETE", f"{what}/grants")
    await until_rows(lab, 0)
    if lost == "the folder":
        for grant in await lab("ana").invite(folder, "view", "ben"):
            await lab("ben").accept(grant)
    else:
        await lab("ben").accept(await lab.give(machine, "use", "ben"))
    assert await chosen(lab, "ben") == []
    assert ("mount.hidden", "lost") in await told(lab, "ben")


async def test_a_machine_that_is_off_ends_nothing_and_the_trash_does(lab: Lab) -> None:
    folder, machine = await shared(lab)
    await lab("ben").ask("PUT", path(folder, machine), READ)
    await lab("ana").ask("POST", f"/machines/{machine}/stop")
    assert await chosen(lab, "ben") == [("tests", "gpu-box")]
    await lab("ana").ask("POST", f"/folders/{folder}/trash")
    await until_rows(lab, 0)


async def test_it_ends_with_the_terminal(lab: Lab) -> None:
    folder, machine = await shared(lab)
    await lab("ben").ask("PUT", path(folder, machine), READ)
    seen = await lab("ana").ask("GET", f"/machines/{machine}/people")
    [grant] = [each for each in seen["grants"] if each["receiver"]["name"] == "ben"]
    body, version = {"ticks": ["files"]}, {"If-Match": f'"{grant["version"]}"'}
    answer = await lab("ana").call("PATCH", f"/grants/{grant['id']}", json=body, headers=version)
    assert answer.status_code == 200, answer.text
    await until_rows(lab, 0)  # no terminal, no folder there
