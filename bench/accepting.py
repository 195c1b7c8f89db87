"""From a click on *Accept* in a browser to a file that a program in the running session can read.

A real hub with accounts, agent and guard; ben's JupyterLab in chromium, and a program in a kernel
of his session that tries again and again to read a file of the folder that ana invited him to. The
clock runs from the click to the first read that succeeds: panel, notebook server, service,
database, agent, guard, kernel. Beside it stands a request that goes the same way as far as the
service and back (the panel's list of folders).
"""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from playwright.sync_api import Page, sync_playwright

from bench.rounds import Report
from tests.fixtures.guard_binary import missing
from tests.fixtures.kernel import Kernel
from tests.fixtures.mounted_hub import MountedHub, all_running, mounted_hub_in
from tests.fixtures.world import SmallWorld
from tests.journeys.lab import Lab

TITLE = "From accepting in the browser to reading in the session"
READABLE, ASKED = "from the click to the first read", "the panel's list of folders, there and back"

_CLICK = "button => { const at = Date.now(); button.click(); return at; }"
_WAIT = """
import os, time
path = os.path.join(os.environ["VMSHARE_SHARED_DIR"], {file!r})
while True:
    try:
        content = open(path).read()
        break
    except OSError:
        time.sleep(0.0005)
print(time.time() * 1000)
"""
_ASK = """async () => {
    const from = performance.now();
    await (await fetch('/user/ben/vmshare/api/folders')).text();
    return performance.now() - from;
}"""


async def measure(*, quick: bool = False, rounds: int = 15) -> list[Report]:
    """One report."""
    if why := missing("bwrap"):
        raise SystemExit(why)
    return [await asyncio.to_thread(_measure, 1 if quick else rounds)]


def _measure(rounds: int) -> Report:
    series: dict[str, list[float]] = {READABLE: [], ASKED: []}
    with ExitStack() as stack:
        hub = stack.enter_context(_hub())
        page = stack.enter_context(_page())
        lab = Lab(page, "ben")
        lab.sign_in(hub.hub)
        token = hub.hub.process.token_for("ben", ["access:servers!user"])
        hub.kernels["ben"] = Kernel(f"{hub.hub.url}/user/ben", token)
        for number in range(-1, rounds):
            took = _accepted(hub, lab, f"folder{number}")
            asked = float(page.evaluate(_ASK))
            if number >= 0:
                series[READABLE].append(took)
                series[ASKED].append(asked)
    report = Report("All in one run", "milliseconds")
    report.add(series, ASKED)
    report.notes.append(f"{rounds} rounds; a new folder in each.")
    return report


def _accepted(hub: MountedHub, lab: Lab, name: str) -> float:
    """Milliseconds from the click to the read."""
    kernel = hub.kernels["ben"]
    hub.invite(hub.folder("ana", name, hello_txt=b"hello"), "ana", "ben", "view")
    accept = lab.invitation(name).get_by_role("button", name=f'Accept "{name}"')
    accept.wait_for()
    reading = kernel.send(_WAIT.format(file=f"{name}/hello.txt"))
    clicked = float(accept.evaluate(_CLICK))
    return float(kernel.wait(reading).text) - clicked


@contextmanager
def _hub() -> Iterator[MountedHub]:
    where = Path(tempfile.mkdtemp(prefix="vmshare-bench-"))
    made = mounted_hub_in(where, SmallWorld())
    try:
        with all_running(made):
            yield made
    finally:
        shutil.rmtree(where, ignore_errors=True)


@contextmanager
def _page() -> Iterator[Page]:
    with sync_playwright() as playwright:
        found = shutil.which("chromium")
        browser = playwright.chromium.launch(executable_path=found, args=["--no-sandbox"])
        page = browser.new_context().new_page()
        page.set_default_timeout(60_000)
        yield page
        browser.close()
