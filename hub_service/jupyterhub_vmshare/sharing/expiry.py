"""End dates. Decisions look at the date themselves; this writes the end down and tells of it."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import timedelta

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import grants
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.ending import end
from jupyterhub_vmshare.steady import steadily
from jupyterhub_vmshare.words import EndedWhy

_LONGEST_SLEEP = 30.0
_BATCH = 200


class Expiry:
    """Ends grants at their date, to the second. Several replicas may run it: each ends once."""

    def __init__(self, db: Database) -> None:
        self._db = db
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Catch up with what ended while nobody was here, then go on."""
        await self.catch_up()
        self._db.committed.append(self.wake)
        self._task = asyncio.create_task(steadily("expiry", self._turn), name="expiry")

    async def stop(self) -> None:
        """End the worker; what is under way rolls back."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def wake(self) -> None:
        """Something changed: there may be an earlier date now."""
        self._woken.set()

    async def catch_up(self) -> int:
        """End every grant whose date has come; says how many ended."""
        count = 0
        while due := await self._due():
            for thing_id in sorted(due):
                count += await self._expire(thing_id)
        return count

    async def _due(self) -> set[str]:
        query = (
            sa.select(grants.c.thing_id)
            .where(store.LIVE, grants.c.ends_at <= self._db.clock())
            .limit(_BATCH)
        )
        async with self._db.read() as conn:
            return set((await conn.execute(query)).scalars())

    async def _expire(self, thing_id: str) -> int:
        async with self._db.write() as tx:
            try:
                thing = await store.lock(tx, thing_id)
            except NotFound:
                return 0  # deleted for ever meanwhile, with all its grants
            over = [g for g in await store.live_on(tx.conn, thing_id) if g.is_over(tx.at)]
            ended = await end(tx, thing, over, EndedWhy.EXPIRED, None)
        return len(ended)

    async def _turn(self) -> None:
        self._woken.clear()
        pause = await self._pause()
        with contextlib.suppress(TimeoutError):
            # Not wait_for: in Python 3.11 it can swallow the cancelling of a task just woken.
            async with asyncio.timeout(pause):
                await self._woken.wait()
        await self.catch_up()

    async def _pause(self) -> float:
        query = sa.select(sa.func.min(grants.c.ends_at)).where(store.LIVE)
        async with self._db.read() as conn:
            first = (await conn.execute(query)).scalar()
        if first is None:
            return _LONGEST_SLEEP
        left = (first - self._db.clock()) / timedelta(seconds=1)
        return float(min(max(left, 0.0), _LONGEST_SLEEP))
