"""Inviting, and changing what was given."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import BadInput, ChangedMeanwhile, Conflict, VMShareError
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.decide import effective
from jupyterhub_vmshare.policy.model import Person, Target, Thing
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.ending import end, target_of
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.words import LEVELS, EndedWhy, GrantState, ReceiverKind, ThingKind

UNSET = object()
"""A field that a change leaves as it is; None would take it away."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """One receiver's invitation, as asked for."""

    receiver: str
    level: str
    ends_at: datetime | None = None
    receiver_kind: ReceiverKind = ReceiverKind.PERSON


class NoSuchPerson(VMShareError):
    """Nobody of that exact name, said of one receiver of a batch."""

    status, code = 404, "no-such-person"

    def __init__(self, name: str) -> None:
        super().__init__(f"There is nobody called {name!r} here. Names must match exactly.")


class NoSuchTeam(VMShareError):
    """No team of that exact name of which the giver is a member: others look the same."""

    status, code = 404, "no-such-team"

    def __init__(self, name: str) -> None:
        super().__init__(
            f"You are in no team called {name!r}. Folders are shared with teams of your own; "
            "names must match exactly."
        )


async def may_invite(conn: AsyncConnection, person: Person, thing_id: str, at: datetime) -> None:
    """Raises unless the person may invite somebody: asked before names are looked up."""
    await permitted(conn, person, "invite", thing_id, at)


async def invite(
    tx: Transaction,
    person: Person,
    thing_id: str,
    wanted: Sequence[Wanted],
    known: Mapping[str, frozenset[str]],
) -> list[Grant | VMShareError]:
    """Invite several at once; each gets a grant or an error of its own, in order.

    ``known`` are the receivers that exist, with their teams, looked up before the transaction.
    Raises when the person may invite nobody at all.
    """
    thing = await store.lock(tx, thing_id)
    facts = await permitted(tx.conn, person, "invite", thing_id, tx.at)
    results: list[Grant | VMShareError] = []
    for one in wanted:
        try:
            results.append(await _invite_one(tx, person, thing, facts, one, known))
        except VMShareError as error:
            results.append(error)
    reached("sharing.invite.given")
    return results


async def _invite_one(
    tx: Transaction,
    person: Person,
    thing: SharedThing,
    facts: Thing,
    wanted: Wanted,
    known: Mapping[str, frozenset[str]],
) -> Grant:
    _check_level(thing.kind, wanted.level)
    _check_end(wanted.ends_at, tx.at)
    _check_receiver(thing, person, wanted, known)
    target = _target(wanted, known)
    await permitted(tx.conn, person, "invite", thing.id, tx.at, target=target)
    await _make_room(tx, person, thing, wanted)
    grant = _new(tx, person, thing, facts, wanted)
    await store.insert(tx, grant)
    await store.tell(tx, "invited", thing, grant, person.name)
    return grant


def _target(wanted: Wanted, known: Mapping[str, frozenset[str]]) -> Target:
    if wanted.receiver_kind is ReceiverKind.PERSON:
        return Target(person=wanted.receiver, teams=known[wanted.receiver])
    return Target(teams=frozenset({wanted.receiver}))


def _check_receiver(
    thing: SharedThing, person: Person, wanted: Wanted, known: Mapping[str, frozenset[str]]
) -> None:
    if wanted.receiver_kind is ReceiverKind.PROJECT:
        raise BadInput(f"A {thing.kind} can be shared with people and teams only.")
    if wanted.receiver_kind is ReceiverKind.TEAM:
        if wanted.receiver not in person.teams:
            raise NoSuchTeam(wanted.receiver)
        return
    if wanted.receiver == thing.owner:
        owns = "You own" if person.name == thing.owner else f"{thing.owner} owns"
        raise BadInput(f"{owns} this {thing.kind}; the owner needs no invitation.")
    if wanted.receiver not in known:
        raise NoSuchPerson(wanted.receiver)


def _check_level(kind: ThingKind, level: str) -> None:
    if level not in LEVELS[kind]:
        raise BadInput(f"A {kind} has the levels {', '.join(LEVELS[kind])}; {level!r} is none.")


def _check_end(ends_at: datetime | None, at: datetime) -> None:
    if ends_at is not None and ends_at <= at:
        raise BadInput("The end date has passed already; choose a later one, or none.")


async def _make_room(tx: Transaction, person: Person, thing: SharedThing, wanted: Wanted) -> None:
    """One live grant of one giver to one receiver: refuse a second, unless the first is over."""
    there = await store.live_from(
        tx.conn, thing.id, wanted.receiver_kind, wanted.receiver, person.name
    )
    if there is None:
        return
    if there.is_over(tx.at):
        await end(tx, thing, [there], EndedWhy.EXPIRED, None)
    elif there.state is GrantState.PENDING:
        raise Conflict(f"{wanted.receiver} is invited already and has not answered yet.")
    else:
        raise Conflict(f"{wanted.receiver} has access already; change the level instead.")


def _new(
    tx: Transaction, person: Person, thing: SharedThing, facts: Thing, wanted: Wanted
) -> Grant:
    return Grant(
        id=new_id("gnt"),
        thing_id=thing.id,
        receiver_kind=wanted.receiver_kind,
        receiver=wanted.receiver,
        giver=person.name,
        level=wanted.level,
        state=_first_state(wanted.receiver_kind),
        parent_id=_parent(facts, tx.at),
        created_at=tx.at,
        answered_at=None,
        ends_at=wanted.ends_at,
        ended_at=None,
        ended_why=None,
        version=1,
    )


def _first_state(kind: ReceiverKind) -> GrantState:
    """A person is asked first; a team has it at once, and its members answer for themselves."""
    return GrantState.PENDING if kind is ReceiverKind.PERSON else GrantState.ACTIVE


def _parent(facts: Thing, at: datetime) -> str | None:
    """What the giver gives from: a grant of their own; None for an owner."""
    held = effective(facts, at)
    return None if held is None else held.holding.grant_id


async def change(
    tx: Transaction,
    person: Person,
    grant_id: str,
    version: int,
    *,
    level: str | None = None,
    ends_at: datetime | object | None = UNSET,
) -> Grant:
    """Change a pending or live grant. Raises ``ChangedMeanwhile`` when it is not at ``version``."""
    thing, grant = await store.locked_grant(tx, grant_id)
    await permitted(tx.conn, person, "change_level", thing.id, tx.at, target=target_of(grant))
    if grant.is_over(tx.at):
        raise Conflict(f"{grant.receiver}'s access has ended; invite them again.")
    if grant.version != version:
        raise ChangedMeanwhile("Somebody else changed this meanwhile; look again.")
    changes = _changes(thing, grant, tx.at, level, ends_at)
    if not changes:
        return grant
    changed = await store.update(tx, grant, **changes)
    marks = {"from": grant.level, "to": changed.level}
    await store.tell(tx, "changed", thing, changed, person.name, **marks)
    reached("sharing.change.changed")
    return changed


def _changes(
    thing: SharedThing, grant: Grant, at: datetime, level: str | None, ends_at: object
) -> dict[str, object]:
    changes: dict[str, object] = {}
    if level is not None and level != grant.level:
        _check_level(thing.kind, level)
        changes["level"] = level
    if ends_at is not UNSET and ends_at != grant.ends_at:
        if isinstance(ends_at, datetime):
            _check_end(ends_at, at)
        changes["ends_at"] = ends_at
    return changes
