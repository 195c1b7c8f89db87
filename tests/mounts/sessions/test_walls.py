"""What a running session can't do about mounts: on a real hub, from a kernel of the session."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from tests.fixtures.mounted_hub import MountedHub, eventually

pytestmark = [pytest.mark.mounts, pytest.mark.slow]

WORDS = """
import ctypes, os, socket
def refused(deed):
    try:
        deed()
    except (OSError, PermissionError) as error:
        print('refused', type(error).__name__)
    else:
        print('POSSIBLE')
"""


@pytest.fixture(scope="module")
def held(mounted_hub: MountedHub) -> MountedHub:
    """ben has a folder of ana's at Edit, in a running session."""
    folder = mounted_hub.folder("ana", "tests", notes_txt=b"notes\n", secret_txt=b"coral-7\n")
    mounted_hub.share(folder, "ana", "ben", "edit")
    eventually(lambda: mounted_hub.listed("ben"), lambda names: "tests" in names)
    mounted_hub.kernel("ben").say(WORDS)
    return mounted_hub


SHELL = [
    pytest.param("ls {store}", id="list the store"),
    pytest.param("cat {store}/*/*", id="read in the store"),
    pytest.param("ls {run}/views", id="list the views"),
    pytest.param("ls {run}/doors", id="list the doors"),
    pytest.param("cat {run}/state.json", id="read the agent's orders"),
    pytest.param("mount -o remount,rw,bind {shared}", id="remount"),
    pytest.param("umount {shared}", id="unmount"),
    pytest.param("umount -l {run}", id="uncover the agent's directory"),
    pytest.param("mount -t tmpfs none {shared}", id="mount over it"),
    pytest.param("unshare -U true", id="make a user namespace"),
    pytest.param("unshare -Ur -m true", id="make a mount namespace as root of a user namespace"),
    pytest.param("unshare -m true", id="make a mount namespace"),
    pytest.param("bwrap --dev-bind / / true", id="use bubblewrap itself"),
    pytest.param("nsenter -m -t {hub} true", id="enter the hub's mount namespace"),
    pytest.param("nsenter -U -m -t {launcher} true", id="enter its own parent's namespace"),
    pytest.param("ls /proc/{launcher}/root/", id="look through its own parent"),
    pytest.param("cat /proc/{hub}/environ", id="read the hub's environment"),
    pytest.param("kill -0 {guard}", id="signal the guard"),
    pytest.param("kill -0 {agent}", id="signal the agent"),
    pytest.param("sudo -n true", id="become root"),
    pytest.param("mv {shared}/tests {home}/", id="move the folder out"),
    pytest.param("ln {shared}/tests/notes.txt {home}/notes.txt", id="link a file out"),
    pytest.param("ln {home}/own.txt {shared}/tests/own.txt", id="link a file in"),
    pytest.param("mknod {shared}/tests/null c 1 3", id="make a device in the folder"),
    pytest.param("rmdir {shared}", id="remove the mount's place"),
    pytest.param("cat {shared}/tests/out", id="follow a link that somebody planted to the store"),
    pytest.param("cat {shared}/tests/../../../../vmshare-data/store/*/*", id="go up to the store"),
]


@pytest.mark.scenario("M5")
@pytest.mark.parametrize("command", SHELL)
def test_a_session_can_not(held: MountedHub, command: str) -> None:
    ben = held.kernel("ben")
    home = str(held.hub.process.where / "homes/ben")
    store = str(held.store)
    ben.say(
        "import contextlib; open(os.environ['HOME'] + '/own.txt', 'w').close()\n"
        "with contextlib.suppress(FileExistsError):\n"
        f"    os.symlink({store!r} + '/..', os.environ['HOME'] + '/shared/tests/out')"
    )
    parent = int(ben.say("print(os.getppid())"))
    places = {
        "store": store,
        "run": str(held.agent.run_dir),
        "shared": f"{home}/shared",
        "home": home,
        "hub": held.hub.process.pid,
        "launcher": launcher_of(parent),
        "guard": held.agent.guard_pid(),
        "agent": held.agent.process.pid if held.agent.process else 0,
    }
    status, said = ben.shell(command.format(**places))
    assert status != 0, said
    assert "coral-7" not in said


def launcher_of(server: int) -> int:
    """The process outside that a notebook server runs under: bubblewrap's parent."""
    pid = server
    while b"enter.py" not in Path(f"/proc/{pid}/cmdline").read_bytes():
        pid = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    return pid


CALLS = [
    pytest.param(
        "socket.socket(socket.AF_UNIX).connect({run!r} + '/agent.sock')", id="talk to the agent"
    ),
    pytest.param(
        "socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET).connect({run!r} + '/guard.sock')",
        id="talk to the guard",
    ),
    pytest.param("open_by_handle()", id="open by handle"),
    pytest.param("os.open('/dev/fuse', os.O_RDWR) and mount_fuse()", id="serve a mount of its own"),
    pytest.param("os.chroot('/')", id="change its root"),
    pytest.param("os.setuid(0)", id="become root"),
]
OPEN_BY_HANDLE = """
libc = ctypes.CDLL(None, use_errno=True)
def open_by_handle():
    handle = (ctypes.c_byte * 136)(128)
    mount = ctypes.c_int()
    path = (os.environ['HOME'] + '/own.txt').encode()
    if libc.name_to_handle_at(-100, path, handle, ctypes.byref(mount), 0):
        raise OSError(ctypes.get_errno(), 'no handles here')
    home = os.open(os.environ['HOME'], os.O_RDONLY)
    if libc.open_by_handle_at(home, handle, os.O_RDONLY) < 0:
        raise OSError(ctypes.get_errno(), 'open_by_handle_at')
def mount_fuse():
    if libc.mount(b'x', (os.environ['HOME'] + '/shared').encode(), b'fuse', 0, b''):
        raise OSError(ctypes.get_errno(), 'mount')
"""


@pytest.mark.scenario("M5")
@pytest.mark.parametrize("deed", CALLS)
def test_a_program_can_not(held: MountedHub, deed: str) -> None:
    ben = held.kernel("ben")
    ben.say("open(os.environ['HOME'] + '/own.txt', 'w').close()")
    ben.say(OPEN_BY_HANDLE)
    said = ben.say(f"refused(lambda: {deed.format(run=str(held.agent.run_dir))})")
    assert said.startswith("refused")


@pytest.mark.scenario("M5")
def test_other_accounts_of_the_node_can_not_use_the_view(held: MountedHub) -> None:
    views = held.agent.run_dir / "views"
    sessions = [path for path in views.iterdir() if path.name.startswith("ses_")]
    assert sessions
    for session in sessions:
        for account in ("vmshare-dan", "nobody"):
            looked = subprocess.run(
                ["ls", f"{session}/m/tests"], user=account, group="nogroup", capture_output=True
            )
            assert looked.returncode != 0, f"{account} sees {session}"


@pytest.mark.scenario("M5")
def test_what_the_session_sees_is_its_own_and_without_rights(held: MountedHub) -> None:
    ben = held.kernel("ben")
    status = ben.shell("grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status")[1]
    found = dict(line.split(":\t") for line in status.strip().splitlines())
    assert found == {"CapEff": "0" * 16, "CapBnd": "0" * 16, "NoNewPrivs": "1"}
    options = ben.shell("findmnt -n -o OPTIONS --target ~/shared/tests")[1]
    assert {"nosuid", "nodev"} <= set(options.strip().split(","))
    assert os.getuid() == 0, "the tests are root, and see more"
