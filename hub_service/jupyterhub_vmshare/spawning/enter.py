"""Starts a session's command in a view of the file system of its own, by bubblewrap.

The spawner starts this file, as the session's account, with any Python ≥ 3.11 and nothing but its
standard library. It stays as the process that the hub knows: it hands signals on to the command
and ends with it. When the view can't be made, the command starts without it, and is told why.

Walls between the sessions of one account are another matter: a session that has none reaches into
those that have. Where bubblewrap is allowed and does not get it done this time, as when somebody
has used up the account's processes, nothing starts.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field

SHARED_DIR = "VMSHARE_SHARED_DIR"
BECAUSE = "VMSHARE_MOUNTS_BECAUSE"
NAMES = ("shared", "shared-folders", *(f"shared-folders-{n}" for n in range(2, 10)))
"""What the directory in the person's home may be called; the first that is not in use."""

HANDED_ON = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}
CONNECTIONS = "/sys/fs/fuse/connections"  # root's own uid could abort others' mounts there
TRIAL_SECONDS = 5.0  # a mount that does not answer must not hold up a start
WALLS_SECONDS = 60.0  # walls touch no mount: when they take long, the machine is busy
FORBIDDEN = ("Operation not permitted", "No permissions", "Permission denied")
MAX_NAMESPACES = "/proc/sys/user/max_user_namespaces"


@dataclass
class Way:
    """One way to start the command: bubblewrap's options (None: without), and what it is told."""

    options: list[str] | None
    told: dict[str, str] = field(default_factory=dict)
    warning: str | None = None
    patience: float = TRIAL_SECONDS


def main(arguments: list[str]) -> int:
    """Start the command in the best way that works; the process's exit status."""
    asked = parse(arguments)
    failed = ""
    for way in ways(asked, os.environ["HOME"]):
        if way.options is None:
            if asked.own_processes and not is_forbidden(failed):
                return refuse(failed)
            environment = told(way, failed)
            os.execvpe(asked.command[0], asked.command, environment)  # noqa: S606 (no shell)
        failed = trial([asked.bwrap, *way.options], way.patience)
        if not failed:
            say(way.warning)
            return run([asked.bwrap, *way.options], asked, told(way, ""))
        say(failed)
    raise AssertionError("the last way is without bubblewrap")


def parse(arguments: list[str]) -> argparse.Namespace:
    """What the hub's hook wrote before the command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--bwrap", required=True)
    parser.add_argument("--view", help="the directory whose m is the session's mount")
    parser.add_argument("--door", help="the same directory, in which m is never covered")
    parser.add_argument("--hide", action="append", default=[], help="nobody's in a session")
    parser.add_argument("--own-processes", action="store_true", help="a pid namespace too")
    parser.add_argument("command", nargs="+")
    return parser.parse_args(arguments)


def ways(asked: argparse.Namespace, home: str) -> Iterator[Way]:
    """The ways to start, the best one first; made one after the other, as each is needed."""
    walls = list(walls_of(asked, home))
    if asked.view:
        place, warning = shared_directory(home)
        if place:
            door = ["--bind", f"{asked.door}/m", place]
            mount = ["--bind", f"{asked.view}/m", place]
            yield Way([*door, *mount, *walls], {SHARED_DIR: place}, warning)
            # The guard may be just starting again: its mount comes through the door.
            yield Way([*door, *walls], {SHARED_DIR: place}, warning)
        else:
            say(warning)
    if asked.own_processes:
        yield Way(walls, {BECAUSE: ""} if asked.view else {}, patience=WALLS_SECONDS)
    yield Way(None, {BECAUSE: ""} if asked.view else {})


def walls_of(asked: argparse.Namespace, home: str) -> Iterator[str]:
    """Bubblewrap's options for what a session does not see and can't do."""
    for path in (*asked.hide, CONNECTIONS):
        if os.path.commonpath([path, home]) == path:
            say(f"{path} is not hidden from the session: its home lies in there.")
        elif os.path.isdir(path):
            yield from ("--perms", "0555", "--tmpfs", path, "--remount-ro", path)
    if asked.own_processes:
        yield from ("--unshare-pid", "--proc", "/proc")
    yield from ("--unshare-user", "--disable-userns", "--cap-drop", "ALL")


def shared_directory(home: str) -> tuple[str | None, str | None]:
    """An empty directory in the home that the mount may cover, and what there is to say of it.

    What the person keeps there is never covered.
    """
    for name in NAMES:
        place = os.path.join(home, name)
        try:
            os.makedirs(place, 0o755, exist_ok=True)
            if not os.path.islink(place) and not os.path.ismount(place) and not os.listdir(place):
                return place, None if name == NAMES[0] else taken(name)
        except FileExistsError:
            continue
        except OSError as error:
            return None, f"Shared folders have no place in {home}: {error.strerror}."
    return None, f"Shared folders have no place in {home}: {' and '.join(NAMES[:2])} are in use."


def taken(name: str) -> str:
    """What is said when the usual name is in use."""
    return f"There is a {NAMES[0]} of your own, so shared folders are in {name}."


def trial(words: list[str], patience: float) -> str:
    """Empty when bubblewrap can do it here; else its own words."""
    try:
        tried = subprocess.run(
            [*words_with_root(words), "--", "/bin/true"],
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=patience,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return f"bwrap: it was not done within {patience:g} seconds"
    except OSError as error:
        return f"bwrap: {error.strerror}"
    if tried.returncode == 0:
        return ""
    return (tried.stderr.strip().splitlines() or [f"bwrap: exit status {tried.returncode}"])[-1]


def is_forbidden(failed: str) -> bool:
    """Whether nobody can have walls on this machine, so that there are none to get around.

    No session can bring this about: the kernel, or what the machine's administrator told it, does.
    """
    if any(words in failed for words in FORBIDDEN):
        return True
    try:
        with open(MAX_NAMESPACES) as file:
            return int(file.read()) == 0
    except (OSError, ValueError):
        return False


def refuse(failed: str) -> int:
    """Say why nothing starts; the process's exit status."""
    say(
        "This session shares its account with other people's, and the walls between them could "
        f"not be built just now ({failed}), so it does not start. Try again; when it stays, look "
        "at the machine's load and the account's limits (processes, user namespaces)."
    )
    return os.EX_TEMPFAIL


