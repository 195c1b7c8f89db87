"""Machines and drives"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None

_RECONCILED = ("machines", "drives", "attachments", "machine_snapshots")


def upgrade() -> None:
    _machines()
    _drives()
    _attachments()
    _snapshots()
    op.create_table(
        "uids",
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("uid", sa.Integer(), nullable=False),
        sa.Column("given_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", name=op.f("pk_uids")),
        sa.UniqueConstraint("uid", name=op.f("uq_uids_uid")),
    )
    for table in _RECONCILED:
        op.create_index(
            f"ix_{table}_unsettled",
            table,
            ["id"],
            unique=False,
            sqlite_where=sa.text("NOT settled"),
            postgresql_where=sa.text("NOT settled"),
        )


def _reconciled() -> list[sa.Column[object]]:
    return [
        sa.Column("desired", sa.String(length=16), nullable=False),
        sa.Column("made", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("cloud_id", sa.String(length=255), nullable=True),
        sa.Column("settled", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("doing", sa.String(length=16), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default="0", nullable=False),
        sa.Column("retry_at", sa.BigInteger(), nullable=True),
        sa.Column("because", sa.Text(), nullable=True),
    ]


def _machines() -> None:
    op.create_table(
        "machines",
        sa.Column("id", sa.String(length=30), nullable=False),
        *_reconciled(),
        sa.Column("size", sa.String(length=255), nullable=False),
        sa.Column("size_seen", sa.String(length=255), nullable=True),
        sa.Column("image", sa.String(length=255), nullable=True),
        sa.Column("snapshot_id", sa.String(length=30), nullable=True),
        sa.Column("made_from", sa.String(length=255), nullable=False),
        sa.Column("reboots", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reboots_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("reboot_hard", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("rebuilds", sa.Integer(), server_default="0", nullable=False),
        sa.Column("rebuilds_done", sa.Integer(), server_default="0", nullable=False),
        sa.Column("power", sa.String(length=16), nullable=False),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("host_keys", sa.Text(), nullable=True),
        sa.Column("idle_minutes", sa.Integer(), nullable=True),
        sa.Column("keep_on_until", sa.BigInteger(), nullable=True),
        sa.Column("warned_at", sa.BigInteger(), nullable=True),
        sa.Column("active_at", sa.BigInteger(), nullable=True),
        sa.Column("heard_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["id"], ["things.id"], name=op.f("fk_machines_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machines")),
    )


def _drives() -> None:
    op.create_table(
        "drives",
        sa.Column("id", sa.String(length=30), nullable=False),
        *_reconciled(),
        sa.Column("size_gib", sa.Integer(), nullable=False),
        sa.Column("size_seen", sa.Integer(), nullable=True),
        sa.Column("clone_of", sa.String(length=30), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["id"], ["things.id"], name=op.f("fk_drives_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_drives")),
    )


def _attachments() -> None:
    op.create_table(
        "attachments",
        sa.Column("id", sa.String(length=30), nullable=False),
        *_reconciled(),
        sa.Column("drive_id", sa.String(length=30), nullable=False),
        sa.Column("machine_id", sa.String(length=30), nullable=False),
        sa.Column("read_only", sa.Boolean(), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.ForeignKeyConstraint(["drive_id"], ["drives.id"], name=op.f("fk_attachments_drive_id")),
        sa.ForeignKeyConstraint(
            ["machine_id"], ["machines.id"], name=op.f("fk_attachments_machine_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_attachments")),
    )
    op.create_index("uq_attachments_pair", "attachments", ["drive_id", "machine_id"], unique=True)
    op.create_index("ix_attachments_machine", "attachments", ["machine_id"], unique=False)
    op.create_index(
        "uq_attachments_writer",
        "attachments",
        ["drive_id"],
        unique=True,
        sqlite_where=sa.text("NOT read_only"),
        postgresql_where=sa.text("NOT read_only"),
    )


def _snapshots() -> None:
    op.create_table(
        "machine_snapshots",
        sa.Column("id", sa.String(length=30), nullable=False),
        *_reconciled(),
        sa.Column("machine_id", sa.String(length=30), nullable=False),
        sa.Column("machine_name", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("disk_gib", sa.Integer(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_machine_snapshots")),
    )
    op.create_index(
        "ix_machine_snapshots_owner", "machine_snapshots", ["owner", "id"], unique=False
    )


def downgrade() -> None:
    for table in ("uids", "machine_snapshots", "attachments", "drives", "machines"):
        op.drop_table(table)
