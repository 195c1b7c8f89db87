"""The folders room as wiring starts it and routes reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.db.tables import things
from jupyterhub_vmshare.folders.changes import Changes
from jupyterhub_vmshare.folders.copying import Cloner
from jupyterhub_vmshare.folders.metering import Metering
from jupyterhub_vmshare.folders.quota import Account, Limits
from jupyterhub_vmshare.folders.removal import Removal
from jupyterhub_vmshare.folders.shelving import Shelver
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.storage.port import FolderStore


@dataclass(frozen=True, slots=True)
class NewTree:
    """A tree that is there, and the account that it is charged to."""

    folder_id: str
    account: Account


class Folders:
    """What folders need beyond a transaction: the store, the worker, the notices.

    Args:
        db: The database.
        store: The started store.
        most_upload: The most bytes of one uploaded file; None: no limit but the store's.
        limits: What people may have, unless an administrator says otherwise.
        trash_for: How long a folder stays in the trash; None: until its owner deletes it.
    """

    def __init__(
        self,
        db: Database,
        store: FolderStore,
        *,
        most_upload: int | None = None,
        limits: Limits | None = None,
        trash_for: timedelta | None = None,
    ) -> None:
        self._db = db
        self.store = store
        self.most_upload = most_upload
        self.changes = Changes(db)
        self.trash_for = trash_for
        self.removal = Removal(db, store, trash_for=trash_for)
        self.quota = Metering(db, store, limits or Limits())
        self.shelver = Shelver(db, Leases(db), store)
        self.cloner = Cloner(db, Leases(db), store, self.quota)

    async def start(self) -> None:
        """Take up what an earlier run left."""
        await self.quota.start()
        await self.removal.start()
        await self.cloner.start()
        await self.shelver.start()

    async def stop(self) -> None:
        """Tell what waits to be told, and stop working."""
        await self.shelver.stop()
        await self.cloner.stop()
        await self.removal.stop()
        await self.quota.stop()
        await self.changes.close()

    @asynccontextmanager
    async def tree_made(self, owner: str) -> AsyncIterator[NewTree]:
        """A new folder's tree, charged to its owner; the block makes its row.

        The tree comes first, so that there never is a row without one. Where the block fails, the
        tree goes again; where even that fails, the sweep finds it.
        """
        folder_id, account = new_id("fld"), await self.quota.account_of(owner)
        await self.store.create(folder_id)
        await self.store.charge(folder_id, account.id)
        reached("folders.create.tree_made")
        try:
            yield NewTree(folder_id, account)
        except sa.exc.DBAPIError:
            raise  # in doubt: the row may have come all the same
        except Exception:
            with suppress(Exception):
                await self._discard(folder_id)
            raise

    async def _discard(self, folder_id: str) -> None:
        async with self._db.read() as conn:
            row = await conn.scalar(sa.select(things.c.id).where(things.c.id == folder_id))
        if row is None:
            await self.store.discard_if_empty(folder_id)
