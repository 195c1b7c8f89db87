"""Handing a thing over: an offer, and its receiver's yes (F14).

The thing is its owner's until the receiver accepts. Then all that was given goes on, given by the
new owner from now on; what the new owner held on it ends, and the old owner may keep a grant. A hub
admin may offer what belongs to somebody whose account is gone, to anybody but themself, and sees
nothing of it either way.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, replace
from typing import Final

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import hand_overs, things
from jupyterhub_vmshare.errors import BadInput, Conflict, Forbidden, NotFound
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person, Target
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.handovers import HandOver, HandOverState, open_on, tell
from jupyterhub_vmshare.sharing.inheriting import hand_on
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.teams import hold_still, one_team
from jupyterhub_vmshare.sharing.verbs import in_one_team, verb
from jupyterhub_vmshare.sharing.within import demand_member
from jupyterhub_vmshare.words import LEVELS, GrantState, ReceiverKind, ThingKind

NOT_TO_ONESELF: Final = (
    "What somebody left is handed over to others, never to the hub admin who does it."
)


class OfferOver(Conflict):
    """The offer was taken back, or answered already."""

    code = "offer-over"


@dataclass(frozen=True, slots=True)
class Offer:
    """What is offered to whom. ``keep``: the owner stays, at the strongest level."""

    receiver: str
    keep: bool = False
    owner_gone: bool = False
    """The hub knows the thing's owner no more: looked up before the transaction."""


Settle = Callable[[SharedThing], Awaitable[SharedThing]]
"""What the thing's room has to settle before it is somebody else's, such as a name that clashes."""


async def offer(tx: Transaction, person: Person, thing_id: str, wanted: Offer) -> HandOver:
    """Ask somebody, who is known to the hub, whether they take the thing over.

    Nothing changes before they accept. One offer at a time.
    """
    thing = await store.lock(tx, thing_id)
    await _permitted(tx, person, thing_id, wanted)
    demand_personal(thing)
    return await ask(tx, thing, person.name, wanted)


def demand_personal(thing: SharedThing) -> None:
    """Raise ``Conflict`` for what belongs to a project: nobody can give that away."""
    if thing.project_id is not None:
        raise Conflict(f"This {thing.kind} belongs to {thing.shown_owner}, and stays with it.")


async def ask(tx: Transaction, thing: SharedThing, by: str, wanted: Offer) -> HandOver:
    """The same of a thing that is held, by somebody who may."""
    if wanted.receiver == thing.owner:
        raise BadInput(f"{thing.owner} owns this {thing.kind} already.")
    await demand_member(tx, thing, wanted.receiver)
    there = await open_on(tx.conn, thing.id)
    if there is not None:
        raise Conflict(f"{there.receiver} was asked already and has not answered; take it back.")
    # Whoever is gone has nothing to keep it with.
    keep = wanted.keep and by == thing.owner
    if keep and in_one_team(thing.kind):
        await _demand_one_team(tx, thing, wanted.receiver)
    made = HandOver(
        id=new_id("hnd"),
        thing_id=thing.id,
        owner=thing.owner,
        receiver=wanted.receiver,
        by=by,
        keep=keep,
        state=HandOverState.PENDING,
        created_at=tx.at,
        answered_at=None,
    )
    await tx.conn.execute(hand_overs.insert().values(made.columns()))
    await tell(tx, "offered", thing, made, by)
    return made


async def _permitted(tx: Transaction, person: Person, thing_id: str, wanted: Offer) -> None:
    """Raises what the permission tables refuse with. Whoever may offer it at all knows of it."""
    gone, about = wanted.owner_gone, Target(person=wanted.receiver)
    thing = await permitted(tx.conn, person, "hand_over", thing_id, tx.at, owner_gone=gone)
    decision = decide(person, "hand_over", thing, tx.at, target=about)
    if not decision.allowed:
        raise Forbidden(NOT_TO_ONESELF, rule="if.leaver")


async def _demand_one_team(tx: Transaction, thing: SharedThing, receiver: str) -> None:
    if await one_team(tx, thing.kind, (thing.owner, receiver)) is None:
        raise Conflict(
            f"{receiver} shares no team with {thing.owner}, and a {thing.kind} is shared within "
            "one. Hand it over without keeping it."
        )


