"""Shared folders in running sessions, where people look: file browser, notebooks, panel."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from tests.fixtures.mounted_hub import MountedHub, eventually
from tests.journeys.axe import violations
from tests.journeys.mountedlab import MountedLab

pytestmark = [pytest.mark.journey, pytest.mark.browser_all, pytest.mark.mounts]

Labs = Callable[[str], MountedLab]
Picture = Callable[[Page, str], None]
CELL: dict[str, Any] = {
    "cell_type": "code",
    "id": "a",
    "metadata": {},
    "outputs": [],
    "execution_count": None,
}
KERNEL = {"name": "python3", "display_name": "Python 3", "language": "python"}
NOTEBOOK = {
    "cells": [{**CELL, "source": "first = 'of ana'"}],
    "metadata": {"kernelspec": KERNEL},
    "nbformat": 4,
    "nbformat_minor": 5,
}
BYTES = json.dumps(NOTEBOOK).encode()


def stored(hub: MountedHub, folder: str) -> str:
    """The first cell of the notebook as it is in the store; nothing while it is being written.

    Where nobody may put another file in its place, Jupyter writes into the file that is there.
    """
    [found] = [file for file in hub.store.rglob("a.ipynb") if folder in file.parts]
    try:
        source: Any = json.loads(found.read_text())["cells"][0]["source"]
    except json.JSONDecodeError:
        return ""
    return "".join(source)


def left_behind(hub: MountedHub) -> list[str]:
    """What JupyterLab should not leave in anybody's folder."""
    return [str(file) for file in hub.store.rglob("*checkpoint*")]


@pytest.mark.scenario("F3")
@pytest.mark.scenario("M1")
def test_what_ben_accepts_is_in_his_file_browser_and_says_what_it_is(
    mounted_hub: MountedHub, mounted_lab_of: Labs, picture: Picture
) -> None:
    folder = mounted_hub.folder("ana", "seagrass", a_ipynb=BYTES)
    ben = mounted_lab_of("ben")
    ben.show_files("shared")
    grant = mounted_hub.invite(folder, "ana", "ben", "view")
    ben.do("POST", f"/invitations/{grant}/accept")
    expect(ben.file("seagrass")).to_contain_text("View · ana")
    assert violations(ben.files) == []

    ben.show_panel()
    expect(ben.folder("seagrass")).to_contain_text("mounted")
    ben.act("seagrass", "Open in File Browser")
    expect(ben.place).to_contain_text("View")
    expect(ben.place).to_contain_text("of ana")
    ben.file("a.ipynb").get_by_role("button").dblclick()
    expect(ben.bar).to_contain_text("Read-only: ana shares “seagrass” with you at View.")
    assert violations(ben.bar) == []
    picture(ben.page, "read-only-notebook")

    ben.write("mine = 1")
    ben.save()
    ben.was_told("is read-only. Use")
    expect(ben.notebook).to_contain_text("mine = 1")
    ben.save_copy("copy.ipynb")
    expect(ben.notebook).to_contain_text("mine = 1")
    expect(ben.bar).to_have_count(0)
    assert stored(mounted_hub, folder) == "first = 'of ana'"


@pytest.mark.scenario("M3")
def test_ben_saves_anas_notebook_at_edit(
    mounted_hub: MountedHub, mounted_lab_of: Labs, picture: Picture
) -> None:
    folder = mounted_hub.folder("ana", "reef", a_ipynb=BYTES)
    mounted_hub.share(folder, "ana", "ben", "edit")
    ben = mounted_lab_of("ben")
    eventually(lambda: ben.mounted("reef"))
    ben.open_notebook("shared/reef/a.ipynb")
    expect(ben.place).to_contain_text("Only what you have just made can be deleted.")
    for text in ("once = 1", "twice = 2"):
        ben.write(text)
        ben.save()
        eventually(lambda wanted=text: stored(mounted_hub, folder) == wanted)  # type: ignore[misc]
        expect(ben.dirty).to_have_count(0)
    expect(ben.page.get_by_role("dialog")).to_have_count(0)
    assert left_behind(mounted_hub) == []


