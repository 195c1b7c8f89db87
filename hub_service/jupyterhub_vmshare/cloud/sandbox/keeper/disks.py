"""Files that hold an ext4: a machine's disk, a drive, a snapshot.

What is made or copied gets its name when it is whole. They are sparse: what is not written takes
no room, and what is deleted gives it back.
"""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.cloud.sandbox.keeper import kernel, loops

_log = logging.getLogger("vmshare.sandboxes")
_FREEZE, _THAW = 0xC0045877, 0xC0045878
_USERS: Final = 100  # Debian's group users
_SPARE_BYTES: Final = 512 << 20
GIB: Final = 1 << 30
_BLOCK: Final = 4096


class Trouble(Exception):
    """Something did not work; the text is a sentence for whoever ordered it."""


def run(*command: str | Path, fine: tuple[int, ...] = (0,)) -> None:
    """Run a program of the host; what it says goes to the log."""
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    if done.returncode not in fine:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        _log.error("%s ended with %d: %s", command[0], done.returncode, said[-500:])
        raise Trouble(f"{command[0]} failed on the host of the sandboxes.")


def new_disk(path: Path, gib: int) -> None:
    """What a machine writes: the upper layer of its root, and what the overlay needs beside it."""
    with _fresh(path) as (beside, tree):
        for name in ("upper", "work"):
            (tree / name).mkdir(mode=0o755)
        _format(beside, gib, tree, "vmshare-disk")


def new_drive(path: Path, gib: int, label: str) -> None:
    """A drive: empty, but for the directory that is shared on a machine."""
    with _fresh(path) as (beside, tree):
        shared = tree / "shared"
        shared.mkdir()
        os.chown(shared, 0, _USERS)
        shared.chmod(0o2775)
        _group_may_write(shared)
        _format(beside, gib, tree, label)


def _group_may_write(directory: Path) -> None:
    # Otherwise what somebody makes there can be changed by nobody else: the usual umask is 022.
    entry = struct.Struct("<HHI")
    nobody = 0xFFFFFFFF
    rights = ((0x01, 7), (0x04, 7), (0x20, 5))  # the owner, the group, others
    told = b"".join(entry.pack(tag, may, nobody) for tag, may in rights)
    os.setxattr(directory, "system.posix_acl_default", struct.pack("<I", 2) + told)


@contextmanager
def _fresh(path: Path) -> Iterator[tuple[Path, Path]]:
    """Where a new file is made, and a directory for what is in it from the start."""
    beside = path.with_name(f".{path.name}.new")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".tree-") as tree:
        Path(tree).chmod(0o755)
        yield beside, Path(tree)
    beside.replace(path)


def _format(path: Path, gib: int, tree: Path, label: str) -> None:
    grow_file(path, gib)
    options = "nodiscard,lazy_itable_init=1,lazy_journal_init=1,root_owner=0:0"
    run("mkfs.ext4", "-q", "-F", "-b", "4096", "-m", "0", "-E", options, "-L", label,
        "-d", tree, path)  # fmt: skip


def grow_file(path: Path, gib: int) -> None:
    """Have a file be as large as this, whatever is in it."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        if os.fstat(file).st_size < gib * GIB:
            os.ftruncate(file, gib * GIB)
    finally:
        os.close(file)


def copy(source: Path, path: Path) -> None:
    """A copy: by reference where the host's file system can, else of what is written."""
    beside = path.with_name(f".{path.name}.new")
    run("cp", "--reflink=auto", "--sparse=always", source, beside)
    beside.replace(path)


def has_room(where: Path, source: Path | None = None) -> bool:
    """Whether the host has room for something new, or for a copy."""
    wanted = 0 if source is None else source.stat().st_blocks * 512
    return shutil.disk_usage(where).free > wanted + _SPARE_BYTES


def make_fit(path: Path) -> None:
    """Mend what a host that died left, and grow what could not grow while it was mounted.

    A moment's work on what was left in order.
    """
    run("e2fsck", "-p", path, fine=(0, 1))
    if _blocks_of(path) < path.stat().st_size // _BLOCK:
        # It refuses what was mounted since it was last looked at as a whole.
        run("e2fsck", "-f", "-p", path, fine=(0, 1))
        run("resize2fs", path)


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
    grow_file(path, gib)
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
            raise Trouble("The machine's disk could not be held still.")
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
