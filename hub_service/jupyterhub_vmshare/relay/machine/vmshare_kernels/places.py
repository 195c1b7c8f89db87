"""Where a person's kernels are on a machine: a directory each, which nobody else can enter."""

import contextlib
import os
import re
import shutil
import socket
import stat
from collections.abc import Iterator
from pathlib import Path

_ID = re.compile(r"[0-9a-f]{32}")
_LONGEST = 107
"""Of a socket's path."""


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
