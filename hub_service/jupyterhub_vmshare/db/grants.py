"""Grants and what members of teams answer to them. ``tables`` has all tables, these too."""

from __future__ import annotations

from sqlalchemy import CheckConstraint, Column, ForeignKey, Index, Integer, String, Table, text

from jupyterhub_vmshare.db.metadata import ID, NAME, metadata
from jupyterhub_vmshare.db.types import Json, Moment

_LIVE_GRANT = text("state IN ('pending', 'active')")

grants = Table(
    "grants",
    metadata,
    Column("id", ID, primary_key=True),
    Column("thing_id", ID, ForeignKey("things.id"), nullable=False),
    Column("receiver_kind", String(16), nullable=False),
    Column("receiver", NAME, nullable=False),
    Column("giver", NAME, nullable=False),
    Column("level", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    Column("parent_id", ID, ForeignKey("grants.id")),
    Column("created_at", Moment, nullable=False),
    Column("answered_at", Moment),
    Column("ends_at", Moment),
    Column("ended_at", Moment),
    Column("ended_why", String(16)),
    # Of a machine's: what it lets its receiver do there, as far as the level leaves that open.
    Column("ticks", Json),
    # Of a machine's or a drive's: the team that giver, receiver and owner shared.
    Column("team", NAME),
    Column("version", Integer, nullable=False, server_default="1"),
    CheckConstraint("(state = 'ended') = (ended_why IS NOT NULL)", name="ended_says_why"),
)
Index(
    "uq_grants_live",
    grants.c.thing_id,
    grants.c.receiver_kind,
    grants.c.receiver,
    grants.c.giver,
    unique=True,
    sqlite_where=_LIVE_GRANT,
    postgresql_where=_LIVE_GRANT,
)
Index("ix_grants_receiver", grants.c.receiver, grants.c.receiver_kind, grants.c.state)
Index("ix_grants_thing", grants.c.thing_id, grants.c.state)
Index("ix_grants_giver", grants.c.giver, grants.c.state)
Index("ix_grants_parent", grants.c.parent_id)
Index(
    "ix_grants_team",
    grants.c.team,
    sqlite_where=text("team IS NOT NULL"),
    postgresql_where=text("team IS NOT NULL"),
)
Index(
    "ix_grants_ends_at",
    grants.c.ends_at,
    sqlite_where=_LIVE_GRANT,
    postgresql_where=_LIVE_GRANT,
)

answers = Table(
    "answers",
    metadata,
    Column("grant_id", ID, ForeignKey("grants.id"), primary_key=True),
    Column("person", NAME, primary_key=True),
    Column("answer", String(16), nullable=False),
    Column("answered_at", Moment, nullable=False),
)
Index("ix_answers_person", answers.c.person, answers.c.answer)
