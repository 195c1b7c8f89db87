"""A folder's tab as an explorer: a tree that is sorted, menus, drags, properties, notebooks."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.fixtures.real_hub import RealHub
from tests.journeys.axe import violations
from tests.journeys.hubpages import as_admin
from tests.journeys.lab import Lab

pytestmark = [pytest.mark.journey, pytest.mark.browser_all]

NOTEBOOK = {
    "nbformat": 4,
    "nbformat_minor": 5,
    "metadata": {"language_info": {"name": "python"}},
    "cells": [
        {"cell_type": "markdown", "metadata": {}, "source": "# Depths of the reef"},
        {
            "cell_type": "code",
            "metadata": {},
            "execution_count": 3,
            "source": "max(depths)",
            "outputs": [
                {
                    "output_type": "execute_result",
                    "execution_count": 3,
                    "metadata": {},
                    "data": {
                        "text/plain": "41.5",
                        "text/html": "<b>41.5</b><script>window.ran = true</script>",
                    },
                }
            ],
        },
    ],
}


def paths(files: Locator) -> list[str]:
    """What is shown, from top to bottom."""
    found = files.locator("[data-path]").evaluate_all(
        "rows => rows.map(row => [Number(row.ariaRowIndex), row.dataset.path])"
    )
    return [path for _, path in sorted(found)]


@pytest.mark.scenario("F16")
def test_a_folder_is_explored_and_put_in_order(
    lab_of: Callable[[str], Lab], picture: Callable[[Page, str], None], tmp_path: Path
) -> None:
    ana = lab_of("ana")
    folder = ana.make_and_share("atlas", ben="view")
    ana.do("POST", f"/folders/{folder}/directories", {"path": "maps"})
    ana.do("PUT", f"/folders/{folder}/file?path=small.txt", "s")
    ana.do("PUT", f"/folders/{folder}/file?path=reef.ipynb", NOTEBOOK)
    survey = tmp_path / "survey"
    (survey / "deep").mkdir(parents=True)
    (survey / "a.csv").write_text("a")
    (survey / "deep" / "b.csv").write_text("bb")
    view = ana.open_folder("atlas")
    with ana.page.expect_file_chooser() as chooser:
        view.get_by_role("button", name="Add a directory with all that is in it").click()
    chooser.value.set_files(survey)
    files = view.get_by_role("grid", name="Files")
    expect(files.locator('[data-path="survey"]')).to_be_visible()

    by_size = files.get_by_role("button", name="Size", exact=True)
    by_size.click()
    expect(files.get_by_role("columnheader", name="Size")).to_have_attribute(
        "aria-sort", "descending"
    )
    expect(files.get_by_role("row")).to_have_count(5)
    assert paths(files) == ["maps", "survey", "reef.ipynb", "small.txt"]
    by_size.click()
    # Below the header and the directories.
    expect(files.locator('[data-path="small.txt"]')).to_have_attribute("aria-rowindex", "4")

    view.get_by_role("button", name="Show as a tree").click()
    tree = view.get_by_role("treegrid", name="Files")
    tree.locator('[data-path="survey"]').focus()
    ana.page.keyboard.press("ArrowRight")
    expect(tree.locator('[data-path="survey/deep"]')).to_be_visible()
    ana.page.keyboard.press("ArrowRight")
    ana.page.keyboard.press("ArrowRight")
    deep = tree.locator('[data-path="survey/deep/b.csv"]')
    expect(deep).to_have_attribute("aria-level", "3")
    assert violations(view) == []

    tree.locator('[data-path="small.txt"]').drag_to(tree.locator('[data-path="maps"]'))
    expect(tree.locator('[data-path="small.txt"]')).to_have_count(0)
    assert ana.do("GET", f"/folders/{folder}/entry?path=maps/small.txt")["size"] == 3
    picture(ana.page, "explorer")

    deep.click(button="right")
    menu = ana.page.get_by_role("menu")
    said = [text.strip() for text in menu.get_by_role("menuitem").all_inner_texts() if text.strip()]
    assert [item.split("\n")[0] for item in said][:5] == [
        *("Open", "Download", "Rename…", "Move…", "Delete")
    ]
    menu.get_by_role("menuitem", name="Properties…").click()
    dialog = ana.page.get_by_role("dialog")
    expect(dialog).to_contain_text(re.compile(r"Changed by\s*ana, "))
    expect(dialog).to_contain_text("survey/deep/b.csv")
    assert violations(dialog) == []
    picture(ana.page, "properties")
    ana.close_dialog()

    deep.click(button="right")
    menu.get_by_role("menuitem", name="Move…").click()
    listed = dialog.get_by_role("list", name="Directories in here")
    expect(listed.get_by_role("button", name="maps")).to_be_focused()
    expect(listed.get_by_role("listitem")).to_have_text(["maps", "survey"])
    assert violations(dialog) == []
    picture(ana.page, "move")
    ana.page.keyboard.press("ArrowDown")
    expect(listed.get_by_role("button", name="survey")).to_be_focused()
    ana.page.keyboard.press("Enter")
    expect(listed.get_by_role("button", name="deep")).to_be_focused()
    ana.page.keyboard.press("Enter")
    expect(dialog).to_contain_text('It is in "deep" already.')
    expect(dialog.get_by_role("button", name='Move to "deep"')).to_be_disabled()
    ana.page.keyboard.press("Backspace")
    expect(listed.get_by_role("button", name="deep")).to_be_focused()
    dialog.get_by_role("button", name='Move to "survey"').press("Enter")
    expect(dialog).to_be_hidden()
    expect(tree.locator('[data-path="survey/b.csv"]')).to_be_visible()
    expect(deep).to_have_count(0)


def test_a_notebook_is_read_and_nothing_of_it_runs(
    lab_of: Callable[[str], Lab], picture: Callable[[Page, str], None]
) -> None:
    ben = lab_of("ben")
    ben.accept("atlas")
    view = ben.open_folder("atlas")
    row = view.get_by_role("grid", name="Files").locator('[data-path="reef.ipynb"]')
    row.click(button="right")
    menu = ben.page.get_by_role("menu")
    expect(menu.get_by_role("menuitem", name="Properties…")).to_be_visible()
    expect(menu.get_by_role("menuitem", name=re.compile("Rename|Move|Delete"))).to_have_count(0)
    ben.page.keyboard.press("Escape")
    row.get_by_role("button", name="reef.ipynb", exact=True).click()
    notebook = ben.page.get_by_role("region", name="reef.ipynb")
    expect(notebook.get_by_role("heading", name="Depths of the reef")).to_be_visible()
    expect(notebook).to_contain_text("max(depths)")
    expect(notebook.locator("b")).to_have_text("41.5")
    assert ben.page.evaluate("() => 'ran' in window") is False
    assert violations(notebook) == []
    picture(ben.page, "notebook-preview")


# All of them come before "file".
NASTY = ('"quo\'te".txt', "%2e%2e%2f.txt", "-rf *", "<b>bold.txt", "a\u202egpj.txt", "back\\slash")


@pytest.mark.scenario("F16")
def test_twenty_thousand_files_with_nasty_ones_among_them(
    lab_of: Callable[[str], Lab], real_hub: RealHub
) -> None:
    ana = lab_of("ana")
    folder = ana.make_and_share("plankton")
    there = real_hub.data / "store" / folder[-2:] / folder / "files"
    for number in range(20_000):
        (there / f"file{number:05}").touch()
    for name in NASTY:
        (there / name).write_text(name)
    view = ana.open_folder("plankton")
    files = view.get_by_role("grid", name="Files")
    for name in NASTY:
        row = files.locator("[data-path]").filter(has=ana.page.get_by_text(name, exact=True))
        expect(row).to_have_count(1)
    files.get_by_role("button", name="<b>bold.txt", exact=True).click()
    expect(ana.page.get_by_role("textbox", name="<b>bold.txt")).to_have_value("<b>bold.txt")
    ana.page.get_by_role("tab", name="plankton", exact=True).click()

    files.get_by_role("button", name="Name", exact=True).click()
    expect(files.locator('[data-path="file19999"]')).to_be_visible()
    # The service sorts, and a thousand are here: how many there are is not known yet.
    expect(files).to_have_attribute("aria-rowcount", "-1")
    files.locator('[data-path="file19999"]').focus()
    ana.page.keyboard.press("ControlOrMeta+a")
    bar = view.get_by_role("group", name="Selection")
    expect(bar).to_contain_text(re.compile("1[,.]?000 selected"))
    ana.page.keyboard.press("Escape")
    ana.page.keyboard.press("End")
    last = files.locator('[data-path^="file1900"]:focus, [data-path^="file1900"] :focus')
    expect(last).to_have_count(1)
    # At its end it goes on.
    expect(files.locator('[data-path="file18999"]')).to_be_attached()
    view.get_by_role("searchbox").fill("0199")
    expect(files.locator("[data-path]")).to_have_count(12)
    expect(files.locator("[data-path]").first).to_contain_text("file10199")


@pytest.mark.scenario("F17")
def test_an_upload_without_room_says_how_much_and_how_much_is_left(
    lab_of: Callable[[str], Lab], real_hub: RealHub, tmp_path: Path
) -> None:
    ana = lab_of("ana")
    ana.make_and_share("full")
    view = ana.open_folder("full")
    large = tmp_path / "large.bin"
    large.write_bytes(bytes(300_000))
    with as_admin(ana, real_hub, "quota") as page:
        page.get_by_label("Whose?").fill("ana")
        page.get_by_role("button", name="Show").click()
        page.get_by_label("GiB").fill("0.0001")
        page.get_by_role("button", name="Set").click()
        expect(page.get_by_role("status")).to_contain_text("It is set")
        with ana.page.expect_file_chooser() as chooser:
            view.get_by_role("button", name="Upload", exact=True).click()
        chooser.value.set_files(large)
        refused = view.get_by_role("list", name="Uploads").get_by_role("alert")
        expect(refused).to_contain_text("300")
        expect(refused).to_contain_text("left")
        page.get_by_role("button", name="Go back to the site's own").click()
        expect(page.get_by_role("status")).to_be_visible()
    view.get_by_role("button", name="Try again").click()
    expect(view.locator('[data-path="large.bin"]')).to_be_visible()
