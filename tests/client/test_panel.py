"""The live view for notebooks, through the product's own service."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from html import unescape

import pytest

from jupyter_vmshare.widgets.connect import VMShare
from jupyter_vmshare.widgets.panel import Panel, _Row
from tests.client.conftest import Real


@contextmanager
def panel_of(share: VMShare) -> Iterator[Panel]:
    panel = share.panel()
    try:
        yield panel
    finally:
        panel.close()


def eventually(holds: Callable[[], object], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.02)


def rows(panel: Panel) -> list[_Row]:
    return [row for row in panel._invitations.children if isinstance(row, _Row)]


def press(row: _Row, text: str) -> None:
    row.children[["Accept", "Decline"].index(text) + 2].click()


@pytest.mark.scenario("F2")
@pytest.mark.scenario("F3")
def test_an_invitation_appears_by_itself_and_is_accepted(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    with panel_of(ben) as panel:
        assert rows(panel) == []
        time.sleep(0.3)
        ana.folders.create("tests").share("ben", level="edit")
        eventually(lambda: rows(panel))
        (row,) = rows(panel)
        assert "ana invites you to tests: Edit" in unescape(row.children[0].value)
        press(row, "Accept")
        assert rows(panel) == []
        assert "tests" in panel._folders.value
        # What ana does next shows too.
        ana.folders["tests"].rename_folder("renamed")
        eventually(lambda: "renamed" in panel._folders.value)
        ana.folders["renamed"].revoke("ben")
        eventually(lambda: "renamed" not in panel._folders.value)
        assert panel._status.value == ""


@pytest.mark.scenario("F7")
def test_a_clash_asks_for_a_name(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    ana.folders.create("tests").share("ben")
    with panel_of(ben) as panel:
        (row,) = rows(panel)
        assert row._alias.layout.display == "none"
        ben.folders.create("tests")
        press(row, "Accept")
        assert row._alias.value == "tests (ana)"
        assert row._alias.layout.display == ""
        assert 'role="status"' in panel._status.value
        press(row, "Accept")
        assert sorted(ben.folders.keys()) == ["tests", "tests (ana)"]


def test_declining(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    ana.folders.create("tests").share("ben")
    with panel_of(ben) as panel:
        press(rows(panel)[0], "Decline")
        assert rows(panel) == []
    assert len(ben.folders) == len(ben.invitations) == 0


def test_every_control_says_what_it_does(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")
    ana.folders.create("tests").share("ben")
    with panel_of(ben) as panel:
        _, alias, *buttons = rows(panel)[0].children
        assert alias.description
        for button in buttons:
            assert button.description in button.tooltip
            assert "ana" in button.tooltip
            assert "tests" in button.tooltip


def test_closing_ends_the_stream(real: Real) -> None:
    ben = real.notebook("ben")
    streams = real.service.service.rooms.streams
    before = threading.active_count()
    panel = ben.panel()
    eventually(lambda: streams.count("ben") == 1)
    panel.close()
    eventually(lambda: streams.count("ben") == 0, 20)
    eventually(lambda: threading.active_count() <= before)


def test_in_a_kernel_it_lives_in_the_kernels_loop(real: Real) -> None:
    ana, ben = real.notebook("ana"), real.notebook("ben")

    async def cell() -> None:
        panel = ben.panel()
        assert not any(thread.name == "vmshare-panel" for thread in threading.enumerate())
        await asyncio.sleep(0.5)
        await asyncio.to_thread(lambda: ana.folders.create("tests").share("ben"))
        for _ in range(100):
            await asyncio.sleep(0.05)
            if rows(panel):
                break
        assert len(rows(panel)) == 1
        panel.close()
        await asyncio.sleep(0.1)

    asyncio.run(cell())