@pytest.mark.scenario("F6")
def test_an_owners_new_name_does_not_break_an_open_notebook(
    mounted_hub: MountedHub, mounted_lab_of: Labs
) -> None:
    folder = mounted_hub.folder("ana", "before (2026)", a_ipynb=BYTES)
    mounted_hub.share(folder, "ana", "ben", "edit")
    ben = mounted_lab_of("ben")
    eventually(lambda: ben.mounted("before (2026)"))
    ben.open_notebook("shared/before (2026)/a.ipynb")
    ben.write("written = 'before'")
    mounted_hub.rename(folder, "ana", "after")
    expect(ben.browser).to_contain_text("/shared/after/")
    expect(ben.notebook).to_contain_text("written = 'before'")
    ben.save()
    eventually(lambda: stored(mounted_hub, folder) == "written = 'before'")
    expect(ben.dirty).to_have_count(0)
    expect(ben.page.get_by_role("dialog")).to_have_count(0)
    expect(ben.bar).to_have_count(0)
    assert left_behind(mounted_hub) == []


@pytest.mark.scenario("F8")
def test_a_lowered_level_and_a_kick_reach_the_open_notebook(
    mounted_hub: MountedHub, mounted_lab_of: Labs, picture: Picture
) -> None:
    folder = mounted_hub.folder("ana", "krill", a_ipynb=BYTES)
    grant = mounted_hub.share(folder, "ana", "ben", "edit")
    ben = mounted_lab_of("ben")
    eventually(lambda: ben.mounted("krill"))
    ben.open_notebook("shared/krill/a.ipynb")
    ben.write("precious = 1")
    mounted_hub.change(folder, grant, "ana", level="view")
    expect(ben.bar).to_contain_text("Read-only: ana shares “krill” with you at View.")
    ben.was_told('changed your level on "krill" from Edit to View')
    expect(ben.place).to_contain_text("Read-only.")
    expect(ben.page.get_by_role("button", name="is disabled; use")).to_be_disabled()
    picture(ben.page, "lowered")
    ben.save()
    expect(ben.notebook).to_contain_text("precious = 1")
    assert stored(mounted_hub, folder) == "first = 'of ana'"

    mounted_hub.revoke(grant, "ana")
    expect(ben.bar).to_contain_text("ana no longer shares this folder with you.")
    ben.was_told('ana no longer shares "krill" with you')
    expect(ben.file("krill")).to_have_count(0)
    expect(ben.page.get_by_role("dialog")).to_have_count(0)
    picture(ben.page, "revoked")
    expect(ben.notebook).to_contain_text("precious = 1")
    ben.save_copy("rescued.ipynb")
    expect(ben.notebook).to_contain_text("precious = 1")
    ben.show_panel()
    expect(ben.folder("krill")).to_have_count(0)


@pytest.mark.scenario("F12")
def test_an_end_date_ends_it_in_the_session_too(
    mounted_hub: MountedHub, mounted_lab_of: Labs
) -> None:
    folder = mounted_hub.folder("ana", "tides", a_ipynb=BYTES)
    grant = mounted_hub.share(folder, "ana", "ben", "edit")
    ben = mounted_lab_of("ben")
    eventually(lambda: ben.mounted("tides"))
    ben.open_notebook("shared/tides/a.ipynb")
    now = datetime.now(UTC)
    mounted_hub.change(folder, grant, "ana", ends_at=(now + timedelta(hours=1)).isoformat())
    expect(ben.place).to_contain_text("until")
    end = datetime.now(UTC) + timedelta(seconds=4)
    mounted_hub.change(folder, grant, "ana", ends_at=end.isoformat())
    expect(ben.bar).to_contain_text("had an end date, and it has come")
    expect(ben.file("tides")).to_have_count(0)
    ben.was_told("its end date has come")


