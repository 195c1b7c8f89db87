"""What ends when the hub has given a name to somebody else: all that its former holder received."""

from __future__ import annotations

from typing import Protocol

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import grants, hand_overs, things
from jupyterhub_vmshare.sharing import handing, store
from jupyterhub_vmshare.sharing.ending import end
from jupyterhub_vmshare.words import EndedWhy, ReceiverKind


class FormerHolder(Protocol):
    """Somebody who is gone, under the name that what they had has now."""

    @property
    def aside(self) -> str: ...


async def end_what_they_had(tx: Transaction, former: FormerHolder) -> None:
    """Their grants and offers end, and what flows from them.

    What they gave on things of their own goes on, as when anybody has left: who works there is not
    to lose it because a name is used again.
    """
    name = former.aside
    received = sa.and_(
        grants.c.receiver_kind == ReceiverKind.PERSON.value, grants.c.receiver == name
    )
    # What an administrator gave of a project's, the project gave.
    personal = things.c.project_id.is_(None)
    passed_on = sa.and_(grants.c.giver == name, things.c.owner != name, personal)
    query = (
        sa.select(grants.c.id)
        .join(things, things.c.id == grants.c.thing_id)
        .where(store.LIVE, sa.or_(received, passed_on))
        # What they received first: most of what they gave flows from it.
        .order_by(sa.case((received, 0), else_=1), grants.c.id)
    )
    for grant_id in (await tx.conn.scalars(query)).all():
        thing, grant = await store.locked_grant(tx, grant_id)
        why = EndedWhy.LEFT if grant.receiver == name else EndedWhy.GIVER_LOST
        if grant.ended_why is None:
            await end(tx, thing, [grant], why, None)
    offers = sa.select(hand_overs.c.thing_id).where(
        hand_overs.c.state == "pending",
        sa.or_(hand_overs.c.receiver == name, hand_overs.c.owner == name, hand_overs.c.by == name),
    )
    for thing_id in (await tx.conn.scalars(offers.order_by(hand_overs.c.id))).all():
        await handing.cancel_open(tx, await store.lock(tx, thing_id), None)
