"""A shared folder of a person's on a machine, for as long as the link is there that brings it.

Run as that person, by their notebook server: ``show PLACE BELOW_HOME`` mounts what stdin and stdout
serve over SFTP, and stays; before the first packet it says in a line of JSON where, or why not.
``hide PLACE`` takes off what was left there. Python's standard library and sshfs are all it needs.

Nobody else on the machine can enter the mount but root, since there is no ``allow_other``.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any, NoReturn

MOUNTS = "/run/vmshare/mounts.sock"
"""Where a sandbox's host mounts for people; on other machines fusermount3 does."""
# No answer is believed for longer than a second, so that what was taken away is gone as fast.
OPTIONS = (
    "passive,idmap=user,attr_timeout=1,entry_timeout=1,negative_timeout=0"
    ",dcache_timeout=1,dcache_clean_interval=1,dcache_min_clean_interval=1"
)
LONGEST = 4096
TO_ANSWER = 3.0
TO_MOUNT = 10.0
TURN = 15.0
LOOK = 0.02
NO_SSHFS = "The machine has no sshfs: whoever is root there installs it (apt install sshfs)."


class Refused(Exception):
    """It is not mounted; the sentence says why."""


class Elsewhere(Refused):
    """It is there already, by another session of the same person's."""


def say(**told: Any) -> None:
    """To the notebook server, in one line."""
    os.write(1, json.dumps(told).encode() + b"\n")


def chosen(wanted: str, below_home: str) -> Path:
    """The same absolute place as in the session, or else the same below the home."""
    home = Path(os.path.normpath(Path.home()))
    place = Path(os.path.normpath(wanted))
    if home not in place.parents:
        place = Path(os.path.normpath(home / below_home))
    if home not in place.parents:
        raise Refused("The folder has no place in the account's home on the machine.")
    return place


def made(place: Path) -> list[Path]:
    """An empty directory of one's own; which directories were made for it."""
    new = [each for each in (place, *place.parents) if not os.path.lexists(each)]
    try:
        there = place if not new else new[-1].parent
        if there.resolve() != there or not there.is_dir() or (not new and any(os.scandir(place))):
            raise Refused(f"{place} on the machine is in use for something else.")
        place.mkdir(mode=0o500, parents=True, exist_ok=True)
    except OSError as error:
        raise Refused(f"{place} can't be made on the machine: {error.strerror}.") from None
    return new


def mounted(place: Path) -> bool:
    """Whether a file system of a program's is there. Asks the kernel, and not the program."""
    sought = os.fsencode(place)
    for line in Path("/proc/self/mountinfo").read_bytes().splitlines():
        before, _, after = line.partition(b" - ")
        at = before.split()[4].decode("unicode_escape").encode("latin-1")
        if at == sought and after.startswith(b"fuse"):
            return True
    return False


