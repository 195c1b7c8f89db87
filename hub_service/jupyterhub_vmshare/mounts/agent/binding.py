"""One directory tree bound at a place, for an account that its files do not belong to.

``open_tree``, ``mount_setattr`` and ``move_mount``, for which Python has no words: the mount is
made whole before anybody can see it, and what is mounted below the tree does not come with it.
"""

from __future__ import annotations

import ctypes
import errno
import os
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Final

_OPEN_TREE, _MOVE_MOUNT, _MOUNT_SETATTR = 428, 429, 442  # the same on every architecture
_HERE: Final = -100
_EMPTY_PATH: Final = 0x1000
_CLONE: Final = 1
_FROM_DESCRIPTOR: Final = 4
_READ_ONLY, _NOSUID, _NODEV, _IDMAP = 0x1, 0x2, 0x4, 0x100000

_libc = ctypes.CDLL(None, use_errno=True)

# A namespace lives as long as somebody has it open: this process waits until somebody has.
_NAMESPACE: Final = (
    "import ctypes, sys\n"
    "if ctypes.CDLL(None).unshare(0x10000000): sys.exit(1)\n"
    "print(flush=True)\n"
    "sys.stdin.read()\n"
)

_WHY_NOT: Final = {
    errno.ENOSYS: "This node's kernel can't mount it directly: that takes Linux 5.12 or later.",
    errno.EINVAL: (
        "The file system of the store can't be shown under another account, so nothing of it is "
        "mounted directly; ext4, xfs and btrfs can."
    ),
    errno.EPERM: "This node's kernel does not let the agent mount the store directly.",
}


class NotDirect(Exception):
    """It can't be mounted directly here; the text is a sentence that says why."""


@dataclass(frozen=True, slots=True)
class Account:
    """A Unix account."""

    uid: int
    gid: int


def bind(top: int, place: str, *, read_only: bool, owner: Account, shown: Account) -> None:
    """Mount a tree at a place.

    Args:
        top: The tree, as an ``O_PATH`` descriptor.
        place: An empty directory that nobody but root can rename.
        read_only: Nobody writes through it.
        owner: Whose the files are.
        shown: Whose they seem to be; what that account makes becomes the owner's. Everybody else's
            files seem to be nobody's.

    Raises:
        NotDirect: the kernel, or the tree's file system, can't.
    """
    try:
        tree = _call(_OPEN_TREE, top, b"", _EMPTY_PATH | _CLONE | os.O_CLOEXEC)
        try:
            _set(tree, read_only, owner, shown)
            _call(_MOVE_MOUNT, tree, b"", _HERE, os.fsencode(place), _FROM_DESCRIPTOR)
        finally:
            os.close(tree)
    except OSError as error:
        why = _WHY_NOT.get(error.errno or 0, f"It can't be mounted directly: {error.strerror}.")
        raise NotDirect(why) from error


def _set(tree: int, read_only: bool, owner: Account, shown: Account) -> None:
    flags = _NOSUID | _NODEV | (_READ_ONLY if read_only else 0)
    if owner == shown:
        _set_attributes(tree, flags, 0)
        return
    namespace = _namespace(owner, shown)
    try:
        _set_attributes(tree, flags | _IDMAP, namespace)
    finally:
        os.close(namespace)


def _set_attributes(tree: int, flags: int, namespace: int) -> None:
    told = struct.pack("QQQQ", flags, 0, 0, namespace)
    _call(_MOUNT_SETATTR, tree, b"", _EMPTY_PATH, told, ctypes.c_size_t(len(told)))


def _namespace(owner: Account, shown: Account) -> int:
    """A user namespace that means nothing but: the one account stands for the other."""
    with subprocess.Popen(
        [sys.executable, "-I", "-S", "-c", _NAMESPACE],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
    ) as maker:
        if maker.stdout is None or not maker.stdout.readline():
            raise NotDirect("This node allows no user namespaces, which direct mounts need.")
        there = Path(f"/proc/{maker.pid}")
        (there / "uid_map").write_text(f"{owner.uid} {shown.uid} 1\n")
        (there / "gid_map").write_text(f"{owner.gid} {shown.gid} 1\n")
        return os.open(there / "ns/user", os.O_RDONLY | os.O_CLOEXEC)


def _call(number: int, *arguments: int | bytes | ctypes.c_size_t) -> int:
    done: int = _libc.syscall(ctypes.c_long(number), *arguments)
    if done < 0:
        failed = ctypes.get_errno()
        raise OSError(failed, os.strerror(failed))
    return done
