"""What hub admins look at on the hub's pages, and what administrators of a project may."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.fixtures.real_hub import RealHub
from tests.journeys.hubpages import Open, assert_it_suits_everybody, send

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]

Picture = Callable[[Page, str], None]


@pytest.fixture(scope="module")
def shared(real_hub: RealHub) -> str:
    """ana's ``reads``, which ben may edit, and which his team may view."""
    with real_hub.person("ana") as ana, real_hub.person("ben") as ben:
        folder = str(ana.post("/folders", json={"name": "<i>reads"}).json()["id"])
        asked = [
            {"receiver": "ben", "level": "edit"},
            {"receiver_kind": "team", "receiver": "genomics", "level": "view"},
        ]
        told = ana.post(f"/folders/{folder}/grants", json={"grants": asked}).raise_for_status()
        grant = told.json()["results"][0]["grant"]["id"]
        ben.post(f"/invitations/{grant}/accept").raise_for_status()
        ben.post("/folders", json={"name": "own work"}).raise_for_status()
    return folder


def row(page: Page, part: str, name: str) -> Locator:
    """One row of a list."""
    items = page.get_by_role("list", name=part, exact=True).get_by_role("listitem")
    return items.filter(has=page.get_by_role("heading", name=name))


@pytest.mark.usefixtures("shared")
def test_a_hub_admin_sees_what_somebody_holds_and_why(page_of: Open, picture: Picture) -> None:
    ana, admin = page_of("ana", "projects"), page_of("root-hub", "")
    admin.get_by_role("link", name="People", exact=True).click()
    admin.get_by_role("searchbox", name="Name").fill("be")
    admin.get_by_role("button", name="Find").click()
    expect(admin.get_by_role("link", name="ana", exact=True)).to_have_count(0)
    admin.get_by_role("link", name="ben", exact=True).click()
    expect(admin.get_by_role("heading", level=1)).to_have_text("ben")
    reads = row(admin, "What they hold", "<i>reads")
    expect(reads).to_contain_text("folder of ana")
    expect(reads).to_contain_text("ana gave ben Edit.")
    expect(reads).to_contain_text("ana gave View to the team genomics, which they are in.")
    expect(row(admin, "What they hold", "own work")).to_contain_text("It is their own.")
    picture(admin, "hub-person")
    # It is told to whom it is about, and it opens nothing.
    told = send(ana, "GET", "events")["items"]
    assert "admin.saw_holdings" in {event["type"] for event in told}
    admin.get_by_role("link", name="What their folders hold and may hold").click()
    expect(admin.get_by_role("heading", name="ben")).to_be_visible()


def test_an_administrator_sees_what_members_have_of_the_project_alone(page_of: Open) -> None:
    admin = page_of("root-hub", "projects")
    asked = {"name": "atoll", "administrators": ["ana", "ben"]}
    project = str(send(admin, "POST", "projects", asked)["id"])
    ana = page_of("ana", f"projects/{project}")
    send(ana, "POST", f"projects/{project}/folders", {"name": "corals", "level": "edit"})
    ana.get_by_role("link", name="What they have: ben").click()
    expect(row(ana, "What they hold", "corals")).to_contain_text("All members of the project atoll")
    expect(ana.get_by_role("heading", name="own work")).to_have_count(0)
    ana.get_by_role("link", name="Back to the project").click()
    expect(ana.get_by_role("heading", level=1)).to_contain_text("atoll")
    # Of people in general they may not know.
    for path in ("people", "people?person=ben"):
        answer = ana.goto(f"/services/vmshare/{path}")
        assert answer is not None and answer.status == 404
    dan = page_of("dan", "people")
    expect(dan.get_by_role("heading", name="Forbidden")).to_be_visible()


@pytest.mark.usefixtures("shared")
@pytest.mark.parametrize("theme", ["light", "dark"])
def test_axe_finds_nothing_also_where_it_is_narrow(page_of: Open, theme: str) -> None:
    admin = page_of("root-hub", "people")
    expect(admin.get_by_role("link", name="ben", exact=True)).to_be_visible()
    assert_it_suits_everybody(admin, theme)
    admin.goto("/services/vmshare/audit")
    admin.get_by_role("button", name="Verify", exact=True).click()
    expect(admin.get_by_text("The audit trail is whole")).to_be_visible()
    expect(row(admin, "Events", "grant.accepted").first).to_be_visible()
    admin.locator("summary").first.click()
    assert_it_suits_everybody(admin, theme)
    admin.goto("/services/vmshare/people?person=ben")
    expect(row(admin, "What they hold", "own work")).to_be_visible()
    assert_it_suits_everybody(admin, theme)


@pytest.mark.usefixtures("shared")
def test_a_hub_admin_reads_verifies_and_keeps_the_audit_trail(
    page_of: Open, picture: Picture
) -> None:
    admin = page_of("root-hub", "")
    admin.get_by_role("link", name="Audit").click()
    admin.get_by_label("Who did it, or was told").fill("ben")
    admin.get_by_label("What was done").fill("grant.")
    admin.get_by_role("button", name="Find").click()
    accepted = row(admin, "Events", "grant.accepted").first
    expect(accepted).to_contain_text("ben")
    expect(accepted).to_contain_text("<i>reads")
    expect(row(admin, "Events", "folder.created")).to_have_count(0)
    admin.get_by_role("button", name="Verify", exact=True).click()
    whole = admin.get_by_text("The audit trail is whole")
    expect(whole).to_be_visible()
    picture(admin, "hub-audit")
    admin.get_by_label("A head that you noted down").fill(f"1:{'a' * 64}")
    admin.get_by_role("button", name="Verify", exact=True).click()
    expect(admin.get_by_text("The audit trail is broken at position 1.")).to_be_visible()
    with admin.expect_download() as coming:
        admin.get_by_role("button", name="Take a copy of what was found").click()
    lines = coming.value.path().read_text().splitlines()
    assert lines and all('"type":"grant.' in line for line in lines)
