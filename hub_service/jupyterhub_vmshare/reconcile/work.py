"""Work on one row, step by step, until nothing is left to do for it.

What is there is looked at, the next step is chosen, written down, ordered, and written down again:
never a call to the cloud inside a transaction, and never an order without a look before it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any, Final, Generic

import structlog

from jupyterhub_vmshare.cloud.port import (
    CloudBusy,
    CloudFull,
    CloudMissing,
    CloudRefused,
    CloudUnreachable,
)
from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.leases import Lease, Leases
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.reconcile.kind import Kind, L, R
from jupyterhub_vmshare.reconcile.pace import Pace
from jupyterhub_vmshare.reconcile.steps import ENDS, ORDERS, Step
from jupyterhub_vmshare.steps import reached

_log = structlog.get_logger("vmshare.reconcile")

_KEPT_TRYING: Final = frozenset({Step.CREATE, Step.START})
_MADE_FROM_SOMETHING: Final = frozenset({Step.CREATE, Step.REBUILD})
"""Where what is missing may be what it is made from."""
_NEVER_DROPPED: Final = frozenset({Step.DELETE, Step.DISCARD})


class Work(Generic[R, L]):
    """On one row, by whoever holds its lease.

    ``turns`` bounds the calls to the cloud that this process makes at once.
    """

    def __init__(
        self,
        db: Database,
        leases: Leases,
        lease: Lease,
        kind: Kind[R, L],
        row_id: str,
        *,
        pace: Pace,
        turns: asyncio.Semaphore,
    ) -> None:
        self._db, self._leases, self.lease = db, leases, lease
        self._kind, self._id, self._pace, self._turns = kind, row_id, pace, turns
        self._woken = asyncio.Event()
        self._looks = self._tries = 0

    def wake(self) -> None:
        """Something may be wanted that was not wanted before."""
        self._looks = self._tries = 0
        self._woken.set()

    async def run(self) -> None:
        """Until it is settled or gone. Raises ``LeaseLost``."""
        while True:
            self._woken.clear()
            async with self._db.read() as conn:
                row = await self._kind.load(conn, self._id)
            if row is None:
                return
            try:
                async with self._turns:
                    seen = await self._kind.look(row)
                pause = await self._act(row, seen)
            except CloudUnreachable as error:
                self._tries += 1
                _log.warning("cloud_unreachable", row=self._id, because=error.message)
                pause = min(self._pace.retrying(self._tries), 30.0)
            except (CloudBusy, CloudMissing):
                pause = self._looking()
            except NotFound:
                return  # somebody else has forgotten it
            if pause is None:
                return
            await self._rest(pause)

    async def _act(self, row: R, seen: L) -> float | None:
        """Take the next step; seconds to rest after it, None: there is nothing left."""
        step = self._kind.choose(row, seen)
        if step in ENDS:
            return None if await self._end(step, row, seen) else 0.0
        if step in ORDERS:
            return await self._order(step, row, seen)
        if step is not Step.WAIT:
            async with self._held() as (tx, held):
                await self._write(tx, held, step, seen, self._kind.taken(step, held, seen, None))
            self._recorded(step)
            return 0.0
        await self._note(row, seen)
        return self._looking()

    # --- what is written down ---

    def _recorded(self, step: Step) -> None:
        reached(f"{self._kind.name}.{step}.recorded")

    async def _end(self, step: Step, row: R, seen: L) -> bool:
        """Write an end down, unless something else is wanted by now."""
        if step is Step.SETTLE and row.settled:
            await self._note(row, seen)
            return True
        async with self._held() as (tx, held):
            if self._kind.choose(held, seen) is not step:
                return False
            if step is Step.FORGET:
                await self._kind.forget(tx, held)
            else:
                ended = self._kind.ended(step, held, seen)
                settled = {"settled": True, "retry_at": None}
                await self._write(tx, held, step, seen, {**ended, **settled})
        self._recorded(step)
        return True

    async def _note(self, row: R, seen: L) -> None:
        """Write down what was seen, where that is news."""
        observed = self._kind.observed(row, seen)
        if all(getattr(row, name) == value for name, value in observed.items()):
            return
        async with self._held() as (tx, held):
            await self._write(tx, held, Step.WAIT, seen, {})

    async def _write(
        self, tx: Transaction, held: R, step: Step, seen: L, values: dict[str, Any]
    ) -> None:
        observed = self._kind.observed(held, seen)
        after = await self._kind.change(tx, held, {**observed, **values})
        if after is not held:
            await self._kind.tell(tx, held, after, step, seen)

    @contextlib.asynccontextmanager
    async def _held(self) -> AsyncIterator[tuple[Transaction, R]]:
        """A transaction that only the holder of the lease commits, with the row as it is now."""
        async with self._db.write() as tx:
            await self._leases.hold(tx, self.lease)
            held = await self._kind.hold(tx, self._id)
            if held is None:
                raise NotFound
            yield tx, held

    # --- orders ---

    async def _order(self, step: Step, row: R, seen: L) -> float | None:
        async with self._held() as (tx, held):
            if self._kind.choose(held, seen) is not step:
                return 0.0
            await self._kind.change(tx, held, {"doing": step.value})
        reached(f"{self._kind.name}.{step}.marked")
        try:
            async with self._turns:
                made = await self._kind.order(step, row, seen)
        except CloudRefused as error:
            return await self._refused(step, row, seen, error)
        except CloudMissing as error:
            if step not in _MADE_FROM_SOMETHING:
                raise
            return await self._refused(step, row, seen, CloudRefused(error.message))
        reached(f"{self._kind.name}.{step}.ordered")
        async with self._held() as (tx, held):
            # Of the row as it was when it was ordered: what is asked for since comes after it.
            values = self._kind.taken(step, row, seen, made)
            await self._write(tx, held, step, seen, {"retry_at": None, **values})
        self._recorded(step)
        if step is Step.DISCARD:
            return await self._later(self._pace.retrying(row.attempts))
        return self._looking(first=True)

    async def _refused(self, step: Step, row: R, seen: L, error: CloudRefused) -> float | None:
        """Drop a wish that will never be fulfilled; where there may be room later, try again."""
        _log.warning("cloud_refused", row=self._id, step=step.value, because=error.message)
        full = isinstance(error, CloudFull) and step in _KEPT_TRYING
        if not full and step not in _NEVER_DROPPED:
            async with self._held() as (tx, held):
                if self._kind.choose(held, seen) is not step:
                    return 0.0
                dropped = self._kind.refused(step, held, seen, error)
                await self._write(tx, held, step, seen, dropped)
            reached(f"{self._kind.name}.{step}.refused")
            return None
        self._tries += 1
        return await self._later(self._pace.retrying(self._tries), error.message)

    async def _later(self, seconds: float, because: str | None = None) -> float:
        """Say when it is tried again, and why it has to be."""
        async with self._held() as (tx, held):
            at = tx.at + timedelta(seconds=seconds)
            values: dict[str, Any] = {"retry_at": at}
            if because is not None:
                values["because"] = because
            after = await self._kind.change(tx, held, values)
            await self._kind.tell(tx, held, after, Step.WAIT)
        return seconds

    # --- rests ---

    def _looking(self, *, first: bool = False) -> float:
        self._looks = 0 if first else self._looks + 1
        return self._pace.looking(self._looks)

    async def _rest(self, seconds: float) -> None:
        with contextlib.suppress(TimeoutError):
            # Not wait_for: in Python 3.11 it can swallow the cancelling of a task just woken.
            async with asyncio.timeout(seconds):
                await self._woken.wait()
