"""Kernels on a machine, in the browser of somebody whose access to it begins and ends."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.real_hub import RealHub
from tests.journeys.axe import violations
from tests.journeys.machinelab import MachineLab
from tests.journeys.terminals import Terminals

pytestmark = pytest.mark.machines
Labs = Callable[[str], MachineLab]
Picture = Callable[[Page, str], None]
# What becomes of a kernel does not depend on what it computes.
SPEC = {"argv": ["sleep", "1000"], "display_name": "Sleeper", "language": "python"}
PLACE = "/usr/local/share/jupyter/kernels/sleeper"
CARD = "Sleeper on kernel-box (ana)"


@pytest.fixture
def terminals(sandbox_hub: RealHub, tmp_path: Path) -> Iterator[Terminals]:
    made = Terminals(sandbox_hub, tmp_path)
    yield made
    made.end()


@pytest.mark.scenario("V1")
@pytest.mark.scenario("V7")
def test_a_kernel_is_offered_and_its_end_is_told_as_access_comes_and_goes(
    sandbox_lab_of: Labs, terminals: Terminals, picture: Picture
) -> None:
    ana, ben = sandbox_lab_of("ana"), sandbox_lab_of("ben")
    asked = {"name": "kernel-box", "size": "small", "image": "debian", "drive_gib": 0}
    machine = ana.do("POST", "/machines", asked)["id"]
    terminals.wait_for("ana", "kernel-box", "true")
    install = f"sudo mkdir -p {PLACE} && echo '{json.dumps(SPEC)}' | sudo tee {PLACE}/kernel.json"
    terminals.wait_for("ana", "kernel-box", install)
    launcher = ben.page.locator(".jp-LauncherCard")
    expect(launcher.first).to_be_visible()
    card = launcher.filter(has_text=CARD).first
    expect(card).to_have_count(0)

    ana.do("POST", f"/machines/{machine}/users", {"grants": [{"receiver": "ben"}]})
    ben.accept_thing("kernel-box")
    # By itself, on the page that is open.
    expect(card).to_be_visible()
    card.click()
    notebook = ben.page.get_by_role("tab", name=re.compile("^Untitled"))
    expect(notebook).to_be_visible()
    line = "x = 'written, and not saved'"
    cell = ben.page.locator(".jp-Notebook .cm-content").first
    cell.click()
    ben.page.keyboard.type(line)
    uses = "ps -eo args | grep -q '^sleep 1000'"
    terminals.wait_for("ana", "kernel-box", uses)

    ana.do("DELETE", f"/machines/{machine}/grants")
    told = ben.page.get_by_role("status").filter(has_text='Your kernel on "kernel-box" ended')
    expect(told).to_contain_text("not shared with you any more")
    expect(told).to_contain_text("Nothing that is written here is lost")
    alert = ben.page.get_by_role("alert").filter(has_text='your kernel on "kernel-box" ended')
    expect(alert).to_be_visible()
    assert violations(told) == []
    picture(ben.page, "kernel-ended")
    told.get_by_role("button", name="Choose another kernel…").click()
    dialog = ben.page.get_by_role("dialog").filter(has_text="Select Kernel")
    expect(dialog).to_be_visible()
    expect(dialog.get_by_role("option", name=CARD)).to_have_count(0)
    dialog.get_by_role("button", name="Cancel").click()
    expect(cell).to_contain_text("written, and not saved")
