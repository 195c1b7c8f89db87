"""Terminals on a machine, in the browser of somebody whose access to it begins and ends."""

from __future__ import annotations

import contextlib
import json
import os
import re
import signal
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.hub_process import descendants
from tests.fixtures.mounted_hub import eventually
from tests.fixtures.real_hub import RealHub
from tests.journeys.axe import violations
from tests.journeys.machinelab import MachineLab
from tests.journeys.terminallab import PATIENCE, TerminalLab, TerminalTab
from tests.journeys.terminals import Terminals

pytestmark = pytest.mark.machines
Labs = Callable[[str], MachineLab]
Picture = Callable[[Page, str], None]
BOX = "term-box (ana)"
THEIRS = re.compile(r"^(ben@term-box.*|term-box \(ana\))$")
"""What the tabs of terminals are called."""
PROMPT = r"ben@[\w-]+:~\$"


@pytest.fixture
def terminals(sandbox_hub: RealHub, tmp_path: Path) -> Iterator[Terminals]:
    made = Terminals(sandbox_hub, tmp_path)
    yield made
    made.end()


def size_of(terminal: TerminalTab) -> tuple[int, int]:
    """Rows and columns, as the machine has them."""
    rows, columns = terminal.says("stty size", r"(\d+ \d+)").split()
    return int(rows), int(columns)


def kill_the_notebook_server(hub: RealHub, person: str) -> None:
    """As a machine without memory does: nothing of it can say goodbye."""
    mark = f"JUPYTERHUB_USER={person}".encode()
    assert hub.process.pid is not None
    for pid in descendants(hub.process.pid):
        with contextlib.suppress(OSError):
            is_theirs = mark in Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            if is_theirs and b"singleuser" in Path(f"/proc/{pid}/cmdline").read_bytes():
                os.kill(pid, signal.SIGKILL)
    hub.process.stop_server(person)


def terminals_kept_by(lab: MachineLab) -> int:
    """How many tabs with terminals the next page that is opened will have."""
    told = lab.page.request.get(f"{lab.home}/api/workspaces/default").json()
    return len(
        set(re.findall('"terminal:[^"]+"', json.dumps(told["data"]["layout-restorer:data"])))
    )


@pytest.mark.scenario("V1")
@pytest.mark.scenario("V7")
def test_terminals_come_with_access_and_go_with_it(
    sandbox_lab_of: Labs, sandbox_hub: RealHub, terminals: Terminals, picture: Picture
) -> None:
    ana, ben = sandbox_lab_of("ana"), sandbox_lab_of("ben")
    asked = {"name": "term-box", "size": "small", "image": "debian", "drive_gib": 0}
    machine = ana.do("POST", "/machines", asked)["id"]
    terminals.wait_for("ana", "term-box", "true")
    theirs = TerminalLab(ben)
    theirs.read_aloud()
    card = theirs.card(f"Terminal on {BOX}")
    expect(theirs.card("Terminal").first).to_be_visible()
    expect(card).to_have_count(0)
    ana.do("POST", f"/machines/{machine}/users", {"grants": [{"receiver": "ben"}]})
    ben.accept_thing("term-box")
    # By itself, on the page that is open; and by keyboard.
    expect(card).to_be_visible()
    card.focus()
    ben.page.keyboard.press("Enter")
    plain = theirs.front
    plain.sees(PROMPT)
    assert plain.says("echo I am $(id -un)", r"I am (\w+)") == "ben"
    before = size_of(plain)
    ben.page.set_viewport_size({"width": 1000, "height": 600})
    smaller = eventually(lambda: size_of(plain), lambda now: now[0] < before[0], PATIENCE)
    assert smaller[1] < before[1]
    ben.page.set_viewport_size({"width": 1280, "height": 800})
    plain.says("mine=plain; echo is $mine", r"is (plain)\n")

    # A second one, from the machine's page.
    page = ben.open_machine(BOX)
    page.get_by_role("button", name="Terminal that keeps running").click()
    kept = theirs.front
    kept.sees(PROMPT)
    kept.says("mine=kept; echo is $mine", r"is (kept)\n")
    assert kept.says("tmux display-message -p 'in #S'", r"in (t[0-9a-f]{6})")
    tabs = theirs.tabs(THEIRS)
    expect(tabs).to_have_count(2)
    kept.says("df -h /srv/shared; uptime", "(load average)")
    picture(ben.page, "terminal-on-machine")

    # A reload comes back to both, once JupyterLab has written down where they are.
    eventually(lambda: terminals_kept_by(ben), lambda kept: kept == 2, PATIENCE)
    ben.page.goto(ben.home)
    expect(tabs).to_have_count(2)
    tabs.nth(0).click()
    assert theirs.front.says("echo is $mine", r"is (\w+)\n") == "plain"
    tabs.nth(1).click()
    assert theirs.front.says("echo is $mine", r"is (\w+)\n") == "kept"

    # What keeps running survives the notebook server, and its tab comes back to it.
    kill_the_notebook_server(sandbox_hub, "ben")
    sandbox_hub.start_server("ben")
    ben.page.goto(ben.home)
    found = theirs.tabs(THEIRS)
    expect(found).to_have_count(2)
    found.nth(0).click()
    theirs.front.sees("The notebook server was started again: this is a new shell")
    theirs.front.sees(PROMPT)
    assert theirs.front.says("echo is [$mine]", r"is (\[\w*\])\n") == "[]"
    found.nth(1).click()
    theirs.front.sees(PROMPT)
    assert theirs.front.says("echo is $mine", r"is (\w+)\n") == "kept"

    ended = time.monotonic()
    ana.do("DELETE", f"/machines/{machine}/grants")
    theirs.front.sees("not shared with you any more")
    assert time.monotonic() - ended < 5, "a browser is read, too: the client's own test says 1 s"
    theirs.front.sees("Press Enter to close this terminal")
    found.nth(0).click()
    theirs.front.sees("not shared with you any more")
    for left in (1, 0):
        found.first.click()
        theirs.front.line("")
        expect(found).to_have_count(left)
    ben.page.get_by_role("button", name="New Launcher").first.click()
    expect(theirs.card("Terminal").first).to_be_visible()
    expect(theirs.card(BOX)).to_have_count(0)


