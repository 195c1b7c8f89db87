"""Takes what is deleted for ever out of the store and the database, and sweeps half-made trees.

A folder in the state ``deleting`` is wanted gone. Its tree is taken out of reach first, then its
rows go: a row that is left says that work is left, so a restart takes up where a crash stopped.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import math
import time
from collections.abc import Coroutine, Sequence
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.tables import (
    aliases,
    answers,
    clones,
    grants,
    hand_overs,
    meters,
    mount_choices,
    project_overrides,
    shown_folders,
    snapshot_policies,
    snapshots,
    things,
    uploads,
)
from jupyterhub_vmshare.folders.life import empty_from_trash
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.storage.port import FolderStore, Tree
from jupyterhub_vmshare.words import ThingKind, ThingState

_log = logging.getLogger(__name__)

_BATCH = 100
_ENTRIES_AT_ONCE = 1000
_LOOK_EVERY = 60.0
_REST = 0.5
# A tree is made before its row; this long after, the row is not coming any more.
_HALF_MADE = timedelta(hours=1)
_SWEEP_EVERY = 3600.0


class Removal:
    """The worker of one process; several may share a store, since every step may be repeated.

    Args:
        db: The database.
        store: The started store.
        trash_for: How long a folder stays in the trash; None: until its owner deletes it.
    """

    def __init__(
        self, db: Database, store: FolderStore, *, trash_for: timedelta | None = None
    ) -> None:
        self._db = db
        self._store = store
        self._trash_for = trash_for
        self._woken = asyncio.Event()
        self._swept = self._emptied = -math.inf
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Begin with what an earlier run left, in the background."""
        self._db.committed.append(self._woken.set)
        self._task = asyncio.create_task(self._run(), name="folder removal")

    async def stop(self) -> None:
        """End; what is under way is taken up by the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            if time.monotonic() - self._swept >= _SWEEP_EVERY:
                await _tried(self.sweep())
                self._swept = time.monotonic()
            if time.monotonic() - self._emptied >= _LOOK_EVERY:
                await _tried(self.empty_trash())
                self._emptied = time.monotonic()
            await _tried(self.catch_up())
            with contextlib.suppress(TimeoutError):
                # Not wait_for: in Python 3.11 it can swallow the cancelling of a task just woken.
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._woken.wait()
            # Many commits wake us and few of them delete something: look once for many.
            await asyncio.sleep(_REST)

    async def empty_trash(self) -> None:
        """Want what has been in the trash for long enough gone for ever."""
        if self._trash_for is None:
            return
        before = self._db.clock() - self._trash_for
        for folder_id in await self._trashed_before(before):
            async with self._db.write() as tx:
                await empty_from_trash(tx, folder_id, before)

    async def _trashed_before(self, moment: datetime) -> Sequence[str]:
        query = (
            sa.select(things.c.id)
            .where(sa.text("state = 'trashed'"), things.c.kind == ThingKind.FOLDER)
            .where(things.c.trashed_at <= moment)
            .limit(_BATCH)
        )
        async with self._db.read() as conn:
            return (await conn.execute(query)).scalars().all()

    async def catch_up(self) -> None:
        """Remove everything that is wanted gone now."""
        while wanted := await self._wanted():
            for folder_id in wanted:
                await self._store.retire(folder_id)
                reached("folders.removal.retired")
                async with self._db.write() as tx:
                    await _forget(tx, folder_id)
        left = True
        while left:
            left = await self._store.purge(_ENTRIES_AT_ONCE)

    async def _wanted(self) -> Sequence[str]:
        query = (
            sa.select(things.c.id)
            # Spelled out, not bound: only so is the partial index used.
            .where(sa.text("state = 'deleting'"), things.c.kind == ThingKind.FOLDER)
            .limit(_BATCH)
        )
        async with self._db.read() as conn:
            return (await conn.execute(query)).scalars().all()

    async def sweep(self) -> None:
        """Remove uploads that were cut off, and trees whose making was before their row came.

        Such a tree is empty. One with something in it and no row is no mistake of ours: a database
        restored from an old copy, or the wrong one. It is left alone, and said.
        """
        await self._store.sweep_drafts()
        async for batch in self._store.trees():
            await self._sweep([tree for tree in batch if tree.age > _HALF_MADE])

    async def _sweep(self, trees: Sequence[Tree]) -> None:
        ids = [tree.folder_id for tree in trees]
        async with self._db.read() as conn:
            query = sa.select(things.c.id).where(things.c.id.in_(ids))
            copies = sa.select(clones.c.folder_id).where(clones.c.folder_id.in_(ids))
            known = set((await conn.execute(sa.union(query, copies))).scalars())
        for folder_id in ids:
            if folder_id not in known and not await self._store.discard_if_empty(folder_id):
                _log.warning("the store has files of %s, which is not in the database", folder_id)


async def _forget(tx: Transaction, folder_id: str) -> None:
    # What happened stays in the log of events; these rows speak of something that is no more.
    ours = sa.select(grants.c.id).where(grants.c.thing_id == folder_id)
    await tx.conn.execute(answers.delete().where(answers.c.grant_id.in_(ours)))
    await tx.conn.execute(grants.delete().where(grants.c.thing_id == folder_id))
    await tx.conn.execute(hand_overs.delete().where(hand_overs.c.thing_id == folder_id))
    await tx.conn.execute(aliases.delete().where(aliases.c.thing_id == folder_id))
    await tx.conn.execute(mount_choices.delete().where(mount_choices.c.thing_id == folder_id))
    for table in (shown_folders, meters, project_overrides, snapshots, snapshot_policies, uploads):
        await tx.conn.execute(table.delete().where(table.c.thing_id == folder_id))
    await tx.conn.execute(
        things.delete().where(things.c.id == folder_id, things.c.state == ThingState.DELETING)
    )


async def _tried(work: Coroutine[Any, Any, None]) -> None:
    """Do it; a failing disk or database is logged, and tried again with the next round."""
    try:
        await work
    except Exception:
        _log.exception("removing deleted folders failed; it will be tried again")
