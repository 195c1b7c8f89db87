"""Projects, their members, and how one becomes a member. ``tables`` has all tables, these too."""

from __future__ import annotations

from sqlalchemy import Boolean, Column, ForeignKey, Index, Integer, String, Table, Text, text

from jupyterhub_vmshare.db.metadata import ID, NAME, metadata
from jupyterhub_vmshare.db.types import Json, Moment


def owner_of(project_id: str) -> str:
    """What stands as the owner of a project's things, and of its account.

    No user of JupyterHub can have a slash in their name, so this is never somebody's.
    """
    return f"/{project_id}"


def is_project(owner: str) -> bool:
    """Whether that is what stands there."""
    return owner.startswith("/")


projects = Table(
    "projects",
    metadata,
    Column("id", ID, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("name", NAME, nullable=False),
    Column("description", Text, nullable=False),
    Column("state", String(16), nullable=False),
    # Who asked for it, or made it.
    Column("created_by", NAME, nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("answered_by", NAME),
    Column("answered_at", Moment),
    # What was said with the answer.
    Column("because", Text),
    # What it may hold, by name; what is not in it has no limit.
    Column("quota", Json, nullable=False),
    Column("members_may_create", Boolean, nullable=False),
    Column("members_see_each_other", Boolean, nullable=False),
    Column("new_things_open", Boolean, nullable=False),
    Column("version", Integer, nullable=False, server_default="1"),
)
_THERE = text("state IN ('requested', 'active')")
Index(
    "uq_projects_name",
    projects.c.name,
    unique=True,
    sqlite_where=_THERE,
    postgresql_where=_THERE,
)
Index("ix_projects_state", projects.c.state, projects.c.id)
Index("ix_projects_created_by", projects.c.created_by, projects.c.state)

# One row a person and project: who comes back takes up the old one.
project_members = Table(
    "project_members",
    metadata,
    Column("project_id", ID, ForeignKey("projects.id"), primary_key=True),
    Column("person", NAME, primary_key=True),
    Column("role", String(16), nullable=False),
    Column("since", Moment, nullable=False),
    Column("ends_at", Moment),
    Column("ended_at", Moment),
    Column("ended_why", String(16)),
    Column("version", Integer, nullable=False, server_default="1"),
)
Index("ix_project_members_person", project_members.c.person, project_members.c.ended_at)
Index(
    "ix_project_members_ends_at",
    project_members.c.ends_at,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)

# Whoever has the code may ask to become a member. Only its hash is kept.
project_links = Table(
    "project_links",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("code_hash", String(64), nullable=False, unique=True),
    Column("note", NAME, nullable=False),
    Column("made_by", NAME, nullable=False),
    Column("made_at", Moment, nullable=False),
    Column("ends_at", Moment, nullable=False),
    Column("uses", Integer, nullable=False),
    Column("used", Integer, nullable=False, server_default="0"),
    Column("revoked_at", Moment),
)
Index("ix_project_links_project", project_links.c.project_id, project_links.c.id)

project_asks = Table(
    "project_asks",
    metadata,
    Column("id", ID, primary_key=True),
    Column("project_id", ID, ForeignKey("projects.id"), nullable=False),
    Column("link_id", ID, ForeignKey("project_links.id"), nullable=False),
    Column("person", NAME, nullable=False),
    Column("state", String(16), nullable=False),
    Column("asked_at", Moment, nullable=False),
    Column("answered_by", NAME),
    Column("answered_at", Moment),
)
Index(
    "uq_project_asks_open",
    project_asks.c.project_id,
    project_asks.c.person,
    unique=True,
    sqlite_where=text("state = 'waiting'"),
    postgresql_where=text("state = 'waiting'"),
)
Index("ix_project_asks_person", project_asks.c.person, project_asks.c.state)

# An administrator's level for one member on one folder of the project, in the place of the
# project's own.
project_overrides = Table(
    "project_overrides",
    metadata,
    Column("thing_id", ID, ForeignKey("things.id"), primary_key=True),
    Column("person", NAME, primary_key=True),
    Column("level", String(16), nullable=False),
    Column("set_by", NAME, nullable=False),
    Column("set_at", Moment, nullable=False),
)
Index("ix_project_overrides_person", project_overrides.c.person)