async def accept(
    tx: Transaction,
    person: Person,
    hand_over_id: str,
    *,
    settle: Settle | None = None,
    kind: ThingKind = ThingKind.FOLDER,
) -> tuple[SharedThing, HandOver]:
    """The receiver takes it over. What ``settle`` raises leaves everything as it was."""
    await hold_still(tx)
    thing, made = await _own(tx, person, hand_over_id)
    if thing.kind is not kind:
        raise NotFound
    if made.state is HandOverState.ACCEPTED:
        return thing, made
    _still_open(made)
    await permitted(tx.conn, person, "accept", thing.id, tx.at)
    await demand_member(tx, thing, person.name)
    if settle is not None:
        thing = await settle(thing)
    await hand_on(tx, thing, person.name)
    taken = await _own_it(tx, thing, person.name)
    done = await _close(tx, made, HandOverState.ACCEPTED)
    if made.keep:
        await _keep(tx, taken, made)
    await tell(tx, "accepted", taken, done, person.name)
    return taken, done


async def decline(tx: Transaction, person: Person, hand_over_id: str) -> HandOver:
    """The receiver does not want it; it stays as it is."""
    thing, made = await _own(tx, person, hand_over_id)
    if made.state is HandOverState.DECLINED:
        return made
    _still_open(made)
    done = await _close(tx, made, HandOverState.DECLINED)
    await tell(tx, "declined", thing, done, person.name)
    return done


async def cancel(
    tx: Transaction, person: Person, hand_over_id: str, *, owner_gone: bool = False
) -> HandOver:
    """Whoever may offer takes the offer back. Doing it twice is doing it once."""
    thing, made = await _locked(tx, hand_over_id)
    # Taking back is revoking, which no state of the thing is in the way of.
    action = verb(thing.kind, "revoke") if person.name == thing.owner else "hand_over"
    about = Target(person=made.receiver)
    await permitted(tx.conn, person, action, thing.id, tx.at, target=about, owner_gone=owner_gone)
    if made.state is not HandOverState.PENDING:
        return made
    done = await _close(tx, made, HandOverState.CANCELLED)
    await tell(tx, "cancelled", thing, done, person.name)
    return done


async def cancel_open(tx: Transaction, thing: SharedThing, by: str | None) -> None:
    """For a thing that is no more."""
    made = await open_on(tx.conn, thing.id)
    if made is not None:
        done = await _close(tx, made, HandOverState.CANCELLED)
        await tell(tx, "cancelled", thing, done, by)


async def _locked(tx: Transaction, hand_over_id: str) -> tuple[SharedThing, HandOver]:
    of = sa.select(hand_overs.c.thing_id).where(hand_overs.c.id == hand_over_id)
    thing_id = await tx.conn.scalar(of)
    if thing_id is None:
        raise NotFound
    thing = await store.lock(tx, thing_id)
    row = (
        await tx.conn.execute(hand_overs.select().where(hand_overs.c.id == hand_over_id))
    ).one_or_none()
    if row is None:
        raise NotFound
    return thing, HandOver.of(row)


async def _own(tx: Transaction, person: Person, hand_over_id: str) -> tuple[SharedThing, HandOver]:
    """An offer to this very person; to everybody else it is not there."""
    thing, made = await _locked(tx, hand_over_id)
    if made.receiver != person.name:
        raise NotFound
    return thing, made


def _still_open(made: HandOver) -> None:
    if made.state is HandOverState.PENDING:
        return
    said = {
        HandOverState.CANCELLED: f"{made.by} took this offer back.",
        HandOverState.DECLINED: f"You declined this offer; ask {made.by} for a new one.",
        HandOverState.ACCEPTED: "You took this over already.",
    }
    raise OfferOver(said[made.state])


async def _close(tx: Transaction, made: HandOver, state: HandOverState) -> HandOver:
    ours = hand_overs.update().where(hand_overs.c.id == made.id)
    await tx.conn.execute(ours.values(state=state, answered_at=tx.at))
    return replace(made, state=state, answered_at=tx.at)


async def _own_it(tx: Transaction, thing: SharedThing, owner: str) -> SharedThing:
    query = (
        things.update()
        .where(things.c.id == thing.id)
        .values(owner=owner, version=things.c.version + 1)
        .returning(*things.columns)
    )
    return SharedThing.of((await tx.conn.execute(query)).one())


async def _keep(tx: Transaction, thing: SharedThing, made: HandOver) -> None:
    """The old owner's grant: agreed on with the hand-over, so it needs no answer."""
    team = await one_team(tx, thing.kind, (made.owner, thing.owner))
    if in_one_team(thing.kind) and team is None:
        return  # they share no team any more
    grant = Grant(
        id=new_id("gnt"),
        thing_id=thing.id,
        receiver_kind=ReceiverKind.PERSON,
        receiver=made.owner,
        giver=thing.owner,
        level=LEVELS[thing.kind][-1],
        state=GrantState.ACTIVE,
        parent_id=None,
        created_at=tx.at,
        answered_at=tx.at,
        ends_at=None,
        ended_at=None,
        ended_why=None,
        version=1,
        team=team,
    )
    await store.insert(tx, grant)
    await store.tell(tx, "accepted", thing, grant, thing.owner)
