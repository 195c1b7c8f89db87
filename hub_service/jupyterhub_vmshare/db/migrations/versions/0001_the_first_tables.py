"""The first tables"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "chain_head",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_chain_head")),
    )
    op.create_table(
        "events",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.Column("hash", sa.String(length=64), nullable=True),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("actor", sa.String(length=255), nullable=True),
        sa.Column("thing_id", sa.String(length=30), nullable=True),
        sa.Column("thing_name", sa.String(length=255), nullable=True),
        sa.Column("audience", sa.Text(), nullable=False),
        sa.Column("data", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_events")),
        sa.UniqueConstraint("position", name=op.f("uq_events_position")),
    )
    op.create_index("ix_events_thing", "events", ["thing_id", "position"], unique=False)
    op.create_index(
        "ix_events_unsequenced",
        "events",
        ["at", "id"],
        unique=False,
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.create_table(
        "idempotency",
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("request_hash", sa.String(length=64), nullable=False),
        sa.Column("status", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("person", "key", name=op.f("pk_idempotency")),
    )
    op.create_index("ix_idempotency_created_at", "idempotency", ["created_at"], unique=False)
    op.create_table(
        "leases",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("holder", sa.String(length=64), nullable=False),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("expires_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leases")),
    )
    op.create_table(
        "mirrors",
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("refreshed_at", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_mirrors")),
    )
    op.create_table(
        "team_members",
        sa.Column("team", sa.String(length=255), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("since", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("team", "person", name=op.f("pk_team_members")),
    )
    op.create_index("ix_team_members_person", "team_members", ["person"], unique=False)
    op.create_table(
        "things",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("owner", sa.String(length=255), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("trashed_at", sa.BigInteger(), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_things")),
    )
    op.create_index(
        "ix_things_deleting",
        "things",
        ["id"],
        unique=False,
        sqlite_where=sa.text("state = 'deleting'"),
        postgresql_where=sa.text("state = 'deleting'"),
    )
    op.create_index("ix_things_owner", "things", ["owner", "kind", "state"], unique=False)
    op.create_index(
        "uq_things_live_name",
        "things",
        ["kind", "owner", "name"],
        unique=True,
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )
    op.create_table(
        "aliases",
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("thing_id", sa.String(length=30), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("alias", sa.String(length=255), nullable=False),
        sa.ForeignKeyConstraint(["thing_id"], ["things.id"], name=op.f("fk_aliases_thing_id")),
        sa.PrimaryKeyConstraint("person", "thing_id", name=op.f("pk_aliases")),
    )
    op.create_index("uq_aliases_alias", "aliases", ["person", "kind", "alias"], unique=True)
    op.create_table(
        "event_audience",
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("event_id", sa.String(length=30), nullable=False),
        sa.Column("position", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["event_id"], ["events.id"], name=op.f("fk_event_audience_event_id")
        ),
        sa.PrimaryKeyConstraint("person", "event_id", name=op.f("pk_event_audience")),
    )
    op.create_index(
        "ix_event_audience_position", "event_audience", ["person", "position"], unique=False
    )
    op.create_table(
        "grants",
        sa.Column("id", sa.String(length=30), nullable=False),
        sa.Column("thing_id", sa.String(length=30), nullable=False),
        sa.Column("receiver_kind", sa.String(length=16), nullable=False),
        sa.Column("receiver", sa.String(length=255), nullable=False),
        sa.Column("giver", sa.String(length=255), nullable=False),
        sa.Column("level", sa.String(length=16), nullable=False),
        sa.Column("state", sa.String(length=16), nullable=False),
        sa.Column("parent_id", sa.String(length=30), nullable=True),
        sa.Column("created_at", sa.BigInteger(), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=True),
        sa.Column("ends_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_at", sa.BigInteger(), nullable=True),
        sa.Column("ended_why", sa.String(length=16), nullable=True),
        sa.Column("version", sa.Integer(), server_default="1", nullable=False),
        sa.CheckConstraint(
            "(state = 'ended') = (ended_why IS NOT NULL)", name=op.f("ck_grants_ended_says_why")
        ),
        sa.ForeignKeyConstraint(["parent_id"], ["grants.id"], name=op.f("fk_grants_parent_id")),
        sa.ForeignKeyConstraint(["thing_id"], ["things.id"], name=op.f("fk_grants_thing_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_grants")),
    )
    op.create_index(
        "ix_grants_ends_at",
        "grants",
        ["ends_at"],
        unique=False,
        sqlite_where=sa.text("state IN ('pending', 'active')"),
        postgresql_where=sa.text("state IN ('pending', 'active')"),
    )
    op.create_index("ix_grants_giver", "grants", ["giver", "state"], unique=False)
    op.create_index("ix_grants_parent", "grants", ["parent_id"], unique=False)
    op.create_index(
        "ix_grants_receiver", "grants", ["receiver", "receiver_kind", "state"], unique=False
    )
    op.create_index("ix_grants_thing", "grants", ["thing_id", "state"], unique=False)
    op.create_index(
        "uq_grants_live",
        "grants",
        ["thing_id", "receiver_kind", "receiver", "giver"],
        unique=True,
        sqlite_where=sa.text("state IN ('pending', 'active')"),
        postgresql_where=sa.text("state IN ('pending', 'active')"),
    )
    op.create_table(
        "answers",
        sa.Column("grant_id", sa.String(length=30), nullable=False),
        sa.Column("person", sa.String(length=255), nullable=False),
        sa.Column("answer", sa.String(length=16), nullable=False),
        sa.Column("answered_at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["grant_id"], ["grants.id"], name=op.f("fk_answers_grant_id")),
        sa.PrimaryKeyConstraint("grant_id", "person", name=op.f("pk_answers")),
    )


def downgrade() -> None:
    op.drop_table("answers")
    op.drop_index(
        "uq_grants_live",
        table_name="grants",
        sqlite_where=sa.text("state IN ('pending', 'active')"),
        postgresql_where=sa.text("state IN ('pending', 'active')"),
    )
    op.drop_index("ix_grants_thing", table_name="grants")
    op.drop_index("ix_grants_receiver", table_name="grants")
    op.drop_index("ix_grants_parent", table_name="grants")
    op.drop_index("ix_grants_giver", table_name="grants")
    op.drop_index(
        "ix_grants_ends_at",
        table_name="grants",
        sqlite_where=sa.text("state IN ('pending', 'active')"),
        postgresql_where=sa.text("state IN ('pending', 'active')"),
    )
    op.drop_table("grants")
    op.drop_index("ix_event_audience_position", table_name="event_audience")
    op.drop_table("event_audience")
    op.drop_index("uq_aliases_alias", table_name="aliases")
    op.drop_table("aliases")
    op.drop_index(
        "uq_things_live_name",
        table_name="things",
        sqlite_where=sa.text("state = 'live'"),
        postgresql_where=sa.text("state = 'live'"),
    )
    op.drop_index("ix_things_owner", table_name="things")
    op.drop_index(
        "ix_things_deleting",
        table_name="things",
        sqlite_where=sa.text("state = 'deleting'"),
        postgresql_where=sa.text("state = 'deleting'"),
    )
    op.drop_table("things")
    op.drop_index("ix_team_members_person", table_name="team_members")
    op.drop_table("team_members")
    op.drop_table("mirrors")
    op.drop_table("leases")
    op.drop_index("ix_idempotency_created_at", table_name="idempotency")
    op.drop_table("idempotency")
    op.drop_index(
        "ix_events_unsequenced",
        table_name="events",
        sqlite_where=sa.text("position IS NULL"),
        postgresql_where=sa.text("position IS NULL"),
    )
    op.drop_index("ix_events_thing", table_name="events")
    op.drop_table("events")
    op.drop_table("chain_head")
