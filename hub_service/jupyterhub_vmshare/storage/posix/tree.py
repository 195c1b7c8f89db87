"""Walking a tree by descriptors, so that no link and no race leads out of it.

Every step opens one name relative to the directory before it, with ``O_NOFOLLOW``: a link put in
the way, at whatever moment, is refused by the kernel. ``..`` is never asked for, so a directory
that is moved during the walk can't be climbed out of.
"""

from __future__ import annotations

import ctypes
import errno
import os
import stat
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime, timedelta

from jupyterhub_vmshare.errors import BadInput, NotFound, StoreFull
from jupyterhub_vmshare.storage.port import (
    Entry,
    EntryExists,
    EntryKind,
    NotADirectory,
    NotAFile,
    NotEmpty,
    Parts,
)

_DIRECTORY = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
# O_NONBLOCK: should a pipe be swapped in after the check, opening it must not wait for a writer.
_FILE = os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC

_libc = ctypes.CDLL(None, use_errno=True)
_renameat2 = getattr(_libc, "renameat2", None)
_RENAME_NOREPLACE = 1
# EINVAL is both "this file system can't" (NFS) and "a directory into itself": the portable way,
# asked next, tells the two apart.
_MAY_BE_UNSUPPORTED = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST, _LAST = (
    (end.replace(tzinfo=UTC) - _EPOCH) // timedelta(microseconds=1)
    for end in (datetime.min, datetime.max)
)


@contextmanager
def told(what: str) -> Iterator[None]:
    """Turn the system's refusals into errors that a person can act on."""
    try:
        yield
    except OSError as error:
        raised = _error_of(error, what)
        if raised is None:
            raise
        raise raised from error


def _error_of(error: OSError, what: str) -> Exception | None:
    match error.errno:
        case errno.ENOENT:
            return NotFound(f"There is no {what} in this folder.")
        case errno.ENOTDIR | errno.ELOOP:
            return NotADirectory(f"{what}: a part of this is no directory (links don't count).")
        case errno.EEXIST | errno.EISDIR:
            return EntryExists(f"{what} is there already. Choose another name.")
        case errno.ENOTEMPTY:
            return NotEmpty(f"{what} is not empty. Delete what is in it first.")
        case errno.EINVAL:
            return BadInput(f"{what} can't be moved into itself.")
        case errno.ENAMETOOLONG:
            return BadInput(f"{what}: this name is too long.")
        case errno.ENOSPC | errno.EDQUOT:
            return StoreFull("The store is full. Nothing was changed; delete something first.")
    return None


@contextmanager
def walked(start: int, parts: Parts) -> Iterator[int]:
    """The directory at ``parts`` below ``start``, as a descriptor for the time of the block."""
    current = os.open(".", _DIRECTORY, dir_fd=start)
    try:
        for part in parts:
            _check_plain(part)
            below = os.open(part, _DIRECTORY, dir_fd=current)
            os.close(current)
            current = below
        yield current
    finally:
        os.close(current)


@contextmanager
def opened(folder_fd: int, parts: Parts) -> Iterator[int]:
    """`walked` from a folder's top, with what goes wrong on the way told to the person."""
    with ExitStack() as stack:
        with told(shown(parts)):
            directory = stack.enter_context(walked(folder_fd, parts))
            _stay(directory, folder_fd)
        yield directory


def _stay(fd: int, folder_fd: int) -> None:
    # Another file system mounted inside a tree is none of the tree.
    if os.fstat(fd).st_dev != os.fstat(folder_fd).st_dev:
        raise NotADirectory("This directory belongs to another file system.")


@contextmanager
def parent_of(folder_fd: int, parts: Parts) -> Iterator[tuple[int, str]]:
    """The directory that holds the last part, and that part."""
    if not parts:
        raise BadInput("This needs the path of something inside the folder.")
    _check_plain(parts[-1])
    with opened(folder_fd, parts[:-1]) as directory:
        yield directory, parts[-1]


