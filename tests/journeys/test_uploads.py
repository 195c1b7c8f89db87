"""A large upload over a slow network that breaks: paused, gone on with, and after a reload too."""

from __future__ import annotations

import os
import re
import zipfile
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import CDPSession, Locator, Page, expect

from tests.journeys.axe import violations
from tests.journeys.lab import Lab

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]

SIZE = 40_000_000
A_SECOND = 4_000_000


def slow_down(network: CDPSession, a_second: int) -> None:
    """So many bytes go up a second; -1: as many as can."""
    network.send("Network.enable")
    told = {"offline": False, "latency": 0, "downloadThroughput": -1, "uploadThroughput": a_second}
    network.send("Network.emulateNetworkConditions", told)


def choose(lab: Lab, button: Locator, file: Path) -> None:
    with lab.page.expect_file_chooser() as chooser:
        button.click()
    chooser.value.set_files(file)


@pytest.mark.scenario("F5")
def test_a_broken_upload_goes_on_after_a_reload(
    lab_of: Callable[[str], Lab], picture: Callable[[Page, str], None], tmp_path: Path
) -> None:
    ana = lab_of("ana")
    ana.make_folder("surveys")
    survey, other = tmp_path / "survey.bin", tmp_path / "other.bin"
    survey.write_bytes(os.urandom(SIZE))
    other.write_bytes(os.urandom(SIZE))
    view = ana.open_folder("surveys")
    network = ana.page.context.new_cdp_session(ana.page)
    slow_down(network, A_SECOND)
    choose(ana, view.get_by_role("button", name="Upload", exact=True), survey)

    progress = view.get_by_role("progressbar", name='Upload of "survey.bin"')
    expect(progress).to_have_attribute("value", re.compile(r"\d{7,}"), timeout=60_000)
    view.get_by_role("button", name='Pause the upload of "survey.bin"').click()
    expect(view.get_by_text(re.compile("^Paused"))).to_be_visible()
    picture(ana.page, "upload-paused")
    view.get_by_role("button", name='Go on with the upload of "survey.bin"').click()
    expect(view.get_by_role("button", name='Pause the upload of "survey.bin"')).to_be_visible()

    ana.load()
    slow_down(network, -1)
    view = ana.open_folder("surveys")
    unfinished = view.get_by_role("list", name="Unfinished uploads")
    expect(unfinished).to_contain_text("survey.bin")
    expect(unfinished).to_contain_text("Broke off at")
    assert violations(view) == []
    [left] = ana.do("GET", f"/folders/{ana.folder_id('surveys')}/uploads")["items"]
    assert 0 < left["offset"] < SIZE

    button = unfinished.get_by_role("button", name=re.compile("^Choose the file"))
    choose(ana, button, other)
    expect(unfinished.get_by_role("alert")).to_contain_text("another file")
    choose(ana, button, survey)
    files = view.get_by_role("grid", name="Files")
    there = files.get_by_role("button", name="survey.bin", exact=True)
    expect(there).to_be_visible(timeout=60_000)
    expect(unfinished).to_have_count(0)
    with ana.page.expect_download() as download:
        files.get_by_role("button", name='Download "survey.bin"').click()
    assert Path(download.value.path()).read_bytes() == survey.read_bytes()


@pytest.mark.scenario("F16")
def test_a_directory_comes_as_an_archive_and_goes_with_all_that_is_in_it(
    lab_of: Callable[[str], Lab],
) -> None:
    ana = lab_of("ana")
    ana.make_folder("depths")
    folder = ana.folder_id("depths")
    ana.do("POST", f"/folders/{folder}/directories", {"path": "deep"})
    ana.do("POST", f"/folders/{folder}/directories", {"path": "deep/er"})
    files = ana.open_folder("depths").get_by_role("grid", name="Files")
    with ana.page.expect_download() as download:
        files.get_by_role("button", name='Download "deep" as a zip archive').click()
    assert download.value.suggested_filename == "deep.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert archive.namelist() == ["deep/", "deep/er/"]
    files.get_by_role("button", name='Delete "deep"').click()
    expect(ana.page.get_by_role("dialog")).to_contain_text("with all that is in it")
    ana.confirm("Delete")
    expect(files.get_by_role("button", name="deep", exact=True)).to_have_count(0)
    assert ana.do("GET", f"/folders/{folder}/entries")["items"] == []


@pytest.mark.scenario("F16")
def test_many_are_selected_and_come_and_go_at_once(
    lab_of: Callable[[str], Lab], picture: Callable[[Page, str], None]
) -> None:
    ana = lab_of("ana")
    ana.make_folder("shoals")
    folder = ana.folder_id("shoals")
    for name in "abcd":
        ana.do("POST", f"/folders/{folder}/directories", {"path": name})
    view = ana.open_folder("shoals")
    files = view.get_by_role("grid", name="Files")
    row = {name: files.locator(f'[data-path="{name}"]') for name in "abcd"}
    row["a"].focus()
    ana.page.keyboard.press("Space")
    ana.page.keyboard.press("Shift+ArrowDown")
    row["d"].click(modifiers=["ControlOrMeta"], position={"x": 2, "y": 2})
    bar = view.get_by_role("group", name="Selection")
    expect(bar).to_contain_text("3 selected")
    assert violations(view) == []
    picture(ana.page, "selection")
    with ana.page.expect_download() as download:
        bar.get_by_role("button", name="Download as a zip archive").click()
    assert download.value.suggested_filename == "shoals.zip"
    with zipfile.ZipFile(download.value.path()) as archive:
        assert sorted(archive.namelist()) == ["a/", "b/", "d/"]
    bar.get_by_role("button", name="Move…").click()
    picker = ana.page.get_by_role("dialog").filter(has_text="Move 3 entries")
    picker.get_by_role("button", name="c", exact=True).click()
    picker.get_by_role("button", name='Move to "c"').click()
    expect(files.get_by_role("row")).to_have_count(2)
    files.get_by_role("button", name="c", exact=True).click()
    expect(row["d"]).to_have_count(0)
    moved = ana.do("GET", f"/folders/{folder}/entries?path=c")["items"]
    assert [entry["name"] for entry in moved] == ["a", "b", "d"]
    files.locator('[data-path="c/a"]').focus()
    ana.page.keyboard.press("ControlOrMeta+a")
    ana.page.keyboard.press("Delete")
    ana.confirm("Delete")
    expect(view.get_by_text("Nothing in here yet")).to_be_visible()