@contextlib.contextmanager
def turn() -> Iterator[None]:
    """One at a time of all that a person's sessions do here: each looks first, and then acts."""
    home = os.open(Path.home(), os.O_RDONLY | os.O_DIRECTORY)
    until = time.monotonic() + TURN
    try:
        while True:
            try:
                fcntl.flock(home, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > until:
                    raise Refused("Another session of yours is at it for too long.") from None
                time.sleep(LOOK)
        yield
    finally:
        os.close(home)


def asked(do: str, place: Path) -> int | None:
    """A sandbox's host does it; what it handed over, if anything."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as host:
        host.connect(MOUNTS)
        host.sendall(json.dumps({"do": do, "path": str(place)}).encode())
        told, handed, _, _ = socket.recv_fds(host, LONGEST, 1)
    try:
        because = json.loads(told)["because"]
    except (ValueError, KeyError, TypeError):
        raise Refused("The machine's host does not answer.") from None
    if because is not None:
        raise Refused(str(because))
    return handed[0] if handed else None


def take_off(place: Path) -> None:
    """Whoever is in there: they get errors from now on."""
    for _ in range(8):
        if not mounted(place):
            return
        if os.path.exists(MOUNTS):
            asked("unmount", place)
        else:
            command = ["fusermount3", "-u", "-z", "--", str(place)]
            subprocess.run(command, stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL)


def named(place: Path) -> str:
    """What tells one sshfs from another, without the comma that a path may have."""
    return f"fsname=vmshare-{hashlib.sha256(os.fsencode(place)).hexdigest()[:24]}"


def answers(place: Path) -> bool | None:
    """Whether what is mounted there is served; None: it says nothing at all.

    Asked by a child, which may have to be given up, and even its end can't be waited for then.
    """
    child = os.fork()
    if child == 0:
        with contextlib.suppress(OSError):
            os.statvfs(place)  # of which the kernel remembers nothing
            os._exit(0)
        os._exit(1)
    until = time.monotonic() + TO_ANSWER
    while time.monotonic() < until:
        done, status = os.waitpid(child, os.WNOHANG)
        if done:
            return status == 0
        time.sleep(LOOK)
    os.kill(child, signal.SIGKILL)
    return None


def end_earlier(place: Path) -> None:
    """One of before, whose link is dead and does not know it, would keep programs waiting."""
    for entry in os.scandir("/proc"):
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            with contextlib.suppress(OSError):
                words = Path(entry.path, "cmdline").read_bytes().split(b"\0")
                if words[0] == b"sshfs" and named(place).encode() in words:
                    os.kill(int(entry.name), signal.SIGKILL)


def mount(place: Path, below: int) -> "subprocess.Popen[bytes]":
    """sshfs, as soon as its file system is there; it ends when stdin does."""
    # What a program writes here while nothing is mounted would be kept here, and seen by nobody.
    # But fusermount3 mounts on nothing that its user can't write to.
    has_host = os.path.exists(MOUNTS)
    os.fchmod(below, 0o500 if has_host else 0o700)
    device = asked("mount", place) if has_host else None
    where = str(place) if device is None else f"/dev/fd/{device}"
    say(place=str(place))
    handed = () if device is None else (device,)
    program = subprocess.Popen(
        ["sshfs", "-f", "folder:", where, "-o", named(place), "-o", OPTIONS],
        pass_fds=handed,
        cwd="/",
    )
    for number in handed:
        os.close(number)
    until = time.monotonic() + TO_MOUNT
    while not mounted(place) and program.poll() is None and time.monotonic() < until:
        time.sleep(LOOK)
    os.fchmod(below, 0o500)
    return program


def show(wanted: str, below_home: str) -> None:
    """Mount it, and stay until the link ends."""
    if shutil.which("sshfs") is None:
        raise Refused(NO_SSHFS)
    place = chosen(wanted, below_home)
    ends = (signal.SIGTERM, signal.SIGHUP, signal.SIGINT)
    for end in ends:  # what begins here is not left half done: stdin has ended, too
        signal.signal(end, lambda _number, _frame: None)
    with turn():
        if mounted(place) and answers(place):
            raise Elsewhere(f"Another session of yours has it at {place}.")
        end_earlier(place)
        take_off(place)
        new = made(place)
        below = os.open(place, os.O_RDONLY | os.O_DIRECTORY)
        program = mount(place, below)
    for end in ends:
        signal.signal(end, lambda _number, _frame: program.terminate())
    program.wait()
    with turn():
        # Another session may have ended this one, since it did not answer, and have its own there:
        # where this one is still, the kernel says at once that nobody serves it.
        if mounted(place) and answers(place) is not False:
            return
        take_off(place)
        for each in new:
            with contextlib.suppress(OSError):
                each.rmdir()


def main() -> NoReturn:
    """One of the two."""
    try:
        match sys.argv[1:]:
            case ["show", wanted, below_home]:
                show(wanted, below_home)
            case ["hide", wanted, below_home]:
                place = chosen(wanted, below_home)
                with turn():
                    end_earlier(place)
                    take_off(place)
            case _:
                sys.exit("Say: vmshare_folders.py show|hide PLACE BELOW_HOME")
    except (Refused, OSError) as error:
        say(because=str(error), elsewhere=isinstance(error, Elsewhere))
        sys.exit(1)
    sys.exit(0)


if __name__ == "__main__":
    main()
