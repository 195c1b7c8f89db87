"""What the reconciler has to know of each kind of row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.cloud.port import Capabilities, Cloud, CloudRefused
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.machines.model import Row
from jupyterhub_vmshare.reconcile.steps import Step

GONE: Final = "It is gone: look again."

R = TypeVar("R", bound=Row)
L = TypeVar("L")


class Kind(ABC, Generic[R, L]):
    """Machines, drives, attachments or snapshots. ``R`` is a row, ``L`` what was seen of it.

    ``look`` and ``order`` talk to the cloud, the others to the database: never both.
    """

    name: str
    table: sa.Table

    def __init__(self, cloud: Cloud) -> None:
        self.cloud = cloud

    @property
    def can(self) -> Capabilities:
        """What the cloud can do; known once it was started."""
        return self.cloud.capabilities

    @abstractmethod
    def rows(self) -> sa.Select[Any]:
        """Selects whole rows."""

    @abstractmethod
    def read(self, row: sa.Row[Any]) -> R:
        """A row of ``rows``."""

    @abstractmethod
    async def look(self, row: R) -> L:
        """What there is of it in the cloud."""

    @abstractmethod
    def choose(self, row: R, seen: L) -> Step:
        """What to do next."""

    @abstractmethod
    async def order(self, step: Step, row: R, seen: L) -> str | None:
        """Give one order; of something that is made, its id."""

    @abstractmethod
    def observed(self, row: R, seen: L) -> dict[str, Any]:
        """What was seen, as columns."""

    @abstractmethod
    def taken(self, step: Step, row: R, seen: L, made: str | None) -> dict[str, Any]:
        """What a step that is no end changes in the row, beside what was seen."""

    @abstractmethod
    def ended(self, step: Step, row: R, seen: L) -> dict[str, Any]:
        """What an end changes in the row, beside what was seen."""

    @abstractmethod
    def refused(self, step: Step, row: R, seen: L, error: CloudRefused) -> dict[str, Any]:
        """How a wish is dropped that the cloud will not fulfil."""

    @abstractmethod
    async def tell(
        self, tx: Transaction, before: R, after: R, step: Step, seen: L | None = None
    ) -> None:
        """Record what people want to know of a change, and of what was seen."""

    @abstractmethod
    async def forget(self, tx: Transaction, row: R) -> None:
        """Delete the row and what belongs to it; record that it is gone."""

    # --- the same for all ---

    async def unsettled(self, conn: AsyncConnection) -> Sequence[str]:
        """The ids of rows for which there is something to do."""
        # Spelled out, not bound: only so is the partial index used.
        query = sa.select(self.table.c.id).where(sa.text(f"NOT {self.table.name}.settled"))
        return (await conn.execute(query.order_by(self.table.c.id))).scalars().all()

    async def load(self, conn: AsyncConnection, row_id: str) -> R | None:
        """The row; None when it is gone."""
        row = (await conn.execute(self.rows().where(self.table.c.id == row_id))).one_or_none()
        return None if row is None else self.read(row)

    async def all(self, conn: AsyncConnection) -> list[R]:
        """Every row."""
        return [self.read(row) for row in await conn.execute(self.rows())]

    async def hold(self, tx: Transaction, row_id: str) -> R | None:
        """The row, held until the transaction ends. Things are locked before their rows."""
        await self.lock(tx, row_id)
        return await self.load(tx.conn, row_id)

    async def lock(self, tx: Transaction, row_id: str) -> None:
        """Keep other writers away from the row."""
        query = sa.select(self.table.c.id).where(self.table.c.id == row_id)
        await tx.conn.execute(query.with_for_update())

    async def change(self, tx: Transaction, row: R, values: dict[str, Any]) -> R:
        """Write the columns that differ; the row as it is then."""
        differing = {name: value for name, value in values.items() if getattr(row, name) != value}
        if not differing:
            return row
        changed = self.table.update().where(self.table.c.id == row.id).values(**differing)
        await tx.conn.execute(changed)
        return replace(row, **differing)
