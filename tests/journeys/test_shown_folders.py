"""A shared folder on a machine: chosen in one browser, and taken back in another."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Locator, Page, expect

from jupyter_vmshare.kernels.specs import kernel_name
from tests.fixtures.cloud_site import sandboxes
from tests.fixtures.mounted_hub import eventually
from tests.fixtures.sandboxes import WITH_KERNELS, KeeperProcess, missing_for_sandboxes
from tests.fixtures.showing_site import Site, shown_on
from tests.fixtures.world import SmallWorld
from tests.journeys.axe import violations
from tests.journeys.conftest import labs_on
from tests.journeys.machinelab import MachineLab

pytestmark = [pytest.mark.machines, pytest.mark.journey, pytest.mark.browser_all]
Labs = Callable[[str], MachineLab]
Picture = Callable[[Page, str], None]
BOX = "gpu-box (ana)"
PLACE = "/home/ben/shared/reef"
READS = "import os, socket; print(open(os.path.expanduser('~/shared/reef/data.txt')).read())"
DELETES = """
try: os.remove(os.path.expanduser('~/shared/reef/data.txt'))
except OSError as error: print(type(error).__name__)
"""
HOLDS = """
import os, time
file = os.open(os.path.expanduser('~/shared/reef/data.txt'), os.O_RDONLY)
print('holding', flush=True)
try:
    while True: os.pread(file, 9, 0), time.sleep(0.02)
except OSError as error: print('cut', error.errno, time.time())
"""


@pytest.fixture(scope="module")
def site(small_world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """With Python's kernel on the machine."""
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    keeper = KeeperProcess(tmp_path_factory.mktemp("keeper"), packages=WITH_KERNELS)
    with shown_on(small_world, keeper, sandboxes) as made:
        yield made


@pytest.fixture(scope="module")
def site_lab_of(chromium: Browser, site: Site) -> Iterator[Labs]:
    yield from labs_on(chromium, site.hub.hub)


def notebook(kernel: str) -> dict[str, Any]:
    """One with an empty cell, of that kernel."""
    cell: dict[str, Any] = {
        "cell_type": "code",
        "id": "a",
        "metadata": {},
        "outputs": [],
        "execution_count": None,
    }
    spec = {"name": kernel, "display_name": kernel, "language": "python"}
    told = {"metadata": {"kernelspec": spec}, "nbformat": 4, "nbformat_minor": 5}
    return {**told, "cells": [{**cell, "source": ""}]}


def open_with(lab: MachineLab, name: str, kernel: str) -> None:
    """A new notebook in the person's home, with a kernel that runs."""
    url = f"/user/{lab.person}/api/contents/{name}"
    asked = {"type": "notebook", "content": notebook(kernel)}
    status, told = lab.fetch("PUT", url, asked)
    assert status < 300, told
    lab.open_notebook(name)


def runs(lab: MachineLab, code: str, says: str) -> Locator:
    """Runs it in the notebook's only cell; what it says, once it says that."""
    lab.write(f"exec({code.strip()!r})" if "\n" in code else code)
    lab.page.keyboard.press("Control+Enter")
    said = lab.notebook.locator(".jp-OutputArea-output").last
    expect(said).to_contain_text(re.compile(says))
    return said


def dialog_of(lab: MachineLab, folder: str) -> Locator:
    """In which it is chosen on which machines a folder is."""
    lab.act(folder, "Show on Machines…")
    dialog = lab.page.get_by_role("dialog").filter(has_text=f'"{folder}" on machines')
    expect(dialog).to_be_visible()
    return dialog


def fits(lab: MachineLab, dialog: Locator, width: int) -> bool:
    """Whether all of its list can be seen in a window of so many pixels."""
    lab.page.set_viewport_size({"width": width, "height": 640})
    script = """dialog => [...dialog.querySelectorAll('li, li *')].every(each => {
        const {left, right} = each.getBoundingClientRect();
        const around = each.closest('.jp-Dialog-body').getBoundingClientRect();
        return left >= around.left - 1 && right <= around.right + 1;
    })"""
    fine = dialog.evaluate(script)
    lab.page.set_viewport_size({"width": 1280, "height": 800})
    return bool(fine)


