"""What people's folders may hold, set by hub admins on a page of the service."""

from __future__ import annotations

import pytest

from tests.fixtures.api import Api
from tests.pages.conftest import Browser, Open, token_in

pytestmark = [pytest.mark.asyncio, pytest.mark.scenario("F17")]

GIGABYTE = 2**30


async def send(browser: Browser, person: str, **fields: str) -> tuple[int, str]:
    """Goes to somebody's quota and sends the form: status and page."""
    form = {"form": token_in(await browser.open(f"quota?person={person}")), "person": person}
    answer = await browser.confirm("quota", form | {"what": "set"} | fields)
    return answer.status_code, answer.text


async def limits(api: Api, name: str) -> tuple[int | None, int | None]:
    told = await api(name).ask("GET", "/me/quota")
    return told["bytes"]["limit"], told["folders"]["limit"]


async def test_a_hub_admin_sets_it_and_goes_back(api: Api, browser_of: Open) -> None:
    ana = api("ana")
    await ana.write(await ana.make_folder("tests"), "notes.txt", b"hello")
    root = await browser_of("root-hub")
    assert 'href="/services/vmshare/quota"' in (await root.open()).text
    status, page = await send(root, "ana", gigabytes="0.5", folders="7")
    assert (status, "It is set" in page, "0.50 GiB" in page) == (200, True, True)
    assert await limits(api, "ana") == (GIGABYTE // 2, 7)
    status, page = await send(root, "ana", gigabytes="", folders="7")
    assert await limits(api, "ana") == (None, 7)
    status, page = await send(root, "ana", what="default")
    assert (status, "the site's own" in page) == (200, True)
    assert await limits(api, "ana") == (None, None)
    (last, *_) = await ana.events("quota.changed")
    assert last["actor"] == "root-hub"


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({"gigabytes": "lots"}, id="no number"),
        pytest.param({"gigabytes": "-1"}, id="below zero"),
        pytest.param({"gigabytes": "nan"}, id="a number that is none"),
        pytest.param({"gigabytes": "inf"}, id="without end"),
        pytest.param({"folders": "9999999"}, id="more folders than anybody counts"),
    ],
)
async def test_what_makes_no_sense_changes_nothing(
    api: Api, browser_of: Open, fields: dict[str, str]
) -> None:
    status, page = await send(await browser_of("root-hub"), "ana", **fields)
    assert (status, "write a number" in page) == (422, True)
    assert await limits(api, "ana") == (None, None)


async def test_nobody_else_sees_or_sets_it(api: Api, browser_of: Open) -> None:
    root, ben = await browser_of("root-hub"), await browser_of("ben")
    token = token_in(await root.open("quota?person=ben"))
    for path in ("quota", "quota?person=ben", "quota?person=nobody-here"):
        assert (await ben.open(path)).status_code == 403, path
    assert "quota" not in (await ben.open()).text
    form = {"form": token, "person": "ben", "what": "set", "folders": "1"}
    assert (await ben.confirm("quota", form)).status_code == 403
    assert await limits(api, "ben") == (None, None)


async def test_a_form_is_for_one_person_and_from_here(api: Api, browser_of: Open) -> None:
    root = await browser_of("root-hub")
    form = {"form": token_in(await root.open("quota?person=ben")), "what": "set", "folders": "1"}
    assert (await root.confirm("quota", form | {"person": "ana"})).status_code == 409
    elsewhere = await root.confirm("quota", form | {"person": "ben"}, Origin="http://evil.example")
    assert elsewhere.status_code == 403
    assert await limits(api, "ana") == (None, None)
    assert await limits(api, "ben") == (None, None)


async def test_an_unknown_name_is_said_to_be_one(browser_of: Open) -> None:
    root = await browser_of("root-hub")
    page = await root.open("quota?person=nobody-here")
    assert (page.status_code, "knows nobody called" in page.text) == (404, True)
    shown = await root.open("quota?person=%3Cb%3Ex")
    assert "<b>x" not in shown.text