def test_ben_takes_a_folder_out_of_his_sessions_and_back(
    mounted_hub: MountedHub, mounted_lab_of: Labs, picture: Picture
) -> None:
    folder = mounted_hub.folder("ana", "whales", a_ipynb=BYTES)
    mounted_hub.share(folder, "ana", "ben", "edit_delete")
    ben = mounted_lab_of("ben")
    eventually(lambda: ben.mounted("whales"))
    ben.open_notebook("shared/whales/a.ipynb")
    ben.notebook.get_by_role("textbox").first.click()
    ben.page.keyboard.press("Control+End")
    ben.show_panel()
    ben.act("whales", "Insert Path")
    expect(ben.notebook).to_contain_text('/shared/whales"')
    ben.show_panel()
    ben.act("whales", "Unmount from My Sessions")
    expect(ben.folder("whales")).to_contain_text("not mounted")
    expect(ben.bar).to_contain_text("You took the folder out of your sessions.")
    ben.act("whales", "Mount in My Sessions")
    expect(ben.folder("whales")).not_to_contain_text("not mounted")
    expect(ben.bar).to_have_count(0)


def test_a_narrow_panel_has_room_for_what_matters(
    mounted_hub: MountedHub, mounted_lab_of: Labs, picture: Picture
) -> None:
    cleo = mounted_lab_of("cleo")
    furnish(mounted_hub, cleo)
    cleo.load()
    row = cleo.folder("plankton survey of the bay")
    expect(row).to_contain_text("mounted")
    cleo.narrow(280)
    panel = cleo.panel.bounding_box()
    assert panel is not None and panel["width"] <= 284
    whole = [row.get_by_text(text, exact=True) for text in ("View", "of ana", "mounted")]
    for part in whole:
        assert part.evaluate("node => node.scrollWidth <= node.clientWidth"), f"{part} is cut"
    for part in (
        *whole,
        row.get_by_role("button", name="plankton survey of the bay", exact=True),
        row.get_by_text("until "),
        row.get_by_role("button", name="Open "),
        row.get_by_role("button", name="Actions for"),
    ):
        box = part.bounding_box()
        assert box is not None and box["width"] > 15, part
        assert panel["x"] <= box["x"] and box["x"] + box["width"] <= panel["x"] + panel["width"]
    picture(cleo.page, "panel-narrow")


def furnish(hub: MountedHub, cleo: MountedLab) -> None:
    """A folder of ana's and one of cleo's own, in her session; made by the first who asks."""
    if not cleo.mounted("plankton survey of the bay"):
        folder = hub.folder("ana", "plankton survey of the bay", a_ipynb=BYTES)
        ends_at = (datetime.now(UTC) + timedelta(days=30)).isoformat()
        hub.share(folder, "ana", "cleo", "view", ends_at=ends_at)
        hub.folder("cleo", "own data", a_ipynb=BYTES)
        eventually(lambda: cleo.mounted("plankton survey of the bay", "own data"))


@pytest.mark.parametrize(
    "theme",
    [
        pytest.param("JupyterLab Light", id="in the light theme"),
        pytest.param("JupyterLab Dark", id="in the dark theme"),
        pytest.param("JupyterLab Dark High Contrast", id="in the high-contrast theme"),
    ],
)
def test_axe_finds_nothing(
    mounted_hub: MountedHub, mounted_lab_of: Labs, picture: Picture, theme: str
) -> None:
    cleo = mounted_lab_of("cleo")
    furnish(mounted_hub, cleo)
    cleo.choose_theme(theme)
    expect(cleo.folder("own data")).to_contain_text("mounted")
    assert violations(cleo.panel) == []
    name = theme.split()[-1].lower()
    picture(cleo.page, f"panel-mounted-{name}")
    cleo.open_notebook("shared/plankton survey of the bay/a.ipynb")
    expect(cleo.bar).to_be_visible()
    assert violations(cleo.bar) == []
    assert violations(cleo.place) == []
    picture(cleo.page, f"notebook-mounted-{name}")
    cleo.show_files("shared")
    expect(cleo.file("own data")).to_contain_text("Mine")
    assert violations(cleo.files) == []
    picture(cleo.page, f"file-browser-{name}")


