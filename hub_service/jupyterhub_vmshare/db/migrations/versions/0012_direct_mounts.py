"""Direct mounts"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None

_TRUTHS = (("things", "fast"), ("mounts", "direct"), ("mounts", "seen_direct"))


def upgrade() -> None:
    for table, column in _TRUTHS:
        no = sa.text("false")
        op.add_column(table, sa.Column(column, sa.Boolean(), server_default=no, nullable=False))
    none = sa.text("0")
    op.add_column("mounts", sa.Column("held", sa.Integer(), server_default=none, nullable=False))


def downgrade() -> None:
    op.drop_column("mounts", "held")
    for table, column in reversed(_TRUTHS):
        op.drop_column(table, column)
