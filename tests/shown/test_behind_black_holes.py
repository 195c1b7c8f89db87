"""Folders on a machine while the network swallows everything, or one of those on the way is gone.

What a program there reads is right, or an error that says so; and it never waits for ever.
"""

from __future__ import annotations

import asyncio
import os
import signal
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from jupyterhub_vmshare.relay.relay_keys import relays_secret
from tests.fixtures.cloud_site import sandboxes
from tests.fixtures.mounted_hub import eventually
from tests.fixtures.real_hub import PREFIX
from tests.fixtures.sandboxes import KeeperProcess, missing_for_sandboxes
from tests.fixtures.showing_site import Site, shown_on
from tests.fixtures.world import SmallWorld
from tests.relay.cables import Cable, network, why_no_network
from tests.relay.relay_process import RelayProcess, free_port

pytestmark = [pytest.mark.machines, pytest.mark.timeout(600)]
LONG = 120.0
"""Seconds: a swallowed connection is given up after 45, and made again within a minute."""
BLOCKS = 512
# Reads blocks of a file, each of which says where it is, and adds lines to another.
PROGRAM = f"""
import errno, os, time
os.chdir("/")
here = os.path.expanduser("~/shared/holes/")
def read(number):
    file = os.open(here + "blocks", os.O_RDONLY)
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        return os.pread(file, 4096, 4096 * number) == number.to_bytes(4, "big") * 1024
    finally:
        os.close(file)
def write(number):
    file = os.open(here + "lines", os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    try:
        os.write(file, b"%d\\n" % number)
    finally:
        os.close(file)
    return True
with open(os.path.expanduser("~/said"), "w") as said:
    for number in range(10 ** 9):
        for does in (read, write):
            try:
                how = "right" if does(number % {BLOCKS}) else "wrong"
            except OSError as error:
                how = errno.errorcode[error.errno]
            print(time.time(), does.__name__, how, file=said, flush=True)
        time.sleep(0.02)
"""
# Holds a file open, and what it is told when it reads there is all that it says.
HOLDING = """
import errno, os, time
file = os.open(os.path.expanduser("~/shared/holes/blocks"), os.O_RDONLY)
open("held", "w").close()
while True:
    try:
        os.posix_fadvise(file, 0, 0, os.POSIX_FADV_DONTNEED)
        os.pread(file, 4096, 0)
    except OSError as error:
        open("cut.new", "w").write(errno.errorcode[error.errno])
        os.rename("cut.new", "cut")
        break
    time.sleep(0.02)
"""
CLEAR = {"EIO", "ENOTCONN", "ENOENT", "ECONNABORTED", "EACCES", "EINTR"}
"""What a program can be told while there is no way to the folder."""
PLACE = "/home/ben/shared/holes"


@dataclass
class Holes:
    """The hub with ben's folder on a machine, and a relay at the end of a cable to his session."""

    site: Site
    relay: RelayProcess
    cable: Cable

    def begin(self, *options: str) -> None:
        """The relay, with these options."""
        self.relay.options = options
        asyncio.run(self.relay.start())

    def begin_anew(self, *options: str) -> None:
        """Another relay, and the folder is there through that one."""
        self.relay.kill()
        eventually(lambda: cut(self), within=LONG)
        killed = now()
        self.begin(*options)
        eventually(lambda: self.right_since(killed), within=LONG)

    def hold(self) -> None:
        """A program holds a file open, and says in ``cut`` why it can't any more."""
        self.site.inside("rm", "-f", "/home/ben/held", "/home/ben/cut")
        self.by_itself(HOLDING)
        eventually(lambda: self.site.inside("test", "-e", "/home/ben/held").returncode == 0)

    def reads(self) -> list[list[str]]:
        """What the program on the machine was told, in the order of time."""
        told = self.site.inside("cat", "/home/ben/said").stdout
        # The last line may be half written.
        return [line.split() for line in told.splitlines()[:-1]]

    def right_since(self, at: float) -> bool:
        """Whether it reads, and writes, again."""
        well = [each for each in self.reads() if each[2] == "right" and float(each[0]) > at]
        return {does for _, does, _ in well} == {"read", "write"}

    def told(self) -> Counter[str]:
        """How often it was told what; nothing that it read was anything but right."""
        told = Counter(how for _, _, how in self.reads())
        assert told["wrong"] == 0
        assert set(told) <= {"right", *CLEAR}, told
        return told

    def by_itself(self, program: str) -> None:
        """A program of ben's, for which no link has to be there: it survives what happens to it."""
        self.site.started_by_root("ben", f"setsid python3 -c '{program}' >/dev/null 2>&1 &")

    def beside(self) -> str:
        """What lies on the machine's own disk, where the folder is not just now."""
        return self.site.inside("ls", "-A", PLACE).stdout


