"""Deleting a machine or a drive: the page that deletes folders, with what is theirs.

What no other origin, script or token can do there is asked in ``test_confirm``: it is one page.
"""

from __future__ import annotations

import csv
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from importlib.resources import files
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from tests.fakes.cloud import FakeCloud
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld
from tests.machines.conftest import FAST, Lab, is_, on
from tests.pages.conftest import Browser, Open, token_in

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def service(
    tmp_path: Path, database_url: str, hub: FakeHub, small_world: SmallWorld
) -> AsyncIterator[RunningService]:
    """A service that offers machines."""
    async with running_service(
        tmp_path, database_url, hub, small_world, cloud=FakeCloud(), pace=FAST
    ) as running:
        yield running


@pytest_asyncio.fixture
async def lab(service: RunningService) -> AsyncIterator[Lab]:
    async with AsyncExitStack() as stack:
        yield Lab(Api(service, stack))


def page_of(thing: str) -> str:
    """Where it is deleted."""
    return f"confirm/delete-{'drive' if thing.startswith('drv_') else 'machine'}/{thing}"


async def confirm(browser: Browser, thing: str, name: str) -> httpx2.Response:
    """Open the page, type a name, and send it."""
    form = {"form": token_in(await browser.open(page_of(thing))), "name": name}
    return await browser.confirm(page_of(thing), form)


@pytest.mark.scenario("V13")
async def test_a_machine_goes_by_its_name_and_its_drive_stays(lab: Lab, browser_of: Open) -> None:
    box = await lab.make(drive_gib=1)
    drive = box["drives"][0]["drive_id"]
    await lab.until(f"/drives/{drive}", on(box["id"]))
    await lab("ben").accept(await lab.give(box["id"], "use", "ben"))
    browser = await browser_of("ana")
    page = await browser.open(page_of(box["id"]))
    for words in ("gpu-box", "ben", "gpu-box drive", "be undone", "home", "machine's name"):
        assert words in page.text.replace("&#39;", "'"), words
    wrong = await confirm(browser, box["id"], "gpu")
    assert (wrong.status_code, "not the machine" in wrong.text) == (422, True)
    assert (await lab("ana").ask("GET", f"/machines/{box['id']}"))["state"] == "running"
    assert (await confirm(browser, box["id"], "gpu-box")).status_code == 200
    await lab.until_gone(f"/machines/{box['id']}")
    assert (await lab("ben").events("machine.deleted"))[0]["actor"] == "ana"
    await lab.until(f"/drives/{drive}", is_(machines=[], state="ready"))


@pytest.mark.scenario("V13")
async def test_a_drive_that_is_on_a_machine_is_not_deleted(lab: Lab, browser_of: Open) -> None:
    box, drive = await lab.make(), await lab.make_drive()
    browser, page = await browser_of("ana"), page_of(drive["id"])
    form = {"form": token_in(await browser.open(page)), "name": "data"}
    await lab("ana").ask("PUT", f"/drives/{drive['id']}/writer/{box['id']}")
    for answer in (await browser.open(page), await browser.confirm(page, form)):
        assert (answer.status_code, "Detach it first" in answer.text) == (409, True)
    await lab.until(f"/drives/{drive['id']}", on(box["id"]))
    await lab("ana").ask("DELETE", f"/drives/{drive['id']}/machines/{box['id']}")
    await lab.until(f"/drives/{drive['id']}", is_(machines=[]))
    assert (await confirm(browser, drive["id"], "data")).status_code == 200
    await lab.until_gone(f"/drives/{drive['id']}")


async def test_the_api_deletes_neither(lab: Lab) -> None:
    box, drive = await lab.ask_for(), await lab.ask_for_drive()
    for path in (f"/machines/{box['id']}", f"/drives/{drive['id']}"):
        assert "delete" in (await lab("ana").ask("GET", path))["actions"]
        assert (await lab("ana").call("DELETE", path)).status_code == 405


async def test_each_kind_has_a_page_of_its_own(lab: Lab, browser_of: Open) -> None:
    box, drive = await lab.ask_for(), await lab.ask_for_drive()
    browser = await browser_of("ana")
    stray = token_in(await browser.open(page_of(box["id"])))
    answer = await browser.confirm(page_of(drive["id"]), {"form": stray, "name": "data"})
    assert answer.status_code == 409
    for path in (f"delete-machine/{drive['id']}", f"delete-drive/{box['id']}"):
        assert (await browser.open(f"confirm/{path}")).status_code == 404
    assert (await browser.open(f"confirm/delete-folder/{box['id']}")).status_code == 404


HOLDERS = {
    **{"owner": "ana", "co_owner": "ben", "manager": "ben", "user": "ben", "invited": "ben"},
    **{"attach_write": "ben", "attach_read": "ben", "hub_admin": "root-hub", "stranger": "dan"},
}
LEVELS = {
    **{"co_owner": "co_own", "manager": "manage", "user": "use"},
    **{"attach_write": "attach_write", "attach_read": "attach_read"},
}
STATUS = {"hub_admin": 404, "stranger": 404}
"""What one may not see is not there; all others who may not are told so."""


def cells() -> list[Any]:
    found = []
    for kind, table in (("machine", "machine_roles"), ("drive", "drive_levels")):
        path = files("jupyterhub_vmshare.policy") / "tables" / f"{table}.csv"
        lines = [one for one in path.read_text("utf-8").splitlines() if not one.startswith("#")]
        [row] = [row for row in csv.DictReader(lines) if row["action"] == "delete"]
        for column in HOLDERS:
            if column in row:
                name = f"{column} {'may' if row[column] == 'yes' else 'cannot'} delete a {kind}"
                found.append(pytest.param(kind, column, row[column] == "yes", id=name))
    return found


@pytest.mark.parametrize(("kind", "column", "may"), cells())
async def test_who_may(lab: Lab, browser_of: Open, kind: str, column: str, may: bool) -> None:
    made = await (lab.ask_for("data") if kind == "machine" else lab.ask_for_drive())
    thing, weakest = made["id"], "use" if kind == "machine" else "attach_read"
    if column in LEVELS:
        await lab("ben").accept(await lab.give(thing, LEVELS[column], "ben"))
    elif column == "invited":
        await lab.give(thing, weakest, "ben")
    browser = await browser_of(HOLDERS[column])
    if may:
        assert (await confirm(browser, thing, "data")).status_code == 200
        await lab.until_gone(f"/{kind}s/{thing}")
        return
    form = {"form": token_in(await (await browser_of("ana")).open(page_of(thing))), "name": "data"}
    expected = STATUS.get(column, 403)
    assert (await browser.open(page_of(thing))).status_code == expected
    assert (await browser.confirm(page_of(thing), form)).status_code == expected
    assert (await lab("ana").get(f"/{kind}s/{thing}")).status_code == 200
