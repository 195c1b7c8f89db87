"""The end of a machine's or a drive's rows, when the cloud has it no more."""

from __future__ import annotations

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import (
    aliases,
    answers,
    grants,
    hand_overs,
    shown_folders,
    things,
)
from jupyterhub_vmshare.words import ThingState


async def forget_thing(tx: Transaction, thing_id: str) -> None:
    """Delete what all kinds of things have. What happened stays in the log of events."""
    ours = sa.select(grants.c.id).where(grants.c.thing_id == thing_id)
    await tx.conn.execute(answers.delete().where(answers.c.grant_id.in_(ours)))
    for table in (grants, hand_overs, aliases):
        await tx.conn.execute(table.delete().where(table.c.thing_id == thing_id))
    await tx.conn.execute(shown_folders.delete().where(shown_folders.c.machine_id == thing_id))
    await tx.conn.execute(
        things.delete().where(things.c.id == thing_id, things.c.state == ThingState.DELETING)
    )
