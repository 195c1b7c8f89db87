"""Which account a tree's bytes are charged to, and the counting of them.

The name of its account lies beside a tree's files, so that whoever opens the tree, the mount agent
too, needs to know nothing but the folder's id.
"""

from __future__ import annotations

import os
import re
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from typing import Final

from jupyterhub_vmshare.ids import ID_PATTERN
from jupyterhub_vmshare.storage.posix.accounts import Accounts
from jupyterhub_vmshare.storage.posix.tree import walked

ACCOUNT: Final = "account"
_FRESH: Final = ".account"
_ID: Final = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class Charge:
    """Where one tree's bytes are counted; without an ``account`` nowhere."""

    accounts: Accounts
    account: str | None
    tree: str

    def grow(self, growth: int, *, asked: int | None = None, forced: bool = False) -> None:
        """Count bytes that are about to come, or have gone. Raises `QuotaExceeded`, unless forced:
        what is there already is counted whatever the limit."""
        if self.account is not None:
            self.accounts.grow(self.account, self.tree, growth, asked=asked, forced=forced)


def account_of(home: int) -> str | None:
    """The account named in a folder's directory; None where there is none."""
    try:
        fd = os.open(ACCOUNT, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=home)
    except FileNotFoundError:
        return None
    try:
        name = os.read(fd, 64).decode("ascii", "replace").strip()
    finally:
        os.close(fd)
    return name if _ID.fullmatch(name) else None


def name_account(home: int, account: str) -> None:
    """Write the account's name down, at once and for good."""
    flags = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC
    fd = os.open(_FRESH, flags, 0o600, dir_fd=home)
    try:
        os.write(fd, account.encode())
        os.fsync(fd)
    finally:
        os.close(fd)
    os.rename(_FRESH, ACCOUNT, src_dir_fd=home, dst_dir_fd=home)
    os.fsync(home)


def forget_account(home: int) -> None:
    """Take the name away, as far as it is there."""
    for name in (_FRESH, ACCOUNT):
        with suppress(FileNotFoundError):
            os.unlink(name, dir_fd=home)


def charged(status: os.stat_result | None) -> int:
    """The bytes that go with a name: all of a file's, unless it has other names."""
    if status is None or not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        return 0
    return status.st_size


def bytes_named(directory: int, name: str) -> int:
    """The bytes that go with a name, and with all that is below it."""
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if not stat.S_ISDIR(status.st_mode):
        return charged(status)
    with walked(directory, (name,)) as top:
        return sum(map(charged, files_in(top)))


def bytes_in(top: int) -> int:
    """The bytes of a tree's files, each once however many names it has. Takes a long time."""
    linked: set[int] = set()
    total = 0
    for status in files_in(top):
        if status.st_nlink > 1:
            if status.st_ino in linked:
                continue
            linked.add(status.st_ino)
        total += status.st_size
    return total


def files_in(top: int) -> Iterator[os.stat_result]:
    """Every file of a tree."""
    for _, files in directories_in(top):
        yield from files.values()


def directories_in(top: int) -> Iterator[tuple[tuple[str, ...], dict[str, os.stat_result]]]:
    """Every directory, and the files in it; a directory is opened from the top each time, so that
    any depth needs few descriptors, and one that was moved meanwhile is passed over."""
    waiting: list[tuple[str, ...]] = [()]
    while waiting:
        at = waiting.pop()
        files = {}
        with suppress(FileNotFoundError, NotADirectoryError), walked(top, at) as here:
            for name in os.listdir(here):
                with suppress(FileNotFoundError):
                    status = os.stat(name, dir_fd=here, follow_symlinks=False)
                    if stat.S_ISDIR(status.st_mode):
                        waiting.append((*at, name))
                    elif stat.S_ISREG(status.st_mode):
                        files[name] = status
        yield at, files
