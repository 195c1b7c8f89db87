"""Many files as one zip archive, made as it is read: nothing of it is ever stored or held.

What is in memory is one piece of one file and, for each member, its line in the list at the
archive's end. Links are never followed, so they are left out, as is what is no file, what has no
name in Unicode, and what went away meanwhile; the last member of the archive says so.
"""

from __future__ import annotations

import io
import os
import stat
import struct
import threading
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from stream_zip import ZIP_64, stream_zip

from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.storage.port import EntryKind, Parts
from jupyterhub_vmshare.storage.posix.handles import Threads
from jupyterhub_vmshare.storage.posix.tree import (
    entry_of,
    kind_of,
    open_file,
    opened,
    parent_of,
    shown,
)

LEFT_OUT: Final = "(left out).txt"

# Of a stored block of Deflate: a byte, and twice its length. Eight of them, and all pieces of a
# file but its last are as long as the archive's own, so that none is cut and put together again.
_BLOCK_HEAD: Final = struct.Struct("<BHH")
_BLOCK: Final = (64 << 10) - _BLOCK_HEAD.size
_BLOCKS: Final = 8
_READ: Final = _BLOCKS * _BLOCK
_PIECE: Final = _BLOCKS * (_BLOCK + _BLOCK_HEAD.size)
_MOST_NAMED: Final = 1000
# Zip archives know no earlier times, and some who unpack them no later ones.
_FIRST, _LAST = datetime(1980, 1, 1, tzinfo=UTC), datetime(2038, 1, 1, tzinfo=UTC)

Member = tuple[str, datetime, int, Any, Iterable[bytes]]


class PosixArchive:
    """An archive to be read once, from its beginning to its end. ``top`` is closed with it."""

    def __init__(self, threads: Threads, top: int, places: Sequence[Parts]) -> None:
        self._threads = threads
        self._top = top
        self._pieces = _zipped(_Walk(top, places).members())
        self._lock = threading.Lock()
        self._closed = False

    async def read(self) -> bytes:
        """The next bytes, about half a MiB; empty at the end."""
        return await self._threads.run(self._read)

    def _read(self) -> bytes:
        found: list[bytes] = []
        size = 0
        with self._lock:
            while not self._closed and size < _PIECE:
                piece = next(self._pieces, None)
                if piece is None:
                    break
                found.append(piece)
                size += len(piece)
        return b"".join(found)

    async def close(self) -> None:
        """Read no more. May be called twice."""
        await self._threads.finish(self.close_now)

    def close_now(self) -> None:
        """`close`, in this thread."""
        with self._lock:
            if not self._closed:
                self._closed = True
                self._pieces.close()
                os.close(self._top)


def _zipped(members: Iterable[Member]) -> Any:
    squeezing_nothing: Any = _Stored
    return stream_zip(members, chunk_size=_PIECE, get_compressobj=squeezing_nothing)


class _Stored:
    """What ``zlib.compressobj`` gives for level 0, with one copy of each byte instead of four.

    Stored, not squeezed: most data is squeezed already, and a zip of text is no slower so. As
    blocks of Deflate (RFC 1951, 3.2.4), because only Deflate says by itself where it ends.
    """

    def compress(self, data: bytes) -> bytes:
        """The same bytes, in blocks."""
        whole = memoryview(data)
        parts: list[bytes | memoryview] = []
        for start in range(0, len(data), _BLOCK):
            block = whole[start : start + _BLOCK]
            parts += [_BLOCK_HEAD.pack(0, len(block), len(block) ^ 0xFFFF), block]
        return b"".join(parts)

    def flush(self) -> bytes:
        """The last block, an empty one."""
        return _BLOCK_HEAD.pack(1, 0, 0xFFFF)


