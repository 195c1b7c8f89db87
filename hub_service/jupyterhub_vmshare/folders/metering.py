"""Sees that the store counts as the database says: up to which limit, and for which owner.

What is wanted are rows (``accounts``, and the owner of each folder); what the store was told are
rows too (``accounts.applied``, ``meters``). Every step may be repeated, by several replicas at
once, and a process killed between two leaves a difference that the next look finds.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import time
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Database, NewEvent, Transaction
from jupyterhub_vmshare.db.tables import accounts, meters, things
from jupyterhub_vmshare.errors import NotFound, QuotaExceeded
from jupyterhub_vmshare.folders.quota import (
    Account,
    Limits,
    booked,
    find,
    folders_of,
    opened,
    set_limits,
)
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.storage.port import FolderStore, Usage, shelf_of
from jupyterhub_vmshare.words import ThingKind, ThingState

_log = logging.getLogger(__name__)

_LOOK_EVERY: Final = 60.0
_REST: Final = 0.5
_BATCH: Final = 100
_COUNT_EVERY: Final = timedelta(days=1)
# Most commits change nobody's owner or limit; what another replica did is found within a minute.
_NEW_OWNER: Final = frozenset({"hand_over.accepted", "project.quota_changed"})
_ALL_STATES: Final = (ThingState.LIVE, ThingState.TRASHED)


@dataclass(frozen=True, slots=True)
class Standing:
    """What somebody may have, and has."""

    limits: Limits
    is_set: bool
    folders: int
    usage: Usage

    @property
    def left(self) -> int | None:
        """Bytes that may still come; None: whatever the store has room for."""
        most = self.limits.bytes
        return None if most is None else max(0, most - self.usage.used)


@dataclass(frozen=True, slots=True)
class _Strayed:
    """A folder that is counted nowhere, or in another account than its owner's."""

    folder_id: str
    owner: str
    counted_in: str | None