@pytest.mark.scenario("V1")
@pytest.mark.scenario("F8")
def test_a_folder_is_chosen_for_a_machine_read_there_and_taken_back(
    site: Site, site_lab_of: Labs, picture: Picture
) -> None:
    site.make_machine()
    ana, ben = site_lab_of("ana"), site_lab_of("ben")
    ana.do("POST", f"/machines/{site.machine}/users", {"grants": [{"receiver": "ben"}]})
    ben.accept_thing("gpu-box")
    folder = site.hub.folder("ana", "reef", data_txt=b"of ana\n")
    ana.do("POST", f"/folders/{folder}/grants", {"grants": [{"receiver": "ben", "level": "edit"}]})
    ben.accept("reef")
    eventually(lambda: ben.mounted("reef"))

    ben.choose_theme("JupyterLab Dark")
    dialog = dialog_of(ben, "reef")
    dialog.get_by_role("button", name=f'Show "{BOX}"…').click()
    expect(dialog).to_contain_text("ana is root on gpu-box")
    assert violations(dialog) == []
    ben.choose_theme("JupyterLab Light")

    # The sentence comes before the choice, and can be turned away from.
    dialog = dialog_of(ben, "reef")
    row = dialog.get_by_role("listitem").filter(has_text=BOX)
    show = row.get_by_role("button", name=f'Show "{BOX}"…')
    expect(show).to_be_visible()
    show.click()
    expect(row).to_contain_text("ana is root on gpu-box: whatever you may read and change in reef")
    focused = ben.page.evaluate("document.activeElement.textContent")
    assert focused.startswith("ana is root"), "whoever listens hears the sentence first"
    assert violations(dialog) == []
    picture(ben.page, "show-on-machine")
    assert fits(ben, dialog, width=320)
    row.get_by_role("button", name="Cancel").click()
    expect(show).to_be_visible()
    assert site.mounted() == []
    show.click()
    row.get_by_role("button", name="Show it there").click()
    expect(row).to_contain_text(f"at {PLACE}")
    assert violations(dialog) == []
    assert fits(ben, dialog, width=320)
    ben.close_dialog()
    assert site.mounted() == [PLACE]
    # Ana, who is root there, has chosen nothing: her own folder of that name is not there.
    assert not site.on_machine("ana", "test -e shared").ok

    # The same line reads the same file here and there.
    open_with(ben, "here.ipynb", "python3")
    runs(ben, READS, "^of ana")
    open_with(ben, "there.ipynb", kernel_name(site.machine, "python3"))
    runs(ben, READS, "^of ana")
    runs(ben, "print('on', socket.gethostname())", "^on gpu-box")
    runs(ben, DELETES, "^PermissionError")
    runs(ben, "print(*os.listdir(os.path.expanduser('~/shared/reef')))", r"^data\.txt")

    # Taken away by himself, and chosen again.
    ben.load()
    # JupyterLab may lay the panel out anew after its section was opened.
    section = ben.panel.locator("[aria-expanded]").filter(has_text="Machines").first
    if section.get_attribute("aria-expanded") == "false":
        section.click()
    page = ben.open_machine(BOX)
    listed = page.get_by_role("list", name="Your folders on it")
    expect(listed).to_contain_text(f"at {PLACE}")
    listed.get_by_role("button", name='Take "reef" away').click()
    site.until_mounted()
    page.get_by_role("combobox", name="A folder to show on it").select_option(label="reef")
    listed.get_by_role("button", name='Show "reef"…').click()
    listed.get_by_role("button", name="Show it there").click()
    expect(listed).to_contain_text(f"at {PLACE}")

    # Ana takes the folder back, in her browser, while a cell there reads it.
    open_with(ben, "held.ipynb", kernel_name(site.machine, "python3"))
    cell = runs(ben, HOLDS, "holding")
    at = float(site.inside("date", "+%s.%N").stdout)
    grants = ana.do("GET", f"/folders/{folder}/people")["grants"]
    ana.do("DELETE", f"/grants/{grants[0]['id']}")
    expect(cell).to_contain_text("cut")
    told = re.search(r"cut \d+ ([\d.]+)", cell.inner_text())
    assert told
    cut = float(told[1]) - at
    print(f"cut after {cut:.2f} s")
    assert cut < 10, "it takes one"
    site.until_mounted()
    ben.show_panel()
    expect(ben.folder("reef")).to_have_count(0)
    assert not site.on_machine("ben", "test -e shared/reef").ok
