"""What a thing's new owner takes over with it: everything that was given goes on, given by them.

What they held on it ends, for it is theirs now. What they gave stands by itself from now on.
"""

from __future__ import annotations

from dataclasses import replace

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import grants
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.ending import end
from jupyterhub_vmshare.sharing.lowering import keep_within
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.teams import teams_of
from jupyterhub_vmshare.sharing.verbs import in_one_team
from jupyterhub_vmshare.words import LEVELS, EndedWhy, GrantState, ReceiverKind


async def hand_on(tx: Transaction, thing: SharedThing, owner: str) -> None:
    """Make the grants on a thing those of its new owner; before it is theirs, with it held."""
    mine = (grants.c.thing_id == thing.id, grants.c.giver == owner, store.LIVE)
    await tx.conn.execute(grants.update().where(*mine).values(parent_id=None))
    live = await store.live_on(tx.conn, thing.id)
    theirs = [g for g in live if g.receiver_kind is ReceiverKind.PERSON and g.receiver == owner]
    await end(tx, thing, theirs, EndedWhy.HANDED_OVER, owner)
    await _end_doubles(tx, thing, owner)
    # Who gives must hold it.
    old = (grants.c.thing_id == thing.id, grants.c.giver == thing.owner, store.LIVE)
    given = grants.update().where(*old)
    await tx.conn.execute(given.values(giver=owner, version=grants.c.version + 1))
    if in_one_team(thing.kind):
        await _in_one_team(tx, replace(thing, owner=owner))


async def _end_doubles(tx: Transaction, thing: SharedThing, owner: str) -> None:
    """Where both owners gave somebody something, the stronger of the two stays."""
    live = await store.live_on(tx.conn, thing.id)
    hers = {(g.receiver_kind, g.receiver): g for g in live if g.giver == owner}
    for grant in live:
        other = hers.get((grant.receiver_kind, grant.receiver))
        if grant.giver != thing.owner or other is None:
            continue
        weaker, stronger = sorted((grant, other), key=lambda one: _strength(thing, one))
        flows = grants.update().where(grants.c.parent_id == weaker.id, store.LIVE)
        await tx.conn.execute(flows.values(parent_id=stronger.id))
        await keep_within(tx, thing, stronger, owner)
        await end(tx, thing, [weaker], EndedWhy.SUPERSEDED, owner)


def _strength(thing: SharedThing, grant: Grant) -> tuple[bool, int, str]:
    level = LEVELS[thing.kind].index(grant.level)
    return grant.state is GrantState.ACTIVE, level, grant.id


async def _in_one_team(tx: Transaction, thing: SharedThing) -> None:
    """Giver, receiver and owner share one team, whoever the owner is; else it is over."""
    for grant in await store.live_on(tx.conn, thing.id):
        now = await store.by_id(tx.conn, grant.id)
        if now.state is GrantState.ENDED:  # with another one, just now
            continue
        common = await _common(tx, thing, now)
        if not common:
            await end(tx, thing, [now], EndedWhy.HANDED_OVER, thing.owner)
        elif now.team not in common:
            ours = grants.update().where(grants.c.id == now.id)
            await tx.conn.execute(ours.values(team=min(common)))


async def _common(tx: Transaction, thing: SharedThing, grant: Grant) -> frozenset[str]:
    people = {thing.owner, grant.giver}
    if grant.receiver_kind is ReceiverKind.PERSON:
        people.add(grant.receiver)
    theirs = await teams_of(tx.conn, people)
    common = frozenset.intersection(*(theirs.get(name, frozenset()) for name in people))
    if grant.receiver_kind is ReceiverKind.TEAM:
        return common & {grant.receiver}
    return common
