"""What is known of a node: whether folders can be mounted there, and if not why."""

from __future__ import annotations

from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import mount_nodes
from jupyterhub_vmshare.db.upsert import insert_or_replace
from jupyterhub_vmshare.mounts.messages import Hello

OFF: Final = (
    "Shared folders do not appear in the file browsers of this hub's servers; all of them are in "
    "the panel. An administrator can switch it on: c.Serve.agent_socket names no agent."
)
NO_AGENT: Final = (
    "The mount agent does not answer on this node, so shared folders can't appear in the file "
    "browser or leave it just now; all of them are in the panel. An administrator can start it, "
    "as root: jupyterhub-vmshare agent."
)
CANNOT: Final = "This node can't mount folders. "


def because(hello: Hello | None) -> str | None:
    """Why nothing can be mounted, as the node says; None where it can."""
    if hello is None:
        return NO_AGENT
    if hello.can_mount:
        return None
    return (CANNOT + " ".join(hello.missing))[:500].strip()


async def write(tx: Transaction, node: str, why: str | None) -> None:
    """Write down whether folders can be mounted on a node."""
    values = {"available": why is None, "because": why, "seen_at": tx.at}
    await insert_or_replace(tx.conn, mount_nodes, {"name": node}, values)


async def forget(tx: Transaction, node: str) -> None:
    """Nobody looks after this node any more."""
    await tx.conn.execute(mount_nodes.delete().where(mount_nodes.c.name == node))


async def why_unavailable(conn: AsyncConnection, node: str) -> str | None:
    """Why nothing can be mounted on the node; None where it can."""
    query = sa.select(mount_nodes.c.available, mount_nodes.c.because)
    row = (await conn.execute(query.where(mount_nodes.c.name == node))).one_or_none()
    if row is None:
        return OFF
    return None if row.available else row.because or NO_AGENT