@pytest.fixture(scope="module")
def whole(small_world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Holes]:
    if because := missing_for_sandboxes() or why_no_network():
        pytest.skip(because)
    where = tmp_path_factory.mktemp("holes")
    keeper = KeeperProcess(where / "keeper")
    try:
        made = network("people", "service")
        found = made.__enter__()
    except OSError as error:
        pytest.skip(f"No network can be made here: {error}")
    try:
        people, service = found.cables["people"], found.cables["service"]
        port = free_port()
        told = {"VMSHARE_RELAY_ADDRESS": f"{people.there}:{port}"}
        with shown_on(
            *(small_world, keeper, sandboxes), relay=None, host=service.here, environment=told
        ) as site:
            of_hub = site.hub.hub
            relay = RelayProcess(
                of_hub.service_url + PREFIX,
                where / "relay.log",
                host=people.there,
                inside=found.inside,
                port=port,
                secret=relays_secret(of_hub.service_token),
            )
            whole = Holes(site, relay, people)
            try:
                whole.begin()
                site.make_machine()
                site.let_in("ben")
                blocks = b"".join(number.to_bytes(4, "big") * 1024 for number in range(BLOCKS))
                folder = site.hub.folder("ana", "holes", blocks=blocks)
                site.hub.share(folder, "ana", "ben", "edit")
                site.hub.kernel("ben")
                assert site.on_machine("ben", "mkdir -p shared/holes").ok
                site.choose("ben", folder).raise_for_status()
                yield whole
            finally:
                site.leave()
                relay.kill()
    finally:
        made.__exit__(None, None, None)


@pytest.fixture
def holes(whole: Holes) -> Iterator[Holes]:
    """The folder is there, and a program works in it; one that holds a file open has begun, too."""
    site = whole.site
    site.until_mounted(PLACE)
    site.inside("rm", "-f", "/home/ben/said")
    whole.by_itself(PROGRAM)
    eventually(lambda: whole.right_since(0), within=LONG)
    whole.hold()
    yield whole
    whole.cable.heal()
    site.inside("pkill", "-9", "-u", "ben", "-f", "^python3 -c")


def cut(holes: Holes) -> str:
    """What the program was told that held a file open."""
    return holes.site.inside("cat", "/home/ben/cut").stdout


def now() -> float:
    """The machine's clock is this one's."""
    return time.time()


@pytest.mark.scenario("V16")
def test_after_twenty_swallowed_seconds_reads_go_on_and_are_right(holes: Holes) -> None:
    before = holes.site.inside("pidof", "sshfs").stdout
    holes.cable.swallow()
    time.sleep(20)
    healed = now()
    holes.cable.heal()
    eventually(lambda: holes.right_since(healed), within=LONG)
    print(holes.told(), f"{now() - healed:.1f} s after it was whole again")
    # It is still the same mount, and whoever has something open there can go on.
    assert holes.site.inside("pidof", "sshfs").stdout == before
    assert cut(holes) == ""


@pytest.mark.scenario("V16")
def test_after_a_killed_relay_it_comes_back_and_nothing_is_written_beside_it(holes: Holes) -> None:
    holes.relay.kill()
    killed = now()
    eventually(lambda: cut(holes), within=LONG)
    assert cut(holes) in CLEAR
    holes.site.until_mounted()
    # The program tries to write meanwhile, into a directory that was there before.
    refused = eventually(lambda: holes.told()["EACCES"])
    eventually(lambda: holes.told()["EACCES"] > refused)
    assert holes.beside() == ""
    holes.begin()
    eventually(lambda: holes.right_since(killed + 1), within=LONG)
    print(holes.told(), f"there again {now() - killed:.1f} s after the kill")
    holes.site.until_mounted(PLACE)


@pytest.mark.scenario("V16")
def test_a_half_open_link_is_given_up_and_the_mount_goes_by_itself(holes: Holes) -> None:
    holes.begin_anew("--RunRelay.keepalive=1")
    holes.hold()
    holes.cable.swallow()
    kill_the_notebook_server(holes.site)  # its end of the connection is gone, and nobody is told
    holes.site.until_mounted()
    eventually(lambda: cut(holes), within=LONG)
    assert cut(holes) in CLEAR
    holes.told()
    healed = now()
    holes.cable.heal()
    holes.site.hub.kernel("ben")
    eventually(lambda: holes.right_since(healed), within=LONG)
    holes.site.until_mounted(PLACE)


@pytest.mark.scenario("V16")
def test_a_link_that_was_given_up_at_one_end_alone_is_made_anew(holes: Holes) -> None:
    """The machine has let go of it, and the session has not: it believes in it for 45 seconds."""
    holes.begin_anew("--RunRelay.keepalive=1")
    holes.cable.swallow()
    holes.site.until_mounted()
    healed = now()
    holes.cable.heal()
    eventually(lambda: holes.right_since(healed), within=LONG)
    print(holes.told(), f"there again {now() - healed:.1f} s after it was whole again")


@pytest.mark.scenario("V16")
def test_a_killed_notebook_server_is_an_error_for_who_reads_there(holes: Holes) -> None:
    kill_the_notebook_server(holes.site)
    eventually(lambda: cut(holes), within=LONG)
    assert cut(holes) in CLEAR
    holes.site.until_mounted()
    assert holes.beside() == ""
    started = now()
    holes.site.hub.kernel("ben")
    eventually(lambda: holes.right_since(started), within=LONG)
    print(holes.told())


def kill_the_notebook_server(site: Site) -> None:
    """As a machine without memory does; the hub is told at once."""
    kernel = site.hub.kernels.pop("ben")
    os.kill(int(kernel.say("import os; print(os.getppid())")), signal.SIGKILL)
    kernel.close()
    site.hub.hub.process.stop_server("ben")
