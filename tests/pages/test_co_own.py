"""Making somebody a co-owner: a page that warns, asks, and advises exactly one."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.fakes.cloud import FakeCloud
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld
from tests.pages.conftest import Browser, Open, token_in

pytestmark = pytest.mark.asyncio


@pytest_asyncio.fixture
async def service(
    tmp_path: Path, database_url: str, hub: FakeHub, small_world: SmallWorld
) -> AsyncIterator[RunningService]:
    """A service that offers machines."""
    async with running_service(
        tmp_path, database_url, hub, small_world, cloud=FakeCloud()
    ) as running:
        yield running


@pytest_asyncio.fixture
async def drive(api: Api) -> str:
    """ana's drive; machines are the same to this page."""
    asked = {"name": "data", "size_gib": 1}
    return str((await api("ana").ask("POST", "/drives", asked))["id"])


async def name(browser: Browser, drive: str, to: str) -> httpx2.Response:
    page = f"confirm/co-own/{drive}"
    return await browser.confirm(page, {"form": token_in(await browser.open(page)), "to": to})


async def grants(api: Api, drive: str) -> list[tuple[str, str, str]]:
    told = await api("ana").ask("GET", f"/drives/{drive}/people")
    return [(g["receiver"]["name"], g["level"], g["state"]) for g in told["grants"]]


@pytest.mark.scenario("V5")
async def test_it_warns_asks_and_advises_exactly_one(
    api: Api, browser_of: Open, drive: str
) -> None:
    browser = await browser_of("ana")
    page = await browser.open(f"confirm/co-own/{drive}")
    assert "A co-owner may do what an owner may" in page.text
    assert "One co-owner is advised, so that" in page.text
    answer = await name(browser, drive, "cleo")
    assert (answer.status_code, "was asked to be a co-owner" in answer.text) == (200, True)
    [waiting] = await api("cleo").invitations()
    assert (waiting["level"], waiting["thing_kind"]) == ("co_own", "drive")
    await api("cleo").accept(waiting["id"])
    again = await browser.open(f"confirm/co-own/{drive}")
    assert "cleo</bdi>\n      already" in again.text
    told = await name(await browser_of("cleo"), drive, "ben")  # as a co-owner
    assert told.status_code == 200
    assert await grants(api, drive) == [
        ("cleo", "co_own", "active"),
        ("ben", "co_own", "pending"),
    ]


async def test_a_grant_that_is_there_is_raised(api: Api, browser_of: Open, drive: str) -> None:
    (held,) = await api("ana").invite(drive, "attach_read", "ben")
    await api("ben").accept(held)
    answer = await name(await browser_of("ana"), drive, "ben")
    assert "as a co-owner" in answer.text
    assert await grants(api, drive) == [("ben", "co_own", "active")]


REFUSED = [
    pytest.param("ana", "dan", 403, id="nobody of another team"),
    pytest.param("ana", "nobody", 422, id="nobody who is not there"),
    pytest.param("ana", "ana", 422, id="not its owner"),
]


@pytest.mark.parametrize(("by", "to", "status"), REFUSED)
async def test_it_says_why_not(
    api: Api, browser_of: Open, drive: str, by: str, to: str, status: int
) -> None:
    answer = await name(await browser_of(by), drive, to)
    assert answer.status_code == status
    assert 'role="alert"' in answer.text
    assert await grants(api, drive) == []


async def test_the_page_is_for_owners(api: Api, browser_of: Open, drive: str) -> None:
    (held,) = await api("ana").invite(drive, "attach_write", "ben")
    await api("ben").accept(held)
    page = f"confirm/co-own/{drive}"
    assert (await (await browser_of("ben")).open(page)).status_code == 403
    assert (await (await browser_of("dan")).open(page)).status_code == 404
    browser = await browser_of("ana")
    token = token_in(await browser.open(page))
    crossed = await browser.confirm(page, {"form": token, "to": "cleo"}, Origin="https://evil.org")
    assert crossed.status_code == 403
    stale = await browser.confirm(page, {"form": token + "x", "to": "cleo"})
    assert stale.status_code == 409
    assert await grants(api, drive) == [("ben", "attach_write", "active")]


@pytest.mark.scenario("V9")
async def test_a_drive_is_handed_over_and_kept_within_a_team(
    api: Api, browser_of: Open, drive: str
) -> None:
    browser, page = await browser_of("ana"), f"confirm/hand-over/{drive}"
    form = {"form": token_in(await browser.open(page)), "to": "dan", "keep": "yes"}
    refused = await browser.confirm(page, form)
    assert (refused.status_code, "shares no team" in refused.text) == (409, True)
    form |= {"form": token_in(await browser.open(page)), "to": "ben"}
    assert (await browser.confirm(page, form)).status_code == 200
    (offer,) = await api("ben").all("/hand-overs")
    taken = await api("ben").ask("POST", f"/hand-overs/{offer['id']}/drive")
    assert (taken["owner"], taken["name"]) == ("ben", "data")
    assert (await api("ana").ask("GET", f"/drives/{drive}"))["level"] == "co_own"


@pytest.mark.scenario("V9")
async def test_a_leavers_drive_is_listed_and_handed_over(
    api: Api, browser_of: Open, drive: str, service: RunningService
) -> None:
    service.hub.remove_person("ana")
    browser = await browser_of("root-hub")
    listed = await browser.open("leavers")
    assert f"confirm/hand-over/{drive}" in listed.text
    page = f"confirm/hand-over/{drive}"
    form = {"form": token_in(await browser.open(page)), "to": "ben"}
    assert (await browser.confirm(page, form)).status_code == 200
    (offer,) = await api("ben").all("/hand-overs")
    assert (await api("ben").ask("POST", f"/hand-overs/{offer['id']}/drive"))["owner"] == "ben"
