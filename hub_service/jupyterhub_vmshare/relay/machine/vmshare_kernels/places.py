"""Where a person's kernels are on a machine: a directory each, which nobody else can enter."""

import contextlib
import os
import re
import shutil
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST = 107
"""Of a socket's path."""
_REMEMBERED = 7 * 86400.0


class Refused(Exception):
    """Can't be done; the sentence says why."""


def home() -> Path:
    """Of all kernels of this account; made when it is not there."""
    runtime = Path(f"/run/user/{os.geteuid()}")
    base = runtime if _is_ours_alone(runtime) else Path.home()
    found = base / ".vmshare-kernels"
    with contextlib.suppress(FileExistsError):
        found.mkdir(mode=0o700)
    if not _is_ours_alone(found):
        raise Refused(f"{found} has to be a directory that is yours alone (mode 0700).")
    return found


def _is_ours_alone(place: Path) -> bool:
    try:
        about = place.lstat()
    except OSError:
        return False
    alone = stat.S_ISDIR(about.st_mode) and about.st_uid == os.geteuid()
    return alone and not stat.S_IMODE(about.st_mode) & 0o077


def of(kernel: str) -> Path:
    """One kernel's. Raises `Refused`."""
    if not _ID.fullmatch(kernel):
        raise Refused("This is no kernel's id.")
    found = home() / kernel
    if len(os.fsencode(found)) + len("/door") > _LONGEST:
        raise Refused(f"{found} is too long for a socket's name.")
    return found


def door(place: Path) -> Path:
    """The socket that a kernel's supervisor listens on."""
    return place / "door"


def boot() -> str:
    """Which start of the machine this is; empty where that can't be told.

    A container has its host's boot id, and a first process of its own.
    """
    try:
        system = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        first = Path("/proc/1/stat").read_text().rpartition(")")[2].split()[19]
    except (OSError, IndexError):
        return ""
    return f"{system}-{first}"


def write_why(place: Path, because: str) -> None:
    """For who comes back to a kernel that was ended: the sentence that says why."""
    with contextlib.suppress(OSError):
        place.with_suffix(".why").write_text(because)


def why(place: Path) -> str | None:
    """What was written of it."""
    try:
        return place.with_suffix(".why").read_text()
    except OSError:
        return None


def connection(place: Path) -> socket.socket | None:
    """To the supervisor; None: there is none (any more)."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        found.connect(str(door(place)))
    except OSError:
        found.close()
        return None
    return found


def living() -> Iterator[Path]:
    """Those with a supervisor; what others have left is removed."""
    for place in sorted(home().iterdir()):
        found = connection(place)
        if found is not None:
            found.close()
            yield place
        elif _ID.fullmatch(place.name):
            shutil.rmtree(place, ignore_errors=True)
        elif place.suffix == ".why" and place.stat().st_mtime < time.time() - _REMEMBERED:
            place.unlink(missing_ok=True)
