"""Putting a drive into a machine that runs, and taking it off, in a short process of its own.

It enters the machine's mounts and nothing else: nobody in the machine can see or trace it. Its
Python loads nothing more from then on, as what lies there is the machine's.
"""

from __future__ import annotations

import errno
import json
import os
import subprocess
import sys
from contextlib import suppress
from pathlib import Path
from typing import Any

from jupyterhub_vmshare.cloud.keeper import kernel
from jupyterhub_vmshare.cloud.keeper.files import Trouble
from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.sandbox.keeper import building, loops

_BUSY = 3


def put_drive(process: Process, base: int, path: Path, tag: str, *, read_only: bool) -> None:
    """Mount a drive in a machine."""
    _run(process, {"base": base, "put": str(path), "tag": tag, "read_only": read_only})


def take_drive(process: Process, path: Path, *, lazily: bool) -> bool:
    """Take a drive's mounts off a machine; False if somebody is in there."""
    return _run(process, {"take": str(path), "lazily": lazily}) != _BUSY


def _run(process: Process, told: dict[str, Any]) -> int:
    whom = {"pid": process.pid, "started": process.started, "boot": process.boot}
    done = subprocess.run(
        [sys.executable, "-I", "-m", __name__],
        input=json.dumps({**told, "process": whom}).encode(),
        capture_output=True,
        check=False,
        timeout=60,
    )
    if done.returncode not in (0, _BUSY):
        raise Trouble(f"The drive could not be moved: {done.stderr.decode(errors='replace')}")
    return done.returncode


def mounted_at(pid: int, path: Path) -> list[str]:
    """Where a drive is mounted in a machine, the last one first."""
    devices = set(loops.over(path))
    lines = Path(f"/proc/{pid}/mountinfo").read_text(errors="surrogateescape").splitlines()
    found = [line.split()[4] for line in lines if line.split()[2] in devices]
    return [place.encode().decode("unicode_escape") for place in reversed(found)]


def _main() -> int:
    told = json.loads(sys.stdin.read())
    process = Process.parse(told["process"])
    held = process.hold()
    if held is None:
        return 0  # a machine that has ended has nothing mounted
    proc = os.open(f"/proc/{process.pid}", os.O_PATH | os.O_DIRECTORY)
    mounts, ids = (os.open(f"ns/{kind}", os.O_RDONLY, dir_fd=proc) for kind in ("mnt", "user"))
    if "take" in told:
        places = mounted_at(process.pid, Path(told["take"]))
        _enter(mounts)
        return _take(places, lazily=told["lazily"])
    mount = building.drive_mount(Path(told["put"]), read_only=told["read_only"], ids=ids)
    kernel.become(told["base"])
    _enter(mounts)
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    building.place_drive(root, mount, told["tag"], read_only=told["read_only"])
    return 0


def _enter(mounts: int) -> None:
    sys.meta_path.clear()
    sys.path.clear()
    kernel.enter(mounts, kernel.NEW_NS)


def _take(places: list[str], *, lazily: bool) -> int:
    root = os.open("/", os.O_PATH | os.O_DIRECTORY)
    for place in places:
        parent, _, name = place.lstrip("/").rpartition("/")
        # Moved meanwhile: then it is found there at the next look.
        with suppress(FileNotFoundError):
            os.fchdir(kernel.within(root, parent or ".", os.O_RDONLY | os.O_DIRECTORY))
            try:
                kernel.unmount(name, lazily=lazily)
            except OSError as error:
                if error.errno != errno.EBUSY:
                    raise
                return _BUSY
    return 0


if __name__ == "__main__":
    try:
        code = _main()
    except BaseException as error:
        os.write(2, str(error).encode())
        code = 1
    os._exit(code)
