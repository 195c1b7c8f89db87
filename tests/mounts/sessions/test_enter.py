"""What starts a session: its view, its walls, its signals. A tmpfs plays the guard's mount."""

from __future__ import annotations

import contextlib
import os
import secrets
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from jupyterhub_vmshare.spawning.wrapping import LAUNCHER
from tests.mounts.sessions.stage import NOBODY, PATIENCE, Stage, missing

lacking = missing()
pytestmark = pytest.mark.skipif(lacking is not None, reason=str(lacking))


WAYS = [pytest.param((), id="own account"), pytest.param(("--own-processes",), id="shared account")]


@pytest.mark.parametrize("options", WAYS)
def test_the_mount_is_the_directory_itself(stage: Stage, options: tuple[str, ...]) -> None:
    stage.appear("tests")
    status, said, errors = stage.start('cd "$VMSHARE_SHARED_DIR" && pwd -P && ls', *options).end()
    assert (status, said, errors) == (0, f"{stage.home}/shared\ntests", "")


@pytest.mark.parametrize("options", WAYS)
def test_a_guard_that_starts_again_comes_back_into_the_running_session(
    stage: Stage, options: tuple[str, ...]
) -> None:
    stage.appear("first")
    session = stage.start('while read _; do echo "$(ls ~/shared)"; done', *options)
    for name in ("second", "third"):
        session.say("")
        assert session.line() in {"first", "second"}
        stage.disappear()
        session.say("")
        assert session.line() == ""
        stage.appear(name)
        session.say("")
        assert session.line() == name
    session.process.kill()
    session.end()


def test_a_session_that_starts_before_the_guard_gets_it_later(stage: Stage) -> None:
    session = stage.start('while read _; do echo "$(ls ~/shared)"; done')
    session.say("")
    assert session.line() == ""
    stage.appear("tests")
    session.say("")
    assert session.line() == "tests"
    session.process.kill()
    session.end()


def keep(stage: Stage, name: str) -> None:
    (stage.home / name).mkdir()
    (stage.home / name / "mine.txt").write_text("mine")


def in_use(stage: Stage) -> None:
    keep(stage, "shared")


def both_in_use(stage: Stage) -> None:
    keep(stage, "shared")
    (stage.home / "shared-folders").write_text("a file")


def a_link(stage: Stage) -> None:
    (stage.home / "shared").symlink_to("/tmp")


PLACES = [
    pytest.param(lambda stage: None, "shared", id="nothing is there"),
    pytest.param(lambda stage: (stage.home / "shared").mkdir(), "shared", id="it is empty"),
    pytest.param(in_use, "shared-folders", id="a directory of the person's own"),
    pytest.param(a_link, "shared-folders", id="a link of the person's own"),
    pytest.param(both_in_use, "shared-folders-2", id="the second name is in use too"),
]


@pytest.mark.parametrize(("before", "name"), PLACES)
def test_what_is_the_persons_own_is_never_covered(
    stage: Stage, before: Callable[[Stage], None], name: str
) -> None:
    before(stage)
    subprocess.run(["chown", "-R", str(NOBODY), str(stage.home)], check=True)
    stage.appear("tests")
    program = 'echo "$VMSHARE_SHARED_DIR" $(ls "$VMSHARE_SHARED_DIR"); cat ~/shared/mine.txt'
    _, said, errors = stage.start(program).end()
    assert said.splitlines()[0] == f"{stage.home}/{name} tests"
    if (stage.home / "shared/mine.txt").exists():
        assert said.splitlines()[1] == "mine"
    assert (f"so shared folders are in {name}" in errors) == (name != "shared")


FORBIDDEN = [
    pytest.param('ls "$STORE/store"', id="see the store"),
    pytest.param('ls "$STORE/run" | grep .', id="see the agent's directory"),
    pytest.param('touch "$STORE/run/mine"', id="write where it was"),
    pytest.param("unshare --user true", id="make a user namespace"),
    pytest.param("unshare --user --map-root-user --mount true", id="be root in one"),
    pytest.param("unshare --mount true", id="make a mount namespace"),
    pytest.param("umount ~/shared", id="unmount"),
    pytest.param('umount "$STORE/run"', id="take the cover away"),
    pytest.param("mount -o remount,rw,suid,bind ~/shared", id="remount"),
    pytest.param("mount --bind / ~/shared", id="bind something else there"),
    pytest.param("nsenter --mount --target 1 true", id="enter the host's namespace"),
    pytest.param("chroot / true", id="change its root"),
    pytest.param("mknod ~/null c 1 3", id="make a device"),
    pytest.param("rmdir ~/shared", id="remove the mount's place"),
    pytest.param("su -c true </dev/null", id="become root"),
    pytest.param("ls /sys/fs/fuse/connections | grep .", id="abort others' mounts"),
]


