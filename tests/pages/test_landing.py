"""The front page: signing in, who one is, and what no page lets anybody do with it."""

from __future__ import annotations

import re

import pytest

from tests.fixtures.service import RunningService
from tests.pages.conftest import Browser, Open

pytestmark = pytest.mark.asyncio


async def test_it_signs_in_through_the_hub_and_says_who_one_is(browser_of: Open) -> None:
    page = await (await browser_of("cleo")).open()
    assert page.status_code == 200
    assert "Hello, cleo" in page.text
    assert "genomics, imaging" in page.text
    assert "hub admin" not in page.text


async def test_a_hub_admin_is_one_here(browser_of: Open) -> None:
    assert "hub admin" in (await (await browser_of("root-hub")).open()).text


async def test_without_a_session_at_the_hub_one_ends_at_its_login(browser_of: Open) -> None:
    browser = await browser_of("ana")
    browser.client.cookies.clear()
    page = await browser.open()
    assert page.url.path == "/hub/login"


async def test_after_signing_in_one_is_where_one_wanted_to_be(browser_of: Open) -> None:
    page = await (await browser_of("ana")).open("confirm/delete-folder/fld_" + "0" * 26)
    assert page.status_code == 404
    assert page.url.path.endswith("/confirm/delete-folder/fld_" + "0" * 26)


async def test_a_session_that_ended_signs_in_again(
    browser_of: Open, service: RunningService
) -> None:
    browser = await browser_of("ana")
    await browser.open()
    for text, token in list(service.hub.tokens.items()):
        if token.owner == "ana":
            service.hub.revoke(text)
    service.service.hub._tokens._known.clear()  # as ten seconds do
    assert "Hello, ana" in (await browser.open()).text


async def test_its_headers(browser_of: Open) -> None:
    headers = (await (await browser_of("ana")).open()).headers
    policy = headers["Content-Security-Policy"]
    assert "default-src 'none'" in policy
    assert "frame-ancestors 'none'" in policy
    assert "unsafe" not in policy
    assert "script-src" not in policy
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cross-Origin-Resource-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"


async def test_nothing_comes_from_outside_and_nothing_runs(browser_of: Open) -> None:
    page = await (await browser_of("ana")).open()
    assert "<script" not in page.text
    assert not re.search(r"\son\w+=|style=", page.text)
    sources = re.findall(r'<(?:link|img)[^>]*(?:href|src)="([^"]+)"', page.text)
    assert sources == ["/services/vmshare/pages.css"]


async def test_its_style_sheet_is_public(service: RunningService, browser_of: Open) -> None:
    browser = await browser_of("ana")
    browser.client.cookies.clear()
    answer = await browser.client.get("/services/vmshare/pages.css")
    assert answer.status_code == 200
    assert answer.headers["Content-Type"].startswith("text/css")


async def test_a_name_is_text_whatever_it_is(service: RunningService, browser_of: Open) -> None:
    name = "<b onload=x>o'h & co</b>"
    service.hub.add_person(name)
    page = await (await browser_of(name)).open()
    assert page.status_code == 200
    assert "<b onload" not in page.text
    assert "&lt;b onload=x&gt;" in page.text


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec_Fetch_Mode": "cors"}, id="a script's fetch"),
        pytest.param({"Sec_Fetch_Mode": "no-cors"}, id="an image"),
        pytest.param({"Sec_Fetch_Dest": "iframe"}, id="a frame"),
        pytest.param({"Authorization": "token abc"}, id="a token"),
    ],
)
async def test_what_does_not_get_it(browser_of: Open, headers: dict[str, str]) -> None:
    browser: Browser = await browser_of("ana")
    await browser.open()
    page = await browser.open("", **headers)
    assert page.status_code == 403
    assert "Hello" not in page.text


async def test_a_browser_that_does_not_say_how_it_fetches_gets_it(browser_of: Open) -> None:
    """Over plain http browsers leave these headers out."""
    browser = await browser_of("ana")
    page = await browser.open("", Sec_Fetch_Mode=None, Sec_Fetch_Dest=None, Sec_Fetch_Site=None)
    assert "Hello, ana" in page.text


async def test_the_hub_being_down_is_a_page(browser_of: Open, service: RunningService) -> None:
    browser = await browser_of("ana")
    await browser.open()
    service.service.hub._tokens._known.clear()
    service.hub.fail("/hub/api/user", 503)
    page = await browser.open()
    assert page.status_code == 503
    assert "JupyterHub" in page.text
