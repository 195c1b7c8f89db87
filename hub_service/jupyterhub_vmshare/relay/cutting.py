"""What a revoke reaches on machines: who was on, and whether they are off by now."""

from __future__ import annotations

from collections.abc import Collection, Mapping

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import machine_accounts as table
from jupyterhub_vmshare.relay import accounts
from jupyterhub_vmshare.relay.accounts import AccountRow
from jupyterhub_vmshare.relay.telling import Telling


class Cutting:
    """Asked before and after whatever takes rights away.

    Args:
        telling: Who tells the relays.
        within: Seconds that an answer waits for them.
    """

    def __init__(self, telling: Telling, *, within: float) -> None:
        self._telling, self._within = telling, within

    def on(self, machine_id: str) -> frozenset[str]:
        """Who is on it, as the relays of this process say."""
        return self._telling.on(machine_id)

    async def held(
        self, tx: Transaction, machine_id: str, people: Collection[str] | None = None
    ) -> Mapping[str, int]:
        """Who has an account open there (``people``: of these), in which version."""
        rows = await accounts.rows(tx.conn, table.c.machine_id == machine_id, table.c.is_open)
        return {row.person: row.version for row in rows if people is None or row.person in people}

    async def in_use(self, tx: Transaction, people: Collection[str]) -> frozenset[str]:
        """The machines on which any of these has an account open."""
        rows = await accounts.rows(tx.conn, table.c.person.in_(people), table.c.is_open)
        return frozenset(row.machine_id for row in rows)

    async def reach(self, machine_id: str, held: Mapping[str, int]) -> list[AccountRow]:
        """Who lost it since ``held``; waits until they are off. Never in a transaction."""
        if not held:
            return []
        rows = await self._telling.settled([machine_id], self._within)
        lost = (row for row in rows if not row.is_open)
        return [row for row in lost if row.version > held.get(row.person, row.version)]
