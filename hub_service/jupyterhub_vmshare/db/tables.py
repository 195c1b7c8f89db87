"""Every table of the service. People are the hub's names: there is no user table here.

``things`` is what grants point at, whatever its kind, so that sharing has one life cycle and
"what may this person see" is one query. A noun keeps what only it needs in a table of its own.
"""

from __future__ import annotations

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    String,
    Table,
    Text,
    text,
)

from jupyterhub_vmshare.db.grants import answers as answers
from jupyterhub_vmshare.db.grants import grants as grants
from jupyterhub_vmshare.db.handing import hand_overs as hand_overs
from jupyterhub_vmshare.db.holders import name_holders as name_holders
from jupyterhub_vmshare.db.machines import attachments as attachments
from jupyterhub_vmshare.db.machines import drives as drives
from jupyterhub_vmshare.db.machines import machine_snapshots as machine_snapshots
from jupyterhub_vmshare.db.machines import machines as machines
from jupyterhub_vmshare.db.machines import uids as uids
from jupyterhub_vmshare.db.metadata import ID, NAME
from jupyterhub_vmshare.db.metadata import metadata as metadata
from jupyterhub_vmshare.db.projects import project_asks as project_asks
from jupyterhub_vmshare.db.projects import project_links as project_links
from jupyterhub_vmshare.db.projects import project_members as project_members
from jupyterhub_vmshare.db.projects import project_overrides as project_overrides
from jupyterhub_vmshare.db.projects import projects as projects
from jupyterhub_vmshare.db.types import Json, Moment
from jupyterhub_vmshare.db.way_in import authorities as authorities
from jupyterhub_vmshare.db.way_in import machine_accounts as machine_accounts

_ID, _NAME = ID, NAME

things = Table(
    "things",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("owner", _NAME, nullable=False),
    Column("name", _NAME, nullable=False),
    Column("state", String(16), nullable=False),
    Column("created_at", Moment, nullable=False),
    Column("trashed_at", Moment),
    Column("cloneable", Boolean, nullable=False, server_default=text("false")),
    Column("fast", Boolean, nullable=False, server_default=text("false")),
    # The project that it belongs to; `owner` is then `owner_of` it.
    Column("project_id", _ID),
    # Of a machine or a drive: the project in which `owner` made it.
    Column("within_id", _ID),
    # What the one or the other is called.
    Column("project_name", _NAME),
    # Members of that project may use it.
    Column("opened", Boolean, nullable=False, server_default=text("false")),
    # The one or the other is its gate: whoever is not in it now does not get in.
    Column("tagged", Boolean, nullable=False, server_default=text("false")),
    # Who has confirmed so far that this is to end: an owner, and an administrator.
    Column("untag_owner", _NAME),
    Column("untag_admin", _NAME),
    Column("version", Integer, nullable=False, server_default="1"),
)
Index(
    "uq_things_live_name",
    things.c.kind,
    things.c.owner,
    things.c.name,
    unique=True,
    # A trashed namesake never blocks.
    sqlite_where=text("state = 'live'"),
    postgresql_where=text("state = 'live'"),
)
Index("ix_things_owner", things.c.owner, things.c.kind, things.c.state)
Index(
    "ix_things_project",
    things.c.project_id,
    sqlite_where=text("project_id IS NOT NULL"),
    postgresql_where=text("project_id IS NOT NULL"),
)
Index(
    "ix_things_within",
    things.c.within_id,
    sqlite_where=text("within_id IS NOT NULL"),
    postgresql_where=text("within_id IS NOT NULL"),
)
Index(
    "ix_things_deleting",
    things.c.id,
    sqlite_where=text("state = 'deleting'"),
    postgresql_where=text("state = 'deleting'"),
)

