"""Files open for reading, and files under way.

Work runs in threads. A request that is cancelled does not stop its thread, so a descriptor is
closed under the same lock that its last read or write holds: otherwise the number could be given
to another file while a read is still on its way to it.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
import secrets
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from typing import TypeVar

from jupyterhub_vmshare.ids import ID_PATTERN
from jupyterhub_vmshare.storage.port import Entry
from jupyterhub_vmshare.storage.posix.charging import Charge
from jupyterhub_vmshare.storage.posix.tree import told

Result = TypeVar("Result")

_DRAFT = re.compile(rf"\.vmshare-(?P<tree>{ID_PATTERN})-(?P<instead_of>[0-9]{{1,19}})-[0-9a-f]+")
_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Pieces from the network are small; one hop to a thread for each would cost more than the write.
_BATCH = 1 << 20
_AT_ONCE = 64


class Threads:
    """A pool of its own, so that a slow disk starves nothing else in the process."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="store")

    def begin(self, work: Callable[[], Result]) -> asyncio.Future[Result]:
        """Have ``work`` done in a thread."""
        return asyncio.get_running_loop().run_in_executor(self._pool, work)

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of ``work``, done in a thread."""
        return await self.begin(work)

    async def obtain(
        self, work: Callable[[], Result], give_back: Callable[[Result], None]
    ) -> Result:
        """Like `run`, for what must be given back: also when the caller is cancelled meanwhile."""
        future = asyncio.get_running_loop().run_in_executor(self._pool, work)
        try:
            return await asyncio.shield(future)
        except asyncio.CancelledError:
            future.add_done_callback(lambda done: self._give_back(done, give_back))
            raise

    def _give_back(self, done: asyncio.Future[Result], give_back: Callable[[Result], None]) -> None:
        if not done.cancelled() and done.exception() is None:
            give_back(done.result())

    async def finish(self, work: Callable[[], Result]) -> Result:
        """Like `run`, but done even if the caller is cancelled meanwhile."""
        return await asyncio.shield(asyncio.ensure_future(self.run(work)))

    def close(self) -> None:
        """Let running work end and start no more."""
        self._pool.shutdown(wait=True, cancel_futures=True)


class PosixReading:
    """A regular file open for reading."""

    def __init__(self, threads: Threads, fd: int, entry: Entry) -> None:
        self.entry = entry
        self._threads = threads
        self._file = io.FileIO(fd, "r")
        self._lock = threading.Lock()

    async def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset``; empty at the end of the file."""
        return await self._threads.run(lambda: self._read(offset, size))

    def _read(self, offset: int, size: int) -> bytes:
        with self._lock:
            return os.pread(self._file.fileno(), size, offset)

    async def close(self) -> None:
        """Give the file back."""
        await self._threads.finish(self.close_now)

    def close_now(self) -> None:
        """`close`, in this thread."""
        with self._lock:
            self._file.close()


class Draft:
    """A temporary file in one of the store's private areas, locked while it is being written.

    What is written after it was dropped goes nowhere: a client may vanish between two writes.
    Its bytes are counted before they come, beyond those of the file that it is to take the place
    of (``instead_of``).
    """

    def __init__(
        self,
        area: int,
        name: str,
        file: io.FileIO,
        charge: Charge,
        instead_of: int = 0,
        asked: int = 0,
    ) -> None:
        self.area = area
        self.name = name
        self.file = file
        self._charge, self._instead_of, self._asked = charge, instead_of, asked
        # What it has by now was counted when it came.
        self._size = os.fstat(file.fileno()).st_size
        self._counted = max(0, self._size - instead_of)
        self._gone = False

    @classmethod
    def fresh(cls, area: int, charge: Charge, instead_of: int = 0, asked: int = 0) -> Draft:
        """An empty one, under a name that says what is counted, for whoever finds it after a
        crash."""
        name = f".vmshare-{charge.tree}-{instead_of}-{secrets.token_hex(16)}"
        with told("upload"):
            file = io.FileIO(os.open(name, _NEW_FILE, 0o600, dir_fd=area), "w")
        flock(file, LOCK_EX | LOCK_NB)
        return cls(area, name, file, charge, instead_of, asked)

    def append(self, pieces: Sequence[bytes]) -> None:
        """Write all of this, or, where that is refused, nothing of it."""
        if self._gone:
            return
        before = self._size
        self.count_to(before + sum(map(len, pieces)))
        try:
            self.put(pieces)
        except BaseException:
            os.ftruncate(self.file.fileno(), before)
            self.file.seek(before)
            self.count_to(before)
            raise

    def put(self, pieces: Sequence[bytes]) -> None:
        """Write what is counted already."""
        # Copied together only where the kernel would not take so many at once.
        at_once = pieces if len(pieces) <= _AT_ONCE else [b"".join(pieces)]
        rest = [memoryview(piece) for piece in at_once]
        with told("upload"):
            while rest:
                done = os.writev(self.file.fileno(), rest)
                while rest and done >= len(rest[0]):
                    done -= len(rest.pop(0))
                if done:
                    rest[0] = rest[0][done:]

    def count_to(self, size: int) -> None:
        """Count it as so large from now on. Raises `QuotaExceeded`, and then counts as before."""
        counted = max(0, size - self._instead_of)
        self._charge.grow(counted - self._counted, asked=self._asked)
        self._size, self._counted = size, counted

    @property
    def size(self) -> int:
        """How large it is, or is about to be."""
        return self._size

    def sync(self) -> int:
        """Bring it to the disk; how large it is there."""
        if not self._gone:
            with told("upload"):
                os.fsync(self.file.fileno())
        return self._size

    def leave(self, replaced: int) -> None:
        """The file has its name now, and so many bytes went for it; nothing is left to remove."""
        self._gone = True
        self._charge.grow(self._size - replaced - self._counted, forced=True)
        self.file.close()

    def drop(self) -> None:
        """Remove it, unless it was given a name."""
        self.file.close()
        if not self._gone:
            self._gone = True
            with suppress(FileNotFoundError):
                os.unlink(self.name, dir_fd=self.area)
            self.uncount()

    def uncount(self) -> None:
        """Its bytes are gone."""
        self._charge.grow(-self._counted)
        self._counted = 0


