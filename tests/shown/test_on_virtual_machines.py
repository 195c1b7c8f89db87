"""A shared folder on a real virtual machine, on which sshfs mounts by itself."""

from __future__ import annotations

import shlex
import subprocess
from collections.abc import Iterator

import pytest

from tests.fixtures.mounted_hub import eventually
from tests.fixtures.showing_site import Site, shown_on
from tests.fixtures.virtual_machines import (
    VirtualKeeper,
    missing_for_virtual_machines,
    virtual_machines,
)
from tests.fixtures.world import SmallWorld

PATIENCE = 900.0
"""Where QEMU has to emulate a processor a start alone takes a minute or two."""
pytestmark = [pytest.mark.vm, pytest.mark.timeout(2 * PATIENCE)]
PLACE = "/home/ben/shared/reef"
# Holds a file open, and writes down when it could not be read any more, and what it was told.
HOLDING = """
import errno, os, time
file = os.open("shared/reef/data.txt", os.O_RDONLY)
open("held", "w").close()
while True:
    try:
        os.pread(file, 100, 0)
    except OSError as error:
        open("cut.new", "w").write(f"{time.time()} {errno.errorcode[error.errno]}")
        os.rename("cut.new", "cut")
        break
    time.sleep(0.02)
"""


class VirtualSite(Site):
    """What goes on in the machine is looked at by ana, who is root there."""

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        done = self.on_machine("ana", f"sudo -n {shlex.join(command)}")
        return subprocess.CompletedProcess(command, done.exit_status or 0, done.stdout, done.stderr)


@pytest.fixture(scope="module")
def site(small_world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if (because := missing_for_virtual_machines()) is not None:
        pytest.skip(because)
    keeper = VirtualKeeper(tmp_path_factory.mktemp("keeper"))
    with shown_on(small_world, keeper, virtual_machines, within=PATIENCE, kind=VirtualSite) as made:
        made.make_machine()
        yield made


@pytest.mark.scenario("V1")
@pytest.mark.scenario("F8")
def test_a_folder_is_shown_on_a_virtual_machine_and_cut_there(site: Site) -> None:
    site.let_in("ben")
    site.hub.kernel("ben")
    assert site.on_machine("ben", "true").ok
    folder = site.hub.folder("ana", "reef", data_txt=b"data\n")
    grant = site.hub.share(folder, "ana", "ben", "edit")
    eventually(lambda: site.hub.listed("ben"), lambda names: "reef" in names)
    assert site.mounted() == []
    site.choose("ben", folder).raise_for_status()
    site.until_mounted(PLACE)

    assert site.on_machine("ben", "cat shared/reef/data.txt").stdout == "data\n"
    assert site.on_machine("ben", "echo mine > shared/reef/new").ok
    assert site.hub.kernel("ben").say("print(open('shared/reef/new').read())") == "mine"
    refused = site.on_machine("ben", "rm -f shared/reef/data.txt")
    assert "denied" in refused.stderr or "not permitted" in refused.stderr
    # Neither ana, who is root there, nor anybody else finds it but as ben.
    for account in ("root", "nobody"):
        held = site.inside("runuser", "-u", account, "--", "ls", PLACE)
        assert held.returncode != 0, account
    assert site.inside("runuser", "-u", "ben", "--", "ls", PLACE).stdout == "data.txt\nnew\n"

    site.on_machine("ben", f"nohup python3 -c {shlex.quote(HOLDING)} >/dev/null 2>&1 &")
    eventually(lambda: site.on_machine("ben", "test -e held").ok, within=PATIENCE)
    at = float(site.on_machine("ben", "date +%s.%N").stdout)
    site.hub.revoke(grant, "ana")
    eventually(lambda: site.on_machine("ben", "test -e cut").ok, within=PATIENCE)
    when, told = site.on_machine("ben", "cat cut").stdout.split()
    print(f"cut after {float(when) - at:.2f} s: {told}")
    assert float(when) - at < 30, "it takes one, where no processor is emulated"
    site.until_mounted()
    assert not site.on_machine("ben", "test -e shared/reef").ok
