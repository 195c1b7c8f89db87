"""Giving up what one has: grants of one's own, what a team of theirs has, or a machine itself."""

from __future__ import annotations

from dataclasses import dataclass, field

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import Conflict
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import handing, store, teams
from jupyterhub_vmshare.sharing.ending import end, end_given_through
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.handovers import HandOver
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.words import EndedWhy, GrantState, ReceiverKind


@dataclass(frozen=True, slots=True)
class Left:
    """What somebody gave up: grants of their own, and what their teams have and keep.

    ``offered``: they own it, and leave when the co-owner who was first takes it over.
    """

    ended: list[Grant] = field(default_factory=list)
    declined: list[Grant] = field(default_factory=list)
    offered: HandOver | None = None


async def leave(tx: Transaction, person: Person, thing_id: str) -> Left:
    """Give up what one holds oneself. What others receive through it ends too.

    What a team of theirs was given goes on for its other members: leaving is declining for oneself.
    A machine's owner leaves it to its co-owner, when that one agrees.
    """
    thing = await store.lock(tx, thing_id)
    await permitted(tx.conn, person, "leave", thing_id, tx.at)
    if thing.owner == person.name:
        return Left(offered=await _to_the_first(tx, thing))
    mine = [
        grant
        for grant in await store.live_on(tx.conn, thing_id)
        if grant.receiver_kind is ReceiverKind.PERSON
        and grant.receiver == person.name
        and grant.state is GrantState.ACTIVE
    ]
    ended = await end(tx, thing, mine, EndedWhy.LEFT, person.name)
    given = [g for g in await teams.live_for(tx.conn, thing_id, person) if not g.is_over(tx.at)]
    declined = [g for g in given if await teams.decline(tx, thing, g, person.name)]
    for grant in declined:
        ended += await end_given_through(tx, thing, grant, person.name, person.name)
    return Left(ended, declined)


async def _to_the_first(tx: Transaction, thing: SharedThing) -> HandOver:
    """Ask the co-owner who accepted first whether they take it over, and its costs."""
    live = await store.live_on(tx.conn, thing.id)
    active = [g for g in live if g.state is GrantState.ACTIVE and not g.is_over(tx.at)]
    co_owners = [g for g in active if g.level == "co_own"]
    if not co_owners:
        raise Conflict(
            f"You are the only owner of this {thing.kind}: hand it over first, or make somebody "
            "a co-owner."
        )
    first = min(co_owners, key=lambda grant: (grant.answered_at or grant.created_at, grant.id))
    return await handing.ask(tx, thing, thing.owner, handing.Offer(first.receiver))
