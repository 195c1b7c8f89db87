"""The way into machines"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None

_TO_LOCK = sa.text("NOT is_open AND (seen IS NULL OR seen < version)")


def upgrade() -> None:
    op.create_table(
        "authorities",
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("generation", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("public_key", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=True),
        sa.Column("made_at", sa.BigInteger(), nullable=False),
        sa.Column("forgotten_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("kind", "generation", name=op.f("pk_authorities")),
    )
    op.create_table(
        "machine_accounts",
        sa.Column("machine_id", sa.String(length=30), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("account", sa.String(length=32), nullable=False),
        sa.Column("uid", sa.BigInteger(), nullable=False),
        sa.Column("is_open", sa.Boolean(), nullable=False),
        sa.Column("sudo", sa.Boolean(), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("allowed", sa.Text(), nullable=False),
        sa.Column("seen", sa.BigInteger(), nullable=True),
        sa.Column("channels", sa.Integer(), nullable=False),
        sa.Column("processes", sa.Integer(), nullable=False),
        sa.Column("remaining", sa.Integer(), nullable=False),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("seen_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("machine_id", "person", name=op.f("pk_machine_accounts")),
    )
    op.create_index("ix_machine_accounts_person", "machine_accounts", ["person"], unique=False)
    op.create_index(
        "ix_machine_accounts_to_lock",
        "machine_accounts",
        ["machine_id"],
        unique=False,
        sqlite_where=_TO_LOCK,
        postgresql_where=_TO_LOCK,
    )


def downgrade() -> None:
    op.drop_index(
        "ix_machine_accounts_to_lock",
        table_name="machine_accounts",
        sqlite_where=_TO_LOCK,
        postgresql_where=_TO_LOCK,
    )
    op.drop_index("ix_machine_accounts_person", table_name="machine_accounts")
    op.drop_table("machine_accounts")
    op.drop_table("authorities")
