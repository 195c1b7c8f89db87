"""Work on folders that takes minutes: rows that say what is wanted, made one after the other.

Whoever is killed leaves a row, and the next look takes it up from the beginning. Of several
replicas one does each job, by lease; two jobs at once a process.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Final, Generic, Protocol, TypeVar

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.leases import Lease, LeaseLost, Leases

_log = logging.getLogger(__name__)

_AT_ONCE: Final = 2
_LOOK_EVERY: Final = 5.0
_TELL_EVERY: Final = 1.0
_AFTER_MISTAKE: Final = 60.0


class Job(Protocol):
    """A row of work that is wanted."""

    @property
    def id(self) -> str: ...


J = TypeVar("J", bound=Job)
Tell = Callable[[int, int], bool]


@dataclass
class Progress:
    """How far one copy is, written by its thread and read by its task."""

    files: int = 0
    bytes: int = 0
    stopped: bool = False

    def tell(self, files: int, size: int) -> bool:
        """As `FolderStore.copy_tree` wants it."""
        self.files, self.bytes = files, size
        return not self.stopped


class Jobs(ABC, Generic[J]):
    """The worker of one process for one kind of job.

    Args:
        db: The database.
        leases: Of this process.
        kind: What its leases are called.
    """

    def __init__(self, db: Database, leases: Leases, kind: str) -> None:
        self._db, self._leases, self._kind = db, leases, kind
        self._woken = asyncio.Event()
        self._running: dict[str, asyncio.Task[None]] = {}
        self._not_before: dict[str, float] = {}
        self._task: asyncio.Task[None] | None = None

    @abstractmethod
    async def wanted(self) -> Sequence[J]:
        """What is to be done, the first first."""

    @abstractmethod
    async def make(self, job: J, lease: Lease) -> None:
        """Do one job, from the beginning; or write down why it can't be done."""

    def resource(self, job: J) -> str:
        """What two jobs may not work on at once."""
        return job.id

    async def start(self) -> None:
        """Begin with what an earlier run left, in the background."""
        self._task = asyncio.create_task(self._run(), name=self._kind)

    def wake(self) -> None:
        """Something is wanted, or wanted no more."""
        self._woken.set()

    async def stop(self) -> None:
        """End; what is under way is begun anew by the next start."""
        tasks = [task for task in (self._task, *self._running.values()) if task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            try:
                await self._look()
            except Exception:
                _log.exception("looking for work failed; it will be tried again")
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._woken.wait()

    async def _look(self) -> None:
        for job in await self.wanted():
            key = self.resource(job)
            waits = self._not_before.get(job.id, 0.0) > time.monotonic()
            if key in self._running or waits or len(self._running) >= _AT_ONCE:
                continue
            lease = await self._leases.take(f"{self._kind}:{key}")
            if lease is not None:
                task = asyncio.create_task(self._tried(job, lease))
                self._running[key] = task
                task.add_done_callback(partial(self._forget, key))

    def _forget(self, key: str, _: asyncio.Task[None]) -> None:
        del self._running[key]
        self._woken.set()

    async def _tried(self, job: J, lease: Lease) -> None:
        try:
            await self.make(job, lease)
        except LeaseLost:
            _log.warning("another service works on %s now", job.id)
        except Exception:
            _log.exception("working on %s failed; it will be tried again", job.id)
            self._not_before[job.id] = time.monotonic() + _AFTER_MISTAKE

    async def copied(
        self,
        work: Callable[[Tell], Awaitable[None]],
        lease: Lease,
        tell: Callable[[Transaction, Progress], Awaitable[None]],
    ) -> Progress:
        """Have a tree copied; ``tell`` is called about once a second in a transaction that holds
        the lease, and may raise to end the copy."""
        progress = Progress()
        copying = asyncio.ensure_future(work(progress.tell))
        try:
            while not (await asyncio.wait([copying], timeout=_TELL_EVERY))[0]:
                await self._leases.renew(lease)
                async with self.held(lease) as tx:
                    await tell(tx, progress)
        finally:
            progress.stopped = True
            # The thread ends with its next file; until then its tree must be left alone.
            await asyncio.gather(copying, return_exceptions=True)
        copying.result()
        return progress

    @contextlib.asynccontextmanager
    async def held(self, lease: Lease) -> AsyncIterator[Transaction]:
        """A transaction that only the holder of the lease commits."""
        async with self._db.write() as tx:
            await self._leases.hold(tx, lease)
            yield tx
