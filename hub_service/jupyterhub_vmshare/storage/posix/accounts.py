"""Accounts: how many bytes an owner's trees hold together, and how many they may.

One small file an account, in the store, which everybody who changes a tree changes with it: this
service, its replicas, and the guard of every node (``guard/src/account.c`` has the same layout).
A change holds the file's lock and writes one record at once, so that whoever is killed leaves
whole numbers. Nobody asks anybody: mounts are held to the limit also while the service is away.

A header, then a record for each tree. All numbers are unsigned and little-endian::

    0  magic  "VMSACCT1"          0  the tree's id, ended by zeros; all zeros: free
    8  limit  2**64 - 1: none    32  used   bytes of its files
                                 40  moved  bytes that ever came or went
"""

from __future__ import annotations

import os
import re
import struct
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fcntl import LOCK_EX, LOCK_SH, flock
from typing import Final

from jupyterhub_vmshare.errors import QuotaExceeded
from jupyterhub_vmshare.ids import ID_PATTERN

MAGIC: Final = b"VMSACCT1"
SIZE: Final = 64
NO_LIMIT: Final = 2**64 - 1
_HEADER: Final = struct.Struct("<8sQ48x")
_RECORD: Final = struct.Struct("<32sQQ16x")
_NUMBERS: Final = struct.Struct("<QQ")
_NUMBERS_AT: Final = 32
_OPEN: Final = os.O_RDWR | os.O_NOFOLLOW | os.O_CLOEXEC
_ID: Final = re.compile(ID_PATTERN)


@dataclass(frozen=True, slots=True)
class Record:
    """One tree's bytes. ``moved`` tells how much came and went between two looks."""

    at: int
    used: int
    moved: int


@dataclass(frozen=True, slots=True)
class Account:
    """What an account says at one moment; ``limit`` None: as much as the store has room for."""

    limit: int | None
    trees: dict[str, Record]

    @property
    def used(self) -> int:
        """Bytes of all its trees."""
        return sum(record.used for record in self.trees.values())

    @property
    def left(self) -> int | None:
        """What may still come; None: whatever the store has room for."""
        return None if self.limit is None else max(0, self.limit - self.used)


class Accounts:
    """The files of all accounts, in the directory open as ``area``."""

    def __init__(self, area: int) -> None:
        self._area = area

    def set_limit(self, account: str, limit: int | None) -> None:
        """How many bytes there may be from now on; what is there already stays. Makes the file."""
        with self._locked(account, make=True) as fd:
            os.pwrite(fd, _HEADER.pack(MAGIC, NO_LIMIT if limit is None else limit), 0)
            os.fsync(fd)

    def look(self, account: str) -> Account:
        """How it stands. One that nobody has made is empty and without a limit."""
        try:
            with self._locked(account, LOCK_SH) as fd:
                return _read(fd)
        except FileNotFoundError:
            return Account(None, {})

    def add(self, account: str, tree: str, used: int) -> None:
        """Have a tree counted here; one that is here already is left as it is."""
        with self._locked(account, make=True) as fd:
            if tree not in _read(fd).trees:
                # Somewhere nobody is: past the end, or where a tree has gone from.
                os.pwrite(fd, _RECORD.pack(tree.encode(), used, 0), _free_place(fd))

    def remove(self, account: str, tree: str) -> int:
        """Count a tree here no more; the bytes that it had."""
        with self._locked(account, make=True) as fd:
            record = _read(fd).trees.get(tree)
            if record is None:
                return 0
            os.pwrite(fd, bytes(SIZE), record.at)
            if record.at + SIZE == os.fstat(fd).st_size:
                os.ftruncate(fd, record.at)
            return record.used

    def grow(
        self,
        account: str,
        tree: str,
        growth: int,
        *,
        asked: int | None = None,
        forced: bool = False,
    ) -> None:
        """Count so many bytes more (or fewer).

        Args:
            account: Whose.
            tree: In which tree.
            growth: Bytes that are about to come, or have gone.
            asked: What to tell the person that they asked for, where that is more.
            forced: They are there already, so count them whatever the limit.

        Raises:
            QuotaExceeded: there is no room; nothing was counted.
        """
        if growth == 0:
            return
        with self._locked(account, make=True) as fd:
            found = _read(fd)
            most = found.left
            if growth > 0 and not forced and most is not None and growth > most:
                raise QuotaExceeded("bytes", max(asked or 0, growth), most)
            if (record := found.trees.get(tree)) is not None:
                _write(fd, record, max(0, record.used + growth), abs(growth))

    def demand(self, account: str, size: int) -> None:
        """Raise `QuotaExceeded` where there is no room for so many bytes just now."""
        left = self.look(account).left
        if left is not None and size > left:
            raise QuotaExceeded("bytes", size, left)

    def correct(self, account: str, tree: str, before: Record, counted: int) -> None:
        """Believe what a walk through the tree has counted since ``before`` was read.

        What came and went meanwhile may be in the count or not; only what lies beyond that is a
        mistake, and is mended.
        """
        with self._locked(account) as fd:
            record = _read(fd).trees.get(tree)
            if record is None:
                return
            unsure = record.moved - before.moved
            over = counted - record.used
            if abs(over) > unsure:
                mended = over - unsure if over > 0 else over + unsure
                _write(fd, record, max(0, record.used + mended), 0)

    @contextmanager
    def _locked(self, account: str, how: int = LOCK_EX, *, make: bool = False) -> Iterator[int]:
        if not _ID.fullmatch(account):  # the one place where an account's id becomes a name
            raise FileNotFoundError(account)
        flags = _OPEN | os.O_CREAT if make else _OPEN
        # Opened anew each time: a lock belongs to one opening, and so keeps threads apart as well.
        fd = os.open(account, flags, 0o600, dir_fd=self._area)
        try:
            flock(fd, how)
            if make and os.fstat(fd).st_size < SIZE:
                os.pwrite(fd, _HEADER.pack(MAGIC, NO_LIMIT), 0)
            yield fd
        finally:
            os.close(fd)


def _read(fd: int) -> Account:
    content = os.pread(fd, os.fstat(fd).st_size, 0)
    if len(content) < SIZE:
        return Account(None, {})
    magic, limit = _HEADER.unpack_from(content)
    if magic != MAGIC:
        raise ValueError("an account's file in the store is damaged")
    trees = {}
    for at in range(SIZE, len(content) - SIZE + 1, SIZE):
        tree, used, moved = _RECORD.unpack_from(content, at)
        if name := tree.rstrip(b"\0"):
            trees[name.decode("ascii", "replace")] = Record(at, used, moved)
    return Account(None if limit == NO_LIMIT else limit, trees)


def _write(fd: int, record: Record, used: int, moved: int) -> None:
    numbers = _NUMBERS.pack(used, (record.moved + moved) % 2**64)
    os.pwrite(fd, numbers, record.at + _NUMBERS_AT)


def _free_place(fd: int) -> int:
    end = os.fstat(fd).st_size
    for at in range(SIZE, end - SIZE + 1, SIZE):
        if os.pread(fd, 1, at) == b"\0":
            return at
    return end - end % SIZE
