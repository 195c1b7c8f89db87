"""Sharing at a glance: a list of everything, changed at once, and a picture of one folder."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.journeys.axe import violations
from tests.journeys.lab import Lab

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]


def opened(lab: Lab, button: str) -> Locator:
    """The tab that a button of the panel opens."""
    lab.panel.get_by_role("button", name=button, exact=True).click()
    return lab.page.locator(".jp-VMShare-shares")


def test_many_shares_are_changed_at_once(
    lab_of: Callable[[str], Lab], picture: Callable[[Page, str], None]
) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    ben.choose_theme("JupyterLab Dark")
    folders = [ana.make_and_share(name, ben="view", cleo="edit") for name in ("coral", "krill")]

    view = opened(ana, "Sharing at a glance")
    shares = view.get_by_role("grid", name="Shared by me")
    expect(shares.locator("[data-share]")).to_have_count(4)
    view.get_by_role("searchbox", name="Filter by name or person").fill("ben")
    expect(shares.locator("[data-share]")).to_have_count(2)
    shares.locator("[data-share]").first.focus()
    ana.page.keyboard.press("ControlOrMeta+a")
    bar = view.get_by_role("group", name="Selection")
    expect(bar).to_contain_text("2 selected")
    bar.get_by_role("button", name="Level…").click()
    picture(ana.page, "sharing-at-a-glance")
    assert violations(view) == []
    bar.get_by_role("button", name="Edit", exact=True).click()
    expect(view.get_by_text("2 done.").last).to_be_visible()
    given = ana.do("GET", "/shares/given")["items"]
    assert {(one["receiver"]["name"], one["level"]) for one in given} == {
        ("ben", "edit"),
        ("cleo", "edit"),
    }
    shares.locator("[data-share]").first.focus()
    ana.page.keyboard.press("ControlOrMeta+a")
    bar.get_by_role("button", name="End date…").click()
    bar.get_by_label("Access ends").fill("2099-01-02T18:00")
    bar.get_by_role("button", name="Set for all selected").click()
    ends = shares.get_by_text(re.compile("2099")).filter(visible=True)
    expect(ends).to_have_count(2)
    ana.page.set_viewport_size({"width": 640, "height": 800})
    expect(ends).to_have_count(2)
    expect(shares.get_by_role("columnheader", name="Until")).to_have_count(0)
    ana.page.set_viewport_size({"width": 1280, "height": 800})

    view = opened(ben, "Sharing at a glance")
    view.get_by_role("tab", name="Shared with me").click()
    received = view.get_by_role("grid", name="Shared with me")
    received.locator("[data-share]").first.focus()
    ben.page.keyboard.press("ControlOrMeta+a")
    bar = view.get_by_role("group", name="Selection")
    expect(bar).to_contain_text("2 selected")
    assert violations(view) == []
    bar.get_by_role("button", name="Accept").click()
    expect(ben.folder("krill")).to_be_visible()
    held = {folder["id"] for folder in ben.do("GET", "/folders")["items"]}
    assert held.issuperset(folders)


def test_a_folders_people_are_a_picture(
    lab_of: Callable[[str], Lab], picture: Callable[[Page, str], None]
) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    folder = ana.folder_id("coral")
    team = ana.do("GET", "/teams")["items"][0]["name"]
    grant = {"receiver": team, "receiver_kind": "team", "level": "edit_delete"}
    ana.do("POST", f"/folders/{folder}/grants", {"grants": [grant]})
    for lab in (ana, ben):
        lab.act("coral", "People at a Glance")
        people = lab.page.get_by_role("list", name="Who has it from whom")
        nodes = people.locator("[data-person]")
        expect(nodes.filter(has_text=team).first).to_be_visible()
        expect(people.locator('[data-person="cleo"]').first).to_contain_text("not answered yet")
        assert violations(lab.page.locator(".jp-VMShare-lineage")) == []
    picture(ana.page, "people-at-a-glance")
    picture(ben.page, "people-at-a-glance-dark")
    ana.page.set_viewport_size({"width": 640, "height": 700})
    picture(ana.page, "people-at-a-glance-narrow")
    ana.page.set_viewport_size({"width": 1280, "height": 800})
