"""Pages of large directories, from a bounded cache of sorted names."""

from __future__ import annotations

import base64
import binascii
import heapq
import os
import threading
import time
from bisect import bisect_right
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from itertools import chain, islice
from typing import NamedTuple

from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.storage.port import Entry, EntryPage
from jupyterhub_vmshare.storage.posix.tree import entry_at

MOST_OF_ONE = 50_000
_MOST_CACHED_NAMES = 150_000
# A directory changed this recently may change again within one tick of its clock, and its time
# stamp would not tell: such a listing is not kept (git calls these files "racy").
_SETTLED_NS = 2_000_000_000

Stamp = tuple[int, int, int, int]


class Row(NamedTuple):
    """One name in the order of the listing."""

    rank: int
    folded: str
    name: str


class Listings:
    """Sorted names of directories, kept as long as the directory's own stamp stays the same.

    ``stamp`` reads it: device, inode, time of the last change, time of the last status change.
    """

    def __init__(self, stamp: Callable[[int], Stamp] | None = None) -> None:
        self._stamp = stamp or _stamp
        self._kept: OrderedDict[Stamp, list[Row]] = OrderedDict()
        self._names = 0
        self._lock = threading.Lock()

    def page(self, directory: int, after: str | None, limit: int, matching: str) -> EntryPage:
        """One page of the directory open as ``directory``."""
        start = _row_of_cursor(after) if after is not None else None
        rows = self._rows(directory, start, limit, matching.casefold())
        more = rows[limit - 1] if len(rows) > limit else None
        return EntryPage(
            items=tuple(_entries(directory, rows[:limit])),
            next=_cursor(more) if more else None,
        )

    def _rows(self, directory: int, start: Row | None, limit: int, needle: str) -> Sequence[Row]:
        """The page's rows, and one more if there is one."""
        stamp = self._stamp(directory)
        rows = self._recall(stamp)
        if rows is None:
            scanned = _scan(directory)
            first = list(islice(scanned, MOST_OF_ONE + 1))
            if len(first) > MOST_OF_ONE:
                # Too many to keep: one pass, holding no more than a page.
                return _smallest(chain(first, scanned), start, limit + 1, needle)
            rows = sorted(first)
            if self._stamp(directory) == stamp and time.time_ns() - stamp[2] > _SETTLED_NS:
                self._keep(stamp, rows)
        begin = bisect_right(rows, start) if start else 0
        fitting = (row for row in islice(rows, begin, None) if needle in row.folded)
        return list(islice(fitting, limit + 1))

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
            rank = 0 if entry.is_dir(follow_symlinks=False) else 1
            yield Row(rank, entry.name.casefold(), entry.name)


def _smallest(rows: Iterator[Row], start: Row | None, count: int, needle: str) -> list[Row]:
    fitting = (row for row in rows if needle in row.folded and (start is None or row > start))
    return heapq.nsmallest(count, fitting)


def _entries(directory: int, rows: Sequence[Row]) -> Iterator[Entry]:
    for row in rows:
        try:
            yield entry_at(directory, row.name)
        except FileNotFoundError:
            continue  # removed since the names were read


def _cursor(row: Row) -> str:
    return base64.urlsafe_b64encode(b"%d" % row.rank + os.fsencode(row.name)).decode()


def _row_of_cursor(cursor: str) -> Row:
    try:
        raw = base64.urlsafe_b64decode(cursor.encode("ascii"))
        name = os.fsdecode(raw[1:])
        return Row(int(raw[:1]), name.casefold(), name)
    except (ValueError, binascii.Error):
        raise BadInput("This page's cursor was not made by this service.") from None