class Metering:
    """What is counted, for routes; and the worker of one process.

    Args:
        db: The database.
        store: The started store.
        defaults: What people may have of whom no administrator has said otherwise.
    """

    def __init__(self, db: Database, store: FolderStore, defaults: Limits) -> None:
        self._db = db
        self._store = store
        self.defaults = defaults
        self._woken = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Have everything counted before the first request, and right in a while."""
        async with self._db.write() as tx:
            # The defaults may be others than in the last run.
            await tx.conn.execute(accounts.update().values(applied=False))
        await _tried(self.catch_up())
        self._db.happened.append(self._hear)
        self._task = asyncio.create_task(self._run(), name="quota")

    async def stop(self) -> None:
        """End; what is under way is taken up by the next start."""
        if self._task is not None:
            self._task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._task

    def _hear(self, events: Sequence[NewEvent]) -> None:
        if any(event.type in _NEW_OWNER for event in events):
            self._woken.set()

    # --- for routes ---

    async def account_of(self, owner: str) -> Account:
        """The owner's account, ready to be charged."""
        async with self._db.read() as conn:
            account = await find(conn, owner, self.defaults)
        if account is None:
            async with self._db.write() as tx:
                account = await opened(tx, owner, self.defaults)
        return account if account.applied else await self._apply(account)

    async def standing(self, owner: str) -> Standing:
        """What somebody may have and has; looks at no folder."""
        async with self._db.read() as conn:
            account = await find(conn, owner, self.defaults)
            count = await folders_of(conn, owner)
        if account is None:
            return Standing(self.defaults, False, count, Usage(self.defaults.bytes, {}))
        usage = await self._store.usage(account.id)
        return Standing(account.limits, account.is_set, count, usage)

    async def set(self, actor: Person, owner: str, limits: Limits | None) -> Standing:
        """Say what somebody may have; holds at once, in running sessions too."""
        async with self._db.write() as tx:
            account = await set_limits(tx, actor, owner, limits, self.defaults)
        reached("folders.quota.set")
        await self._apply(account)
        return await self.standing(owner)

    async def demand_taking(self, tx: Transaction, taker: str, folder_id: str) -> None:
        """Raise `QuotaExceeded` unless somebody may have this folder of another's, too.

        To be called in the transaction in which they take it over, with their list held: of two at
        once, the second one sees what the first one has made theirs.
        """
        account = await find(tx.conn, taker, self.defaults)
        limits = self.defaults if account is None else account.limits
        if limits.folders is not None and await folders_of(tx.conn, taker) >= limits.folders:
            raise QuotaExceeded("folders", 1, 0)
        if limits.bytes is None:
            return
        theirs = await self._sizes(tx.conn, account, taker, folder_id)
        size = theirs.pop(folder_id, 0) + theirs.pop(shelf_of(folder_id), 0)
        left = max(0, limits.bytes - sum(theirs.values()))
        if size > left:
            raise QuotaExceeded("bytes", size, left)

    async def _sizes(
        self, conn: AsyncConnection, account: Account | None, taker: str, folder_id: str
    ) -> dict[str, int]:
        """Bytes by tree: of this folder, and of all that somebody has, wherever they are counted:
        what was taken over a moment ago may still be where it was."""
        its = sa.or_(things.c.owner == taker, things.c.id == folder_id)
        own = None if account is None else account.id
        sizes: dict[str, int] = {}
        # Where they come from first: what moves meanwhile is seen there, or at its new place.
        for row in await conn.execute(_COUNTED.where(its)):
            if row.account_id not in (None, own):
                trees = (await self._store.usage(row.account_id)).trees
                both = (row.id, shelf_of(row.id))
                sizes.update({tree: trees[tree] for tree in both if tree in trees})
        return sizes if own is None else {**sizes, **(await self._store.usage(own)).trees}

    # --- the worker ---

    async def _run(self) -> None:
        while True:
            self._woken.clear()
            await _tried(self.catch_up())
            await _tried(self.recount_due())
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY):
                    await self._woken.wait()
            await asyncio.sleep(_REST)

    async def catch_up(self) -> None:
        """Tell the store what it does not know yet."""
        for account in await self._unapplied():
            await self._apply(account)
        while strayed := await self._strayed():
            for folder in strayed:
                await self._bring_home(folder)

    async def _unapplied(self) -> Sequence[Account]:
        query = accounts.select().where(sa.not_(accounts.c.applied))
        async with self._db.read() as conn:
            return [Account.of(row, self.defaults) for row in await conn.execute(query)]

    async def _apply(self, account: Account) -> Account:
        await self._store.set_limit(account.id, account.limits.bytes)
        reached("folders.quota.applied")
        same = _says(account)
        async with self._db.write() as tx:
            query = accounts.update().where(accounts.c.owner == account.owner, *same)
            await tx.conn.execute(query.values(applied=True))
        return account

    async def _strayed(self) -> Sequence[_Strayed]:
        query = (
            sa.select(things.c.id, things.c.owner, meters.c.account_id)
            .outerjoin(meters, meters.c.thing_id == things.c.id)
            .outerjoin(accounts, accounts.c.owner == things.c.owner)
            .where(things.c.kind == ThingKind.FOLDER, things.c.state.in_(_ALL_STATES))
            .where(
                sa.or_(
                    accounts.c.id.is_(None),
                    meters.c.account_id.is_(None),
                    meters.c.account_id != accounts.c.id,
                )
            )
            .limit(_BATCH)
        )
        async with self._db.read() as conn:
            return [_Strayed(*row) for row in await conn.execute(query)]

    async def _bring_home(self, folder: _Strayed) -> None:
        account = await self.account_of(folder.owner)
        with contextlib.suppress(NotFound):  # no tree: nothing to count
            await self._store.charge(folder.folder_id, account.id, folder.counted_in)
        reached("folders.quota.charged")
        async with self._db.write() as tx:
            await booked(tx, folder.folder_id, account.id, counted=False)

    async def recount_due(self) -> None:
        """Count through trees that were not for a day, or not since this machine started: a power
        failure may have taken the last changes of an account with it."""
        while (folder_id := await self._due()) is not None:
            with contextlib.suppress(NotFound):
                await self._store.recount(folder_id)
            async with self._db.write() as tx:
                query = meters.update().where(meters.c.thing_id == folder_id)
                await tx.conn.execute(query.values(counted_at=tx.at))

    async def _due(self) -> str | None:
        latest = max(self._db.clock() - _COUNT_EVERY, _started_at(self._db.clock()))
        query = (
            sa.select(meters.c.thing_id)
            .where(sa.or_(meters.c.counted_at.is_(None), meters.c.counted_at < latest))
            .limit(1)
        )
        async with self._db.read() as conn:
            found: str | None = await conn.scalar(query)
            return found


_COUNTED: Final = (
    sa.select(things.c.id, meters.c.account_id)
    .join(meters, meters.c.thing_id == things.c.id)
    .where(things.c.kind == ThingKind.FOLDER, things.c.state.in_(_ALL_STATES))
)


def _says(account: Account) -> list[sa.ColumnElement[bool]]:
    """The row still says what was applied; a later change is applied by itself."""
    if not account.is_set:
        return [sa.not_(accounts.c.is_set)]
    most = account.limits.bytes
    same = accounts.c.most_bytes.is_(None) if most is None else accounts.c.most_bytes == most
    return [accounts.c.is_set, same]


def _started_at(now: datetime) -> datetime:
    return now - timedelta(seconds=time.clock_gettime(time.CLOCK_BOOTTIME))


async def _tried(work: Coroutine[Any, Any, None]) -> None:
    """Do it; a failing disk or database is logged, and tried again with the next round."""
    try:
        await work
    except Exception:
        _log.exception("counting folders failed; it will be tried again")
