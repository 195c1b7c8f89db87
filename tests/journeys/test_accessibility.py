"""axe-core finds nothing in the panel, the folder view and the share dialog, light and dark."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.journeys.axe import violations
from tests.journeys.lab import Lab

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]

THEMES = [
    pytest.param("JupyterLab Light", id="in the light theme"),
    pytest.param("JupyterLab Dark", id="in the dark theme"),
    pytest.param("JupyterLab Dark High Contrast", id="in the high-contrast theme"),
]


@pytest.mark.parametrize("theme", THEMES)
def test_axe_finds_nothing(
    lab_of: Callable[[str], Lab], picture: Callable[[Page, str], None], theme: str
) -> None:
    ana, ben = lab_of("ana"), lab_of("ben")
    furnish(ana, ben)
    for lab in (ana, ben):
        lab.choose_theme(theme)
    expect(ben.invitation("plankton")).to_be_visible()
    view = ana.open_folder("seagrass")
    expect(view.get_by_role("button", name="notes.txt", exact=True)).to_be_visible()
    assert violations(ana.panel) == []
    assert violations(ben.panel) == []
    assert violations(view) == []
    picture(ana.page, f"panel-{theme.split()[-1].lower()}")
    read_only = ben.open_folder("seagrass")
    expect(read_only.get_by_text("READ-ONLY")).to_be_visible()
    assert violations(read_only) == []
    dialog = ana.share_dialog("seagrass")
    expect(ana.holder(dialog, "ben")).to_be_visible()
    try:
        assert violations(dialog) == []
    finally:
        ana.close_dialog()


def furnish(ana: Lab, ben: Lab) -> None:
    """One of everything that the panel can show; made by the first test of the module."""
    if any(folder["label"] == "seagrass" for folder in ana.do("GET", "/folders")["items"]):
        return
    folder = ana.make_and_share("seagrass", ben="view")
    ana.do("PUT", f"/folders/{folder}/file?path=notes.txt", {"some": "notes"})
    ana.do("POST", f"/folders/{folder}/directories", {"path": "meadow"})
    ben.accept("seagrass")
    ana.make_and_share("plankton", ben="edit_delete", cleo="view")
    ana.make_and_share("alone")


def test_axe_would_find_what_is_wrong(lab_of: Callable[[str], Lab]) -> None:
    panel = lab_of("ana").panel
    panel.evaluate("node => node.append(document.createElement('button'))")
    found = [violation["rule"] for violation in violations(panel)]
    panel.evaluate("node => node.lastChild.remove()")
    assert found == ["button-name"]
