"""Sharing machines"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("grants", sa.Column("ticks", sa.Text(), nullable=True))
    op.add_column("grants", sa.Column("team", sa.String(length=255), nullable=True))
    op.add_column("attachments", sa.Column("next_machine", sa.String(length=30), nullable=True))
    op.create_index(
        "ix_grants_team",
        "grants",
        ["team"],
        unique=False,
        sqlite_where=sa.text("team IS NOT NULL"),
        postgresql_where=sa.text("team IS NOT NULL"),
    )


def downgrade() -> None:
    op.drop_index(
        "ix_grants_team",
        table_name="grants",
        sqlite_where=sa.text("team IS NOT NULL"),
        postgresql_where=sa.text("team IS NOT NULL"),
    )
    op.drop_column("attachments", "next_machine")
    op.drop_column("grants", "team")
    op.drop_column("grants", "ticks")
