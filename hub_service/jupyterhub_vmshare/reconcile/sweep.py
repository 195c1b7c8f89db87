"""A look at everything: what changed by itself, what vanished, and what nobody knows of."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Final

import structlog

from jupyterhub_vmshare.cloud.port import (
    Cloud,
    CloudBusy,
    CloudMissing,
    CloudRefused,
    SeenDrive,
    SeenMachine,
    SeenSnapshot,
)
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.machines.model import Drive, Machine, Row
from jupyterhub_vmshare.reconcile.attachments import SeenBoth, in_vain
from jupyterhub_vmshare.reconcile.kind import Kind
from jupyterhub_vmshare.reconcile.machines import SeenWithKeys
from jupyterhub_vmshare.reconcile.snapshots import SeenOfMachine
from jupyterhub_vmshare.reconcile.steps import ORDERS, Step

_log = structlog.get_logger("vmshare.reconcile")

_FEW: Final = 3
_Rows = dict[str, dict[str, Row]]
Seen = SeenMachine | SeenDrive | SeenSnapshot


@dataclass(frozen=True, slots=True)
class Everything:
    """What the cloud has of ours, by its own ids."""

    machines: Mapping[str, SeenMachine]
    drives: Mapping[str, SeenDrive]
    snapshots: Mapping[str, SeenSnapshot]

    def of(self, name: str) -> Mapping[str, Seen]:
        """Those of one kind."""
        found: Mapping[str, Seen] = getattr(self, name)
        return found


class Sweep:
    """Remembers since when it has seen what nobody knows of: that is left alone for a while.

    A machine, a drive or a snapshot whose row is being made has its row already, so what has none
    is what an order made that was given twice. But where nothing of ours is known, somebody started
    the service on the wrong database, and nothing is deleted.
    """

    def __init__(
        self, db: Database, cloud: Cloud, kinds: Sequence[Kind[Any, Any]], *, grace: float
    ) -> None:
        self._db, self._cloud, self._kinds, self._grace = db, cloud, kinds, grace
        self._strange_since: dict[str, float] = {}

    async def look(self, busy: frozenset[str]) -> list[tuple[Kind[Any, Any], list[str]]]:
        """The rows for which there is something to do, besides ``busy`` ones that are worked on.

        Raises ``CloudUnreachable``.
        """
        there = await self._everything()
        async with self._db.read() as conn:  # after it: what was made since has its row
            rows = {kind.name: {r.id: r for r in await kind.all(conn)} for kind in self._kinds}
        await self._tidy(there, rows)
        return [
            (kind, [row.id for row in rows[kind.name].values() if row.id not in busy
                    and self._acts(kind, row, there, rows)])
            for kind in self._kinds
        ]  # fmt: skip

    async def _everything(self) -> Everything:
        return Everything(
            {seen.id: seen for seen in await self._cloud.machines()},
            {seen.id: seen for seen in await self._cloud.drives()},
            {seen.id: seen for seen in await self._cloud.snapshots()},
        )

    # --- rows ---

    def _acts(self, kind: Kind[Any, Any], row: Row, there: Everything, rows: _Rows) -> bool:
        if not row.settled:
            return True
        seen = _seen(kind.name, row, there, rows)
        step = kind.choose(row, seen)
        if step in ORDERS and step is not Step.DISCARD and row.because is not None:
            return False  # it failed, and a person has to say what next
        observed = kind.observed(row, seen)
        is_news = any(getattr(row, name) != value for name, value in observed.items())
        return step not in (Step.SETTLE, Step.WAIT) or is_news

    # --- what nobody knows of ---

    async def _tidy(self, there: Everything, rows: _Rows) -> None:
        strange = dict(self._strange(there, rows))
        now = time.monotonic()
        self._strange_since = {key: self._strange_since.get(key, now) for key in strange}
        old = [key for key, since in self._strange_since.items() if now - since >= self._grace]
        count = len(there.machines) + len(there.drives) + len(there.snapshots)
        if len(old) > max(_FEW, count // 2):
            _log.error("more_than_half_is_unknown", unknown=len(old), of=count)
            return
        for key in old:
            await self._remove(key, strange[key])

    def _strange(
        self, there: Everything, rows: _Rows
    ) -> Iterator[tuple[str, Callable[[], Awaitable[None]]]]:
        orders = {
            "machines": self._cloud.delete_machine,
            "drives": self._cloud.delete_drive,
            "snapshots": self._cloud.delete_snapshot,
        }
        for name, delete in orders.items():
            for seen in there.of(name).values():
                row = rows[name].get(seen.mark)
                # Of what is being made, the row may not know the id yet.
                if row is None or (row.made and row.cloud_id != seen.id):
                    yield f"{name}:{seen.id}", lambda id=seen.id, delete=delete: delete(id)  # type: ignore[misc]

    async def _remove(self, key: str, delete: Callable[[], Awaitable[None]]) -> None:
        _log.warning("unknown_removed", what=key)
        with suppress(CloudBusy, CloudMissing, CloudRefused):
            await delete()


def _seen(name: str, row: Row, there: Everything, rows: _Rows) -> Any:
    """What ``look`` of that kind would say."""
    machine = there.machines.get(_cloud_id(rows["machines"], getattr(row, "machine_id", row.id)))
    if name == "machines":
        return SeenWithKeys(machine)
    if name == "drives":
        return there.drives.get(row.cloud_id or "")
    if name == "attachments":
        drive = there.drives.get(_cloud_id(rows["drives"], getattr(row, "drive_id", "")))
        of, on = getattr(row, "drive_id", ""), getattr(row, "machine_id", "")
        vain = _in_vain(rows["drives"].get(of), rows["machines"].get(on))
        return SeenBoth(drive, machine, vain)
    return SeenOfMachine(there.snapshots.get(row.cloud_id or ""), machine)


def _in_vain(drive: Row | None, machine: Row | None) -> str | None:
    if isinstance(drive, Drive) and isinstance(machine, Machine):
        return in_vain(drive, machine)
    return None


def _cloud_id(rows: Mapping[str, Row], row_id: str) -> str:
    row = rows.get(row_id)
    return "" if row is None else row.cloud_id or ""
