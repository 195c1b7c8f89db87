"""What starts a session: its view, its walls, its signals. A tmpfs plays the guard's mount."""

from __future__ import annotations

import contextlib
import os
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from jupyterhub_vmshare.spawning.enter import TRIAL_SECONDS, parse, ways
from jupyterhub_vmshare.spawning.wrapping import LAUNCHER

PATIENCE = 20.0
NOBODY = 65534
CROWDED = 64242  # an account that nothing else runs as


def missing() -> str | None:
    if os.geteuid() != 0:
        return "Mounting needs root: run the tests as root."
    if not Path("/usr/bin/bwrap").exists():
        return "Bubblewrap is missing: scripts/install.sh test installs it."
    return None


lacking = missing()
pytestmark = pytest.mark.skipif(lacking is not None, reason=str(lacking))


@dataclass
class Stage:
    """An agent's run directory, a home, and a store; the test plays the agent."""

    where: Path

    @property
    def run(self) -> Path:
        return self.where / "run"

    @property
    def home(self) -> Path:
        return self.where / "home"

    @property
    def mount(self) -> Path:
        return self.run / "views/ses_1/m"

    def appear(self, *names: str) -> None:
        """What the agent does when a guard starts to serve the session."""
        call("mount", "-t", "tmpfs", "-o", "nosuid,nodev", "guard", str(self.mount))
        for name in names:
            (self.mount / name).mkdir()
        call("umount", str(self.run / "doors/ses_1/m"))

    def disappear(self) -> None:
        call("umount", "--lazy", str(self.mount))

    def words(self, *options: str, view: bool = True) -> list[str]:
        seen = [f"--view={self.run}/views/ses_1", f"--door={self.run}/doors/ses_1"] if view else []
        hidden = [f"--hide={self.run}", f"--hide={self.where}/store"]
        launcher = ["/usr/bin/python3", "-I", "-S", str(LAUNCHER), "--bwrap=/usr/bin/bwrap"]
        return [*launcher, *seen, *hidden, *options, "--"]

    def start(self, program: str, *options: str, uid: int = NOBODY, **more: bool) -> Program:
        """A session that runs this shell program."""
        return Program(
            subprocess.Popen(
                [*self.words(*options, **more), "sh", "-c", program],
                env={"HOME": str(self.home), "PATH": os.environ["PATH"], "STORE": str(self.where)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                user=uid,
                group=uid,
                extra_groups=[],
                start_new_session=True,
            )
        )


@dataclass
class Program:
    process: subprocess.Popen[str]

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def say(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def end(self) -> tuple[int, str, str]:
        """Its exit status, and what it said."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out.strip(), err.strip()


def call(*words: str) -> None:
    subprocess.run(words, check=True)


@pytest.fixture
def stage() -> Iterator[Stage]:
    # Not below pytest's own directory: that one is closed to other accounts.
    with tempfile.TemporaryDirectory(prefix="vmshare-enter-") as where:
        Path(where).chmod(0o755)
        made = Stage(Path(where))
        for name in ("run/views", "run/doors", "home", "store"):
            (made.where / name).mkdir(parents=True)
        (made.where / "store/secret").write_text("ana's")
        os.chown(made.home, NOBODY, NOBODY)
        views, doors = str(made.run / "views"), str(made.run / "doors")
        call("mount", "-t", "tmpfs", "views", views)
        call("mount", "--make-shared", views)
        call("mount", "--bind", views, doors)
        call("mount", "--make-slave", doors)
        made.mount.mkdir(parents=True)
        yield made
        for path in (made.mount, doors, views):
            subprocess.run(["umount", "--lazy", path], stderr=subprocess.DEVNULL, check=False)


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
    ben = stage.start("echo up; exec sleep 1001", "--own-processes", uid=0)
    assert ben.line() == "up"
    pid = max(await_command("sleep 1001"))
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
    session = stage.start("echo up; exec sleep 1000", *options)
    assert session.line() == "up"
    inside = await_command("sleep 1000")
    session.process.kill()
    session.end()
    deadline = time.monotonic() + PATIENCE
    while commands_like("sleep 1000") & inside and time.monotonic() < deadline:
        time.sleep(0.05)
    assert not commands_like("sleep 1000") & inside


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


FORBIDS = "echo 'bwrap: No permissions to create a new namespace' >&2; exit 1"
BROKEN = [
    pytest.param("exit 1", "exit status 1", (), id="bubblewrap fails"),
    pytest.param(FORBIDS, "No permissions", (), id="it may not"),
    pytest.param(FORBIDS, "No permissions", ("--own-processes",), id="it may not, shared account"),
]


def bubblewrap_that(stage: Stage, program: str) -> str:
    fake = stage.where / "bwrap"
    fake.write_text(f"#!/bin/sh\n{program}\n")
    fake.chmod(0o755)
    return f"--bwrap={fake}"


@pytest.mark.scenario("M8")
@pytest.mark.parametrize(("bwrap", "words", "options"), BROKEN)
def test_where_no_view_can_be_made_it_starts_and_says_why(
    stage: Stage, bwrap: str, words: str, options: tuple[str, ...]
) -> None:
    program = 'echo "$VMSHARE_MOUNTS_BECAUSE"; exit 3'
    status, said, _ = stage.start(program, bubblewrap_that(stage, bwrap), *options).end()
    assert status == 3
    assert words in said
    assert "panel" in said


@pytest.mark.scenario("M7")
@pytest.mark.parametrize("view", [True, False], ids=["with a view", "without a view"])
def test_a_session_of_a_shared_account_does_not_start_without_walls(
    stage: Stage, view: bool
) -> None:
    fails = bubblewrap_that(stage, "exit 1")
    session = stage.start("echo POSSIBLE", fails, "--own-processes", view=view)
    status, said, errors = session.end()
    assert (status, said) == (os.EX_TEMPFAIL, "")
    assert "walls" in errors


@pytest.mark.scenario("M7")
@pytest.mark.parametrize("most", [1, 2], ids=["to try", "for bubblewrap"])
def test_a_neighbour_that_uses_up_all_processes_brings_no_walls_down(
    stage: Stage, most: int
) -> None:
    command = stage.words("--own-processes", view=False)
    started = subprocess.run(
        [*command, "echo", "POSSIBLE"],
        env={"HOME": str(stage.home)},
        capture_output=True,
        text=True,
        user=CROWDED,
        group=CROWDED,
        extra_groups=[],
        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NPROC, (most, most)),
        timeout=PATIENCE,
    )
    assert (started.returncode, started.stdout) == (os.EX_TEMPFAIL, "")
    assert "Resource temporarily unavailable" in started.stderr


def test_walls_are_waited_for_on_a_busy_machine() -> None:
    asked = parse(["--bwrap=bwrap", "--own-processes", "--", "true"])
    walls, _ = ways(asked, "/home/ben")
    assert walls.patience >= 10 * TRIAL_SECONDS


def test_it_needs_nothing_but_the_standard_library() -> None:
    found = subprocess.run(
        [sys.executable, "-I", "-S", "-X", "importtime", str(LAUNCHER), "--help"],
        capture_output=True,
        text=True,
        check=True,
    )
    assert "--own-processes" in found.stdout
    assert "site-packages" not in found.stderr
