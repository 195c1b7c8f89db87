"""Ending the sessions that hold what was taken from them: whose right that is, and what is said.

Whoever may take access to a folder away may end what a revoke can't reach: sessions in which
something of a fast mount is open still, and no others.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import mounts
from jupyterhub_vmshare.mounts.reach import Holder, holders_of
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import permitted


async def holders(
    conn: AsyncConnection, person: Person, folder_id: str, at: datetime
) -> list[Holder]:
    """The sessions that hold something, for who may revoke. Raises what ``decide`` refuses with."""
    await permitted(conn, person, "revoke", folder_id, at)
    return await holders_of(conn, folder_id)


async def record(tx: Transaction, by: Person, folder_id: str, holder: Holder) -> None:
    """Say to both that a session was stopped, and why; to each under the name that they know."""
    theirs = sa.select(mounts.c.name).where(
        mounts.c.session_id == holder.session_id, mounts.c.thing_id == folder_id
    )
    folder = await store.thing_of(tx.conn, folder_id)
    keepers = await store.keepers(tx.conn, folder, tx.at)
    known = dict.fromkeys(keepers, folder.name)
    known[holder.person] = (await tx.conn.scalar(theirs)) or folder.name
    for person, called in known.items():
        await tx.record(
            NewEvent(
                "session.stopped",
                actor=by.name,
                audience=frozenset({person}),
                thing_id=folder_id,
                thing_name=called,
                data={
                    "session_id": holder.session_id,
                    "server_name": holder.server_name,
                    "person": holder.person,
                },
            )
        )
