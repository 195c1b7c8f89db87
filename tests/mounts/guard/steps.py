"""What programs do: functions that run inside a session, and can be named by pickle."""

from __future__ import annotations

import contextlib
import ctypes
import fcntl
import mmap
import os
from typing import Final

from tests.mounts.guard import kernel

_MAPPINGS: Final[dict[int, mmap.mmap]] = {}

FUSE_OPTIONS: Final = "fd={},rootmode=40000,user_id=0,group_id=0,allow_other,max_read=1048576"


# --- what the agent does in a session's namespace -----------------------------------------------


def own_namespace(*hidden: str) -> None:
    """A mount namespace in which `hidden` directories are empty."""
    kernel.unshare(kernel.CLONE_NEWNS)
    kernel.mount("none", "/", None, kernel.MS_REC | kernel.MS_PRIVATE)
    for path in hidden:
        kernel.mount("none", path, "tmpfs", 0, "size=4k,mode=755")


def mount_fuse(target: str) -> int:
    """Mount; the /dev/fuse descriptor that the guard serves."""
    descriptor = os.open("/dev/fuse", os.O_RDWR | os.O_CLOEXEC)
    flags = kernel.MS_NOSUID | kernel.MS_NODEV
    kernel.mount("vmshare", target, "fuse", flags, FUSE_OPTIONS.format(descriptor))
    return descriptor


def unmount_fuse(target: str) -> None:
    """Take a mount away, also a dead one."""
    with contextlib.suppress(OSError):
        kernel.unmount(target, kernel.MNT_DETACH)


def close_all_but(keep: set[int]) -> None:
    """Close what was inherited."""
    for descriptor in [int(name) for name in os.listdir("/proc/self/fd")]:
        if descriptor not in keep:
            with contextlib.suppress(OSError):
                os.close(descriptor)


# --- files --------------------------------------------------------------------------------------


def read(path: str) -> bytes:
    """A file's bytes."""
    with open(path, "rb") as file:
        return file.read()


def write(path: str, content: bytes, flags: int = os.O_CREAT | os.O_TRUNC) -> None:
    """Write a file, and close it."""
    descriptor = os.open(path, os.O_WRONLY | flags, 0o644)
    try:
        assert os.write(descriptor, content) == len(content)
    finally:
        os.close(descriptor)


def make(path: str) -> None:
    """An empty file that was not there."""
    os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644))


def touch_open(path: str, flags: int = os.O_RDONLY) -> None:
    """Open and close."""
    os.close(os.open(path, flags))


def set_flags(path: str, flags: int) -> None:
    """FS_IOC_SETFLAGS, as chattr does it."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        fcntl.ioctl(descriptor, kernel.FS_IOC_SETFLAGS, ctypes.c_long(flags))
    finally:
        os.close(descriptor)


def identify(path: str) -> tuple[int, int, int, int]:
    """Mode, uid, gid, size, links: what programs look at."""
    found = os.lstat(path)
    return found.st_mode, found.st_uid, found.st_gid, found.st_size


# --- mappings -----------------------------------------------------------------------------------


def map_file(descriptor: int, size: int, *, writable: bool = False) -> int:
    """A shared mapping; the number by which other steps name it."""
    access = mmap.PROT_READ | (mmap.PROT_WRITE if writable else 0)
    _MAPPINGS[len(_MAPPINGS)] = mmap.mmap(descriptor, size, mmap.MAP_SHARED, access)
    return len(_MAPPINGS) - 1


def peek(mapping: int, at: int = 0, size: int = 1) -> bytes:
    """Load from a mapping. A mapping that was cut ends the program: SIGBUS."""
    return _MAPPINGS[mapping][at : at + size]


def poke(mapping: int, content: bytes, at: int = 0) -> None:
    """Store to a mapping."""
    _MAPPINGS[mapping][at : at + len(content)] = content


def sync(mapping: int) -> None:
    """msync."""
    _MAPPINGS[mapping].flush()
