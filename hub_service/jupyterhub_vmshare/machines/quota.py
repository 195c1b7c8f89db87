"""What a project may hold of machines, cores, memory, drives and snapshots, and what it holds.

Everything counts until the cloud has it no more, what is being deleted too: so the limits hold
there as well. Whoever makes something holds the project until it is written down, so that of many
that ask at once no more come in than there is room for. Folders are counted in the store.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields, replace
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.cloud.port import Size
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import drives, machine_snapshots, machines, things
from jupyterhub_vmshare.errors import QuotaExceeded
from jupyterhub_vmshare.projects.model import Project

NAMES: Final = ("machines", "cores", "ram_gib", "drives", "drive_gib", "machine_snapshots")
"""What is counted here, of ``QUOTAS``."""
_MIB: Final = 1024


@dataclass(frozen=True, slots=True)
class Amount:
    """So much of each; memory in MiB, of which a quota is in GiB."""

    machines: int = 0
    cores: int = 0
    ram_mib: int = 0
    drives: int = 0
    drive_gib: int = 0
    machine_snapshots: int = 0

    @classmethod
    def of_machine(cls, size: Size) -> Amount:
        """A machine of that size."""
        return cls(machines=1, cores=size.processors, ram_mib=size.memory_mib)

    @classmethod
    def of_drive(cls, size_gib: int) -> Amount:
        """A drive of that size."""
        return cls(drives=1, drive_gib=size_gib)

    def by_name(self) -> Mapping[str, int]:
        """By the names of quotas, memory in whole GiB: a part of one counts as one."""
        return {
            "machines": self.machines,
            "cores": self.cores,
            "ram_gib": -(-self.ram_mib // _MIB),
            "drives": self.drives,
            "drive_gib": self.drive_gib,
            "machine_snapshots": self.machine_snapshots,
        }


_FIELDS: Final = tuple(field.name for field in fields(Amount))


async def used(conn: AsyncConnection, project_id: str) -> Amount:
    """What there is in a project."""
    ours = things.c.within_id == project_id
    number, total = sa.func.count(), sa.func.sum
    of_machines = (
        sa.select(number, total(machines.c.processors), total(machines.c.memory_mib))
        .join(things, things.c.id == machines.c.id)
        .where(ours)
    )
    gib = sa.case(
        (drives.c.size_seen > drives.c.size_gib, drives.c.size_seen), else_=drives.c.size_gib
    )
    of_drives = sa.select(number, total(gib)).join(things, things.c.id == drives.c.id).where(ours)
    of_snapshots = sa.select(number).where(machine_snapshots.c.project_id == project_id)
    boxes = (await conn.execute(of_machines)).one()
    disks = (await conn.execute(of_drives)).one()
    stored = await conn.scalar(of_snapshots)
    counted = (*boxes, *disks, stored)
    return Amount(*(int(one or 0) for one in counted))


async def demand_room(tx: Transaction, project: Project | None, more: Amount) -> None:
    """Raise ``QuotaExceeded`` where that is more than the project has left; it is held.

    To be called before the new rows are written; for None there is no limit.
    """
    if project is None or not project.quota:
        return
    has = await used(tx.conn, project.id)
    together = replace(has, **{name: getattr(has, name) + getattr(more, name) for name in _FIELDS})
    for name in NAMES:
        limit, asked = project.quota.get(name), more.by_name()[name]
        if limit is not None and asked and together.by_name()[name] > limit:
            left = max(0, limit - has.by_name()[name])
            raise QuotaExceeded(name, asked, left, whose=project.name)