@pytest.mark.scenario("F5")
def test_an_upload_in_the_panel_is_in_a_running_session_and_edit_says_what_it_can_t(
    mounted_hub: MountedHub, mounted_lab_of: Labs, picture: Picture, tmp_path: Path
) -> None:
    folder = mounted_hub.folder("cleo", "kelp", a_ipynb=BYTES)
    grant = mounted_hub.share(folder, "cleo", "ben", "edit")
    ben, cleo = mounted_lab_of("ben"), mounted_lab_of("cleo")
    eventually(lambda: ben.mounted("kelp"))
    ben.show_files("shared/kelp")
    (tmp_path / "counts.csv").write_bytes(b"day,count\n1,12\n")
    cleo.show_panel()
    view = cleo.open_folder("kelp")
    with cleo.page.expect_file_chooser() as chooser:
        view.get_by_role("button", name="Upload", exact=True).click()
    chooser.value.set_files(tmp_path / "counts.csv")
    expect(ben.file("counts.csv")).to_be_visible()
    path = "os.environ['VMSHARE_SHARED_DIR'] + '/kelp/counts.csv'"
    said = mounted_hub.kernel("ben").say(f"import os; print(open({path}).read())")
    assert said.split() == ["day,count", "1,12"]

    ben.delete_file("counts.csv")
    refused = ben.page.get_by_role("dialog")
    expect(refused).to_contain_text("At Edit you may delete what you made yourself")
    picture(ben.page, "edit-refused")
    refused.get_by_role("button", name="Close").click()
    ben.place.get_by_text("Only what you have just made can be deleted.").click()
    expect(ben.place).to_contain_text("git checkout and rebase")
    assert violations(ben.place) == []
    picture(ben.page, "edit-rules")

    mounted_hub.change(folder, grant, "cleo", level="edit_delete")
    expect(ben.place).to_contain_text("Edit + Delete")
    eventually(lambda: ben.mounted("kelp", level="edit_delete"))  # the node follows
    ben.delete_file("counts.csv")
    expect(ben.file("counts.csv")).to_have_count(0)
    assert not list(mounted_hub.store.rglob("counts.csv"))


@pytest.mark.scenario("F8")
def test_ana_chooses_fast_mounts_and_ends_the_session_that_holds_what_she_took_away(
    mounted_hub: MountedHub, mounted_lab_of: Labs, picture: Picture
) -> None:
    folder = mounted_hub.folder("ana", "swell", counts_csv=b"day,count\n")
    mounted_hub.share(folder, "ana", "ben", "view")
    ana, ben = mounted_lab_of("ana"), mounted_lab_of("ben")
    eventually(lambda: ben.mounted("swell"))
    ana.show_panel()
    ana.act("swell", "Fast Mounts…")
    dialog = ana.page.get_by_role("dialog")
    dialog.get_by_role("checkbox", name="Fast mounts in running sessions").check()
    expect(dialog).to_contain_text("Access ends with the session.")
    expect(ana.folder("swell")).to_contain_text("fast")
    assert violations(dialog) == []
    picture(ana.page, "fast-mounts")
    ana.close_dialog()

    ben.show_files("shared/swell")
    expect(ben.place).to_contain_text("Fast mount: access to what is open ends with the session.")
    assert violations(ben.place) == []
    picture(ben.page, "fast-mount-in-session")
    kernel = mounted_hub.kernel("ben")
    path = "os.environ['VMSHARE_SHARED_DIR'] + '/swell/counts.csv'"
    kernel.say(f"import os; counts = open({path})")

    dialog = ana.share_dialog("swell")
    ana.holder(dialog, "ben").get_by_role("button", name="Revoke", exact=True).click()
    dialog.get_by_role("button", name="Revoke the access of ben").click()
    held = dialog.get_by_role("region", name="Sessions that still hold it")
    expect(held).to_contain_text("ben: 1 program")
    assert kernel.say("print(counts.read())") == "day,count"
    held.get_by_role("button", name="End the session of ben…").click()
    expect(held).to_contain_text("kernels with their variables")
    assert violations(dialog) == []
    picture(ana.page, "still-held")
    held.get_by_role("button", name="End the session", exact=True).click()
    expect(held).to_have_count(0)
    eventually(lambda: not mounted_hub.hub.process.api("GET", "users/ben")["servers"])
    ana.close_dialog()
