"""Clones of folders"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "things",
        sa.Column("cloneable", sa.Boolean(), server_default=sa.text("false"), nullable=False),
    )
    op.create_table(
        "clones",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("source_id", sa.String(length=30), nullable=False),
        sa.Column("source_name", sa.String(length=255), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("folder_id", sa.String(length=30), nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("files", sa.BigInteger(), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("because", sa.Text(), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_clones")),
        sa.UniqueConstraint("folder_id", name=op.f("uq_clones_folder_id")),
    )
    op.create_index("ix_clones_owner", "clones", ["owner", "id"], unique=False)
    op.create_index(
        "ix_clones_copying",
        "clones",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'copying'"),
        postgresql_where=sa.text("state = 'copying'"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_clones_copying",
        table_name="clones",
        sqlite_where=sa.text("state = 'copying'"),
        postgresql_where=sa.text("state = 'copying'"),
    )
    op.drop_index("ix_clones_owner", table_name="clones")
    op.drop_table("clones")
    op.drop_column("things", "cloneable")