@pytest.mark.scenario("M5")
@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("program", FORBIDDEN)
def test_a_session_can_not(stage: Stage, program: str, options: tuple[str, ...]) -> None:
    stage.appear("tests")
    (stage.where / "store").chmod(0o777)
    # root's own uid is the hardest case: a hub that runs as root, with one account for all.
    uid = 0 if options else NOBODY
    if not options:
        os.chown(stage.home, uid, uid)
    guarded = f"echo begun; if {program}; then echo POSSIBLE; else echo refused; fi 2>&1"
    _, said, errors = stage.start(guarded, *options, uid=uid).end()
    assert said.splitlines()[0] == "begun", errors
    if program == 'ls "$STORE/store"':
        assert "secret" not in said
    else:
        assert said.splitlines()[-1] == "refused", said


def test_it_has_no_capability_and_gets_none(stage: Stage) -> None:
    stage.appear()
    _, said, _ = stage.start("grep -E 'Cap|NoNewPrivs' /proc/self/status", uid=0).end()
    found = dict(line.split(":\t") for line in said.splitlines())
    assert found.pop("NoNewPrivs") == "1"
    assert {int(value, 16) for value in found.values()} == {0}


REACHES = [
    pytest.param("kill -0 {pid}", id="its processes"),
    pytest.param("ls /proc/{pid}/root/", id="its root"),
    pytest.param("cat /proc/{pid}/environ", id="its environment"),
    pytest.param("nsenter --user --mount --target {pid} true", id="its namespace"),
    pytest.param("nsenter --mount --target {pid} true", id="its mount namespace"),
    pytest.param("ls $STORE/run/views/ses_1/m", id="its view"),
]


@pytest.mark.scenario("M7")
@pytest.mark.parametrize("view", [True, False], ids=["with mounts", "without mounts"])
@pytest.mark.parametrize("reach", REACHES)
def test_a_neighbour_of_the_same_account_is_out_of_reach(
    stage: Stage, reach: str, view: bool
) -> None:
    stage.appear("tests")
    sleep = new_sleep()
    ben = stage.start(f"echo up; exec {sleep}", "--own-processes", uid=0)
    assert ben.line() == "up"
    pid = max(await_command(sleep))
    program = f"if {reach.format(pid=pid)}; then echo POSSIBLE; else echo refused; fi"
    _, said, _ = stage.start(program, "--own-processes", uid=0, view=view).end()
    ben.process.kill()
    ben.end()
    assert said.splitlines()[-1] == "refused"


TRAP = "trap 'echo {0}; exit 5' {0}; echo up; while :; do sleep 0.05; done"


@pytest.mark.parametrize("options", WAYS)
@pytest.mark.parametrize("name", ["INT", "TERM", "HUP"])
def test_signals_reach_the_command(stage: Stage, options: tuple[str, ...], name: str) -> None:
    stage.appear()
    session = stage.start(TRAP.format(name), *options)
    assert session.line() == "up"
    session.process.send_signal(signal.Signals[f"SIG{name}"])
    assert session.end()[:2] == (5, name)


@pytest.mark.parametrize("options", WAYS)
def test_killing_it_ends_the_command(stage: Stage, options: tuple[str, ...]) -> None:
    stage.appear()
    sleep = new_sleep()
    session = stage.start(f"echo up; exec {sleep}", *options)
    assert session.line() == "up"
    await_command(sleep)
    session.process.kill()
    session.end()
    deadline = time.monotonic() + PATIENCE
    while commands_like(sleep) and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not commands_like(sleep)


def new_sleep() -> str:
    """A command that no other test runs: the processes of all of them are looked through."""
    return f"sleep 1000.{secrets.randbits(48)}"


def await_command(words: str) -> set[int]:
    deadline = time.monotonic() + PATIENCE
    while not (found := commands_like(words)) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert found, f"{words} never ran"
    return found


def commands_like(words: str) -> set[int]:
    found = set()
    for file in Path("/proc").glob("[0-9]*/cmdline"):
        with contextlib.suppress(OSError):
            if file.read_bytes().replace(b"\0", b" ").decode().strip() == words:
                found.add(int(file.parent.name))
    return found


@pytest.mark.parametrize("options", WAYS)
def test_it_ends_as_the_command_ends(stage: Stage, options: tuple[str, ...]) -> None:
    stage.appear()
    assert stage.start("exit 7", *options).end()[0] == 7


def test_it_needs_nothing_but_the_standard_library() -> None:
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", str(LAUNCHER), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--own-processes" in found.stdout
    assert "site-packages" not in found.stderr
