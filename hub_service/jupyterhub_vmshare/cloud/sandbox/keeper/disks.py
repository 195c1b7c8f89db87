"""Disks and drives as this host mounts them: mended, grown and held still meanwhile."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.cloud.keeper import files, kernel
from jupyterhub_vmshare.cloud.sandbox.keeper import loops

_FREEZE, _THAW = 0xC0045877, 0xC0045878
_BLOCK: Final = 4096


def new_disk(path: Path, gib: int) -> None:
    """What a machine writes: the upper layer of its root, and what the overlay needs beside it."""
    with files.fresh(path) as (beside, tree):
        for name in ("upper", "work"):
            (tree / name).mkdir(mode=0o755)
        files.format_as(beside, gib, tree, "vmshare-disk")


def make_fit(path: Path) -> None:
    """Mend what a host that died left, and grow what could not grow while it was mounted.

    A moment's work on what was left in order.
    """
    files.run("e2fsck", "-p", path, fine=(0, 1))
    if _blocks_of(path) < path.stat().st_size // _BLOCK:
        # It refuses what was mounted since it was last looked at as a whole.
        files.run("e2fsck", "-f", "-p", path, fine=(0, 1))
        files.run("resize2fs", path)


def _blocks_of(path: Path) -> int:
    with path.open("rb") as file:
        file.seek(1024)
        superblock = file.read(1024)
    (low,), (high,) = (struct.unpack_from("<I", superblock, at) for at in (4, 336))
    return int(low | high << 32)


def grow(path: Path, gib: int) -> bool:
    """Have a file, and the ext4 in it, be as large as this; it may be mounted for writing.

    False: what is mounted can't grow now, as this host's root lacks CAP_SYS_RESOURCE. It does in
    `make_fit`.
    """
    files.grow_file(path, gib)
    devices = loops.over(path)
    if not devices:
        make_fit(path)
        return True
    try:
        with _mounted_again(devices[0]) as root:
            loops.grow(devices[0], root)
    except PermissionError:
        return False
    return True


@contextmanager
def _mounted_again(device: str) -> Iterator[int]:
    """The root of what a machine has mounted from a loop device: the same file system."""
    source = f"/dev/loop{device.partition(':')[2]}"
    mount = kernel.filesystem("ext4", {"source": source}, flags=0)
    try:
        root = os.open(".", os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC, dir_fd=mount)
        try:
            yield root
        finally:
            os.close(root)
    finally:
        os.close(mount)


@contextmanager
def still(path: Path) -> Iterator[None]:
    """Nothing is written to what is mounted from a file, and all that was is in it.

    A process of its own sees to it, and lets go as soon as this one is done, or dead.
    """
    devices = loops.over(path)
    if not devices:
        yield
        return
    with subprocess.Popen(
        [sys.executable, "-I", "-m", __name__, devices[0]],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        start_new_session=True,
    ) as holder:
        if holder.stdout is None or holder.stdout.read(1) != b"!":
            raise files.Trouble("The machine's disk could not be held still.")
        try:
            yield
        finally:
            holder.communicate()


def _hold_still(device: str) -> None:
    with _mounted_again(device) as root:
        fcntl.ioctl(root, _FREEZE, 0)
        try:
            os.write(1, b"!")
            os.read(0, 1)
        finally:
            fcntl.ioctl(root, _THAW, 0)


if __name__ == "__main__":
    _hold_still(sys.argv[1])
