"""Inviting people and teams to a thing."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import (
    BadInput,
    ChangedMeanwhile,
    Conflict,
    Forbidden,
    VMShareError,
)
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.decide import granting
from jupyterhub_vmshare.policy.model import OWNERSHIP, Holding, Person, Target
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.ending import end
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.teams import hold_still, one_team
from jupyterhub_vmshare.sharing.ticks import chosen, demand_within
from jupyterhub_vmshare.sharing.verbs import in_one_team, inviting, kind_of
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.words import LEVELS, EndedWhy, GrantState, ReceiverKind, ThingKind


@dataclass(frozen=True, slots=True)
class Wanted:
    """One receiver's invitation, as asked for."""

    receiver: str
    level: str
    ends_at: datetime | None = None
    receiver_kind: ReceiverKind = ReceiverKind.PERSON
    ticks: Sequence[str] | None = None
    """Of a machine's; None: as is usual at this level."""
    confirmed: bool = False
    """On a page of the service's own, where co-ownership is given."""


class NeedsConfirmation(Forbidden):
    """Co-ownership is given on a page of the service alone (DESIGN: D12 c)."""

    def __init__(self, kind: ThingKind) -> None:
        super().__init__(
            f"Making somebody a co-owner of a {kind} is confirmed on a page of its own: they could "
            "delete it, and share it with others.",
            rule="confirm.page",
        )


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
            f"You are in no team called {name!r}. You share with teams of your own; "
            "names must match exactly."
        )


async def may_invite(
    conn: AsyncConnection, person: Person, thing_id: str, at: datetime, level: str | None = None
) -> None:
    """Raises unless the person may invite somebody: asked before names are looked up."""
    await permitted(conn, person, inviting(kind_of(thing_id), level), thing_id, at)


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
    if in_one_team(kind_of(thing_id)):
        await hold_still(tx)
    thing = await store.lock(tx, thing_id)
    await permitted(tx.conn, person, inviting(thing.kind), thing_id, tx.at)
    results: list[Grant | VMShareError] = []
    for one in wanted:
        try:
            results.append(await _invite_one(tx, person, thing, one, known))
        except VMShareError as error:
            results.append(error)
    reached("sharing.invite.given")
    return results


async def _invite_one(
    tx: Transaction,
    person: Person,
    thing: SharedThing,
    wanted: Wanted,
    known: Mapping[str, frozenset[str]],
) -> Grant:
    check_level(thing.kind, wanted.level)
    check_end(wanted.ends_at, tx.at)
    chosen(thing.kind, wanted.level, wanted.ticks)
    _check_receiver(thing, person, wanted, known)
    action, target = inviting(thing.kind, wanted.level), _target(wanted, known)
    facts = await permitted(tx.conn, person, action, thing.id, tx.at, target=target)
    _demand_confirmed(thing.kind, wanted)
    through = granting(person, action, facts, tx.at, target) or OWNERSHIP
    grant = await _new(tx, person, thing, through, wanted)
    await _make_room(tx, person, thing, wanted)
    await store.insert(tx, grant)
    await store.tell(tx, "invited", thing, grant, person.name)
    return grant


def _demand_confirmed(kind: ThingKind, wanted: Wanted) -> None:
    if wanted.level != "co_own":
        return
    if wanted.receiver_kind is not ReceiverKind.PERSON:
        raise BadInput("People become co-owners one by one, not as a team.")
    if not wanted.confirmed:
        raise NeedsConfirmation(kind)


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
    if wanted.receiver == person.name:
        raise BadInput(f"You have this {thing.kind} already.")
    if wanted.receiver not in known:
        raise NoSuchPerson(wanted.receiver)


def check_level(kind: ThingKind, level: str) -> None:
    """Raise ``BadInput`` for a level that the kind does not have."""
    if level not in LEVELS[kind]:
        raise BadInput(f"A {kind} has the levels {', '.join(LEVELS[kind])}; {level!r} is none.")


def check_end(ends_at: datetime | None, at: datetime) -> None:
    """Raise ``BadInput`` for an end that has been."""
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


async def _new(
    tx: Transaction, person: Person, thing: SharedThing, through: Holding, wanted: Wanted
) -> Grant:
    return Grant(
        id=new_id("gnt"),
        thing_id=thing.id,
        receiver_kind=wanted.receiver_kind,
        receiver=wanted.receiver,
        giver=person.name,
        level=wanted.level,
        state=_first_state(wanted.receiver_kind),
        # What the giver gives from: a grant of their own; None for an owner.
        parent_id=through.grant_id,
        created_at=tx.at,
        answered_at=None,
        ends_at=wanted.ends_at,
        ended_at=None,
        ended_why=None,
        version=1,
        ticks=ticks_given(thing.kind, wanted.level, wanted.ticks, through),
        team=await _team(tx, person, thing, wanted),
    )


async def _team(tx: Transaction, person: Person, thing: SharedThing, wanted: Wanted) -> str | None:
    """The team that all three share, looked up anew while nobody can leave it."""
    if wanted.receiver_kind is ReceiverKind.TEAM:
        return wanted.receiver if in_one_team(thing.kind) else None
    people = {person.name, thing.owner, wanted.receiver}
    team = await one_team(tx, thing.kind, people)
    if team is None and in_one_team(thing.kind):
        raise ChangedMeanwhile(f"{wanted.receiver} shares no team with you and {thing.owner} now.")
    return team


def ticks_given(
    kind: ThingKind, level: str, wanted: Collection[str] | None, through: Holding
) -> tuple[str, ...] | None:
    """The ticks of a grant: whoever is no owner passes on what they have themself at most."""
    ticks = chosen(kind, level, wanted)
    if ticks is None or through.column in ("owner", "co_owner"):
        return ticks
    if wanted is None:
        return tuple(tick for tick in ticks if tick in through.ticks)
    demand_within(ticks, through.ticks)
    return ticks


def _first_state(kind: ReceiverKind) -> GrantState:
    """A person is asked first; a team has it at once, and its members answer for themselves."""
    return GrantState.PENDING if kind is ReceiverKind.PERSON else GrantState.ACTIVE
