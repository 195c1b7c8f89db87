"""The pages of projects: who gets them, what may run on them, and what stays closed."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import httpx2
import pytest

from jupyterhub_vmshare.pages.shell import Bundle
from tests.pages.conftest import Browser, Open

pytestmark = pytest.mark.asyncio

SHELL = re.compile(r'<div\s+id="vmshare"([^>]*)>')


async def api(
    browser: Browser, method: str, path: str, version: int | None = None, **sent: Any
) -> httpx2.Response:
    """A request as the page's script sends it: the cookie, and the XSRF token that goes with it."""
    jar = browser.client.cookies.jar
    token = next(c.value for c in jar if (c.name, c.path) == ("_xsrf", browser.prefix))
    headers = {"X-XSRFToken": token or "", "Sec-Fetch-Mode": "cors"}
    if version is not None:
        headers["If-Match"] = f'"{version}"'
    address = f"{browser.prefix}api/{path}"
    return await browser.client.request(method, address, headers=headers, **sent)


async def made(browser_of: Open, name: str = "genome") -> str:
    """A project that a hub admin made for ana."""
    admin = await browser_of("root-hub")
    await admin.open("projects")
    told = await api(admin, "POST", "projects", json={"name": name, "administrators": ["ana"]})
    assert told.status_code == 201, told.text
    return str(told.json()["id"])


def told_to(page: httpx2.Response) -> str:
    """What the page tells the script about who looks."""
    match = SHELL.search(page.text)
    assert match is not None, page.text
    return match[1]


async def test_the_page_tells_its_script_who_looks_and_what_they_may(browser_of: Open) -> None:
    ana = told_to(await (await browser_of("ana")).open("projects"))
    assert 'data-view="projects"' in ana and 'data-person="ana"' in ana
    assert "data-creates" not in ana and "data-answers" not in ana
    admin = told_to(await (await browser_of("root-hub")).open("projects"))
    assert "data-creates" in admin and "data-answers" in admin


@pytest.mark.parametrize("path", ["projects", "projects/join"])
async def test_the_pages_own_scripts_run_and_nothing_else(browser_of: Open, path: str) -> None:
    page = await (await browser_of("ana")).open(path)
    policy = dict(
        part.split(" ", 1) for part in page.headers["Content-Security-Policy"].split("; ")
    )
    nonce = policy["script-src"].removeprefix("'nonce-").removesuffix("'")
    assert len(nonce) > 20
    scripts = re.findall(r"<script[^>]*>", page.text)
    assert len(scripts) == 2
    assert all(f'nonce="{nonce}"' in script for script in scripts)
    again = await (await browser_of("ana")).open(path)
    assert nonce not in again.text
    assert policy["connect-src"] == policy["style-src"] == "'self'"
    assert (policy["default-src"], policy["frame-ancestors"]) == ("'none'", "'none'")
    assert "unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert page.headers["Cache-Control"] == "no-store"
    assert not re.search(r"<script(?![^>]*\ssrc=)|\son\w+=|style=", page.text)
    for address in re.findall(r'<(?:script|link)[^>]*(?:src|href)="([^"]+)"', page.text):
        assert address.startswith("/services/vmshare/")


async def test_pages_without_a_script_allow_none_still(browser_of: Open) -> None:
    page = await (await browser_of("ana")).open()
    assert "script-src" not in page.headers["Content-Security-Policy"]


async def test_what_was_built_is_public_and_kept_for_ever(browser_of: Open) -> None:
    browser = await browser_of("ana")
    page = await browser.open("projects")
    browser.client.cookies.clear()
    addresses = re.findall(r'(?:src|href)="([^"]*/built/[^"]+)"', page.text)
    assert len(addresses) == 3
    for address in addresses:
        told = await browser.client.get(address)
        assert told.status_code == 200 and told.content
        assert "immutable" in told.headers["Cache-Control"]
        assert told.headers["X-Content-Type-Options"] == "nosniff"
        assert re.search(r"\.[0-9a-f]{16}\.(js|css)$", address)


