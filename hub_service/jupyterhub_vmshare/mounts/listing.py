"""A person's running sessions as they see them, each with its folders."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import mounts
from jupyterhub_vmshare.mounts.nodes import why_unavailable
from jupyterhub_vmshare.mounts.sessions import Session, live_of

Shown = Literal["waiting", "mounted", "failed", "closing"]

VIEWLESS: Final = (
    "This server was started while folders could not be mounted. Stop it and start it again in the "
    "hub's control panel to have them in its file browser; all of them are in the panel."
)


@dataclass(frozen=True, slots=True)
class SeenMount:
    """A folder in a session, or on its way in or out. ``level`` is what holds there now.

    ``direct``: past the guard; ``not_direct``: why it is not, where it should be.
    """

    folder_id: str
    name: str
    level: str
    state: Shown
    because: str | None
    until: datetime | None
    direct: bool
    not_direct: str | None


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
    nodes = {node: await why_unavailable(conn, node) for node in {s.node for s in live}}
    query = mounts.select().where(mounts.c.session_id.in_([session.id for session in live]))
    if folder_id is not None:
        query = query.where(mounts.c.thing_id == folder_id)
    found: dict[str, list[SeenMount]] = {session.id: [] for session in live}
    for row in await conn.execute(query.order_by(mounts.c.name, mounts.c.thing_id)):
        if (seen := _seen(row)) is not None:
            found[row.session_id].append(seen)
    return [
        # Nothing appears in one without a view, whatever it should have.
        SeenSession(s, _because(s, nodes), [] if s.viewless else found[s.id])
        for s in live
    ]


def _because(session: Session, nodes: dict[str, str | None]) -> str | None:
    why = nodes[session.node]
    if session.viewless and why is None:
        return VIEWLESS
    # Where the node can't mount now, another start helps nobody.
    return why or session.because


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
    return SeenMount(
        *(row.thing_id, name, level, state, because, row.until),
        direct=row.seen_direct,
        not_direct=row.because if state == "mounted" and row.direct else None,
    )
