"""A hub on which nobody runs an agent: the panel says so once, and everything else works."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import expect

from tests.journeys.axe import violations
from tests.journeys.mountedlab import MountedLab

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]


@pytest.mark.scenario("M8")
def test_the_panel_says_why_and_the_folder_opens_all_the_same(
    lab_of: Callable[[str], MountedLab],
) -> None:
    ana = lab_of("ana")
    folder = ana.make_and_share("seagrass")
    ana.make_and_share("reef")
    ana.do("PUT", f"/folders/{folder}/file?path=notes.txt", {"some": "notes"})
    quiet = ana.panel.get_by_text("Not mounted in this session")
    expect(quiet).to_have_count(1)
    because = ana.panel.get_by_text("all of them are in the panel")
    expect(because).to_be_hidden()
    quiet.click()
    expect(because).to_be_visible()
    assert violations(ana.panel) == []
    expect(ana.folder("seagrass")).not_to_contain_text("mounted")
    ana.folder("seagrass").get_by_role("button", name="Actions for").click()
    expect(ana.page.get_by_role("menuitem", name="Copy Id")).to_be_visible()
    expect(ana.page.get_by_role("menuitem", name="in My Sessions")).to_have_count(0)
    ana.page.keyboard.press("Escape")
    view = ana.open_folder("seagrass")
    expect(view.get_by_role("button", name="notes.txt", exact=True)).to_be_visible()
    ana.page.get_by_role("tab", name=re.compile("^File Browser")).click()
    expect(ana.browser).to_be_visible()
    expect(ana.place).to_have_count(0)
    expect(ana.file("shared")).to_have_count(0)