class _Walk:
    """What lies at some places of a tree and below them, and what of it is left out."""

    def __init__(self, top: int, places: Sequence[Parts]) -> None:
        self._top = top
        self._places = outermost(places)
        self._skipped = len(common_parent(self._places))
        self._left_out: list[str] = []
        self._uncounted = 0

    def members(self) -> Iterator[Member]:
        """Every directory and file, then a note if something is left out."""
        below: list[Parts] = []
        for place in self._places:
            if place == ():
                below.append(place)
            else:
                yield from self._place(place, below)
        while below:
            yield from self._directory(below.pop(), below)
        if self._left_out:
            yield _note(self._told(), self._taken())

    def _place(self, place: Parts, below: list[Parts]) -> Iterator[Member]:
        try:
            with parent_of(self._top, place) as (directory, name):
                yield from self._member(directory, name, place, below)
        except VMShareError:
            self._leave_out(place, "went away meanwhile")

    def _directory(self, place: Parts, below: list[Parts]) -> Iterator[Member]:
        try:
            # Descended anew for each directory: one descriptor is open, however deep it is.
            with opened(self._top, place) as directory:
                for name in sorted(os.listdir(directory)):
                    yield from self._member(directory, name, (*place, name), below)
        except VMShareError:
            self._leave_out(place, "went away meanwhile")

    def _member(
        self, directory: int, name: str, place: Parts, below: list[Parts]
    ) -> Iterator[Member]:
        try:
            status = os.stat(name, dir_fd=directory, follow_symlinks=False)
        except FileNotFoundError:
            return self._leave_out(place, "went away meanwhile")
        entry, shown_as = entry_of(name, status), "/".join(place[self._skipped :])
        if kind_of(status.st_mode) is EntryKind.LINK:
            return self._leave_out(place, "is a link, and links are never followed")
        if entry.kind is EntryKind.DIRECTORY:
            below.append(place)
            modified = _within(entry.modified_at)
            yield f"{shown_as}/", modified, stat.S_IFDIR | 0o755, ZIP_64, ()
        elif entry.kind is EntryKind.FILE:
            yield from self._file(directory, place, shown_as, status)
        else:
            self._leave_out(place, "is no file, or its name is not Unicode")
        return None

    def _file(
        self, directory: int, place: Parts, shown_as: str, status: os.stat_result
    ) -> Iterator[Member]:
        try:
            file = io.FileIO(open_file(directory, place[-1], shown(place)))
        except (VMShareError, OSError):
            return self._leave_out(place, "can't be read, or went away meanwhile")
        with file:
            entry = entry_of(place[-1], os.fstat(file.fileno()))
            mode = stat.S_IFREG | (0o755 if status.st_mode & 0o100 else 0o644)
            pieces = _pieces(file, entry.size or 0)
            yield shown_as, _within(entry.modified_at), mode, ZIP_64, pieces
        return None

    def _leave_out(self, place: Parts, why: str) -> None:
        if len(self._left_out) >= _MOST_NAMED:
            self._uncounted += 1
            return
        name = "/".join(place).encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        self._left_out.append(f"{name!r} {why}.\n")

    def _told(self) -> str:
        more = f"… and {self._uncounted} more.\n" if self._uncounted else ""
        return "These are not in the archive:\n\n" + "".join(self._left_out) + more

    def _taken(self) -> frozenset[str]:
        # Only what lies at the archive's top could have the note's name.
        if self._places == ((),):
            return frozenset(os.listdir(self._top))
        return frozenset(place[-1] for place in self._places)


def _pieces(file: io.FileIO, size: int) -> Iterator[bytes]:
    """No more than there was: a file that grows would never end."""
    done = 0
    while done < size and (piece := file.read(min(_READ, size - done))):
        done += len(piece)
        yield piece


def _note(text: str, taken: frozenset[str]) -> Member:
    name = LEFT_OUT
    while name in taken:
        name = f"_{name}"
    return name, datetime.now(UTC), stat.S_IFREG | 0o644, ZIP_64, (text.encode(),)


def _within(moment: datetime) -> datetime:
    return min(max(moment, _FIRST), _LAST)


def outermost(places: Iterable[Parts]) -> tuple[Parts, ...]:
    """The places, each once, without those that lie inside another one."""
    found: list[Parts] = []
    for place in sorted(set(places)):
        # Sorted, whatever holds this one comes before it, and the last one kept is the nearest.
        if not found or place[: len(found[-1])] != found[-1]:
            found.append(place)
    return tuple(found)


def common_parent(places: Sequence[Parts]) -> Parts:
    """The deepest directory that holds all of these; its own way is no part of an archive."""
    parents = [place[:-1] for place in places]
    first, last = min(parents), max(parents)
    same = 0
    while same < min(len(first), len(last)) and first[same] == last[same]:
        same += 1
    return first[:same]
