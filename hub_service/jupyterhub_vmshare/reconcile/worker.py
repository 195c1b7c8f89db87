"""The reconciler of one process: finds rows that are not as they should be, and works on each.

Several replicas share the rows by leases, one a row. Everything that is kept in memory here is
only about when to look next.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Any, Final, Protocol

import structlog

from jupyterhub_vmshare.cloud.port import Cloud, CloudUnreachable
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.leases import Lease, LeaseLost, Leases
from jupyterhub_vmshare.machines import idle, lent
from jupyterhub_vmshare.reconcile.attachments import Attachments
from jupyterhub_vmshare.reconcile.drives import Drives
from jupyterhub_vmshare.reconcile.kind import Kind
from jupyterhub_vmshare.reconcile.machines import Machines, Trusted
from jupyterhub_vmshare.reconcile.pace import Pace
from jupyterhub_vmshare.reconcile.snapshots import Snapshots
from jupyterhub_vmshare.reconcile.sweep import Sweep
from jupyterhub_vmshare.reconcile.work import Work
from jupyterhub_vmshare.steady import steadily

_log = structlog.get_logger("vmshare.reconcile")

_LOOK_EVERY: Final = 2.0
_AFTER_MISTAKE: Final = 60.0
_LASTS: Final = timedelta(seconds=10)
_ASKED: Final = frozenset(
    {
        *("machine.created", "machine.asked", "machine.deleted"),
        *("drive.created", "drive.asked", "drive.deleted"),
        *("drive.attach_asked", "drive.detach_asked"),
        *("machine_snapshot.begun", "machine_snapshot.deleted"),
    }
)
"""Events after which something is wanted that was not wanted before."""


class Happened(Protocol):
    """What of an event is looked at."""

    @property
    def type(self) -> str: ...
    @property
    def thing_id(self) -> str | None: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


def _of_a_drive(event: Happened) -> bool:
    """Whether somebody's right to a drive may be another one since."""
    return event.type.startswith("grant.") and (event.thing_id or "").startswith("drv_")


class Reconciler:
    """Starts with the service, and ends with it; a killed one is followed by the next.

    Args:
        db: The database.
        cloud: Where machines are.
        trusted: Which public keys new machines believe.
        leases: Of this process.
        pace: How often it looks.
    """

    def __init__(
        self,
        db: Database,
        cloud: Cloud,
        *,
        trusted: Trusted | None = None,
        leases: Leases | None = None,
        pace: Pace | None = None,
    ) -> None:
        self._db, self._pace = db, pace or Pace()
        self._leases = leases or Leases(db, lasts=_LASTS)
        self.kinds: tuple[Kind[Any, Any], ...] = (
            Machines(cloud, db, trusted),
            Drives(cloud, db),
            Attachments(cloud, db),
            Snapshots(cloud, db),
        )
        self.sweep = Sweep(db, cloud, self.kinds, grace=self._pace.grace)
        self._turns = asyncio.Semaphore(self._pace.calls)
        self._woken = asyncio.Event()
        self._rights_changed = True
        self._works: dict[str, Work[Any, Any]] = {}
        self._running: dict[str, asyncio.Task[None]] = {}
        self._not_before: dict[str, float] = {}
        self._swept = self._renewed = float("-inf")
        self._task: asyncio.Task[None] | None = None

    # --- life ---

    async def start(self) -> None:
        """Begin with what an earlier run left, in the background."""
        self._db.happened.append(self.hear)
        self._task = asyncio.create_task(steadily("reconciler", self._turn), name="reconciler")

    async def stop(self) -> None:
        """End; what is under way is taken up by the next start."""
        if self._task is None:
            return
        self._db.happened.remove(self.hear)
        tasks = [self._task, *self._running.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._task = None

    @property
    def is_busy(self) -> bool:
        """Whether rows are being worked on in this process."""
        return bool(self._running)

    def hear(self, happened: Sequence[Happened]) -> None:
        """Look at once where something was asked for, in this process or another one."""
        for event in happened:
            if event.type.startswith("team.") or _of_a_drive(event):
                self._rights_changed = True
                self._woken.set()
            if event.type in _ASKED:
                self._woken.set()
                self._wake(event)

    def _wake(self, event: Happened) -> None:
        """Those at work on what it is about: they rest, and would look later."""
        on_the_way = event.type in ("drive.attach_asked", "drive.detach_asked")
        for row_id, work in self._works.items():
            about = row_id in (event.thing_id, event.data.get("snapshot_id"))
            if about or (on_the_way and row_id.startswith("att_")):
                work.wake()

    # --- one look ---

    async def _turn(self) -> None:
        self._woken.clear()
        await self._renew()
        if self._rights_changed:
            self._rights_changed = False
            await lent.take_back(self._db)
        if time.monotonic() - self._swept >= self._pace.sweep:
            await self._sweep()
        for kind in self.kinds:
            async with self._db.read() as conn:
                ids = await kind.unsettled(conn)
            await self._spread(kind, ids)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(min(_LOOK_EVERY, self._pace.sweep)):
                await self._woken.wait()

    async def _spread(self, kind: Kind[Any, Any], ids: Iterable[str]) -> None:
        for row_id in ids:
            waits = self._not_before.get(row_id, 0.0) > time.monotonic()
            if row_id in self._running or waits:
                continue
            lease = await self._leases.take(f"reconcile:{row_id}")
            if lease is not None:
                self._begin(kind, row_id, lease)

    def _begin(self, kind: Kind[Any, Any], row_id: str, lease: Lease) -> None:
        work = Work(self._db, self._leases, lease, kind, row_id, pace=self._pace, turns=self._turns)
        self._works[row_id] = work
        self._running[row_id] = asyncio.create_task(self._tried(row_id, work), name=row_id)

    async def _tried(self, row_id: str, work: Work[Any, Any]) -> None:
        try:
            await work.run()
            await self._leases.release(work.lease)
        except LeaseLost:
            _log.warning("lease_lost", row=row_id)
        except Exception:
            _log.exception("work_failed", row=row_id)
            self._not_before[row_id] = time.monotonic() + _AFTER_MISTAKE
        finally:
            del self._works[row_id], self._running[row_id]
            self._woken.set()  # what was asked for in the last moment

    async def _renew(self) -> None:
        """Keep the rows that are worked on; replicas take over what is not renewed."""
        third = self._leases.lasts.total_seconds() / 3
        if self._leases.alone or time.monotonic() - self._renewed < third:
            return
        self._renewed = time.monotonic()
        for row_id, work in list(self._works.items()):
            try:
                await self._leases.renew(work.lease)
            except LeaseLost:
                if (task := self._running.get(row_id)) is not None:
                    task.cancel()

    async def _sweep(self) -> None:
        """Look at everything; one of several replicas does."""
        lease = await self._leases.take("reconcile:sweep")
        if lease is None:
            self._swept = time.monotonic()
            return
        try:
            await idle.look(self._db)
            await lent.take_back(self._db)
            for kind, ids in await self.sweep.look(frozenset(self._running)):
                await self._spread(kind, ids)
        except CloudUnreachable as error:
            _log.warning("cloud_unreachable", because=error.message)
        finally:
            self._swept = time.monotonic()
            await self._leases.release(lease)
