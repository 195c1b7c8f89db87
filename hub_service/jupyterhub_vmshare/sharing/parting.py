"""What somebody loses with a membership, and what of theirs stays in the project."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import grants, machine_snapshots, things
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.ending import end
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.words import EndedWhy, ReceiverKind, ThingKind, ThingState


@dataclass(frozen=True, slots=True)
class Stays:
    """How much of somebody's stays in the project that they are out of."""

    machines: int = 0
    drives: int = 0
    snapshots: int = 0


@dataclass(frozen=True, slots=True)
class Lost:
    """What somebody lost with a membership: grants, and what they own that stays there."""

    things: Sequence[str] = ()
    """All of the project's and all in it that they may have had open."""
    ended: Sequence[Grant] = ()
    stays: Stays = Stays()


async def end_grants_in(
    tx: Transaction, held: Sequence[SharedThing], person: str
) -> Sequence[Grant]:
    """What somebody was given of these, and what flows from it, ends with their membership.

    The project and these things are held.
    """
    query = grants.select().where(
        grants.c.thing_id.in_([thing.id for thing in held]),
        grants.c.receiver_kind == ReceiverKind.PERSON,
        grants.c.receiver == person,
        store.LIVE,
    )
    of = {thing.id: thing for thing in held}
    ended: list[Grant] = []
    for row in (await tx.conn.execute(query.order_by(grants.c.id))).all():
        grant = await store.by_id(tx.conn, row.id)
        if grant.ended_at is None:  # it may have ended with another one just now
            ended += await end(tx, of[grant.thing_id], [grant], EndedWhy.TEAM_LEFT, None)
    return ended


async def what_stays(tx: Transaction, project_id: str, person: str) -> Stays:
    """How much of somebody's there is in a project."""
    mine = (things.c.within_id == project_id, things.c.owner == person)
    query = sa.select(things.c.kind, sa.func.count()).where(
        *mine, things.c.state == ThingState.LIVE
    )
    counts = {kind: count for kind, count in await tx.conn.execute(query.group_by(things.c.kind))}
    taken = sa.select(sa.func.count()).where(
        machine_snapshots.c.project_id == project_id,
        machine_snapshots.c.owner == person,
        machine_snapshots.c.desired != "deleted",
    )
    snapshots = await tx.conn.scalar(taken) or 0
    return Stays(counts.get(ThingKind.MACHINE, 0), counts.get(ThingKind.DRIVE, 0), snapshots)