def _check_plain(part: str) -> None:
    # `parse_path` has seen to this. Should a caller forget it, nothing is lost here.
    if part in ("", ".", "..") or "/" in part or "\0" in part:
        raise BadInput("A name inside a folder is no path.")


def open_file(directory: int, name: str, what: str) -> int:
    """A descriptor of a regular file; nothing else is ever opened."""
    with told(what):
        _check_regular(os.stat(name, dir_fd=directory, follow_symlinks=False), what)
        fd = os.open(name, _FILE, dir_fd=directory)
    try:
        _check_regular(os.fstat(fd), what)
    except BaseException:
        os.close(fd)
        raise
    return fd


def _check_regular(status: os.stat_result, what: str) -> None:
    if not stat.S_ISREG(status.st_mode):
        raise NotAFile(f"{what} is no file that can be opened. Links are shown, never followed.")


def entry_at(directory: int, name: str) -> Entry:
    """What lies under ``name``; a link is itself, not what it points to."""
    return entry_of(name, os.stat(name, dir_fd=directory, follow_symlinks=False))


def entry_of(name: str, status: os.stat_result) -> Entry:
    """An entry from its status. A name that is no text is shown with marks, as ``other``."""
    readable = name if name.isascii() else _with_marks(name)
    return Entry(
        name=readable,
        kind=kind_of(status.st_mode) if readable == name else EntryKind.OTHER,
        size=size_of(name, status),
        modified_at=_EPOCH + timedelta(microseconds=microseconds(status)),
        tag=f"{status.st_mtime_ns:x}-{status.st_size:x}-{status.st_ino:x}",
    )


def _with_marks(name: str) -> str:
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def size_of(name: str, status: os.stat_result) -> int | None:
    """The bytes that an entry shows; None for what is no file, or is shown as none."""
    is_text = name.isascii() or name == _with_marks(name)
    return status.st_size if stat.S_ISREG(status.st_mode) and is_text else None


def microseconds(status: os.stat_result) -> int:
    """When something was modified, since 1970; 0 where that has no date."""
    since = status.st_mtime_ns // 1000
    # Anybody may set any time; not every one of them has a date.
    return since if _FIRST <= since <= _LAST else 0


def kind_of(mode: int) -> EntryKind:
    """The kind that a file mode tells."""
    if stat.S_ISREG(mode):
        return EntryKind.FILE
    if stat.S_ISDIR(mode):
        return EntryKind.DIRECTORY
    return EntryKind.LINK if stat.S_ISLNK(mode) else EntryKind.OTHER


def rename_new(source_fd: int, source: str, target_fd: int, target: str) -> None:
    """Rename, failing with ``EEXIST`` if the target is there: decided by the kernel, no race."""
    if _renameat2 is not None:
        done = _renameat2(
            source_fd, os.fsencode(source), target_fd, os.fsencode(target), _RENAME_NOREPLACE
        )
        if done == 0:
            return
        number = ctypes.get_errno()
        if number not in _MAY_BE_UNSUPPORTED:
            raise OSError(number, os.strerror(number), target)
    rename_new_portably(source_fd, source, target_fd, target)


def rename_new_portably(source_fd: int, source: str, target_fd: int, target: str) -> None:
    """`rename_new` where the file system knows no ``RENAME_NOREPLACE``."""
    status = os.stat(source, dir_fd=source_fd, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode):
        os.link(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd, follow_symlinks=False)
        os.unlink(source, dir_fd=source_fd)
        return
    # A directory replaces an empty one: so make that one ourselves, which fails if it is there.
    os.mkdir(target, 0o700, dir_fd=target_fd)
    try:
        os.rename(source, target, src_dir_fd=source_fd, dst_dir_fd=target_fd)
    except OSError:
        with suppress(OSError):
            os.rmdir(target, dir_fd=target_fd)
        raise


def shown(parts: Parts) -> str:
    """A place as messages name it."""
    return "/".join(parts) if parts else "folder"
