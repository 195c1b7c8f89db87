"""How grants end, each for one reason, and everything that flows from them with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.policy.model import Person, Target
from jupyterhub_vmshare.sharing import store, teams
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.words import EndedWhy, GrantState, ReceiverKind

_EVENT = {
    EndedWhy.DECLINED: "declined",
    EndedWhy.CANCELLED: "cancelled",
    EndedWhy.REVOKED: "revoked",
    EndedWhy.LEFT: "left",
    EndedWhy.EXPIRED: "expired",
}
"""Ends that have an event of their own; all others are ``grant.ended`` with their reason."""


async def end(
    tx: Transaction,
    thing: SharedThing,
    grants: Sequence[Grant],
    why: EndedWhy,
    by: str | None,
) -> list[Grant]:
    """End live grants and all that flow from them; those end as ``giver_lost``.

    The thing's row must be held. Returns what ended, in the order that it did.
    """
    ended = [await _end_one(tx, thing, grant, why, by) for grant in grants]
    while grants := await store.live_children(tx.conn, [grant.id for grant in grants]):
        ended += [await _end_one(tx, thing, g, EndedWhy.GIVER_LOST, by) for g in grants]
    reached(f"sharing.{why.value}.ended")
    return ended


async def _end_one(
    tx: Transaction, thing: SharedThing, grant: Grant, why: EndedWhy, by: str | None
) -> Grant:
    over = await store.update(
        tx, grant, state=GrantState.ENDED, ended_at=tx.at, ended_why=why.value
    )
    verb = _EVENT.get(why)
    if verb is None:
        await store.tell(tx, "ended", thing, over, by, why=why.value)
    else:
        await store.tell(tx, verb, thing, over, by)
    return over


async def end_all(
    tx: Transaction, thing: SharedThing, why: EndedWhy, by: str | None
) -> list[Grant]:
    """End every live grant on a thing, co-owners' too: for things that are no more."""
    live = await store.live_on(tx.conn, thing.id)
    return await end(tx, thing, _roots(live), why, by)


async def revoke(tx: Transaction, person: Person, grant_id: str) -> list[Grant]:
    """Take a grant away, or back when it is not answered yet. Empty when it is over already."""
    thing, grant = await store.locked_grant(tx, grant_id)
    await permitted(tx.conn, person, "revoke", thing.id, tx.at, target=target_of(grant))
    if grant.is_over(tx.at):
        return []
    pending = grant.state is GrantState.PENDING
    why = EndedWhy.CANCELLED if pending else EndedWhy.REVOKED
    return await end(tx, thing, [grant], why, person.name)


async def stop_sharing(tx: Transaction, person: Person, thing_id: str) -> list[Grant]:
    """Stop sharing with everyone: pending, team and project grants too, never a co-owner's."""
    thing = await store.lock(tx, thing_id)
    await permitted(tx.conn, person, "revoke", thing_id, tx.at)
    live = [g for g in await store.live_on(tx.conn, thing_id) if g.level != "co_own"]
    waiting = [g for g in _roots(live) if g.state is GrantState.PENDING]
    active = [g for g in _roots(live) if g.state is GrantState.ACTIVE]
    ended = await end(tx, thing, active, EndedWhy.REVOKED, person.name)
    return ended + await end(tx, thing, waiting, EndedWhy.CANCELLED, person.name)


@dataclass(frozen=True, slots=True)
class Left:
    """What somebody gave up: grants of their own, and what their teams have and keep."""

    ended: list[Grant]
    declined: list[Grant]


async def leave(tx: Transaction, person: Person, thing_id: str) -> Left:
    """Give up what one holds oneself. What others receive through it ends too.

    What a team of theirs was given goes on for its other members: leaving is declining for oneself.
    """
    thing = await store.lock(tx, thing_id)
    await permitted(tx.conn, person, "leave", thing_id, tx.at)
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
    return Left(ended, declined)


def _roots(live: Sequence[Grant]) -> list[Grant]:
    """Those that flow from none of the others: the rest ends with them."""
    ids = {grant.id for grant in live}
    return [grant for grant in live if grant.parent_id not in ids]


def target_of(grant: Grant) -> Target:
    """Whom a change of a grant is about; of a team's it is about nobody in particular."""
    person = grant.receiver if grant.receiver_kind is ReceiverKind.PERSON else None
    return Target(person=person, givers=frozenset({grant.giver}))
