"""A database, a cloud in memory, and reconcilers that live and are killed between them."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from jupyterhub_vmshare.audit.catalogue import check
from jupyterhub_vmshare.cloud.port import Size
from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.machines import drives, life, snapshots
from jupyterhub_vmshare.machines.life import Source
from jupyterhub_vmshare.machines.model import Row
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.projects.standing import Asker
from jupyterhub_vmshare.reconcile.pace import Pace
from jupyterhub_vmshare.reconcile.worker import Reconciler
from jupyterhub_vmshare.steps import listening
from tests.fakes.cloud import FakeCloud
from tests.fakes.cloud_state import EVERYTHING, SIZES
from tests.fixtures.service import ScriptedClock
from tests.fixtures.waiting import within

ANA = Person("ana")
DEBIAN = Source("Debian", image="debian")
FAST = Pace(poll=0.002, poll_most=0.01, again=0.002, again_most=0.01, sweep=0.05, grace=0.0)
PATIENCE = 20.0
_ROWS = ("mch_", "drv_", "att_", "msn_", "reconciler")


def sized(name: str) -> Size:
    """One of the cloud's."""
    return next(size for size in SIZES if size.id == name)


class Killed(BaseException):
    """The process ends here."""


@dataclass
class Killer:
    """Ends a reconciler at a step, and lets it do nothing more."""

    step: str
    times: int = 1

    def __post_init__(self) -> None:
        self.killed = asyncio.Event()
        self.dead: set[asyncio.Task[Any]] = set()

    def __call__(self, reached: str) -> None:
        task = asyncio.current_task()
        if task is None or not task.get_name().startswith(_ROWS):
            return  # whoever else uses the database
        if self.killed.is_set() or reached == self.step:
            self.dead.add(task)
        if self.killed.is_set():
            raise Killed
        if reached == self.step:
            self.times -= 1
            if self.times <= 0:
                self.killed.set()
                raise Killed


