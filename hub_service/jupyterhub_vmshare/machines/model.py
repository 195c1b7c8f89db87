"""Rows of machines, drives, attachments and snapshots, as the rest of the service reads them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Final, Self

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import attachments, drives, machine_snapshots, machines, things
from jupyterhub_vmshare.errors import NotFound


class Desired(StrEnum):
    """What is wanted of a row."""

    RUNNING = "running"
    STOPPED = "stopped"
    PRESENT = "present"
    """Of a drive or a snapshot."""
    ATTACHED = "attached"
    DETACHED = "detached"
    DELETED = "deleted"


class State(StrEnum):
    """What was seen of a row last."""

    NONE = "none"
    """Not there yet."""
    CHANGING = "changing"
    RUNNING = "running"
    STOPPED = "stopped"
    READY = "ready"
    ATTACHED = "attached"
    FAILED = "failed"
    MISSING = "missing"
    """It was there once, and the cloud has it no more."""


@dataclass(frozen=True, slots=True)
class Row:
    """What all of them have; see ``db.machines``."""

    id: str
    desired: Desired
    made: bool
    cloud_id: str | None
    settled: bool
    doing: str | None
    attempts: int
    retry_at: datetime | None
    because: str | None

    @classmethod
    def of(cls, row: Any) -> Self:
        """From a row that has the columns."""
        return cls(**{name: _READ.get(name, _same)(getattr(row, name)) for name in fields(cls)})


@dataclass(frozen=True, slots=True)
class Machine(Row):
    """A machine. ``within_id``: the project in which its owner made it."""

    owner: str
    name: str
    within_id: str | None
    project_name: str | None
    tagged: bool
    size: str
    size_seen: str | None
    processors: int | None
    memory_mib: int | None
    image: str | None
    snapshot_id: str | None
    made_from: str
    reboots: int
    reboots_done: int
    reboot_hard: bool
    rebuilds: int
    rebuilds_done: int
    power: State
    address: dict[str, Any] | None
    host_keys: list[str] | None
    idle_minutes: int | None
    keep_on_until: datetime | None
    warned_at: datetime | None
    active_at: datetime | None
    heard_at: datetime | None


@dataclass(frozen=True, slots=True)
class Drive(Row):
    """A drive. ``opened``: members of the project in which it is may attach it there."""

    owner: str
    name: str
    within_id: str | None
    project_name: str | None
    opened: bool
    tagged: bool
    size_gib: int
    size_seen: int | None
    clone_of: str | None
    state: State


@dataclass(frozen=True, slots=True)
class Attachment(Row):
    """A drive on a machine, or on its way there or away."""

    drive_id: str
    machine_id: str
    read_only: bool
    by: str
    next_machine: str | None
    state: State


@dataclass(frozen=True, slots=True)
class Snapshot(Row):
    """A stored copy of a machine's system disk."""

    machine_id: str
    machine_name: str
    owner: str
    name: str
    state: State
    disk_gib: int | None
    created_at: datetime
    project_id: str | None
    opened: bool


def _same(value: Any) -> Any:
    return value


_READ: Final[dict[str, Any]] = {"desired": Desired, "power": State, "state": State}


def fields(cls: type[Row]) -> tuple[str, ...]:
    """The columns that a row of this class is made from."""
    return tuple(cls.__dataclass_fields__)


_THINGS: Final = tuple(
    things.c[name]
    for name in (
        *("owner", "name", "version", "created_at"),
        *("within_id", "project_name", "opened", "tagged"),
    )
)
MACHINES: Final[sa.Select[Any]] = sa.select(*machines.columns, *_THINGS).join(
    things, things.c.id == machines.c.id
)
DRIVES: Final[sa.Select[Any]] = sa.select(*drives.columns, *_THINGS).join(
    things, things.c.id == drives.c.id
)


async def machine(conn: AsyncConnection, machine_id: str) -> Machine:
    """One machine. Raises ``NotFound``."""
    return Machine.of(await _one(conn, MACHINES.where(machines.c.id == machine_id)))


async def drive(conn: AsyncConnection, drive_id: str) -> Drive:
    """One drive. Raises ``NotFound``."""
    return Drive.of(await _one(conn, DRIVES.where(drives.c.id == drive_id)))


async def attachments_of(
    conn: AsyncConnection, *, drive_id: str | None = None, machine_id: str | None = None
) -> list[Attachment]:
    """All attachments of a drive, or of a machine, in the order of their making."""
    query = attachments.select().order_by(attachments.c.id)
    if drive_id is not None:
        query = query.where(attachments.c.drive_id == drive_id)
    if machine_id is not None:
        query = query.where(attachments.c.machine_id == machine_id)
    return [Attachment.of(row) for row in await conn.execute(query)]


async def snapshot(conn: AsyncConnection, snapshot_id: str, owner: str | None = None) -> Snapshot:
    """One snapshot; with ``owner``, if it is theirs. Raises ``NotFound``."""
    query = machine_snapshots.select().where(machine_snapshots.c.id == snapshot_id)
    found = Snapshot.of(await _one(conn, query))
    if owner not in (None, found.owner):
        raise NotFound
    return found


async def _one(conn: AsyncConnection, query: sa.Select[Any]) -> Any:
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        raise NotFound
    return row