def words_with_root(words: list[str]) -> list[str]:
    """The whole file system comes first: everything else lies over it."""
    return [words[0], "--dev-bind", "/", "/", *words[1:]]


def told(way: Way, failed: str) -> dict[str, str]:
    """The command's environment."""
    environment = {**os.environ, **way.told}
    if environment.get(BECAUSE) == "":
        environment[BECAUSE] = (
            "This session got no view of its own on this machine, so shared folders are in the "
            f"panel only ({failed or 'there is no place for them in your home'})."
        )
        say(environment[BECAUSE])
    return environment


def run(words: list[str], asked: argparse.Namespace, environment: dict[str, str]) -> int:
    """Run the command inside until it ends, handing signals on; its exit status."""
    listened_to = {*HANDED_ON, signal.SIGCHLD}
    signal.pthread_sigmask(signal.SIG_BLOCK, listened_to)
    reading, writing = os.pipe()
    # Ends with this process, however it dies; and this one does not end with the hub.
    ours = ["--die-with-parent", "--info-fd", str(writing)]
    inside = subprocess.Popen(
        [*words_with_root([*words, *ours]), "--", *asked.command],
        env=environment,
        pass_fds=[writing],
        preexec_fn=lambda: signal.pthread_sigmask(signal.SIG_UNBLOCK, listened_to),
    )
    os.close(writing)
    with os.fdopen(reading) as info:
        pid = command_pid(info.read(), asked.own_processes)
    while (status := inside.poll()) is None:
        received = signal.sigwait(listened_to)
        if received != signal.SIGCHLD:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid or inside.pid, received)
    return status if status >= 0 else 128 - status


def command_pid(info: str, own_processes: bool) -> int | None:
    """The command's own process, as numbered outside; None when it is gone already."""
    try:
        first = int(json.loads(info)["child-pid"])
    except (ValueError, KeyError):
        return None
    return first_child(first) if own_processes else first


def first_child(pid: int) -> int | None:
    """The first process that the namespace's init has started: the command."""
    deadline = time.monotonic() + WALLS_SECONDS
    while time.monotonic() < deadline:
        try:
            with open(f"/proc/{pid}/task/{pid}/children") as children:
                found = children.read().split()
        except OSError:
            return None
        if found:
            return int(found[0])
        time.sleep(0.01)
    return None


def say(words: str | None) -> None:
    """A line in the hub's log."""
    if words:
        print(f"vmshare: {words}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
