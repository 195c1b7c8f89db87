"""Offers to hand things over. ``tables`` has all tables, this one too."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, String, Table, text

from jupyterhub_vmshare.db.metadata import ID, NAME, metadata
from jupyterhub_vmshare.db.types import Moment

# The owner stays the owner until the receiver accepts; one offer waits at a time.
hand_overs = Table(
    "hand_overs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("thing_id", ID, ForeignKey("things.id"), nullable=False),
    Column("owner", NAME, nullable=False),
    Column("receiver", NAME, nullable=False),
    # Who made the offer: the owner, or a hub admin where the owner's account is gone.
    Column("by", NAME, nullable=False),
    Column("keep", Boolean, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("answered_at", Moment),
)
Index(
    "uq_hand_overs_open",
    hand_overs.c.thing_id,
    unique=True,
    sqlite_where=text("state = 'pending'"),
    postgresql_where=text("state = 'pending'"),
)
Index("ix_hand_overs_thing", hand_overs.c.thing_id, hand_overs.c.state)
Index("ix_hand_overs_receiver", hand_overs.c.receiver, hand_overs.c.state)
Index("ix_hand_overs_owner", hand_overs.c.owner, hand_overs.c.state)
Index("ix_hand_overs_by", hand_overs.c.by, hand_overs.c.state)
