"""Snapshots of folders"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "snapshots",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("thing_id", sa.String(length=30), nullable=False),
        sa.Column("automatic", sa.Boolean(), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["thing_id"], ["things.id"], name=op.f("fk_snapshots_thing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_snapshots")),
    )
    op.create_index("ix_snapshots_thing", "snapshots", ["thing_id", "id"], unique=False)
    op.create_index(
        "ix_snapshots_unsettled",
        "snapshots",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'making' OR NOT wanted"),
        postgresql_where=sa.text("state = 'making' OR NOT wanted"),
    )
    op.create_table(
        "snapshot_policies",
        sa.Column("thing_id", sa.String(length=30), nullable=False),
        sa.Column("every_hours", sa.Integer(), nullable=False),
        sa.Column("keep", sa.Integer(), nullable=False),
        sa.Column("next_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["things.id"], name=op.f("fk_snapshot_policies_thing_id")
        ),
        sa.PrimaryKeyConstraint("thing_id", name=op.f("pk_snapshot_policies")),
    )
    op.create_index("ix_snapshot_policies_next_at", "snapshot_policies", ["next_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_snapshot_policies_next_at", table_name="snapshot_policies")
    op.drop_table("snapshot_policies")
    op.drop_index(
        "ix_snapshots_unsettled",
        table_name="snapshots",
        sqlite_where=sa.text("state = 'making' OR NOT wanted"),
        postgresql_where=sa.text("state = 'making' OR NOT wanted"),
    )
    op.drop_index("ix_snapshots_thing", table_name="snapshots")
    op.drop_table("snapshots")
