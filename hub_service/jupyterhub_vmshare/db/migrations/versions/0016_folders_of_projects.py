"""Folders of projects"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016"
down_revision = "0015"
branch_labels = None
depends_on = None

_OURS = sa.text("project_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("things", sa.Column("project_id", sa.String(length=30), nullable=True))
    op.add_column("things", sa.Column("project_name", sa.String(length=255), nullable=True))
    op.create_index(
        "ix_things_project", "things", ["project_id"], sqlite_where=_OURS, postgresql_where=_OURS
    )
    op.create_table(
        "project_overrides",
        sa.Column("thing_id", sa.String(length=30), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("set_by", sa.String(length=255), nullable=False),
        sa.Column("set_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["thing_id"], ["things.id"], name=op.f("fk_project_overrides_thing_id")
        ),
        sa.PrimaryKeyConstraint("thing_id", "person", name=op.f("pk_project_overrides")),
    )
    op.create_index("ix_project_overrides_person", "project_overrides", ["person"])


def downgrade() -> None:
    op.drop_table("project_overrides")
    op.drop_index(
        "ix_things_project", table_name="things", sqlite_where=_OURS, postgresql_where=_OURS
    )
    op.drop_column("things", "project_name")
    op.drop_column("things", "project_id")
