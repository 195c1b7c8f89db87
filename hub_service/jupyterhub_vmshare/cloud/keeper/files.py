"""Files that are disks: a machine's, a drive, a snapshot.

What is made or copied gets its name when it is whole. They are sparse: what is not written takes
no room, and what is deleted gives it back.
"""

from __future__ import annotations

import logging
import os
import shutil
import struct
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

_log = logging.getLogger("vmshare.keeper")
_USERS: Final = 100  # Debian's group users
_SPARE_BYTES: Final = 512 << 20
GIB: Final = 1 << 30


class Trouble(Exception):
    """Something did not work; the text is a sentence for whoever ordered it."""


def run(*command: str | Path, fine: tuple[int, ...] = (0,)) -> None:
    """Run a program of the host; what it says goes to the log."""
    done = subprocess.run([str(part) for part in command], capture_output=True, check=False)
    if done.returncode not in fine:
        said = (done.stderr or done.stdout).decode(errors="replace").strip()
        _log.error("%s ended with %d: %s", command[0], done.returncode, said[-500:])
        raise Trouble(f"{command[0]} failed on the host of the machines.")


def new_drive(path: Path, gib: int, label: str) -> None:
    """A drive: empty, but for the directory that is shared on a machine."""
    with fresh(path) as (beside, tree):
        shared = tree / "shared"
        shared.mkdir()
        os.chown(shared, 0, _USERS)
        shared.chmod(0o2775)
        _group_may_write(shared)
        format_as(beside, gib, tree, label)


def _group_may_write(directory: Path) -> None:
    # Otherwise what somebody makes there can be changed by nobody else: the usual umask is 022.
    entry = struct.Struct("<HHI")
    nobody = 0xFFFFFFFF
    rights = ((0x01, 7), (0x04, 7), (0x20, 5))  # the owner, the group, others
    told = b"".join(entry.pack(tag, may, nobody) for tag, may in rights)
    os.setxattr(directory, "system.posix_acl_default", struct.pack("<I", 2) + told)


@contextmanager
def fresh(path: Path) -> Iterator[tuple[Path, Path]]:
    """Where a new file is made, and a directory for what is in it from the start."""
    beside = path.with_name(f".{path.name}.new")
    with tempfile.TemporaryDirectory(dir=path.parent, prefix=".tree-") as tree:
        Path(tree).chmod(0o755)
        yield beside, Path(tree)
    beside.replace(path)


def format_as(path: Path, gib: int, tree: Path, label: str) -> None:
    """Have a new file hold an ext4 with a tree in it."""
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
