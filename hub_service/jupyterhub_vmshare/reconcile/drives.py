"""Drives for the reconciler."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

import sqlalchemy as sa

from jupyterhub_vmshare.cloud.port import (
    Cloud,
    CloudMissing,
    CloudRefused,
    DriveWanted,
    SeenDrive,
    Settled,
)
from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.tables import attachments, drives
from jupyterhub_vmshare.machines.forgetting import forget_thing
from jupyterhub_vmshare.machines.model import DRIVES, Drive, State
from jupyterhub_vmshare.machines.telling import tell
from jupyterhub_vmshare.reconcile.kind import GONE, Kind
from jupyterhub_vmshare.reconcile.steps import Step, drive_step
from jupyterhub_vmshare.sharing import store

SETTLED: Final[Mapping[Settled, State]] = {
    Settled.CHANGING: State.CHANGING,
    Settled.READY: State.READY,
    Settled.FAILED: State.FAILED,
}
LOST: Final = "The cloud has this drive no more."
FAILED: Final = "The cloud says that this drive failed, and not why."
NOT_MADE: Final = "The cloud could not make this drive."


class Drives(Kind[Drive, SeenDrive | None]):
    """The drives of this installation."""

    name = "drives"
    table = drives

    def __init__(self, cloud: Cloud, db: Database) -> None:
        super().__init__(cloud)
        self._db = db

    def rows(self) -> sa.Select[Any]:
        return DRIVES

    def read(self, row: sa.Row[Any]) -> Drive:
        return Drive.of(row)

    async def look(self, row: Drive) -> SeenDrive | None:
        if row.cloud_id is not None:
            try:
                return await self.cloud.drive(row.cloud_id)
            except CloudMissing:
                if row.made:
                    return None
        ours = [seen for seen in await self.cloud.drives() if seen.mark == row.id]
        return min(ours, key=lambda seen: seen.id, default=None)

    def choose(self, row: Drive, seen: SeenDrive | None) -> Step:
        return drive_step(row, seen, self.can)

    async def order(self, step: Step, row: Drive, seen: SeenDrive | None) -> str | None:
        if step is Step.CREATE:
            source = await self._source(row)
            return await self.cloud.create_drive(DriveWanted(row.id, row.size_gib, source))
        if seen is None:
            raise CloudMissing(GONE)
        if step is Step.EXTEND:
            await self.cloud.extend_drive(seen.id, row.size_gib)
        else:  # DELETE or DISCARD
            await self.cloud.delete_drive(seen.id)
        return None

    async def _source(self, row: Drive) -> str | None:
        if row.clone_of is None:
            return None
        query = sa.select(drives.c.cloud_id).where(drives.c.id == row.clone_of)
        async with self._db.read() as conn:
            found = await conn.scalar(query)
        if found is None:
            raise CloudRefused("The drive that it is a copy of is gone.")
        return str(found)

    def observed(self, row: Drive, seen: SeenDrive | None) -> dict[str, Any]:
        if seen is None:
            return {}
        return {"state": SETTLED[seen.settled], "size_seen": seen.size_gib}

    def taken(
        self, step: Step, row: Drive, seen: SeenDrive | None, made: str | None
    ) -> dict[str, Any]:
        if step is Step.CREATE:
            return {"cloud_id": made, "attempts": row.attempts + 1, "state": State.CHANGING}
        if step is Step.ADOPT and seen is not None:
            return {"cloud_id": seen.id, "attempts": row.attempts + 1}
        if step is Step.DISCARD:
            return {"because": (seen.because if seen else None) or NOT_MADE}
        return {}

    def ended(self, step: Step, row: Drive, seen: SeenDrive | None) -> dict[str, Any]:
        if step is Step.SETTLE:
            done = {"doing": None, "attempts": 0, "because": None}
            # A cloud that gives more than was asked for has given that.
            size = max(row.size_gib, seen.size_gib if seen else 0)
            return {**done, "made": True, "size_gib": size}
        if step is Step.LOST:
            return {"state": State.MISSING, "because": LOST}
        if step is Step.BROKEN:
            return {"because": (seen.because if seen else None) or FAILED, "doing": None}
        return {"because": row.because or NOT_MADE, "cloud_id": None, "state": State.FAILED}

    def refused(
        self, step: Step, row: Drive, seen: SeenDrive | None, error: CloudRefused
    ) -> dict[str, Any]:
        dropped: dict[str, Any] = {"because": error.message, "settled": True, "doing": None}
        if step is Step.CREATE:
            return {**dropped, "cloud_id": None, "state": State.FAILED}
        if step is Step.EXTEND and seen is not None:
            return {**dropped, "size_gib": seen.size_gib}
        return {"because": error.message}

    async def tell(
        self,
        tx: Transaction,
        before: Drive,
        after: Drive,
        step: Step,
        seen: SeenDrive | None = None,
    ) -> None:
        was = (before.state, before.size_seen, before.because)
        now = (after.state, after.size_seen, after.because)
        if was != now:
            state, size = after.state.value, after.size_seen
            await tell(
                tx, "changed", after, None, state=state, size_gib=size, because=after.because
            )

    async def lock(self, tx: Transaction, row_id: str) -> None:
        await store.lock(tx, row_id)

    async def forget(self, tx: Transaction, row: Drive) -> None:
        await tell(tx, "gone", row, None)
        await tx.conn.execute(attachments.delete().where(attachments.c.drive_id == row.id))
        await tx.conn.execute(drives.delete().where(drives.c.id == row.id))
        await forget_thing(tx, row.id)
