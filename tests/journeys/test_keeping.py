"""Room, copies, snapshots and the trash in JupyterLab: what an owner keeps, and gets back."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.axe import violations
from tests.journeys.lab import Lab

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]


def test_a_file_comes_back_from_a_snapshot(
    lab_of: Callable[[str], Lab], picture: Callable[[Page, str], None]
) -> None:
    ana = lab_of("ana")
    folder = ana.make_and_share("kelp")
    ana.do("PUT", f"/folders/{folder}/file?path=depths.csv", "as it was")
    ana.act("kelp", "Snapshots")
    page = ana.page
    take = page.get_by_role("button", name="Take a snapshot now")
    expect(page.get_by_text("No snapshots yet")).to_be_visible()
    take.click()
    snapshots = page.get_by_role("grid", name="Snapshots")
    made = snapshots.locator('[data-state="done"]')
    expect(made).to_have_count(1)
    page.get_by_role("button", name="Make them by themselves…").click()
    page.get_by_role("spinbutton", name="Hours between two").fill("6")
    page.get_by_role("button", name="Save", exact=True).click()
    expect(page.get_by_text(re.compile("^Every 6 hours by itself"))).to_be_visible()
    view = page.get_by_role("tabpanel").filter(has=take)
    assert violations(view) == []
    picture(page, "snapshots")

    ana.do("PUT", f"/folders/{folder}/file?path=depths.csv&overwrite=true", "ruined")
    made.first.focus()
    page.keyboard.press("Enter")
    files = page.get_by_role("grid", name="Files of the snapshot")
    back = files.get_by_role("button", name='Take "depths.csv" back into the folder')
    back.click()
    page.get_by_role("dialog").get_by_role("button", name="Replace", exact=True).click()
    expect(page.get_by_text('"depths.csv" is in the folder as it was.').first).to_be_visible()
    assert ana.call("GET", f"/folders/{folder}/file?path=depths.csv")[1] == '"as it was"'


def test_a_folder_is_copied_where_its_owner_lets_others(
    lab_of: Callable[[str], Lab], picture: Callable[[Page, str], None]
) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    ana.make_and_share("lichen", ben="view")
    ben.accept("lichen")
    menu = ben.page.get_by_role("menu")
    ben.folder("lichen").get_by_role("button", name='Actions for "lichen"').click()
    expect(menu.get_by_role("menuitem", name="Leave…")).to_be_visible()
    expect(menu.get_by_role("menuitem", name="Copy to a Folder of Mine…")).to_have_count(0)
    ben.page.keyboard.press("Escape")

    expect(ana.folder("lichen")).to_have_attribute("data-cloneable", "false")
    ana.act("lichen", "Let Others Copy All of It")
    expect(ana.folder("lichen")).to_have_attribute("data-cloneable", "true")
    expect(ben.folder("lichen")).to_have_attribute("data-cloneable", "true")
    ben.act("lichen", "Copy to a Folder of Mine…")
    ben.answer("Copy", "my lichen", "Copy")
    expect(ben.folder("my lichen")).to_be_visible()

    room = ben.panel.get_by_role("region", name="Room for your folders")
    room.get_by_text("Where it goes").click()
    largest = room.get_by_role("list", name="Your largest folders")
    expect(largest).to_contain_text("my lichen")
    assert violations(ben.panel) == []
    picture(ben.page, "room")
