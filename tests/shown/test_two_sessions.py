"""Two sessions of one person, both of which would have the same folder on the same machine."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.fixtures.kernel import Kernel
from tests.fixtures.mounted_hub import eventually
from tests.fixtures.showing_site import Site

pytestmark = pytest.mark.machines
SHOW = "python3 -IS /usr/local/lib/vmshare_folders.py show /home/ben/shared/raced shared/raced"


class Sessions:
    """Ben's, each with the name of its server; he has a folder on the machine."""

    def __init__(self, site: Site, name: str) -> None:
        self.site, self.name, self.kernels = site, name, dict[str, Kernel]()

    @property
    def place(self) -> str:
        """Where the folder is on the machine."""
        return f"/home/ben/shared/{self.name}"

    def can_read(self) -> bool:
        """A command of his there."""
        return self.site.on_machine("ben", f"cat {self.place}/data.txt").stdout == "data\n"

    def start(self, name: str) -> None:
        """Returns when it can be asked."""
        process = self.site.hub.hub.process
        path = process.start_server("ben", name)
        token = process.token_for("ben", ["access:servers!user"])
        self.kernels[name] = Kernel(f"{process.url}{path}", token)

    def end(self, name: str) -> None:
        """As the hub does."""
        if kernel := self.kernels.pop(name, None):
            kernel.close()
        self.site.hub.hub.process.stop_server("ben", name)

    def kill(self, name: str) -> None:
        """Without a word of its own."""
        told = self.kernels[name].say("import os; print(os.getppid())")
        os.kill(int(told), signal.SIGKILL)
        self.end(name)

    def showing(self) -> list[str]:
        """Those that say that it is shown by them."""
        return [name for name in self.kernels if self.state(name) == "shown"]

    def state(self, name: str) -> str:
        """How that one says the folder stands."""
        shown = self.kernels[name].client.get("/vmshare/shown").raise_for_status().json()["shown"]
        return " ".join(str(each["state"]) for each in shown)


@pytest.fixture
def sessions(site: Site, request: pytest.FixtureRequest) -> Iterator[Sessions]:
    site.let_in("ben")
    made = Sessions(site, f"twice-{request.node.name[-8:].strip('[]')}")
    folder = site.hub.folder("ana", made.name, data_txt=b"data\n")
    site.hub.share(folder, "ana", "ben", "edit")
    made.start("")
    made.start("second")
    site.choose("ben", folder).raise_for_status()
    yield made
    site.unchoose("ben", folder)
    site.until_mounted()
    for name in list(made.kernels):
        made.end(name)
    with site.hub.person("ana") as ana:
        ana.delete(f"/machines/{site.machine}/grants").raise_for_status()


@pytest.mark.parametrize("how", ["end", "kill"])
def test_it_is_there_once_and_stays_with_the_session_that_is_left(
    sessions: Sessions, how: str
) -> None:
    site = sessions.site
    site.until_mounted(sessions.place)
    [one] = eventually(sessions.showing)
    other = "second" if one == "" else ""
    eventually(lambda: sessions.state(other), lambda state: state == "elsewhere")
    assert site.mounted() == [sessions.place]
    assert sessions.can_read()

    # The one that has it ends: the other takes it over, and tells so.
    getattr(sessions, how)(one)
    eventually(lambda: sessions.state(other), lambda state: state == "shown")
    site.until_mounted(sessions.place)
    assert sessions.can_read()

    # One that comes anew finds it in use, and goes without harm.
    before = site.inside("pidof", "sshfs").stdout
    sessions.start(one)
    eventually(lambda: sessions.state(one), lambda state: state == "elsewhere")
    sessions.end(one)
    assert site.inside("pidof", "sshfs").stdout == before
    assert site.mounted() == [sessions.place]
    assert sessions.can_read()


def test_of_two_that_begin_in_the_same_instant_one_mounts(sessions: Sessions) -> None:
    site = sessions.site
    site.until_mounted(sessions.place)

    def shows(_: int) -> str:
        """What a session is told that has nothing to serve, so that a mount never answers."""
        return site.started_by_root("ben", f"sleep 8 | {SHOW}")

    with ThreadPoolExecutor(4) as pool:
        told = list(pool.map(shows, range(4)))
    # Whoever comes later finds one that does not answer, ends it and takes its place.
    assert all("/home/ben/shared/raced" in each for each in told), told
    site.until_mounted(sessions.place)
    assert not site.on_machine("ben", "test -e shared/raced").ok
    assert sessions.can_read()