class Site:
    """What people ask for, as the routes do it; and the lives of the reconciler."""

    def __init__(self, db_url: str) -> None:
        self.clock, self.cloud = ScriptedClock(), FakeCloud()
        self.db = Database(db_url, clock=self.clock, check=check)
        self._named = 0

    async def close(self) -> None:
        await self.db.close()

    # --- people ---

    def name(self) -> str:
        """One that was never used."""
        self._named += 1
        return f"thing {self._named}"

    async def asked(self, verb: Callable[..., Any], *args: Any, **more: Any) -> Any:
        """One request's transaction."""
        async with within(PATIENCE, f"What was asked for ({verb.__name__})"), self.db.write() as tx:
            return await verb(tx, ANA, *args, **more)

    async def machine(self) -> str:
        """A machine that is asked for."""
        return str(await self.asked(life.create, self.name(), DEBIAN, sized("small")))

    async def drive(self) -> str:
        """A drive that is asked for."""
        return str((await self.asked(drives.create, self.name(), 5)).id)

    async def attach(self, drive: str, machine: str, *, read_only: bool = False) -> str:
        """A drive that is to be on a machine."""
        asked = self.asked(drives.attach, drive, machine, EVERYTHING, read_only=read_only)
        return str((await asked).id)

    async def snapshot(self, machine: str) -> str:
        """A snapshot that is asked for."""
        return str((await self.asked(snapshots.take, machine, EVERYTHING, self.name())).id)

    async def delete_snapshot(self, snapshot: str) -> None:
        async with within(PATIENCE, "Deleting a snapshot"), self.db.write() as tx:
            await snapshots.delete(tx, Asker(ANA.name), snapshot)

    # --- reconcilers ---

    @contextlib.asynccontextmanager
    async def living(self) -> AsyncIterator[Reconciler]:
        """A reconciler that is alive during the block, and killed after it."""
        # The leases of the one before have run out.
        self.clock.now += timedelta(seconds=60)
        reconciler = Reconciler(self.db, self.cloud, leases=Leases(self.db), pace=FAST)
        await reconciler.start()
        try:
            yield reconciler
        finally:
            async with within(PATIENCE, "The end of a reconciler"):
                await reconciler.stop()

    async def killed_at(self, step: str, times: int = 1, *, sweeps: bool = False) -> bool:
        """A life until that step, or until nothing is left to do; whether it was killed.

        With ``sweeps``, what changed by itself is something to do, too.
        """
        killer = Killer(step, times)
        with listening(killer):
            async with self.living() as reconciler, within(PATIENCE, f"A life until {step}"):
                while not killer.killed.is_set() and (
                    await self.at_work(reconciler) or (sweeps and await self._changed(reconciler))
                ):
                    self.cloud.advance(0.1)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(0.005):
                            await killer.killed.wait()
        # Nobody asks them how they ended; left to the collector of garbage, they would complain.
        async with within(PATIENCE, "The death of who was killed"):
            await asyncio.gather(*killer.dead, return_exceptions=True)
        return killer.killed.is_set()

    async def settle(self) -> None:
        """A life until nothing is left to do."""
        async with self.living() as reconciler, within(PATIENCE, "A life to the end"):
            while await self.at_work(reconciler):
                self.cloud.advance(0.1)
                await asyncio.sleep(0.005)

    async def swept(self) -> None:
        """A life until everything was looked at, and nothing unknown is left."""
        async with self.living() as reconciler, within(PATIENCE, "A sweep"):
            while await self.at_work(reconciler) or await self._changed(reconciler):
                await asyncio.sleep(0.01)

    async def _changed(self, reconciler: Reconciler) -> bool:
        found = await reconciler.sweep.look(frozenset())
        return any(ids for _, ids in found) or bool(await self.strangers())

    async def at_work(self, reconciler: Reconciler) -> bool:
        """Whether something is left to do, or is being written down."""
        return bool(await self.unsettled(reconciler)) or reconciler.is_busy

    async def unsettled(self, reconciler: Reconciler) -> list[str]:
        """The rows for which there is something to do."""
        found: list[str] = []
        async with within(PATIENCE, "Reading what is left"), self.db.read() as conn:
            for kind in reconciler.kinds:
                found += await kind.unsettled(conn)
        return found

    # --- what must hold ---

    async def rows(self) -> dict[str, dict[str, Row]]:
        """All rows by kind and id."""
        reconciler = Reconciler(self.db, self.cloud)
        async with within(PATIENCE, "Reading all rows"), self.db.read() as conn:
            return {k.name: {r.id: r for r in await k.all(conn)} for k in reconciler.kinds}

    async def there(self) -> dict[str, dict[str, str]]:
        """What the cloud has: the marks by its ids."""
        return {
            "machines": {seen.id: seen.mark for seen in await self.cloud.machines()},
            "drives": {seen.id: seen.mark for seen in await self.cloud.drives()},
            "snapshots": {seen.id: seen.mark for seen in await self.cloud.snapshots()},
        }

    async def strangers(self) -> list[str]:
        """What the cloud has, and no row knows by its id."""
        rows, there = await self.rows(), await self.there()
        known = {row.cloud_id for of_kind in rows.values() for row in of_kind.values()}
        return [thing for found in there.values() for thing in found if thing not in known]

    async def check(self) -> None:
        """Exactly one of everything that is wanted, and nothing else."""
        rows = await self.rows()
        for name, found in (await self.there()).items():
            wanted = {row.cloud_id: row.id for row in rows[name].values() if row.cloud_id}
            missing = {
                row.cloud_id
                for row in rows[name].values()
                if getattr(row, "power", getattr(row, "state", "")) == "missing"
            }
            assert found == {k: v for k, v in wanted.items() if k not in missing}, name
        assert await self.strangers() == []

    async def row(self, kind: str, row_id: str) -> Any:
        """One row; None when it is gone."""
        return (await self.rows())[kind].get(row_id)


Verb = Callable[[Transaction, Person], Any]
