"""Two people in two browsers, each on a notebook server of their own, on a real hub."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from playwright.sync_api import Browser, Page, expect, sync_playwright

from tests.fixtures.hub_process import ROOT
from tests.fixtures.mounted_hub import MountedHub
from tests.fixtures.real_hub import RealHub
from tests.journeys.hubpages import Open, at_page
from tests.journeys.lab import Lab
from tests.journeys.machinelab import MachineLab
from tests.journeys.mountedlab import MountedLab

IMAGES = ROOT / "docs/images"
PATIENCE_MS = 30_000
"""The machine may be busy with other tests; what is asked for still happens by itself."""


@pytest.fixture(autouse=True)
def jp_asyncio_loop() -> None:
    """pytest-jupyter's would close the event loop that Playwright runs in this thread."""


@pytest.fixture(autouse=True)
def jp_server_cleanup() -> None:
    """Nor is there a server in this process to clean up after."""


@pytest.fixture(scope="module")
def chromium() -> Iterator[Browser]:
    """Debian's chromium. Of the module: a longer-lived one disturbs the tests of the server."""
    found = shutil.which("chromium")
    if found is None:
        pytest.fail("chromium is missing: scripts/install.sh test installs it.", pytrace=False)
    expect.set_options(timeout=PATIENCE_MS)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        yield browser
        browser.close()


@pytest.fixture
def page_of(chromium: Browser, real_hub: RealHub) -> Iterator[Open]:
    """``page_of("ana", "projects")``: her window at a page of the service."""
    with ExitStack() as stack:
        yield lambda person, path: stack.enter_context(at_page(chromium, real_hub, person, path))


@pytest.fixture(scope="module")
def lab_of(chromium: Browser, real_hub: RealHub) -> Iterator[Callable[[str], Lab]]:
    """``lab_of("ana")``: her JupyterLab in a browser of her own, opened once a module."""
    yield from labs_on(chromium, real_hub)


@pytest.fixture(scope="module")
def mounted_lab_of(
    chromium: Browser, mounted_hub: MountedHub
) -> Iterator[Callable[[str], MountedLab]]:
    """The same on a hub whose sessions have mounts."""
    yield from labs_on(chromium, mounted_hub.hub)


@pytest.fixture(scope="module")
def machine_lab_of(
    chromium: Browser, machine_hub: RealHub
) -> Iterator[Callable[[str], MachineLab]]:
    """The same on a hub that offers machines, of a cloud in memory."""
    yield from labs_on(chromium, machine_hub)


@pytest.fixture(scope="module")
def sandbox_lab_of(
    chromium: Browser, sandbox_hub: RealHub
) -> Iterator[Callable[[str], MachineLab]]:
    """The same with real sandboxes."""
    yield from labs_on(chromium, sandbox_hub)


def labs_on(chromium: Browser, hub: RealHub) -> Iterator[Callable[[str], MachineLab]]:
    """A person's JupyterLab by name; all are closed at the end."""
    labs: dict[str, MachineLab] = {}

    def lab(person: str) -> MachineLab:
        if person not in labs:
            context = chromium.new_context(viewport={"width": 1280, "height": 800})
            context.set_default_timeout(PATIENCE_MS)
            labs[person] = MachineLab(context.new_page(), person)
            labs[person].sign_in(hub)
        return labs[person]

    yield lab
    for opened in labs.values():
        opened.page.context.close()


@pytest.fixture(autouse=True)
def what_they_saw(request: pytest.FixtureRequest, chromium: Browser) -> Iterator[None]:
    """After a failure: what each browser showed; and no dialog stays in the next test's way."""
    failed = request.session.testsfailed
    yield
    if request.session.testsfailed == failed:
        return
    for context in chromium.contexts:
        for number, page in enumerate(context.pages):
            picture = ROOT / "test-results" / f"{request.node.name}-{id(context)}-{number}.png"
            page.screenshot(path=picture)
            print(f"{page.url} looked like {picture}")
            page.keyboard.press("Escape")
            page.keyboard.press("Escape")


@pytest.fixture
def picture(request: pytest.FixtureRequest) -> Callable[[Page, str], None]:
    """``picture(page, "share-dialog")`` saves a screenshot for the documentation, if asked to."""
    wanted = bool(request.config.getoption("--save-screenshots"))

    def save(page: Page, name: str) -> None:
        if wanted:
            IMAGES.mkdir(parents=True, exist_ok=True)
            page.screenshot(path=IMAGES / f"{name}.png", animations="disabled")

    return save