@pytest.mark.scenario("V11")
def test_one_that_was_shut_down_is_gone_on_with(
    sandbox_lab_of: Labs, sandbox_hub: RealHub, terminals: Terminals
) -> None:
    ana = sandbox_lab_of("ana")
    hers = TerminalLab(ana)
    hers.read_aloud()
    asked = {"name": "off-box", "size": "small", "image": "debian", "drive_gib": 0}
    machine = ana.do("POST", "/machines", asked)["id"]
    terminals.wait_for("ana", "off-box", "true")
    ana.do("POST", f"/machines/{machine}/stop")
    expect(ana.machine("off-box")).to_contain_text("Stopped")

    # Of a machine that is off, it says how far it is.
    ana.page.keyboard.press("Control+Shift+C")
    ana.page.get_by_placeholder("SEARCH").or_(ana.page.get_by_role("combobox")).last.fill(
        "Terminal That Keeps"
    )
    ana.page.keyboard.press("Enter")
    dialog = ana.page.get_by_role("dialog")
    if dialog.is_visible():
        dialog.get_by_role("combobox").select_option(label="off-box (ana)")
        dialog.get_by_role("button", name="OK").or_(dialog.locator(".jp-mod-accept")).first.click()
    hers.front.sees("off-box is off: it is being started|off-box is starting")
    hers.front.sees(r"ana@[\w-]+:~\$")
    hers.front.says("mine=kept; echo is $mine", r"is (kept)\n")
    _, told = ana.fetch("GET", "/user/ana/vmshare/terminals")
    for each in told["terminals"]:
        assert ana.fetch("DELETE", f"/user/ana/api/terminals/{each['name']}")[0] == 204
    hers.lab.load()
    card = hers.card(re.compile(r"Go on with off-box \(ana\)"))
    expect(card).to_be_visible()
    assert violations(card) == []
    card.click()
    hers.front.sees(r"ana@[\w-]+:~\$")
    assert hers.front.says("echo is $mine", r"is (\w+)\n") == "kept"
    hers.front.line("exit")
    expect(ana.page.locator(".jp-Terminal")).to_have_count(0)
    hers.lab.load()
    expect(hers.card("Terminal on off-box (ana)")).to_be_visible()
    expect(card).to_have_count(0)
