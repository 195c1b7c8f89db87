"""What owners may have"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "accounts",
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("is_set", sa.Boolean(), nullable=False),
        sa.Column("most_bytes", sa.BigInteger(), nullable=True),
        sa.Column("most_folders", sa.Integer(), nullable=True),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.PrimaryKeyConstraint("owner", name=op.f("pk_accounts")),
        sa.UniqueConstraint("id", name=op.f("uq_accounts_id")),
    )
    op.create_table(
        "meters",
        sa.Column("thing_id", sa.String(length=30), nullable=False),
        sa.Column("account_id", sa.String(length=30), nullable=False),
        sa.Column("counted_at", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["thing_id"], ["things.id"], name=op.f("fk_meters_thing_id")),
        sa.PrimaryKeyConstraint("thing_id", name=op.f("pk_meters")),
    )
    op.create_index("ix_meters_counted_at", "meters", ["counted_at"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_meters_counted_at", table_name="meters")
    op.drop_table("meters")
    op.drop_table("accounts")
