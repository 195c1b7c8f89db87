"""Answers of team members"""

from __future__ import annotations

from alembic import op

revision = "0007"
down_revision = "0006"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_answers_person", "answers", ["person", "answer"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_answers_person", table_name="answers")
