"""Since when the hub has somebody under a name. ``tables`` has all tables, this one too."""

from __future__ import annotations

from sqlalchemy import Column, Table

from jupyterhub_vmshare.db.metadata import NAME, metadata
from jupyterhub_vmshare.db.types import Moment

# Not who people are, but whether a name is still the same person's as when it was last seen.
name_holders = Table(
    "name_holders",
    metadata,
    Column("name", NAME, primary_key=True),
    Column("created_at", Moment, nullable=False),
)
