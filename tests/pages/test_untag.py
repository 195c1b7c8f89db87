"""The page that takes a project's tag away: an owner and an administrator, two browsers."""

from __future__ import annotations

import pytest

from tests.machines.conftest import Lab
from tests.machines.test_in_projects import InProject
from tests.pages.conftest import Browser, Open, token_in
from tests.pages.test_delete_machines import lab, service  # noqa: F401 (fixtures)

pytestmark = [pytest.mark.asyncio, pytest.mark.scenario("V15")]


def page_of(thing: str) -> str:
    """Where it is confirmed."""
    return f"confirm/untag/{thing}"


async def confirm(browser: Browser, thing: str) -> str:
    """Open the page, and send its form; what it says then."""
    form = {"form": token_in(await browser.open(page_of(thing)))}
    answer = await browser.confirm(page_of(thing), form)
    assert answer.status_code == 200, answer.text
    return answer.text


async def test_two_people_take_it_away_and_nobody_else(lab: Lab, browser_of: Open) -> None:  # noqa: F811
    reef = InProject(lab.api)
    await reef.build()
    made = await reef.api("ben").ask(
        "POST",
        f"/projects/{reef.project}/drives",
        {"name": "data", "size_gib": 1},
    )
    data = str(made["id"])
    ben, ana = await browser_of("ben"), await browser_of("ana")
    assert (await ben.open(page_of(data))).status_code == 404  # there is no tag yet
    await reef("ben").ask("PUT", f"/drives/{data}/tag")
    for name in ("cleo", "dan", "root-hub"):
        other = await browser_of(name)
        assert (await other.open(page_of(data))).status_code == 404
        form = {"form": token_in(await ben.open(page_of(data)))}
        assert (await other.confirm(page_of(data), form)).status_code in (403, 404)
    assert "until the other one has confirmed" in await confirm(ana, data)
    assert "until the other one has confirmed" in await confirm(ana, data)
    assert (await reef("ben").ask("GET", f"/drives/{data}"))["tagged"]
    stolen = {"form": token_in(await ana.open(page_of(data)))}
    assert (await ben.confirm(page_of(data), stolen)).status_code == 409
    foreign = {"form": token_in(await ben.open(page_of(data)))}
    answer = await ben.confirm(page_of(data), foreign, Origin="https://evil.example.org")
    assert answer.status_code == 403
    assert (await reef("ben").ask("GET", f"/drives/{data}"))["tagged"]
    assert "bears no tag any more" in await confirm(ben, data)
    assert not (await reef("ben").ask("GET", f"/drives/{data}"))["tagged"]