aliases = Table(
    "aliases",
    metadata,
    Column("person", _NAME, primary_key=True),
    Column("thing_id", _ID, ForeignKey("things.id"), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("alias", _NAME, nullable=False),
)
Index("uq_aliases_alias", aliases.c.person, aliases.c.kind, aliases.c.alias, unique=True)

team_members = Table(
    "team_members",
    metadata,
    Column("team", _NAME, primary_key=True),
    Column("person", _NAME, primary_key=True),
    Column("since", Moment, nullable=False),
)
Index("ix_team_members_person", team_members.c.person)

mirrors = Table(
    "mirrors",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("refreshed_at", Moment, nullable=False),
)

events = Table(
    "events",
    metadata,
    Column("id", _ID, primary_key=True),
    # Both are null until the sequencer has been here.
    Column("position", BigInteger, unique=True),
    Column("hash", String(64)),
    Column("type", String(64), nullable=False),
    Column("at", Moment, nullable=False),
    Column("actor", _NAME),
    Column("thing_id", _ID),
    Column("thing_name", _NAME),
    Column("audience", Json, nullable=False),
    Column("data", Json, nullable=False),
)
Index(
    "ix_events_unsequenced",
    events.c.at,
    events.c.id,
    sqlite_where=text("position IS NULL"),
    postgresql_where=text("position IS NULL"),
)
Index("ix_events_thing", events.c.thing_id, events.c.position)

event_audience = Table(
    "event_audience",
    metadata,
    Column("person", _NAME, primary_key=True),
    Column("event_id", _ID, ForeignKey("events.id"), primary_key=True),
    Column("position", BigInteger),
)
Index("ix_event_audience_position", event_audience.c.person, event_audience.c.position)

chain_head = Table(
    "chain_head",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
)

leases = Table(
    "leases",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("holder", String(64), nullable=False),
    Column("term", BigInteger, nullable=False),
    Column("expires_at", Moment, nullable=False),
)

idempotency = Table(
    "idempotency",
    metadata,
    Column("person", _NAME, primary_key=True),
    Column("key", String(64), primary_key=True),
    Column("request_hash", String(64), nullable=False),
    Column("status", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("created_at", Moment, nullable=False),
)
Index("ix_idempotency_created_at", idempotency.c.created_at)

sessions = Table(
    "sessions",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _NAME, nullable=False),
    Column("server_name", _NAME, nullable=False),
    Column("node", _NAME, nullable=False),
    Column("uid", BigInteger, nullable=False),
    Column("gid", BigInteger, nullable=False),
    Column("started_at", Moment, nullable=False),
    Column("ended_at", Moment),
    # Since when its node's agent knows that it ended.
    Column("closed_at", Moment),
    # Of the list of what it should have: what is wanted, and what the agent has obeyed last.
    Column("version", BigInteger, nullable=False),
    Column("told", BigInteger),
    Column("view", Text),
    # It was started without a view, so that nothing can appear in it any more.
    Column("viewless", Boolean, nullable=False),
    Column("because", Text),
)
Index(
    "uq_sessions_live",
    sessions.c.person,
    sessions.c.server_name,
    unique=True,
    sqlite_where=text("ended_at IS NULL"),
    postgresql_where=text("ended_at IS NULL"),
)
Index(
    "ix_sessions_unclosed",
    sessions.c.node,
    sqlite_where=text("closed_at IS NULL"),
    postgresql_where=text("closed_at IS NULL"),
)

# Whose bytes are counted together, and what they may have; the store says how much there is.
accounts = Table(
    "accounts",
    metadata,
    Column("owner", _NAME, primary_key=True),
    Column("id", _ID, nullable=False, unique=True),
    # Not set: the site's defaults. Null: no limit.
    Column("is_set", Boolean, nullable=False),
    Column("most_bytes", BigInteger),
    Column("most_folders", Integer),
    # Whether the store has been told of the limit.
    Column("applied", Boolean, nullable=False),
)

# In which account a folder's bytes are counted by now, and when its tree was last counted through.
meters = Table(
    "meters",
    metadata,
    Column("thing_id", _ID, ForeignKey("things.id"), primary_key=True),
    Column("account_id", _ID, nullable=False),
    Column("counted_at", Moment),
)
Index("ix_meters_counted_at", meters.c.counted_at)

# Copies of folders, which outlive both; the copy's own row comes when its tree is whole.
clones = Table(
    "clones",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("source_id", _ID, nullable=False),
    Column("source_name", _NAME, nullable=False),
    Column("owner", _NAME, nullable=False),
    Column("name", _NAME, nullable=False),
    Column("folder_id", _ID, nullable=False, unique=True),
    Column("wanted", Boolean, nullable=False),
    # copying, done, failed or cancelled
    Column("state", String(16), nullable=False),
    Column("files", BigInteger, nullable=False),
    Column("bytes", BigInteger, nullable=False),
    Column("because", Text),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
)
Index("ix_clones_owner", clones.c.owner, clones.c.id)
Index(
    "ix_clones_copying",
    clones.c.id,
    sqlite_where=text("state = 'copying'"),
    postgresql_where=text("state = 'copying'"),
)

# Copies of a folder as it was, for its owner.
snapshots = Table(
    "snapshots",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("thing_id", _ID, ForeignKey("things.id"), nullable=False),
    # Made by the folder's policy, and deleted by it.
    Column("automatic", Boolean, nullable=False),
    Column("wanted", Boolean, nullable=False),
    # making, done or failed
    Column("state", String(16), nullable=False),
    Column("files", BigInteger, nullable=False),
    # What it stores that no earlier one does.
    Column("bytes", BigInteger, nullable=False),
    Column("because", Text),
    Column("created_at", Moment, nullable=False),
    Column("ended_at", Moment),
)
Index("ix_snapshots_thing", snapshots.c.thing_id, snapshots.c.id)
Index(
    "ix_snapshots_unsettled",
    snapshots.c.id,
    sqlite_where=text("state = 'making' OR NOT wanted"),
    postgresql_where=text("state = 'making' OR NOT wanted"),
)

# How often a folder's snapshots are made by themselves, and how many of those are kept.
snapshot_policies = Table(
    "snapshot_policies",
    metadata,
    Column("thing_id", _ID, ForeignKey("things.id"), primary_key=True),
    Column("every_hours", Integer, nullable=False),
    Column("keep", Integer, nullable=False),
    Column("next_at", Moment, nullable=False),
)
Index("ix_snapshot_policies_next_at", snapshot_policies.c.next_at)

# No foreign key to `things`: what is to be taken out of a session outlives the folder's own rows.
mounts = Table(
    "mounts",
    metadata,
    Column("session_id", _ID, ForeignKey("sessions.id"), primary_key=True),
    Column("thing_id", _ID, primary_key=True),
    # Desired; no level: it should not be there.
    Column("name", _NAME, nullable=False),
    Column("level", String(16)),
    Column("grant_id", _ID, nullable=False),
    Column("owner", _NAME, nullable=False),
    Column("until", Moment),
    Column("direct", Boolean, nullable=False, server_default=text("false")),
    Column("state", String(16), nullable=False),  # observed, as all that follows
    Column("seen_level", String(16)),
    Column("seen_name", _NAME),
    Column("because", Text),
    Column("seen_at", Moment),
    Column("seen_direct", Boolean, nullable=False, server_default=text("false")),
    Column("cut_open", Integer, nullable=False),  # descriptors, by the last order
    Column("held", Integer, nullable=False, server_default=text("0")),  # processes, uncut
)
Index("ix_mounts_thing", mounts.c.thing_id)

mount_choices = Table(
    "mount_choices",
    metadata,
    Column("person", _NAME, primary_key=True),
    Column("thing_id", _ID, ForeignKey("things.id"), primary_key=True),
    Column("wanted", Boolean, nullable=False),
)
Index("ix_mount_choices_thing", mount_choices.c.thing_id)

# Folders that somebody has shown on a machine, too: their own choice, for that machine alone. A row
# goes with the right to either.
shown_folders = Table(
    "shown_folders",
    metadata,
    Column("person", _NAME, primary_key=True),
    Column("thing_id", _ID, ForeignKey("things.id"), primary_key=True),
    Column("machine_id", _ID, ForeignKey("things.id"), primary_key=True),
    Column("chosen_at", Moment, nullable=False),
)
Index("ix_shown_folders_thing", shown_folders.c.thing_id)
Index("ix_shown_folders_machine", shown_folders.c.machine_id)

mount_nodes = Table(
    "mount_nodes",
    metadata,
    Column("name", _NAME, primary_key=True),
    Column("available", Boolean, nullable=False),
    Column("because", Text),
    Column("seen_at", Moment, nullable=False),
)

# Uploads that can be resumed; their bytes are parts in the store, named by these ids. No foreign
# key to `things`, as with mounts: a folder that goes leaves nothing to wait for.
uploads = Table(
    "uploads",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("person", _NAME, nullable=False),
    Column("thing_id", _ID, nullable=False),
    Column("kind", String(16), nullable=False),
    Column("state", String(16), nullable=False),
    # Where it goes; null for a part that another upload is joined from.
    Column("path", Text),
    Column("overwrite", Boolean, nullable=False),
    Column("tag", String(100)),
    Column("length", BigInteger, nullable=False),
    # So many bytes are on the disk for good: no more are ever promised.
    Column("received", BigInteger, nullable=False),
    # As the client gave it, to be given back.
    Column("metadata", Text, nullable=False),
    Column("joined_from", Json),
    Column("created_at", Moment, nullable=False),
    Column("expires_at", Moment, nullable=False),
)
Index("ix_uploads_person", uploads.c.person, uploads.c.thing_id)
Index("ix_uploads_thing", uploads.c.thing_id)
Index("ix_uploads_expires_at", uploads.c.expires_at)
