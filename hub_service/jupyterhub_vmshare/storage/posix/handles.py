"""Files open for reading, and files under way.

Work runs in threads. A request that is cancelled does not stop its thread, so a descriptor is
closed under the same lock that its last read or write holds: otherwise the number could be given
to another file while a read is still on its way to it.
"""

from __future__ import annotations

import asyncio
import io
import os
import secrets
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from fcntl import LOCK_EX, LOCK_NB, flock
from typing import TypeVar

from jupyterhub_vmshare.storage.port import Entry
from jupyterhub_vmshare.storage.posix.tree import told

Result = TypeVar("Result")

_NEW_FILE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
# Pieces from the network are small; one hop to a thread for each would cost more than the write.
_BATCH = 1 << 20


class Threads:
    """A pool of its own, so that a slow disk starves nothing else in the process."""

    def __init__(self, count: int) -> None:
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="store")

    async def run(self, work: Callable[[], Result]) -> Result:
        """The result of ``work``, done in a thread."""
        return await asyncio.get_running_loop().run_in_executor(self._pool, work)

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
    """

    def __init__(self, area: int, name: str, file: io.FileIO) -> None:
        self.area = area
        self.name = name
        self.file = file
        self._gone = False

    @classmethod
    def fresh(cls, area: int) -> Draft:
        """An empty one under a name that nothing has."""
        name = f".vmshare-{secrets.token_hex(16)}"
        with told("upload"):
            file = io.FileIO(os.open(name, _NEW_FILE, 0o600, dir_fd=area), "w")
        flock(file, LOCK_EX | LOCK_NB)
        return cls(area, name, file)

    def append(self, data: bytes) -> None:
        """Write all of ``data``."""
        rest = memoryview(b"" if self._gone else data)
        with told("upload"):
            while rest:
                rest = rest[self.file.write(rest) :]

    def sync(self) -> None:
        """Bring it to the disk."""
        if self._gone:
            return
        with told("upload"):
            os.fsync(self.file.fileno())

    def leave(self) -> None:
        """The file has its name now; nothing is left to remove."""
        self._gone = True
        self.file.close()

    def drop(self) -> None:
        """Remove it, unless it was given a name."""
        self.file.close()
        if not self._gone:
            self._gone = True
            with suppress(FileNotFoundError):
                os.unlink(self.name, dir_fd=self.area)


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
        self.replaced = False

    async def write(self, data: bytes) -> None:
        """Append."""
        self._batch.append(data)
        self._batched += len(data)
        if self._batched >= _BATCH:
            await self._flush()

    async def _flush(self) -> None:
        batch, self._batch, self._batched = b"".join(self._batch), [], 0
        await self._threads.run(lambda: self._locked(lambda: self._draft.append(batch)))

    async def settle(self) -> None:
        """Bring everything written so far to the disk."""
        await self._flush()
        await self._threads.run(lambda: self._locked(self._draft.sync))

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


def sweep_drafts(area: int, older_than: float) -> None:
    """Remove drafts that nobody writes any more: unlocked, and older than a moment.

    Several services may share one store: a draft that another one is writing is locked, and one
    it has this moment made is young.
    """
    for name in os.listdir(area):
        with suppress(FileNotFoundError, BlockingIOError):
            if os.stat(name, dir_fd=area, follow_symlinks=False).st_mtime < older_than:
                _remove_unlocked(area, name)


def _remove_unlocked(area: int, name: str) -> None:
    fd = os.open(name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC, dir_fd=area)
    try:
        flock(fd, LOCK_EX | LOCK_NB)
        os.unlink(name, dir_fd=area)
    finally:
        os.close(fd)
