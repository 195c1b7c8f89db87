"""Folders in running sessions"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "mount_nodes",
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("available", sa.Boolean(), nullable=False),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mount_nodes")),
    )
    op.create_table(
        "sessions",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("server_name", sa.String(length=255), nullable=False),
        sa.Column("node", sa.String(length=255), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("gid", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("closed_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("told", sa.BigInteger(), nullable=True),
        sa.Column("view", sa.Text(), nullable=True),
        sa.Column("viewless", sa.Boolean(), nullable=False),
        sa.Column("because", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sessions")),
    )
    op.create_index(
        "ix_sessions_unclosed",
        "sessions",
        ["node"],
        unique=False,
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )
    op.create_index(
        "uq_sessions_live",
        "sessions",
        ["person", "server_name"],
        unique=True,
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )

    op.create_table(
        "mount_choices",
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("thing_id", sa.String(length=30), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["things.id"], name=op.f("fk_mount_choices_thing_id")
        ),
        sa.PrimaryKeyConstraint("person", "thing_id", name=op.f("pk_mount_choices")),
    )
    op.create_index("ix_mount_choices_thing", "mount_choices", ["thing_id"], unique=False)

    op.create_table(
        "mounts",
        sa.Column("session_id", sa.String(length=30), nullable=False),
        sa.Column("thing_id", sa.String(length=30), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=True),
        sa.Column("grant_id", sa.String(length=30), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("until", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("seen_level", sa.String(length=16), nullable=True),
        sa.Column("seen_name", sa.String(length=255), nullable=True),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.Column("cut_open", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["session_id"], ["sessions.id"], name=op.f("fk_mounts_session_id")),
        sa.PrimaryKeyConstraint("session_id", "thing_id", name=op.f("pk_mounts")),
    )
    op.create_index("ix_mounts_thing", "mounts", ["thing_id"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_mounts_thing", table_name="mounts")

    op.drop_table("mounts")
    op.drop_index("ix_mount_choices_thing", table_name="mount_choices")

    op.drop_table("mount_choices")
    op.drop_index(
        "uq_sessions_live",
        table_name="sessions",
        sqlite_where=sa.text("ended_at IS NULL"),
        postgresql_where=sa.text("ended_at IS NULL"),
    )
    op.drop_index(
        "ix_sessions_unclosed",
        table_name="sessions",
        sqlite_where=sa.text("closed_at IS NULL"),
        postgresql_where=sa.text("closed_at IS NULL"),
    )

    op.drop_table("sessions")
    op.drop_table("mount_nodes")
