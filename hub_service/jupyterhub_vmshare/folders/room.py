"""The folders room as wiring starts it and routes reach it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import things
from jupyterhub_vmshare.folders.changes import Changes
from jupyterhub_vmshare.folders.removal import Removal
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.storage.port import FolderStore


class Folders:
    """What folders need beyond a transaction: the store, the worker, the notices.

    Args:
        db: The database.
        store: The started store.
        most_upload: The most bytes of one uploaded file; None: no limit but the store's.
    """

    def __init__(self, db: Database, store: FolderStore, *, most_upload: int | None = None) -> None:
        self._db = db
        self.store = store
        self.most_upload = most_upload
        self.changes = Changes(db)
        self.removal = Removal(db, store)

    async def start(self) -> None:
        """Take up what an earlier run left."""
        await self.removal.start()

    async def stop(self) -> None:
        """Tell what waits to be told, and stop working."""
        await self.removal.stop()
        await self.changes.close()

    @asynccontextmanager
    async def tree_made(self) -> AsyncIterator[str]:
        """The id of a new folder whose tree is there; the block makes its row.

        The tree comes first, so that there never is a row without one. Where the block fails, the
        tree goes again; where even that fails, the sweep finds it.
        """
        folder_id = new_id("fld")
        await self.store.create(folder_id)
        reached("folders.create.tree_made")
        try:
            yield folder_id
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
