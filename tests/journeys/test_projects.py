"""A project on the hub's pages, from the wish for it to a second administrator; nobody reloads."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.hubpages import Open, assert_it_suits_everybody, send

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]

Picture = Callable[[Page, str], None]


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
    expect(ana.get_by_role("region", name="Quota")).to_contain_text("Machines0 of 4")
    link = make_link(ana, "ben, who sequences")
    expect(ana.get_by_label("Invitation link", exact=True)).to_be_focused()

    ben = page_of("ben", "projects/join")
    expect(ben.get_by_role("heading", name="Join a project")).to_be_visible()
    ben.goto(link)  # where its page is open already
    expect(ben.get_by_role("heading", name="genome")).to_be_visible()
    assert "#" not in ben.url
    ben.get_by_role("button", name="Ask to join").click()
    expect(ben.get_by_text("You asked to join. An administrator lets you in")).to_be_visible()
    assert link.partition("#")[2] not in ben.url

    wish = row(ana, "Wishes to join", "ben")
    wish.get_by_role("button", name="Let in ben", exact=True).click()
    expect(standing(ben)).to_have_text("Member")
    expect(row(ben, "Members", "ana")).to_contain_text("Administrator")
    for forbidden in ("Invitation links", "Wishes to join", "Settings"):
        expect(ben.get_by_role("region", name=forbidden)).to_have_count(0)
    expect(ben.get_by_role("button", name="Remove")).to_have_count(0)
    expect(ana.get_by_text("You are its only administrator for good")).to_be_visible()

    row(ana, "Members", "ben").get_by_role("button", name="Make administrator: ben").click()
    expect(standing(ben)).to_have_text("Administrator")
    expect(ben.get_by_role("region", name="Invitation links")).to_be_visible()
    expect(row(ben, "Members", "ben")).to_contain_text("Administrator")
    picture(ben, "hub-project")

    ana.get_by_role("button", name="Leave the project…").click()
    ana.get_by_role("button", name="Leave", exact=True).click()
    expect(ana.get_by_text("You left this project.")).to_be_visible()
    expect(row(ben, "Members", "ana")).to_have_count(0)
    assert ana.goto(ana.url).status == 404  # type: ignore[union-attr]


@pytest.mark.scenario("P3")
def test_two_administrators_change_settings_at_once(page_of: Open) -> None:
    project = make(page_of, "tides", ["ana", "cleo"])
    ana, cleo = (page_of(person, f"projects/{project}") for person in ("ana", "cleo"))
    member = let_in(page_of, ana, project, "ben")
    expect(row(member, "Members", "ana")).to_be_visible()

    ana.get_by_label("Name", exact=True).fill("tides of the north")
    cleo.get_by_label("Description").fill("since 1999")
    cleo.get_by_label("Members see each other").uncheck()
    cleo.get_by_role("button", name="Save").click()
    expect(cleo.get_by_text("Saved.")).to_be_visible()
    expect(member.get_by_text("since 1999")).to_be_visible()
    expect(row(member, "Members", "ana")).to_have_count(0)
    expect(member.get_by_text("Members of this project do not see each other.")).to_be_visible()

    expect(ana.get_by_text("What you typed is still here.")).to_be_visible()
    expect(ana.get_by_label("Name", exact=True)).to_have_value("tides of the north")
    expect(ana.get_by_label("Members see each other")).not_to_be_checked()
    expect(ana.get_by_role("button", name="Save")).to_be_disabled()
    ana.get_by_role("button", name="Go on with mine").click()
    ana.get_by_role("button", name="Save").click()
    for page in (ana, cleo, member):
        expect(page.get_by_role("heading", level=1)).to_contain_text("tides of the north")
    expect(ana.get_by_label("Description")).to_have_value("since 1999")

    people = row(ana, "Members", "ben")
    people.get_by_role("button", name="Remove ben…").click()
    people.get_by_role("button", name="Keep").click()
    expect(people.get_by_role("button", name="Remove ben…")).to_be_focused()
    people.get_by_role("button", name="Remove ben…").click()
    people.get_by_role("button", name="Remove ben", exact=True).click()
    expect(member.get_by_text("ana took you out of this project")).to_be_visible()
    expect(people).to_have_count(0)


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_also_where_it_is_narrow(page_of: Open, theme: str) -> None:
    project = make(page_of, f"reef {theme}", ["ana"])
    ana, admin = page_of("ana", f"projects/{project}"), page_of("root-hub", "projects")
    waiting = page_of("dan", "projects")
    send(waiting, "POST", "project-requests", {"name": f"dunes {theme}", "description": "sand"})
    let_in(page_of, ana, project, "ben")
    make_link(ana, "for everybody")
    code = ana.get_by_label("Invitation link", exact=True).input_value().partition("#")[2]
    send(waiting, "POST", "project-links/ask", {"code": code})
    wish = row(ana, "Wishes to join", "dan")
    wish.get_by_role("button", name="Let in until… (dan)").click()
    admin.get_by_role("button", name="Make a project…").click()
    row(admin, "Requests to answer", "dunes").get_by_role("button", name="Decline").click()
    joining = page_of("cleo", "projects/join")
    joining.get_by_label("Invitation link, or its code").fill("nothing")
    joining.get_by_role("button", name="Look where it leads").click()
    expect(joining.get_by_role("alert")).to_be_visible()
    for page in (ana, admin, waiting, joining):
        assert_it_suits_everybody(page, theme)


def test_who_is_signed_out_keeps_what_was_typed(page_of: Open) -> None:
    ana = page_of("ana", "projects")
    ana.get_by_role("button", name="Ask for a project…").click()
    ana.get_by_label("Name", exact=True).fill("lagoon")
    ana.get_by_label("Description").fill("a long story")
    kept: Any = ana.context.cookies()
    ana.context.clear_cookies()
    ana.get_by_role("button", name="Ask for it").click()
    expect(ana.get_by_text("You are signed out, so nothing was done.")).to_be_visible()
    expect(ana.get_by_label("Description")).to_have_value("a long story")
    ana.context.add_cookies(kept)
    ana.get_by_role("button", name="Ask for it").click()
    asked = row(ana, "Your projects", "lagoon")
    expect(asked).to_contain_text("A hub admin has not answered yet.")
    asked.get_by_role("button", name='Take back that you asked for "lagoon"').click()
    expect(asked).to_have_count(0)


def make(page_of: Open, name: str, administrators: list[str]) -> str:
    """A project that the hub admin makes; its id."""
    asked = {"name": name, "administrators": administrators}
    return str(send(page_of("root-hub", "projects"), "POST", "projects", asked)["id"])


def let_in(page_of: Open, administrator: Page, project: str, person: str) -> Page:
    """Brings somebody into a project; their window at its page."""
    link = send(administrator, "POST", f"projects/{project}/links", {})
    page = page_of(person, "projects")
    ask = send(page, "POST", "project-links/ask", {"code": link["code"]})
    page.goto(f"/services/vmshare/projects/{project}")
    expect(standing(page)).to_have_text("You asked to join")
    send(administrator, "POST", f"projects/{project}/asks/{ask['id']}/accept")
    expect(standing(page)).to_have_text("Member")
    return page


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
