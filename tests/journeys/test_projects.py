"""A project on the hub's pages, from the wish for it to a second administrator; nobody reloads."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from tests.fixtures.real_hub import RealHub
from tests.journeys.axe import violations
from tests.journeys.hubpages import at_page

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]

Picture = Callable[[Page, str], None]
Open = Callable[..., Page]


@pytest.fixture
def page_of(chromium: Browser, real_hub: RealHub) -> Iterator[Open]:
    """``page_of("ana", "projects")``: her window at a page of the service."""
    with ExitStack() as stack:
        yield lambda person, path: stack.enter_context(at_page(chromium, real_hub, person, path))


@pytest.mark.scenario("P2")
def test_a_project_is_asked_for_and_people_come_into_it(page_of: Open, picture: Picture) -> None:
    ana, admin = page_of("ana", "projects"), page_of("root-hub", "projects")
    expect(ana.get_by_text("You are in no project.")).to_be_visible()
    ask_for(ana, "genome", machines="8")
    request = row(admin, "Requests to answer", "genome")
    expect(request).to_contain_text("ana asked for it")
    request.get_by_role("button", name='Approve "genome"…').click()
    admin.get_by_label("Machines", exact=True).fill("4")
    picture(admin, "hub-project-requests")
    request.get_by_role("button", name="Approve", exact=True).click()
    expect(row(ana, "Your projects", "genome")).to_contain_text("Administrator")

    ana.get_by_role("link", name="genome").click()
    expect(ana.get_by_role("region", name="Quota")).to_contain_text("Machines4")
    link = make_link(ana, "ben, who sequences")
    picture(ana, "hub-project-link")

    ben = page_of("ben", "projects/join")
    ben.goto(link)
    expect(ben.get_by_role("heading", name="genome")).to_be_visible()
    assert "#" not in ben.url
    ben.get_by_role("button", name="Ask to join").click()
    expect(ben.get_by_text("You asked to join. An administrator lets you in")).to_be_visible()
    assert link.partition("#")[2] not in ben.url

    wish = row(ana, "Wishes to join", "ben")
    wish.get_by_role("button", name="Let ben in", exact=True).click()
    expect(standing(ben)).to_have_text("Member")
    expect(row(ben, "Members", "ana")).to_contain_text("Administrator")
    for forbidden in ("Invitation links", "Wishes to join", "Settings"):
        expect(ben.get_by_role("region", name=forbidden)).to_have_count(0)
    expect(ben.get_by_role("button", name="Remove")).to_have_count(0)
    expect(ana.get_by_text("You are its only administrator for good")).to_be_visible()

    row(ana, "Members", "ben").get_by_role("button", name="Make ben an administrator").click()
    expect(standing(ben)).to_have_text("Administrator")
    expect(ben.get_by_role("region", name="Invitation links")).to_be_visible()
    picture(ben, "hub-project")

    ana.get_by_role("button", name="Leave the project…").click()
    ana.get_by_role("button", name="Leave", exact=True).click()
    expect(ana.get_by_text("You left this project.")).to_be_visible()
    expect(row(ben, "Members", "ana")).to_have_count(0)
    assert ana.goto(ana.url).status == 404  # type: ignore[union-attr]


def ask_for(page: Page, name: str, **quota: str) -> None:
    """Asks for a project with the form of the list."""
    page.get_by_role("button", name="Ask for a project…").click()
    page.get_by_label("Name", exact=True).fill(name)
    for label, limit in quota.items():
        page.get_by_label(label.capitalize(), exact=True).fill(limit)
    page.get_by_role("button", name="Ask for it").click()
    expect(row(page, "Your projects", name)).to_contain_text("Asked for")


def make_link(page: Page, note: str) -> str:
    """Makes an invitation link; its address, as it is shown once."""
    links = page.get_by_role("region", name="Invitation links")
    links.get_by_role("button", name="Make a link…").click()
    links.get_by_label("For whom is it?").fill(note)
    links.get_by_role("button", name="Make the link").click()
    shown = links.get_by_label("Invitation link", exact=True)
    expect(shown).to_be_visible()
    return shown.input_value()


def row(page: Page, part: str, name: str) -> Locator:
    """One row of a list."""
    items = page.get_by_role("list", name=part, exact=True).get_by_role("listitem")
    return items.filter(has=page.get_by_role("heading", name=name))


def standing(page: Page) -> Locator:
    """How somebody stands to the project that the page is about."""
    return page.get_by_role("heading", level=1).get_by_role("status")
