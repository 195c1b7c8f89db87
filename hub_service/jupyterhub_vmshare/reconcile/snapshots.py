"""Snapshots for the reconciler."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa

from jupyterhub_vmshare.cloud.port import (
    Cloud,
    CloudMissing,
    CloudRefused,
    SeenMachine,
    SeenSnapshot,
)
from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.tables import machine_snapshots, machines
from jupyterhub_vmshare.machines.model import Snapshot, State
from jupyterhub_vmshare.machines.telling import tell_of_snapshot
from jupyterhub_vmshare.reconcile.drives import SETTLED
from jupyterhub_vmshare.reconcile.kind import GONE, Kind
from jupyterhub_vmshare.reconcile.steps import Step, snapshot_step

LOST: Final = "The cloud has this snapshot no more."
FAILED: Final = "The cloud could not make this snapshot."
NO_MACHINE: Final = "The machine was gone before its snapshot was made."


@dataclass(frozen=True, slots=True)
class SeenOfMachine:
    """The snapshot, and the machine that it is taken of, each if it is there."""

    snapshot: SeenSnapshot | None
    machine: SeenMachine | None = None


class Snapshots(Kind[Snapshot, SeenOfMachine]):
    """The snapshots of this installation's machines."""

    name = "snapshots"
    table = machine_snapshots

    def __init__(self, cloud: Cloud, db: Database) -> None:
        super().__init__(cloud)
        self._db = db

    def rows(self) -> sa.Select[Any]:
        return machine_snapshots.select()

    def read(self, row: sa.Row[Any]) -> Snapshot:
        return Snapshot.of(row)

    async def look(self, row: Snapshot) -> SeenOfMachine:
        found = await self._find(row)
        return SeenOfMachine(found, None if found is not None else await self._machine(row))

    async def _find(self, row: Snapshot) -> SeenSnapshot | None:
        if row.cloud_id is not None:
            try:
                return await self.cloud.snapshot(row.cloud_id)
            except CloudMissing:
                if row.made:
                    return None
        ours = [seen for seen in await self.cloud.snapshots() if seen.mark == row.id]
        return min(ours, key=lambda seen: seen.id, default=None)

    async def _machine(self, row: Snapshot) -> SeenMachine | None:
        query = sa.select(machines.c.cloud_id).where(machines.c.id == row.machine_id)
        async with self._db.read() as conn:
            machine = await conn.scalar(query)
        try:
            return None if machine is None else await self.cloud.machine(machine)
        except CloudMissing:
            return None

    def choose(self, row: Snapshot, seen: SeenOfMachine) -> Step:
        return snapshot_step(row, seen.snapshot, seen.machine)

    async def order(self, step: Step, row: Snapshot, seen: SeenOfMachine) -> str | None:
        if step is Step.CREATE:
            if seen.machine is None:
                raise CloudMissing(GONE)
            return await self.cloud.create_snapshot(seen.machine.id, row.id)
        if seen.snapshot is None:
            raise CloudMissing(GONE)
        await self.cloud.delete_snapshot(seen.snapshot.id)
        return None

    def observed(self, row: Snapshot, seen: SeenOfMachine) -> dict[str, Any]:
        if seen.snapshot is None:
            return {}
        return {"state": SETTLED[seen.snapshot.settled], "disk_gib": seen.snapshot.disk_gib}

    def taken(
        self, step: Step, row: Snapshot, seen: SeenOfMachine, made: str | None
    ) -> dict[str, Any]:
        if step is Step.CREATE:
            return {"cloud_id": made, "attempts": row.attempts + 1, "state": State.CHANGING}
        if step is Step.ADOPT and seen.snapshot is not None:
            return {"cloud_id": seen.snapshot.id, "attempts": row.attempts + 1}
        if step is Step.DISCARD:
            return {"because": (seen.snapshot.because if seen.snapshot else None) or FAILED}
        return {}

    def ended(self, step: Step, row: Snapshot, seen: SeenOfMachine) -> dict[str, Any]:
        if step is Step.SETTLE:
            return {"doing": None, "attempts": 0, "because": None, "made": True}
        if step is Step.LOST:
            return {"state": State.MISSING, "because": LOST}
        if step is Step.BROKEN:
            return {"because": (seen.snapshot.because if seen.snapshot else None) or FAILED}
        why = NO_MACHINE if seen.machine is None and row.attempts == 0 else FAILED
        return {"because": row.because or why, "cloud_id": None, "state": State.FAILED}

    def refused(
        self, step: Step, row: Snapshot, seen: SeenOfMachine, error: CloudRefused
    ) -> dict[str, Any]:
        if step is not Step.CREATE:
            return {"because": error.message}
        return {"because": error.message, "settled": True, "doing": None, "state": State.FAILED}

    async def tell(
        self,
        tx: Transaction,
        before: Snapshot,
        after: Snapshot,
        step: Step,
        seen: SeenOfMachine | None = None,
    ) -> None:
        if (before.settled, before.state) != (after.settled, after.state) and after.settled:
            told = {"state": after.state.value, "because": after.because}
            await tell_of_snapshot(tx, "ended", after, None, **told)

    async def forget(self, tx: Transaction, row: Snapshot) -> None:
        await tell_of_snapshot(tx, "gone", row, None)
        await tx.conn.execute(machine_snapshots.delete().where(machine_snapshots.c.id == row.id))
