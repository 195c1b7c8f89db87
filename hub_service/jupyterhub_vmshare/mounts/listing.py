"""A person's running sessions as they see them, each with its folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import mount_nodes, mounts
from jupyterhub_vmshare.mounts.sessions import Session, live_of

Shown = Literal["waiting", "mounted", "failed", "closing"]

NO_AGENT: Final = (
    "No mount agent runs on this node, so shared folders do not appear in the file browser; all of "
    "them are in the panel. An administrator can start it, as root: jupyterhub-vmshare agent."
)
VIEWLESS: Final = (
    "This server was started while folders could not be mounted. Stop it and start it again in the "
    "hub's control panel to have them in its file browser; all of them are in the panel."
)


@dataclass(frozen=True, slots=True)
class SeenMount:
    """A folder in a session, or on its way in or out. ``level`` is what holds there now."""

    folder_id: str
    name: str
    level: str
    state: Shown
    because: str | None
    until: datetime | None


@dataclass(frozen=True, slots=True)
class SeenSession:
    """A session, and whether folders can appear in it."""

    session: Session
    because: str | None
    mounts: Sequence[SeenMount]


async def sessions_of(
    conn: AsyncConnection, person: str, folder_id: str | None = None
) -> list[SeenSession]:
    """The person's running sessions, oldest first; with ``folder_id``, with that folder alone."""
    live = await live_of(conn, person)
    nodes = await _why_unavailable(conn, {session.node for session in live})
    query = mounts.select().where(mounts.c.session_id.in_([session.id for session in live]))
    if folder_id is not None:
        query = query.where(mounts.c.thing_id == folder_id)
    found: dict[str, list[SeenMount]] = {session.id: [] for session in live}
    for row in await conn.execute(query.order_by(mounts.c.name, mounts.c.thing_id)):
        if (seen := _seen(row)) is not None:
            found[row.session_id].append(seen)
    return [SeenSession(session, _because(session, nodes), found[session.id]) for session in live]


def _because(session: Session, nodes: dict[str, str | None]) -> str | None:
    if session.viewless:
        return VIEWLESS
    return nodes.get(session.node, NO_AGENT) or session.because


async def _why_unavailable(conn: AsyncConnection, names: set[str]) -> dict[str, str | None]:
    """Why nothing can be mounted, by node; None where it can."""
    query = mount_nodes.select().where(mount_nodes.c.name.in_(names))
    rows = await conn.execute(query)
    return {row.name: None if row.available else row.because or NO_AGENT for row in rows}


def _seen(row: sa.Row[Any]) -> SeenMount | None:
    level = row.seen_level or row.level
    if level is None:
        return None  # neither there nor wanted: a row that will be forgotten
    state: Shown = "mounted"
    if row.level is None:
        state = "closing"
    elif row.state == "failed":
        state = "failed"
    elif row.seen_level is None:
        state = "waiting"
    name = row.seen_name if row.seen_level is not None and row.seen_name else row.name
    because = row.because if state == "failed" else None
    return SeenMount(row.thing_id, name, level, state, because, row.until)
