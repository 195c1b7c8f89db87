"""The way into machines: who signs, and whose accounts are open. ``tables`` has all tables."""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from jupyterhub_vmshare.db.metadata import ID, NAME, metadata
from jupyterhub_vmshare.db.types import Json, Moment

# Certificate authorities. The newest generation of a kind signs; all that are there are believed.
authorities = Table(
    "authorities",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("generation", Integer, primary_key=True, autoincrement=False),
    Column("public_key", Text, nullable=False),
    # Under the operator's key; gone once the generation is forgotten.
    Column("sealed", LargeBinary),
    Column("made_at", Moment, nullable=False),
    Column("forgotten_at", Moment),
)

# Accounts on machines, of people who came through the relay: whether each should be open, in which
# version, and which version its machine has obeyed. No foreign key: a lock outlives a deletion.
machine_accounts = Table(
    "machine_accounts",
    metadata,
    Column("machine_id", ID, primary_key=True),
    Column("person", NAME, primary_key=True),
    Column("account", String(32), nullable=False),
    Column("uid", BigInteger, nullable=False),
    # Desired.
    Column("is_open", Boolean, nullable=False),
    Column("sudo", Boolean, nullable=False),
    Column("version", BigInteger, nullable=False),
    # What they may do there, as the relay was told last.
    Column("allowed", Json, nullable=False),
    # Observed: obeyed up to this version; what the last lock ended.
    Column("seen", BigInteger),
    Column("channels", Integer, nullable=False),
    Column("processes", Integer, nullable=False),
    Column("remaining", Integer, nullable=False),
    Column("because", Text),
    Column("seen_at", Moment),
)
Index("ix_machine_accounts_person", machine_accounts.c.person)
Index(
    "ix_machine_accounts_to_lock",
    machine_accounts.c.machine_id,
    sqlite_where=text("NOT is_open AND (seen IS NULL OR seen < version)"),
    postgresql_where=text("NOT is_open AND (seen IS NULL OR seen < version)"),
)
