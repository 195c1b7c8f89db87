"""Sessions of several people under one account, as in containers: identity is the mount."""

from __future__ import annotations

import grp
import os
import pwd
import subprocess
from collections.abc import Iterator
from functools import partial

import pytest

from tests.fixtures.mounted_hub import MountedHub, eventually, running_with_mounts
from tests.fixtures.world import SmallWorld

pytestmark = [pytest.mark.mounts, pytest.mark.slow]

ONE_ACCOUNT = """
import os, pwd
from deploy.demo.spawner import AccountSpawner

class OneAccount(AccountSpawner):
    shared = pwd.getpwnam("vmshare-eve")

    def vmshare_account(self):
        return self.shared.pw_uid, self.shared.pw_gid

    def make_preexec_fn(self, name):
        home, account = str(self.home), self.shared
        def preexec():
            os.setgid(account.pw_gid)
            os.setgroups([])
            os.setuid(account.pw_uid)
            os.chdir(home)
        return preexec

c.JupyterHub.spawner_class = OneAccount
"""


@pytest.fixture(scope="module")
def hub(small_world: SmallWorld) -> Iterator[MountedHub]:
    """ben has a folder at Edit and dan has it at View, in sessions of one account."""
    with running_with_mounts(small_world, ONE_ACCOUNT) as made:
        account = pwd.getpwnam("vmshare-eve")
        group = grp.getgrgid(account.pw_gid).gr_name
        for person in ("ben", "dan", "cleo"):
            home = made.hub.process.where / "homes" / person
            subprocess.run(["chown", "-R", f"{account.pw_name}:{group}", home], check=True)
        folder = made.folder("ana", "reef", notes_txt=b"corals\n")
        made.share(folder, "ana", "ben", "edit")
        made.share(folder, "ana", "dan", "view")
        for person in ("ben", "dan"):
            eventually(partial(made.listed, person), lambda names: names == ["reef"])
        yield made


@pytest.mark.scenario("M7")
def test_one_account_and_different_levels(hub: MountedHub) -> None:
    ben, dan = hub.kernel("ben"), hub.kernel("dan")
    assert ben.say("import os; print(os.getuid())") == dan.say("import os; print(os.getuid())")
    assert ben.say("print(open('shared/reef/notes.txt').read())") == "corals"
    ben.say("open('shared/reef/bens.txt', 'w').close()")
    assert "Read-only" in dan.run("open('shared/reef/dans.txt', 'w')").because
    assert hub.listed("cleo") == [""]


WAYS = [
    pytest.param("kill -0 {pid}", id="its processes"),
    pytest.param("ls /proc/{pid}/root/", id="its root"),
    pytest.param("ls /proc/{pid}/cwd/", id="its working directory"),
    pytest.param("nsenter -U -m -t {pid} true", id="its namespace"),
    pytest.param("ls {bens}/shared/reef", id="its path"),
    pytest.param("ls {run}/views/*/m", id="its view"),
    pytest.param("grep -r corals /proc/*/root{bens}/shared/", id="any process's root"),
]


@pytest.mark.scenario("M7")
@pytest.mark.parametrize("command", WAYS)
def test_a_neighbour_can_not_use_a_mount_through(hub: MountedHub, command: str) -> None:
    pid = outside_pid(hub, "ben")
    run, bens = hub.agent.run_dir, hub.hub.process.where / "homes/ben"
    status, said = hub.kernel("cleo").shell(command.format(pid=pid, run=run, bens=bens))
    assert status != 0, said


def outside_pid(hub: MountedHub, person: str) -> int:
    """The number, outside, of a kernel in the person's session."""
    hub.kernel(person)
    home = f"HOME={hub.hub.process.where}/homes/{person}\0".encode()
    for name in sorted(filter(str.isdigit, os.listdir("/proc")), key=int, reverse=True):
        try:
            with open(f"/proc/{name}/environ", "rb") as told, open(f"/proc/{name}/cmdline") as line:
                if home in told.read() and "ipykernel" in line.read():
                    return int(name)
        except OSError:
            continue
    raise AssertionError(f"{person} has no kernel")


@pytest.mark.scenario("M7")
def test_a_kernel_in_a_process_namespace_of_its_own_can_be_interrupted(hub: MountedHub) -> None:
    ben = hub.kernel("ben")
    sent = ben.send("import time; print('begun', flush=True); time.sleep(600)")
    eventually(lambda: ben.client.get(f"/api/kernels/{ben.id}").json()["execution_state"],
               lambda state: state == "busy")  # fmt: skip
    ben.interrupt()
    assert ben.wait(sent).error == "KeyboardInterrupt"


def test_stopping_ends_every_process_of_the_session(hub: MountedHub) -> None:
    pid = outside_pid(hub, "dan")
    hub.stop_session("dan")
    eventually(lambda: os.path.exists(f"/proc/{pid}/root/home"), lambda there: not there)
