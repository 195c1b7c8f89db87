"""Named leases: who of several replicas does a piece of work, and who takes over when it dies.

A lease runs by the service's own clock, never the database's. Clocks may differ: what keeps two
holders apart is not the time but ``hold``, which is called in every transaction that relies on the
lease and locks its row. Each new holder has a higher ``term``.
"""

from __future__ import annotations

import os
import secrets
import socket
from dataclasses import dataclass
from datetime import timedelta

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.tables import leases


class LeaseLost(Exception):
    """Somebody else holds the lease now; nothing of this transaction may be committed."""


@dataclass(frozen=True, slots=True)
class Lease:
    """A lease that was held when it was taken; ``Leases.hold`` tells whether it still is."""

    name: str
    holder: str
    term: int


def new_holder() -> str:
    """A name for this process that no other process ever has, not even after a restart."""
    return f"{socket.gethostname()[:32]}:{os.getpid()}:{secrets.token_hex(4)}"


class Leases:
    """The leases of one process.

    ``alone`` says that there is one process on this database (SQLite): it takes a lease at once,
    from whomever, because a holder that still stands there has died, and need not renew it.
    """

    def __init__(
        self,
        database: Database,
        holder: str | None = None,
        *,
        lasts: timedelta = timedelta(seconds=6),
        alone: bool | None = None,
    ) -> None:
        self._database = database
        self.holder = holder or new_holder()
        self.lasts = lasts
        self.alone = database.is_sqlite if alone is None else alone

    async def take(self, name: str) -> Lease | None:
        """The lease, if it is free, has run out or is ours already; else ``None``."""
        if not self.alone and await self._held_by_another(name):
            return None
        async with self._database.write() as transaction:
            await self._ensure_row(transaction, name)
            query = leases.select().where(leases.c.name == name).with_for_update()
            row = (await transaction.conn.execute(query)).one()
            free = row.expires_at <= transaction.at or row.holder == self.holder
            if not (free or self.alone):
                return None
            lease = Lease(name, self.holder, row.term + 1)
            await self._write(transaction, lease)
        return lease

    async def hold(self, transaction: Transaction, lease: Lease) -> None:
        """Go on only as the holder: locks the lease to the end of ``transaction``.

        An expired lease that nobody took is still ours. Raises ``LeaseLost`` otherwise.
        """
        query = sa.select(leases.c.holder, leases.c.term).where(leases.c.name == lease.name)
        row = (await transaction.conn.execute(query.with_for_update())).one_or_none()
        if row is None or (row.holder, row.term) != (lease.holder, lease.term):
            raise LeaseLost(lease.name)

    async def renew(self, lease: Lease) -> None:
        """Keep the lease for another while; raises ``LeaseLost``."""
        async with self._database.write() as transaction:
            await self.hold(transaction, lease)
            await self._write(transaction, lease)

    async def release(self, lease: Lease) -> None:
        """Let others take it at once. Nothing happens if it is lost already."""
        async with self._database.write() as transaction:
            ours = (leases.c.name == lease.name, leases.c.term == lease.term)
            freed = leases.update().where(*ours, leases.c.holder == lease.holder)
            await transaction.conn.execute(freed.values(expires_at=transaction.at))

    async def _held_by_another(self, name: str) -> bool:
        # A read first: those who wait for the lease must not get in its holder's way.
        query = leases.select().where(leases.c.name == name)
        async with self._database.read() as conn:
            row = (await conn.execute(query)).one_or_none()
        if row is None or row.holder == self.holder:
            return False
        return bool(row.expires_at > self._database.clock())

    async def _ensure_row(self, transaction: Transaction, name: str) -> None:
        insert = sqlite.insert if self._database.is_sqlite else postgresql.insert
        free = {"name": name, "holder": "", "term": 0, "expires_at": transaction.at}
        await transaction.conn.execute(insert(leases).values(free).on_conflict_do_nothing())

    async def _write(self, transaction: Transaction, lease: Lease) -> None:
        taken = leases.update().where(leases.c.name == lease.name)
        until = transaction.at + self.lasts
        await transaction.conn.execute(
            taken.values(holder=lease.holder, term=lease.term, expires_at=until)
        )
