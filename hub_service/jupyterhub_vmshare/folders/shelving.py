"""Makes and deletes the snapshots that are wanted so, and wants those whose time has come."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Final

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.leases import Lease, Leases
from jupyterhub_vmshare.db.tables import snapshots as rows
from jupyterhub_vmshare.errors import NotFound, VMShareError
from jupyterhub_vmshare.folders import snapshots
from jupyterhub_vmshare.folders.copying import MISTAKE
from jupyterhub_vmshare.folders.jobs import Jobs, Progress
from jupyterhub_vmshare.folders.snapshots import Snapshot
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.storage.port import CopyStopped, FolderStore

_log = logging.getLogger(__name__)

_DUE_EVERY: Final = 60.0


class Shelver(Jobs[Snapshot]):
    """The worker of one process.

    Args:
        db: The database.
        leases: Of this process.
        store: The started store.
    """

    def __init__(self, db: Database, leases: Leases, store: FolderStore) -> None:
        super().__init__(db, leases, "snapshots")
        self._store = store
        self._looked = float("-inf")

    def resource(self, job: Snapshot) -> str:
        """One at a time of each folder, in order: each builds on the one before."""
        return job.thing_id

    async def wanted(self) -> Sequence[Snapshot]:
        """What is to be made or deleted."""
        if time.monotonic() - self._looked >= _DUE_EVERY:
            self._looked = time.monotonic()  # before: what is said meanwhile is looked at again
            await self.want_due()
        async with self._db.read() as conn:
            return await snapshots.unsettled(conn)

    def look_now(self) -> None:
        """Somebody has just said that a snapshot is due."""
        self._looked = float("-inf")
        self.wake()

    async def want_due(self) -> None:
        """Want the snapshots whose time has come."""
        async with self._db.write() as tx:
            await snapshots.want_due(tx)

    async def make(self, job: Snapshot, lease: Lease) -> None:
        """Make a snapshot from nothing, or write down why there is none; or delete it."""
        if not job.wanted:
            await self._delete(job, lease)
            return
        try:
            await self._make(job, lease)
        except CopyStopped:
            await self._delete(job, lease)
        except VMShareError as error:
            await self._fail(job, lease, error.message)
        except OSError:
            _log.exception("a snapshot of %s failed", job.thing_id)
            await self._fail(job, lease, MISTAKE)

    async def _make(self, snapshot: Snapshot, lease: Lease) -> None:
        async with self._db.read() as conn:
            earlier = await snapshots.last_before(conn, snapshot)

        async def tell(tx: Transaction, so_far: Progress) -> None:
            await self._tell(tx, snapshot, so_far)

        folder, name = snapshot.thing_id, snapshot.id
        progress = await self.copied(
            lambda told: self._store.take_snapshot(folder, name, earlier, told), lease, tell
        )
        reached("folders.snapshot.copied")
        async with self.held(lease) as tx:
            await snapshots.end(tx, snapshot, "done", files=progress.files, bytes=progress.bytes)
            reached("folders.snapshot.finished")

    async def _tell(self, tx: Transaction, snapshot: Snapshot, progress: Progress) -> None:
        try:
            await snapshots.one(tx.conn, snapshot.thing_id, snapshot.id)
        except NotFound:
            raise CopyStopped from None
        how_far = {"files": progress.files, "bytes": progress.bytes}
        await tx.conn.execute(rows.update().where(rows.c.id == snapshot.id).values(how_far))

    async def _fail(self, snapshot: Snapshot, lease: Lease, because: str) -> None:
        await self._store.drop_snapshot(snapshot.thing_id, snapshot.id)
        async with self.held(lease) as tx:
            await snapshots.end(tx, snapshot, "failed", because)

    async def _delete(self, snapshot: Snapshot, lease: Lease) -> None:
        await self._store.drop_snapshot(snapshot.thing_id, snapshot.id)
        reached("folders.snapshot.dropped")
        async with self.held(lease) as tx:
            await snapshots.forget(tx, snapshot.id)