@pytest.mark.parametrize("name", ["manifest.json", "..%2Froutes.py", "hub.js", "none.js"])
async def test_nothing_else_of_the_folder_is_served(browser_of: Open, name: str) -> None:
    browser = await browser_of("ana")
    assert (await browser.client.get(f"{browser.prefix}built/{name}")).status_code == 404


async def test_the_api_wants_the_token_that_goes_with_the_cookie(browser_of: Open) -> None:
    browser = await browser_of("ana")
    await browser.open("projects")
    assert (await api(browser, "GET", "projects")).status_code == 200
    bare = await browser.client.get(f"{browser.prefix}api/projects")
    assert (bare.status_code, bare.json()["rule"]) == (403, "credential.xsrf")


async def test_a_page_brings_the_token_where_it_got_lost(browser_of: Open) -> None:
    browser = await browser_of("ana")
    await browser.open("projects")
    jar = browser.client.cookies.jar
    for cookie in [one for one in jar if (one.name, one.path) == ("_xsrf", browser.prefix)]:
        jar.clear(cookie.domain, cookie.path, cookie.name)
    await browser.open("projects")
    assert (await api(browser, "GET", "projects")).status_code == 200


@pytest.mark.scenario("P2")
async def test_a_project_of_others_is_not_there(browser_of: Open) -> None:
    project = await made(browser_of)
    ana = await (await browser_of("ana")).open(f"projects/{project}")
    assert ana.status_code == 200
    assert f'data-project="{project}"' in told_to(ana)
    for outsider in ("ben", "root-hub"):
        page = await (await browser_of(outsider)).open(f"projects/{project}")
        assert page.status_code == 404
        assert "genome" not in page.text
    for nowhere in ("prj_" + "0" * 26, "none", "fld_" + "0" * 26):
        page = await (await browser_of("ana")).open(f"projects/{nowhere}")
        assert page.status_code == 404


@pytest.mark.scenario("P3")
async def test_administrators_act_with_the_pages_cookie_and_members_do_not(
    browser_of: Open,
) -> None:
    project = await made(browser_of)
    ana, ben = await browser_of("ana"), await browser_of("ben")
    await ana.open("projects")
    await ben.open("projects")
    link = (await api(ana, "POST", f"projects/{project}/links", json={})).json()
    ask = (await api(ben, "POST", "project-links/ask", json={"code": link["code"]})).json()
    assert (await ben.open(f"projects/{project}")).status_code == 200
    accept = f"projects/{project}/asks/{ask['id']}/accept"
    assert (await api(ben, "POST", accept)).status_code == 404
    assert (await api(ana, "POST", accept)).status_code == 200
    told = (await api(ben, "GET", f"projects/{project}")).json()
    assert "settings.change" not in told["actions"]
    where, asked = f"projects/{project}", {"members_see_each_other": False}
    refused = await api(ben, "PATCH", where, version=told["version"], json=asked)
    assert refused.status_code == 403
    changed = await api(ana, "PATCH", where, version=told["version"], json=asked)
    assert changed.status_code == 200
    seen = (await api(ben, "GET", f"projects/{project}/members")).json()["items"]
    assert [one["person"] for one in seen] == ["ben"]


async def test_a_name_is_text_in_the_page_too(browser_of: Open) -> None:
    project = await made(browser_of, '"><script>alert(1)<script>')
    page = await (await browser_of("ana")).open(f"projects/{project}")
    assert page.status_code == 200
    assert "<script>alert" not in page.text


async def test_the_front_page_leads_there(browser_of: Open) -> None:
    page = await (await browser_of("ana")).open()
    assert 'href="/services/vmshare/projects"' in page.text
    assert "Projects that are asked for" not in page.text
    assert "Projects that are asked for" in (await (await browser_of("root-hub")).open()).text


async def test_where_nothing_was_built_there_is_nothing_to_serve(tmp_path: Path) -> None:
    assert not Bundle.read(tmp_path).names
    assert {"hub.js", "hub.css", "theme.js"} <= Bundle.read().names.keys()