class PosixWriting:
    """A file under way: a draft, and the way to publish it."""

    def __init__(
        self, threads: Threads, draft: Draft, publish: Callable[[Draft], tuple[Entry, bool]]
    ) -> None:
        self._threads = threads
        self._draft = draft
        self._publish = publish
        self._lock = threading.Lock()
        self._batch: list[bytes] = []
        self._batched = 0
        self._behind: asyncio.Future[None] | None = None
        self.replaced = False

    async def write(self, data: bytes) -> None:
        """Append. One batch is written while the next one comes: what it raises, that raises."""
        self._batch.append(data)
        self._batched += len(data)
        if self._batched >= _BATCH:
            await self._caught_up()
            batch = self._taken()
            self._behind = self._threads.begin(lambda: self._append(batch))
            self._behind.add_done_callback(_seen)

    def _append(self, batch: Sequence[bytes]) -> None:
        self._locked(lambda: self._draft.append(batch))

    def _taken(self) -> Sequence[bytes]:
        batch, self._batch, self._batched = self._batch, [], 0
        return batch

    async def _caught_up(self) -> None:
        behind, self._behind = self._behind, None
        if behind is not None:
            try:
                await behind
            except BaseException:
                # It would leave a gap.
                self._taken()
                raise

    async def _flush(self) -> None:
        await self._caught_up()
        batch = self._taken()
        await self._threads.run(lambda: self._append(batch))

    async def drop_rest(self) -> None:
        """Write no more of what came."""
        self._taken()
        behind, self._behind = self._behind, None
        if behind is not None:
            await asyncio.wait([behind])

    async def settle(self) -> int:
        """Bring everything written so far to the disk; how many bytes that is."""
        await self._flush()
        return await self._threads.run(lambda: self._locked(self._draft.sync))

    async def publish(self) -> Entry:
        """Give the settled file its name."""
        work = self._publish
        done = await self._threads.run(lambda: self._locked(lambda: work(self._draft)))
        entry, self.replaced = done
        return entry

    async def abandon(self) -> None:
        """Forget the file, unless it was published."""
        await self._threads.finish(self.abandon_now)

    def abandon_now(self) -> None:
        """`abandon`, in this thread."""
        self._locked(self._draft.drop)

    def _locked(self, work: Callable[[], Result]) -> Result:
        with self._lock:
            return work()


def _seen(behind: asyncio.Future[None]) -> None:
    """Who went before it was done asks no more how it went."""
    if not behind.cancelled():
        behind.exception()


def drafts_of(area: int, tree: str) -> int:
    """The bytes counted for drafts of a tree that are under way."""
    return sum(
        _counted_of(area, name)
        for name in os.listdir(area)
        if (match := _DRAFT.fullmatch(name)) is not None and match["tree"] == tree
    )


def _counted_of(area: int, name: str) -> int:
    match = _DRAFT.fullmatch(name)
    with suppress(FileNotFoundError):
        size = os.stat(name, dir_fd=area, follow_symlinks=False).st_size
        return max(0, size - int(match["instead_of"])) if match is not None else 0
    return 0


def sweep_drafts(area: int, older_than: float, uncount: Callable[[str, int], None]) -> None:
    """Remove drafts that nobody writes any more: unlocked, and older than a moment.

    Several services may share one store: a draft that another one is writing is locked, and one
    it has this moment made is young. ``uncount`` hears of which tree so many bytes have gone.
    """
    for name in os.listdir(area):
        with suppress(FileNotFoundError, BlockingIOError):
            if os.stat(name, dir_fd=area, follow_symlinks=False).st_mtime < older_than:
                counted = _counted_of(area, name)
                _remove_unlocked(area, name)
                if (match := _DRAFT.fullmatch(name)) is not None:
                    uncount(match["tree"], counted)


def _remove_unlocked(area: int, name: str) -> None:
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=area)
    try:
        flock(fd, LOCK_EX | LOCK_NB)
        os.unlink(name, dir_fd=area)
    finally:
        os.close(fd)
