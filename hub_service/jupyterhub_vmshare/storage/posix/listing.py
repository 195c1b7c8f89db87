"""Pages of large directories: by name from a bounded cache, by size and time in one pass each.

A page begins after a place in the order, not after a number of entries: what comes, goes or changes
between two pages moves nothing else. By size and time nothing is kept, since a directory's stamp
does not tell that a file in it has grown; a pass holds no more than the page.
"""

from __future__ import annotations

import base64
import binascii
import heapq
import os
import threading
import time
from bisect import bisect_left, bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from itertools import chain, islice
from typing import NamedTuple

from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.storage.port import Entry, EntryPage, PageWanted
from jupyterhub_vmshare.storage.posix.tree import entry_at, microseconds, size_of
from jupyterhub_vmshare.words import EntryOrder

MOST_OF_ONE = 50_000
_MOST_CACHED_NAMES = 150_000
# A directory changed this recently may change again within one tick of its clock, and its time
# stamp would not tell: such a listing is not kept (git calls these files "racy").
_SETTLED_NS = 2_000_000_000

Stamp = tuple[int, int, int, int]


class Row(NamedTuple):
    """One name in the order of the listing."""

    rank: int
    value: int
    """Its size or time, negative where the largest comes first; by name 0."""
    folded: str
    name: str


_FIRST_FILE = (1,)


class Listings:
    """Sorted names of directories, kept as long as the directory's own stamp stays the same.

    ``stamp`` reads it: device, inode, time of the last change, time of the last status change.
    """

    def __init__(self, stamp: Callable[[int], Stamp] | None = None) -> None:
        self._stamp = stamp or _stamp
        self._kept: OrderedDict[Stamp, list[Row]] = OrderedDict()
        self._names = 0
        self._lock = threading.Lock()

    def page(self, directory: int, wanted: PageWanted) -> EntryPage:
        """One page of the directory open as ``directory``."""
        start = _row_of_cursor(wanted.after, wanted) if wanted.after is not None else None
        rows = self._rows(directory, start, wanted)
        more = rows[wanted.limit - 1] if len(rows) > wanted.limit else None
        return EntryPage(
            items=tuple(_entries(directory, rows[: wanted.limit])),
            next=_cursor(more, wanted) if more else None,
        )

    def _rows(self, directory: int, start: Row | None, wanted: PageWanted) -> Sequence[Row]:
        """The page's rows, and one more if there is one."""
        if wanted.order is not EntryOrder.NAME:
            return _first_of(_measured(directory, wanted), start, wanted)
        stamp = self._stamp(directory)
        rows = self._recall(stamp)
        if rows is None:
            scanned = _scan(directory)
            first = list(islice(scanned, MOST_OF_ONE + 1))
            if len(first) > MOST_OF_ONE:
                # Too many to keep: one pass, holding no more than a page.
                return _first_of(chain(first, scanned), start, wanted)
            rows = sorted(first)
            if self._stamp(directory) == stamp and time.time_ns() - stamp[2] > _SETTLED_NS:
                self._keep(stamp, rows)
        walked = _walked_back(rows, start) if wanted.descending else _walked(rows, start)
        needle = wanted.matching.casefold()
        return list(islice((row for row in walked if needle in row.folded), wanted.limit + 1))

    def _recall(self, stamp: Stamp) -> list[Row] | None:
        with self._lock:
            if stamp in self._kept:
                self._kept.move_to_end(stamp)
            return self._kept.get(stamp)

    def _keep(self, stamp: Stamp, rows: list[Row]) -> None:
        with self._lock:
            if stamp in self._kept:
                return
            self._kept[stamp] = rows
            self._names += len(rows)
            while self._names > _MOST_CACHED_NAMES:
                _, dropped = self._kept.popitem(last=False)
                self._names -= len(dropped)


def _stamp(directory: int) -> Stamp:
    status = os.fstat(directory)
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_ctime_ns


def _scan(directory: int) -> Iterator[Row]:
    with os.scandir(directory) as found:
        for entry in found:
            yield _row(entry, 0)


def _measured(directory: int, wanted: PageWanted) -> Iterator[Row]:
    """What the page is to be chosen from, with its size or time as the entry shows it."""
    value = _size if wanted.order is EntryOrder.SIZE else _time
    sign = -1 if wanted.descending else 1
    with os.scandir(directory) as found:
        for entry in found:
            with suppress(FileNotFoundError):  # removed since its name was read
                yield _row(entry, sign * value(entry))


def _row(entry: os.DirEntry[str], value: int) -> Row:
    rank = 0 if entry.is_dir(follow_symlinks=False) else 1
    return Row(rank, value, entry.name.casefold(), entry.name)


def _size(entry: os.DirEntry[str]) -> int:
    return size_of(entry.name, entry.stat(follow_symlinks=False)) or 0


def _time(entry: os.DirEntry[str]) -> int:
    return microseconds(entry.stat(follow_symlinks=False))


def _walked(rows: list[Row], start: Row | None) -> Iterator[Row]:
    return islice(rows, bisect_right(rows, start) if start else 0, None)


def _walked_back(rows: list[Row], start: Row | None) -> Iterator[Row]:
    """The last directory to the first, then the last file to the first."""
    border = bisect_left(rows, _FIRST_FILE)
    end = bisect_left(rows, start) if start else border
    in_files = start is not None and start.rank > 0
    directories, files = (
        range(0 if in_files else end),
        range(border, end if in_files else len(rows)),
    )
    return (rows[place] for place in chain(reversed(directories), reversed(files)))


def _first_of(rows: Iterator[Row], start: Row | None, wanted: PageWanted) -> list[Row]:
    """The page's rows and one more, of rows in no order; holds no more than these."""
    needle, count = wanted.matching.casefold(), wanted.limit + 1
    fitting = (row for row in rows if needle in row.folded)
    if wanted.order is EntryOrder.NAME and wanted.descending:
        left = (row for row in fitting if start is None or _back(row) < _back(start))
        return heapq.nlargest(count, left, key=_back)
    return heapq.nsmallest(count, (row for row in fitting if start is None or row > start))


def _back(row: Row) -> tuple[int, str, str]:
    """A key of which the largest is the last name among the directories."""
    return -row.rank, row.folded, row.name


def _entries(directory: int, rows: Sequence[Row]) -> Iterator[Entry]:
    for row in rows:
        with suppress(FileNotFoundError):  # removed since the names were read
            yield entry_at(directory, row.name)


def _cursor(row: Row, wanted: PageWanted) -> str:
    head = f"{_mark(wanted)}{row.rank}{row.value}/".encode()
    return base64.urlsafe_b64encode(head + os.fsencode(row.name)).decode()


def _row_of_cursor(cursor: str, wanted: PageWanted) -> Row:
    mark = _mark(wanted).encode()
    try:
        head, _, rest = base64.urlsafe_b64decode(cursor.encode("ascii")).partition(b"/")
        if not head.startswith(mark):
            raise ValueError
        rank, value, name = int(head[1:2]), int(head[2:]), os.fsdecode(rest)
    except (ValueError, binascii.Error):
        raise BadInput(
            "This page's cursor was not made by this service, or in another order."
        ) from None
    return Row(rank, value, name.casefold(), name)


def _mark(wanted: PageWanted) -> str:
    """Tells the orders apart."""
    first = wanted.order.value[0]
    return first.upper() if wanted.descending else first
