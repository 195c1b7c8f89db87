"""Files below one directory, and nowhere else, whatever a path says and whoever changes it.

A path is walked name by name from a descriptor of the directory, and no link is followed: neither
on the way nor at its end. So there is no moment at which something else could be put in between.
What may be done is not decided here: each call is one of the session's own, and its mount says.
"""

from __future__ import annotations

import contextlib
import errno
import os
import stat
from collections.abc import Iterator
from typing import Final

_DIRECTORY: Final = os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# A pipe that nobody writes to would keep us waiting, and a terminal would become ours.
_ALWAYS: Final = os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_LONGEST_PATH, _LONGEST_NAME = 4096, 255
_PERMISSIONS: Final = 0o777

Place = tuple[int, bytes]
"""A directory, and a name in it."""


def _refused(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def names(path: bytes) -> list[bytes]:
    """The names of a path, which begins at the directory with a slash or without.

    Raises `OSError` for what is none: ``..``, what is too long, and bytes that no name has.
    """
    if len(path) > _LONGEST_PATH:
        raise _refused(errno.ENAMETOOLONG)
    found = [name for name in path.split(b"/") if name not in (b"", b".")]
    for name in found:
        if name == b".." or b"\0" in name:
            raise _refused(errno.EACCES)
        if len(name) > _LONGEST_NAME:
            raise _refused(errno.ENAMETOOLONG)
    return found


class Tree:
    """What is below a directory. All raise `OSError`, as the file system says it.

    Args:
        root: A descriptor of the directory, which becomes this object's.
    """

    def __init__(self, root: int) -> None:
        self._root = root

    def stat(self, path: bytes) -> os.stat_result:
        """A link's own, of a link."""
        with self._at(path) as (directory, name):
            return os.stat(name, dir_fd=directory, follow_symlinks=False)

    def open(self, path: bytes, flags: int, mode: int) -> int:
        """A regular file, as a descriptor."""
        with self._at(path) as (directory, name):
            with contextlib.suppress(FileNotFoundError):
                found = os.stat(name, dir_fd=directory, follow_symlinks=False)
                self._demand(found, stat.S_ISREG)
            # Made with O_TRUNC, a file that was put in between would be emptied before the look.
            truncates, plain = flags & os.O_TRUNC, flags & ~os.O_TRUNC
            file = os.open(name, plain | _ALWAYS, mode & _PERMISSIONS, dir_fd=directory)
        try:
            self._demand(os.fstat(file), stat.S_ISREG)
            if truncates:
                os.ftruncate(file, 0)
        except BaseException:
            os.close(file)
            raise
        return file

    def list(self, path: bytes) -> int:
        """A directory, as a descriptor."""
        with self._at(path) as (directory, name):
            return os.open(name, os.O_RDONLY | os.O_DIRECTORY | _ALWAYS, dir_fd=directory)

    def read_link(self, path: bytes) -> bytes:
        with self._at(path) as (directory, name):
            return os.readlink(name, dir_fd=directory)

    def make_link(self, path: bytes, target: bytes) -> None:
        """A symbolic link, which nobody here follows."""
        with self._named(path) as (directory, name):
            os.symlink(target, name, dir_fd=directory)

    def make_directory(self, path: bytes, mode: int) -> None:
        with self._named(path) as (directory, name):
            os.mkdir(name, mode & _PERMISSIONS, dir_fd=directory)

    def remove_directory(self, path: bytes) -> None:
        with self._named(path) as (directory, name):
            os.rmdir(name, dir_fd=directory)

    def remove(self, path: bytes) -> None:
        with self._named(path) as (directory, name):
            os.unlink(name, dir_fd=directory)

    def rename(self, old: bytes, new: bytes, *, over: bool) -> None:
        """``over``: what is there already is replaced."""
        with self._named(old) as (here, name), self._named(new) as (there, other):
            if not over:
                with contextlib.suppress(FileNotFoundError):
                    os.stat(other, dir_fd=there, follow_symlinks=False)
                    raise _refused(errno.EEXIST)
            os.rename(name, other, src_dir_fd=here, dst_dir_fd=there)

    def set_size(self, path: bytes, size: int) -> None:
        file = self.open(path, os.O_WRONLY, 0)
        try:
            os.ftruncate(file, size)
        finally:
            os.close(file)

    def set_mode(self, path: bytes, mode: int) -> None:
        with self._at(path) as (directory, name):
            found = os.open(name, os.O_PATH | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=directory)
        try:
            self._demand(os.fstat(found), lambda kind: stat.S_ISREG(kind) or stat.S_ISDIR(kind))
            # The one way to what nobody may read, perhaps; it leads to this very descriptor.
            os.chmod(f"/proc/self/fd/{found}", mode & _PERMISSIONS)
        finally:
            os.close(found)

    def set_owners(self, path: bytes, owners: tuple[int, int]) -> None:
        with self._at(path) as (directory, name):
            os.chown(name, *owners, dir_fd=directory, follow_symlinks=False)

    def set_times(self, path: bytes, times: tuple[int, int]) -> None:
        with self._at(path) as (directory, name):
            os.utime(name, times, dir_fd=directory, follow_symlinks=False)

    def room(self) -> os.statvfs_result:
        """Of the file system."""
        return os.statvfs(self._root)

    def is_there(self) -> bool:
        """Whether the mount that the directory is in still answers."""
        try:
            os.stat(self._root)
        except OSError as error:
            return error.errno not in (errno.ENOTCONN, errno.ESTALE, errno.EIO)
        return True

    @contextlib.contextmanager
    def _at(self, path: bytes) -> Iterator[Place]:
        """Where the last name of a path is; the directory itself is the name ``.`` in itself."""
        *way, last = names(path) or [b"."]
        here = os.dup(self._root)
        try:
            for name in way:
                further = os.open(name, _DIRECTORY, dir_fd=here)
                os.close(here)
                here = further
            yield here, last
        finally:
            os.close(here)

    @contextlib.contextmanager
    def _named(self, path: bytes) -> Iterator[Place]:
        """As `_at`, for what is made, removed or renamed: the directory itself never is."""
        with self._at(path) as place:
            if place[1] == b".":
                raise _refused(errno.EPERM)
            yield place

    @staticmethod
    def _demand(found: os.stat_result, is_right: object) -> None:
        if not callable(is_right) or not is_right(found.st_mode):
            raise _refused(errno.EPERM)
