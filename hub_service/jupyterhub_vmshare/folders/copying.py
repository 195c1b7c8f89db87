"""Makes the clones that are wanted: one row each, taken up again after a crash.

A copy that was cut off is thrown away and begun anew: a tree without a row in ``things`` is
nobody's, and cheap to lose.
"""

from __future__ import annotations

import logging
from collections.abc import Sequence
from typing import Final

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.leases import Lease, Leases
from jupyterhub_vmshare.db.tables import clones
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.folders import cloning
from jupyterhub_vmshare.folders.cloning import Clone
from jupyterhub_vmshare.folders.jobs import Jobs, Progress
from jupyterhub_vmshare.folders.metering import Metering
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.storage.port import CopyStopped, FolderStore

_log = logging.getLogger(__name__)

MISTAKE: Final = "The store could not make this copy; its operator's log says why."


class Cloner(Jobs[Clone]):
    """The worker of one process.

    Args:
        db: The database.
        leases: Of this process.
        store: The started store.
        quota: Whose account is charged.
    """

    def __init__(self, db: Database, leases: Leases, store: FolderStore, quota: Metering) -> None:
        super().__init__(db, leases, "clone")
        self._store, self._quota = store, quota

    async def wanted(self) -> Sequence[Clone]:
        """All that are not whole yet."""
        async with self._db.read() as conn:
            return await cloning.under_way(conn)

    async def make(self, job: Clone, lease: Lease) -> None:
        """Make one clone, from nothing; or write down why there is none."""
        try:
            if not job.wanted:
                raise CopyStopped
            await self._make(job, lease)
        except CopyStopped:
            await self._end(job, lease, "cancelled", None)
        except VMShareError as error:
            wanted = (await self._again(job)).wanted
            state, because = ("failed", error.message) if wanted else ("cancelled", None)
            await self._end(job, lease, state, because)
        except OSError:
            _log.exception("copying %s failed", job.source_id)
            await self._end(job, lease, "failed", MISTAKE)

    async def _make(self, clone: Clone, lease: Lease) -> None:
        account = await self._quota.account_of(clone.owner)
        # Whatever an earlier attempt has left.
        await self._store.retire(clone.folder_id)
        await self._store.create(clone.folder_id)
        await self._store.charge(clone.folder_id, account.id)
        reached("folders.clone.tree_made")

        async def tell(tx: Transaction, so_far: Progress) -> None:
            await self._tell(tx, clone, so_far)

        progress = await self.copied(
            lambda told: self._store.copy_tree(clone.source_id, clone.folder_id, told), lease, tell
        )
        reached("folders.clone.copied")
        async with self.held(lease) as tx:
            await cloning.finish(tx, clone, account, progress.files, progress.bytes)
            reached("folders.clone.finished")

    async def _tell(self, tx: Transaction, clone: Clone, progress: Progress) -> None:
        """Write down how far it is; raises where it is not wanted, or not allowed, any more."""
        if not (await cloning.one(tx.conn, clone.id)).wanted:
            raise CopyStopped
        await cloning.still_may(tx.conn, clone, tx.at)
        how_far = {"files": progress.files, "bytes": progress.bytes}
        await tx.conn.execute(clones.update().where(clones.c.id == clone.id).values(how_far))

    async def _again(self, clone: Clone) -> Clone:
        async with self._db.read() as conn:
            return await cloning.one(conn, clone.id)

    async def _end(self, clone: Clone, lease: Lease, state: str, because: str | None) -> None:
        # The tree first: a crash in between finds the row, and tries again.
        await self._store.retire(clone.folder_id)
        reached("folders.clone.given_up")
        async with self.held(lease) as tx:
            await cloning.end(tx, clone, state, because)
