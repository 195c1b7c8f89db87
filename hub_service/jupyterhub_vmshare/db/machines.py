"""Machines, drives and what else a cloud makes for us. ``tables`` has all tables, these too.

Each row has what is wanted (``desired`` and the columns that say more) and what was seen last. A
row is ``settled`` when the reconciler has nothing to do for it.
"""

from __future__ import annotations

from sqlalchemy import (
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from jupyterhub_vmshare.db.metadata import ID, NAME, metadata
from jupyterhub_vmshare.db.types import Json, Moment

_CLOUDS = String(255)


def _reconciled() -> list[Column[object]]:
    """What every row has that the reconciler works on."""
    return [
        Column("desired", String(16), nullable=False),
        # It was whole once: what happens to it from then on never makes another one of it.
        Column("made", Boolean, nullable=False, server_default=text("false")),
        Column("cloud_id", _CLOUDS),
        Column("settled", Boolean, nullable=False, server_default=text("false")),
        # The step that was ordered last, written down before it was.
        Column("doing", String(16)),
        Column("attempts", Integer, nullable=False, server_default="0"),
        Column("retry_at", Moment),
        Column("because", Text),
    ]


machines = Table(
    "machines",
    metadata,
    Column("id", ID, ForeignKey("things.id"), primary_key=True),
    *_reconciled(),
    Column("size", _CLOUDS, nullable=False),
    Column("size_seen", _CLOUDS),
    # What that size is, for quotas; null: it was made before these were counted.
    Column("processors", Integer),
    Column("memory_mib", Integer),
    # One of the two: what its system disk is made from, and what that was called.
    Column("image", _CLOUDS),
    Column("snapshot_id", ID),
    Column("made_from", NAME, nullable=False),
    # How often it was asked for, and how often it was ordered.
    Column("reboots", Integer, nullable=False, server_default="0"),
    Column("reboots_done", Integer, nullable=False, server_default="0"),
    Column("reboot_hard", Boolean, nullable=False, server_default=text("false")),
    Column("rebuilds", Integer, nullable=False, server_default="0"),
    Column("rebuilds_done", Integer, nullable=False, server_default="0"),
    # none, changing, running, stopped, failed or missing
    Column("power", String(16), nullable=False),
    Column("address", Json),
    Column("host_keys", Json),
    # Stopped after so many minutes without use; null: never.
    Column("idle_minutes", Integer),
    Column("keep_on_until", Moment),
    Column("warned_at", Moment),
    # When it was used last, and when that was last told.
    Column("active_at", Moment),
    Column("heard_at", Moment),
)
drives = Table(
    "drives",
    metadata,
    Column("id", ID, ForeignKey("things.id"), primary_key=True),
    *_reconciled(),
    Column("size_gib", Integer, nullable=False),
    Column("size_seen", Integer),
    # The drive that it is a copy of.
    Column("clone_of", ID),
    # none, changing, ready, failed or missing
    Column("state", String(16), nullable=False),
)
attachments = Table(
    "attachments",
    metadata,
    Column("id", ID, primary_key=True),
    *_reconciled(),
    Column("drive_id", ID, ForeignKey("drives.id"), nullable=False),
    Column("machine_id", ID, ForeignKey("machines.id"), nullable=False),
    Column("read_only", Boolean, nullable=False),
    Column("by", NAME, nullable=False),
    # Once it is off, the drive goes on to this machine.
    Column("next_machine", ID),
    # none or attached
    Column("state", String(16), nullable=False),
)
Index("uq_attachments_pair", attachments.c.drive_id, attachments.c.machine_id, unique=True)
Index("ix_attachments_machine", attachments.c.machine_id)
# Two machines that write to one file system destroy it.
Index(
    "uq_attachments_writer",
    attachments.c.drive_id,
    unique=True,
    sqlite_where=text("NOT read_only"),
    postgresql_where=text("NOT read_only"),
)

# Stored copies of machines' system disks, which outlive the machines.
machine_snapshots = Table(
    "machine_snapshots",
    metadata,
    Column("id", ID, primary_key=True),
    *_reconciled(),
    Column("machine_id", ID, nullable=False),
    Column("machine_name", NAME, nullable=False),
    Column("owner", NAME, nullable=False),
    Column("name", NAME, nullable=False),
    # none, changing, ready, failed or missing
    Column("state", String(16), nullable=False),
    # The smallest disk that it fits on.
    Column("disk_gib", Integer),
    Column("created_at", Moment, nullable=False),
    # The project of its machine, and whether its members may make machines of it.
    Column("project_id", ID),
    Column("opened", Boolean, nullable=False, server_default=text("false")),
)
Index("ix_machine_snapshots_owner", machine_snapshots.c.owner, machine_snapshots.c.id)
Index(
    "ix_machine_snapshots_project",
    machine_snapshots.c.project_id,
    machine_snapshots.c.id,
    sqlite_where=text("project_id IS NOT NULL"),
    postgresql_where=text("project_id IS NOT NULL"),
)

for _table in (machines, drives, attachments, machine_snapshots):
    Index(
        f"ix_{_table.name}_unsettled",
        _table.c.id,
        sqlite_where=text("NOT settled"),
        postgresql_where=text("NOT settled"),
    )

# One a person for all machines and for ever: a drive that moves must not give files to strangers.
uids = Table(
    "uids",
    metadata,
    Column("person", NAME, primary_key=True),
    Column("uid", Integer, nullable=False, unique=True),
    Column("given_at", Moment, nullable=False),
)
