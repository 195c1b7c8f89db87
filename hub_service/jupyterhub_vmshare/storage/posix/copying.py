"""Copying a whole tree into an empty one: constant memory, and bytes shared where the disk can.

Names are opened one by one relative to their directory, and no link is followed: a link is copied
as the link that it is. What is neither file, directory nor link is left out.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import time
from collections.abc import Callable
from contextlib import suppress
from fcntl import ioctl
from typing import Final

from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.storage.port import CopyStopped
from jupyterhub_vmshare.storage.posix.charging import Charge
from jupyterhub_vmshare.storage.posix.tree import open_file, told, walked

Told = Callable[[int, int], bool]
"""Hears of each file: how many there were by now, and their bytes. False: stop."""

_MARK: Final = b"user.vmshare.copy_of"
_SETTLED_NS: Final = 2_000_000_000
_FICLONE: Final = 0x40049409
_AT_ONCE: Final = 1 << 24
_NEW: Final = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_NOT_HERE: Final = (errno.EOPNOTSUPP, errno.ENOTTY, errno.EINVAL, errno.EXDEV, errno.ENOSYS)
_libc = ctypes.CDLL(None, use_errno=True)


class Copying:
    """One copy under way.

    Args:
        source: The top of the tree to copy, as a descriptor.
        target: The top of an empty tree.
        charge: Where the copy's bytes are counted, each file's before it comes.
        tell: Hears of the progress.
        earlier: The top of an earlier copy that nobody ever changes: a file that is still the same
            gets another name of that one, and no bytes of its own. Such copies are marked.
    """

    def __init__(
        self, source: int, target: int, charge: Charge, tell: Told, *, earlier: int | None = None
    ) -> None:
        self._source, self._target, self._earlier = source, target, earlier
        self._charge, self._tell = charge, tell
        self._files = self._bytes = 0

    def run(self) -> None:
        """Copy everything, and bring it to the disk.

        Raises:
            CopyStopped: whoever hears of the progress did not want to go on.
            QuotaExceeded: the account has no room for the next file.
        """
        waiting: list[tuple[str, ...]] = [()]
        while waiting:
            at = waiting.pop()
            # What is moved or removed meanwhile is not in the copy.
            with suppress(FileNotFoundError, NotADirectoryError):
                waiting += self._directory(at)
        if _libc.syncfs(self._target) != 0:
            raise OSError(ctypes.get_errno(), "the copy could not be brought to the disk")

    def _directory(self, at: tuple[str, ...]) -> list[tuple[str, ...]]:
        below = []
        with walked(self._source, at) as old, walked(self._target, at) as new:
            for name in os.listdir(old):
                with suppress(FileNotFoundError):
                    status = os.stat(name, dir_fd=old, follow_symlinks=False)
                    if stat.S_ISDIR(status.st_mode):
                        os.mkdir(name, 0o700, dir_fd=new)
                        below.append((*at, name))
                    elif stat.S_ISREG(status.st_mode):
                        self._file(at, old, new, name)
                    elif stat.S_ISLNK(status.st_mode):
                        os.symlink(os.readlink(name, dir_fd=old), name, dir_fd=new)
        return below

    def _is_linked(self, at: tuple[str, ...], new: int, name: str, status: os.stat_result) -> bool:
        """Whether the earlier copy has this very file, in this very state, and could share it."""
        if self._earlier is None:
            return False
        # What was not there then, or was no file, is none of it.
        with suppress(OSError, VMShareError), walked(self._earlier, at) as directory:
            if _mark_of(directory, name) == mark(status):
                os.link(name, name, src_dir_fd=directory, dst_dir_fd=new, follow_symlinks=False)
                return True
        return False

    def _file(self, at: tuple[str, ...], old: int, new: int, name: str) -> None:
        source = open_file(old, name, name)
        try:
            status = os.fstat(source)
            if not self._is_linked(at, new, name, status):
                self._charge.grow(status.st_size)
                with told(name):
                    size = _copied(source, new, name, status)
                self._charge.grow(size - status.st_size, forced=True)
                self._bytes += size
        finally:
            os.close(source)
        self._files += 1
        if not self._tell(self._files, self._bytes):
            raise CopyStopped


def mark(status: os.stat_result) -> bytes:
    """What is another one as soon as a file is another, or has changed in whatever way: nobody
    can set the time of the last status change."""
    return b"%d:%d:%d" % (status.st_ino, status.st_ctime_ns, status.st_size)


def _mark_of(directory: int, name: str) -> bytes:
    fd = open_file(directory, name, name)
    try:
        return os.getxattr(fd, _MARK)
    finally:
        os.close(fd)


def _marked(source: int, copy: int, status: os.stat_result) -> None:
    """Mark a copy with what it was made from, where that is sure.

    A file that changed during the copy, or so short a time ago that it may change again within the
    same tick of its clock, gets no mark, and is copied again the next time.
    """
    settled = time.time_ns() - status.st_ctime_ns > _SETTLED_NS
    if settled and mark(os.fstat(source)) == mark(status):
        with suppress(OSError):  # a disk without attributes: everything is copied each time
            os.setxattr(copy, _MARK, mark(status))


def _copied(source: int, directory: int, name: str, status: os.stat_result) -> int:
    """A file's copy, with its mode and times; how large it came to be."""
    copy = os.open(name, _NEW, 0o600, dir_fd=directory)
    try:
        if not _shared(source, copy):
            _written(source, copy, status.st_size)
        os.ftruncate(copy, min(os.fstat(copy).st_size, status.st_size))
        os.fchmod(copy, stat.S_IMODE(status.st_mode) & 0o777)
        _marked(source, copy, status)
        os.utime(copy, ns=(status.st_atime_ns, status.st_mtime_ns))
        return os.fstat(copy).st_size
    finally:
        os.close(copy)


def _shared(source: int, copy: int) -> bool:
    """Whether the disk could let both have the same blocks until one of them changes."""
    try:
        ioctl(copy, _FICLONE, source)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        return False
    return True


def _written(source: int, copy: int, size: int) -> None:
    left = size
    while left > 0:
        came = _some(source, copy, min(left, _AT_ONCE))
        if came == 0:
            break
        left -= came


def _some(source: int, copy: int, size: int) -> int:
    """The kernel copies, where it may; holes are written out."""
    try:
        return os.copy_file_range(source, copy, size)
    except OSError as error:
        if error.errno not in _NOT_HERE:
            raise
        return os.write(copy, os.read(source, min(size, 1 << 20)))
