"""What accounts of a sandbox can have mounted at the host's socket, and what they can't."""

from __future__ import annotations

import asyncio
import json
import shlex
from collections.abc import Iterator
from typing import Any

import pytest

from jupyterhub_vmshare.cloud.sandbox.keeper.fuse import MOST
from tests.cloud.bench import Bench
from tests.cloud.shell import Shell
from tests.fixtures.sandboxes import IMAGE, KeeperProcess, missing_for_sandboxes

pytestmark = pytest.mark.machines
# Asks for each of what it is told, one after the other, keeps what it is handed, says what was
# answered, and waits for the word to end.
ASKING = """
import json, socket, sys
kept = []
for line in json.loads(sys.argv[1]):
    with socket.socket(socket.AF_UNIX) as host:
        host.connect("/run/vmshare/mounts.sock")
        host.sendall(line.encode())
        told, handed, _, _ = socket.recv_fds(host, 8192, 4)
        kept += handed
        because = json.loads(told)["because"] if told else "nothing"
        print(json.dumps([because, len(handed)]), flush=True)
if sys.argv[2:]:
    print(open("/proc/self/mountinfo").read())
"""
PEOPLE = {"eve": 20_101, "dan": 20_102}


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    keeper = KeeperProcess(tmp_path_factory.mktemp("keeper"))
    try:
        keeper.start()
        bench = Bench(keeper.cloud(), IMAGE, "small", "large", patience=60)
        machine = asyncio.run(bench.machine()).id
        asyncio.run(bench.keys(machine))
        made = Shell.of(keeper, machine)
        for name, uid in PEOPLE.items():
            made.says(f"useradd -m -u {uid} {name} && install -d -o {name} /home/{name}/at")
        made.says(
            "ln -s /home/dan/at /home/eve/link;"
            "install -d -o eve /home/eve/in /home/eve/in/at /dev/shm/eve"
        )
        yield made
    finally:
        keeper.stop()


def asked(shell: Shell, who: str, *requests: Any, then: str = "") -> list[Any]:
    """What is answered to each request: why not, and how many descriptors came; and what then is
    mounted."""
    lines = [each if isinstance(each, str) else json.dumps(each) for each in requests]
    words = ["setpriv", f"--reuid={who}", f"--regid={who}", "--clear-groups"]
    if who == "root":
        words = []
    words += ["python3", "-c", ASKING, json.dumps(lines), *([then] if then else [])]
    said = shell.says(shlex.join(words)).splitlines()
    return [json.loads(line) for line in said[: len(lines)]] + said[len(lines) :]


def mount(path: str) -> dict[str, str]:
    return {"do": "mount", "path": path}


def unmount(path: str) -> dict[str, str]:
    return {"do": "unmount", "path": path}


def test_one_has_a_file_system_mounted_on_a_directory_of_ones_own(shell: Shell) -> None:
    answer, *mounts = asked(shell, "eve", mount("/home/eve/at"), then="look")
    assert answer == [None, 1]
    [line] = [each for each in mounts if " /home/eve/at " in each]
    assert "nosuid,nodev" in line
    assert "allow_other" not in line
    assert f"user_id={PEOPLE['eve']}" in line
    # Whoever served it has ended, and nobody can hang in it.
    assert "not connected" in shell.says(
        "setpriv --reuid=eve --regid=eve --clear-groups ls /home/eve/at 2>&1; true"
    )
    assert asked(shell, "dan", unmount("/home/eve/at"))[0][1] == 0
    assert " /home/eve/at " in shell.says("cat /proc/self/mountinfo")
    assert asked(shell, "eve", unmount("/home/eve/at")) == [[None, 0]]
    assert " /home/eve/at " not in shell.says("cat /proc/self/mountinfo")


@pytest.mark.parametrize(
    "path",
    [
        *("/home/dan/at", "/home/eve/link", "/etc", "/", "/proc", "/tmp", "/run/vmshare"),
        *("/home/eve/../dan/at", "/home/eve/nowhere", "home/eve/at", "", "/home/eve/at\0"),
        *("/home/eve/.bashrc", "/proc/self/cwd", "/" + "x" * 5000, "/dev/shm/eve"),
    ],
    ids=lambda path: repr(path[:20]),
)
def test_nothing_else_is_covered(shell: Shell, path: str) -> None:
    before = shell.says("cat /proc/self/mountinfo")
    [[because, handed]] = asked(shell, "eve", mount(path))
    assert because
    assert handed == 0
    assert asked(shell, "eve", unmount(path))[0][0]
    assert shell.says("cat /proc/self/mountinfo") == before


@pytest.mark.parametrize("request_", ["", "x", "{}", "[]", "null", '{"do": "x", "path": "/"}'])
def test_what_is_no_request_is_refused(shell: Shell, request_: str) -> None:
    if request_:
        assert asked(shell, "eve", request_)[0][0]
    assert asked(shell, "eve", unmount("/home/eve/at"))[0][0]


def test_root_has_nothing_mounted_either(shell: Shell) -> None:
    shell.says("mkdir -p /root/at")
    [[because, handed]] = asked(shell, "root", mount("/root/at"))
    assert "accounts of people" in because
    assert handed == 0


def test_there_are_so_many_at_most(shell: Shell) -> None:
    shell.says(f"for i in $(seq {MOST + 1}); do install -d -o eve /home/eve/many/$i; done")
    places = [f"/home/eve/many/{i + 1}" for i in range(MOST + 1)]
    try:
        answers = asked(shell, "eve", *map(mount, places))
        assert [handed for _, handed in answers] == [1] * MOST + [0]
        assert str(MOST) in answers[-1][0]
    finally:
        asked(shell, "eve", *map(unmount, places))
    assert " fuse" not in shell.says("cat /proc/self/mountinfo")


def test_whoever_makes_the_host_wait_delays_the_others_for_a_moment_alone(shell: Shell) -> None:
    """A file system that answers nothing lies on the way to where another one is to be mounted."""
    lurking = (
        "import json, socket, time\n"
        "def ask(path):\n"
        "    host = socket.socket(socket.AF_UNIX); host.connect('/run/vmshare/mounts.sock')\n"
        "    host.sendall(json.dumps({'do': 'mount', 'path': path}).encode()); return host\n"
        "first = ask('/home/eve/in'); kept = socket.recv_fds(first, 100, 1)\n"
        "waiting = [ask('/home/eve/in/at') for _ in range(8)]\n"
        "open('/home/eve/lurks', 'w').close(); time.sleep(600)\n"
    )
    run = shlex.join(
        ["setpriv", "--reuid=eve", "--regid=eve", "--clear-groups", "python3", "-c", lurking]
    )
    shell.says(
        f"{run} >/dev/null 2>&1 </dev/null & until test -e /home/eve/lurks; do sleep 0.1; done"
    )
    answers = asked(shell, "dan", mount("/home/dan/at"), unmount("/home/dan/at"))
    assert answers == [[None, 1], [None, 0]]
    shell.says("pkill -9 -u eve; true")
    assert asked(shell, "eve", unmount("/home/eve/in")) == [[None, 0]]
