"""How grants end, each for one reason, and everything that flows from them with them."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import Conflict
from jupyterhub_vmshare.policy.model import Person, Target
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.verbs import verb
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.words import EndedWhy, GrantState, ReceiverKind

PROJECTS_OWN = (
    "This folder belongs to the project: its members have it as long as it is there. Lower their "
    "level, or put it in the trash."
)
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
    told = _EVENT.get(why)
    if told is None:
        await store.tell(tx, "ended", thing, over, by, why=why.value)
    else:
        await store.tell(tx, told, thing, over, by)
    return over


async def end_given_through(
    tx: Transaction, thing: SharedThing, grant: Grant, member: str, by: str | None
) -> list[Grant]:
    """End what a member of a team gave on from what the team has: they have it no more."""
    theirs = [g for g in await store.live_children(tx.conn, [grant.id]) if g.giver == member]
    return await end(tx, thing, theirs, EndedWhy.GIVER_LOST, by) if theirs else []


async def would_end(conn: AsyncConnection, grant: Grant) -> list[Grant]:
    """What ends when this grant does: it, and all that flows from it."""
    found, last = {grant.id: grant}, [grant]
    while last := await store.live_children(conn, [one.id for one in last]):
        last = [one for one in last if one.id not in found]
        found |= {one.id: one for one in last}
    return list(found.values())


async def end_all(
    tx: Transaction, thing: SharedThing, why: EndedWhy, by: str | None
) -> list[Grant]:
    """End every live grant on a thing, co-owners' too: for things that are no more."""
    live = await store.live_on(tx.conn, thing.id)
    return await end(tx, thing, _roots(live), why, by)


async def revoke(tx: Transaction, person: Person, grant_id: str) -> list[Grant]:
    """Take a grant away, or back when it is not answered yet. Empty when it is over already."""
    thing, grant = await store.locked_grant(tx, grant_id)
    about = await target_of(tx.conn, grant)
    await permitted(tx.conn, person, verb(thing.kind, "revoke"), thing.id, tx.at, target=about)
    if grant.is_over(tx.at):
        return []
    if grant.receiver_kind is ReceiverKind.PROJECT:
        raise Conflict(PROJECTS_OWN)
    pending = grant.state is GrantState.PENDING
    why = EndedWhy.CANCELLED if pending else EndedWhy.REVOKED
    return await end(tx, thing, [grant], why, person.name)


async def stop_sharing(tx: Transaction, person: Person, thing_id: str) -> list[Grant]:
    """Stop sharing with everyone: pending and team grants too, never a co-owner's; nor does a
    project lose what is its own."""
    thing = await store.lock(tx, thing_id)
    await permitted(tx.conn, person, verb(thing.kind, "stop_sharing"), thing_id, tx.at)
    there = await store.live_on(tx.conn, thing_id)
    of_others = (g for g in there if g.receiver_kind is not ReceiverKind.PROJECT)
    live = [g for g in of_others if g.level != "co_own"]
    waiting = [g for g in _roots(live) if g.state is GrantState.PENDING]
    active = [g for g in _roots(live) if g.state is GrantState.ACTIVE]
    ended = await end(tx, thing, active, EndedWhy.REVOKED, person.name)
    return ended + await end(tx, thing, waiting, EndedWhy.CANCELLED, person.name)


def _roots(live: Sequence[Grant]) -> list[Grant]:
    """Those that flow from none of the others: the rest ends with them."""
    ids = {grant.id for grant in live}
    return [grant for grant in live if grant.parent_id not in ids]


async def target_of(conn: AsyncConnection, grant: Grant) -> Target:
    """Whom a change of a grant is about; of a team's it is about nobody in particular."""
    person = grant.receiver if grant.receiver_kind is ReceiverKind.PERSON else None
    line = [grant, *await store.line_above(conn, grant)]
    return Target(person=person, givers=frozenset(one.giver for one in line))
