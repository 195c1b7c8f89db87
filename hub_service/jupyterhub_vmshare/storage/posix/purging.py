"""Removing trees of any size: constant memory, any depth, and taken up again after a crash.

A retired tree lies in the store's area ``gone``. A directory found inside one is first moved up
into the area itself, so there is no recursion: every directory there holds files to unlink and
directories to move up, and is then empty. Whatever a crash leaves lies there still.
"""

from __future__ import annotations

import errno
import os
import secrets
import stat
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from itertools import islice

from jupyterhub_vmshare.storage.posix.tree import walked


def purge_some(area: int, most: int) -> bool:
    """Remove about ``most`` entries from the area; whether something is left."""
    budget = most
    with os.scandir(area) as found:
        for tree in found:
            if budget <= 0:
                return True
            budget -= _thin_out(area, tree.name, budget)
    return _anything_in(area)


def _thin_out(area: int, name: str, budget: int) -> int:
    """Take up to ``budget`` entries out of one directory, and remove it once it is empty."""
    with suppress(FileNotFoundError):
        if not stat.S_ISDIR(os.stat(name, dir_fd=area, follow_symlinks=False).st_mode):
            os.unlink(name, dir_fd=area)
            return 1
        # Whatever mode somebody gave it: in here it is ours alone, and nobody swaps it.
        os.chmod(name, 0o700, dir_fd=area)
        with walked(area, (name,)) as directory:
            done = _take_out_some(area, directory, budget)
        with _may_be_otherwise():
            os.rmdir(name, dir_fd=area)
        return done + 1
    return 0


def _take_out_some(area: int, directory: int, budget: int) -> int:
    with os.scandir(directory) as found:
        return sum(1 for entry in islice(found, budget) if _take_out(area, directory, entry))


def _take_out(area: int, directory: int, entry: os.DirEntry[str]) -> bool:
    with suppress(FileNotFoundError):
        if entry.is_dir(follow_symlinks=False):
            os.rename(entry.name, fresh_name(), src_dir_fd=directory, dst_dir_fd=area)
        else:
            os.unlink(entry.name, dir_fd=directory)
    return True


def fresh_name() -> str:
    """A name in the area that nothing has."""
    return secrets.token_hex(16)


def _anything_in(area: int) -> bool:
    with os.scandir(area) as found:
        return next(found, None) is not None


@contextmanager
def _may_be_otherwise() -> Iterator[None]:
    """Somebody else (a second service on one store) may have been faster, or more is in it."""
    try:
        yield
    except OSError as error:
        if error.errno not in (errno.ENOENT, errno.ENOTEMPTY, errno.EEXIST):
            raise
