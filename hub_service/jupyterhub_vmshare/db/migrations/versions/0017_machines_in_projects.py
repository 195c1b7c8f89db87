"""Machines, drives and snapshots in projects"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0016"
branch_labels = None
depends_on = None

_IN_ONE = sa.text("within_id IS NOT NULL")
_OURS = sa.text("project_id IS NOT NULL")


def upgrade() -> None:
    op.add_column("things", sa.Column("within_id", sa.String(length=30), nullable=True))
    op.add_column("things", _no("opened"))
    op.add_column("things", _no("tagged"))
    op.add_column("things", sa.Column("untag_owner", sa.String(length=255), nullable=True))
    op.add_column("things", sa.Column("untag_admin", sa.String(length=255), nullable=True))
    op.create_index(
        "ix_things_within", "things", ["within_id"], sqlite_where=_IN_ONE, postgresql_where=_IN_ONE
    )
    op.add_column("machines", sa.Column("processors", sa.Integer(), nullable=True))
    op.add_column("machines", sa.Column("memory_mib", sa.Integer(), nullable=True))
    op.add_column("machine_snapshots", sa.Column("project_id", sa.String(30), nullable=True))
    op.add_column("machine_snapshots", _no("opened"))
    op.create_index(
        "ix_machine_snapshots_project",
        "machine_snapshots",
        ["project_id", "id"],
        sqlite_where=_OURS,
        postgresql_where=_OURS,
    )


def downgrade() -> None:
    op.drop_index(
        "ix_machine_snapshots_project",
        table_name="machine_snapshots",
        sqlite_where=_OURS,
        postgresql_where=_OURS,
    )
    op.drop_column("machine_snapshots", "opened")
    op.drop_column("machine_snapshots", "project_id")
    op.drop_column("machines", "memory_mib")
    op.drop_column("machines", "processors")
    op.drop_index(
        "ix_things_within", table_name="things", sqlite_where=_IN_ONE, postgresql_where=_IN_ONE
    )
    op.drop_column("things", "untag_admin")
    op.drop_column("things", "untag_owner")
    op.drop_column("things", "tagged")
    op.drop_column("things", "opened")
    op.drop_column("things", "within_id")


def _no(name: str) -> sa.Column[bool]:
    return sa.Column(name, sa.Boolean(), server_default=sa.text("false"), nullable=False)
