"""Handing over"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None

_INDEXES = ("thing_id", "receiver", "owner", "by")


def upgrade() -> None:
    op.create_table(
        "hand_overs",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("thing_id", sa.String(length=30), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("by", sa.String(length=255), nullable=False),
        sa.Column("keep", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["thing_id"], ["things.id"], name=op.f("fk_hand_overs_thing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hand_overs")),
    )
    op.create_index(
        "uq_hand_overs_open",
        "hand_overs",
        ["thing_id"],
        unique=True,
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    for column in _INDEXES:
        name = f"ix_hand_overs_{column.removesuffix('_id')}"
        op.create_index(name, "hand_overs", [column, "state"], unique=False)


def downgrade() -> None:
    for column in _INDEXES:
        op.drop_index(f"ix_hand_overs_{column.removesuffix('_id')}", table_name="hand_overs")
    op.drop_index(
        "uq_hand_overs_open",
        table_name="hand_overs",
        sqlite_where=sa.text("state = 'pending'"),
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.drop_table("hand_overs")
