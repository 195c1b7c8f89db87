"""What the agent asks of the kernel that Python has no word for."""

from __future__ import annotations

import ctypes
import errno
import os
import re
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

MS_NOSUID: Final = 2
MS_NODEV: Final = 4
MS_NOEXEC: Final = 8
MS_BIND: Final = 4096
MS_SLAVE: Final = 1 << 19
MS_SHARED: Final = 1 << 20
_MNT_DETACH, _UMOUNT_NOFOLLOW = 2, 8

_libc = ctypes.CDLL(None, use_errno=True)


def mount(source: str, target: str, kind: str, flags: int, data: str = "") -> None:
    """Mount, as the system call does."""
    done = _libc.mount(
        os.fsencode(source),
        os.fsencode(target),
        kind.encode(),
        ctypes.c_ulong(flags),
        data.encode(),
    )
    if done != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number), target)


def unmount(target: str) -> bool:
    """Take away the uppermost mount of a place, also one that is in use. False: there is none."""
    if _libc.umount2(os.fsencode(target), _MNT_DETACH | _UMOUNT_NOFOLLOW) == 0:
        return True
    number = ctypes.get_errno()
    if number in (errno.EINVAL, errno.ENOENT):
        return False
    raise OSError(number, os.strerror(number), target)


@dataclass(frozen=True, slots=True)
class Mounted:
    """One line of a mountinfo: the file system's device, which part of it, where it is seen."""

    number: int
    device: str
    root: str
    place: str
    read_only: bool
    shared: bool
    kind: str


def mounts(process: str = "self") -> Iterator[Mounted]:
    """What is mounted in a process's namespace, in the order of mounting. Never hangs."""
    with open(f"/proc/{process}/mountinfo", encoding="utf-8", errors="surrogateescape") as lines:
        for line in lines:
            before, _, after = line.partition(" - ")
            number, _, device, root, place, options, *tags = before.split()
            yield Mounted(
                number=int(number),
                device=device,
                root=_plain(root),
                place=_plain(place),
                read_only="ro" in options.split(","),
                shared=any(tag.startswith("shared:") for tag in tags),
                kind=after.split()[0],
            )


def _plain(text: str) -> str:
    # The kernel writes spaces and the like as \040.
    return re.sub(r"\\([0-7]{3})", lambda found: chr(int(found[1], 8)), text)


def let_in(directory: str, uid: int) -> None:
    """Let one account, and nobody else but root, go through a directory of root's."""
    entry = struct.Struct("<HHI")
    nobody = 0xFFFFFFFF
    user_obj, user, group_obj, mask, other = 0x01, 0x02, 0x04, 0x10, 0x20
    entries = [
        entry.pack(user_obj, 7, nobody),
        entry.pack(user, 1, uid),
        entry.pack(group_obj, 0, nobody),
        entry.pack(mask, 1, nobody),
        entry.pack(other, 0, nobody),
    ]
    os.setxattr(directory, "system.posix_acl_access", struct.pack("<I", 2) + b"".join(entries))


def may_mount() -> bool:
    """Whether this process has CAP_SYS_ADMIN: root in a container often has not."""
    with suppress(OSError):
        for line in Path("/proc/self/status").read_text().splitlines():
            if line.startswith("CapEff:"):
                return bool(int(line.split()[1], 16) >> 21 & 1)
    return False
