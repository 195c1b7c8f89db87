"""What decisions are made from, loaded in a fixed number of queries however long the page is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import answers, grants, hand_overs, team_members, things
from jupyterhub_vmshare.errors import Forbidden, NotFound, VMShareError, WrongState
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import (
    NOBODY,
    OWNERSHIP,
    Answer,
    Decision,
    Fact,
    Holding,
    Person,
    Target,
    Thing,
    Via,
    column_of,
)
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.store import LIVE, TEAM_LEFT
from jupyterhub_vmshare.sharing.teams import teams_of
from jupyterhub_vmshare.sharing.verbs import in_one_team
from jupyterhub_vmshare.words import EndedWhy, GrantState, ReceiverKind, ThingKind

_VIA: dict[ReceiverKind, Via] = {
    ReceiverKind.PERSON: "grant",
    ReceiverKind.TEAM: "team_grant",
    ReceiverKind.PROJECT: "project_grant",
}


# Statements are put together once: building one takes longer than running it.
RECEIVED: Final = sa.or_(
    *(
        sa.and_(
            grants.c.receiver_kind == kind,
            grants.c.receiver.in_(sa.bindparam(f"their_{kind}", expanding=True)),
        )
        for kind in _VIA
    )
)
"""Grants to a person, to a team of theirs, or to a project of theirs (see ``asking``)."""

# Of what a team was given and lost before somebody joined it, they never had anything.
_WAS_A_MEMBER: Final = sa.exists().where(
    team_members.c.person == sa.bindparam("asker"),
    team_members.c.team == grants.c.receiver,
    team_members.c.since <= sa.func.coalesce(grants.c.ended_at, grants.c.ends_at),
)
_LEFT: Final = answers.alias("left_team")
_THROUGH_A_FORMER_TEAM: Final = grants.c.id.in_(
    sa.select(_LEFT.c.grant_id).where(
        _LEFT.c.person == sa.bindparam("asker"), _LEFT.c.answer == TEAM_LEFT
    )
)
_EVER_RECEIVED: Final = sa.or_(
    sa.and_(
        RECEIVED,
        sa.or_(
            grants.c.receiver_kind != ReceiverKind.TEAM,
            grants.c.state != GrantState.ENDED,
            _WAS_A_MEMBER,
        ),
    ),
    _THROUGH_A_FORMER_TEAM,
)

HOLDING_COLUMNS: Final = [
    *(
        grants.c[name].label(f"held_{name}")
        for name in (
            *("id", "receiver_kind", "receiver", "giver", "level", "state", "parent_id"),
            *("ends_at", "ended_at", "ended_why", "ticks"),
        )
    ),
    answers.c.answer.label("held_answer"),
    answers.c.answered_at.label("held_answered_at"),
    hand_overs.c.owner.label("offered_by"),
]


def with_holdings(base: sa.FromClause, *, ended: bool = False) -> sa.Join:
    """Joins what the person holds on each of ``things`` in ``base``; ``ended``: in the past too.

    A thing on which they hold several grants comes several times.
    """
    theirs = sa.and_(grants.c.thing_id == things.c.id, _EVER_RECEIVED if ended else RECEIVED)
    answered = sa.and_(answers.c.grant_id == grants.c.id, answers.c.person == sa.bindparam("asker"))
    held = base.outerjoin(grants, theirs if ended else sa.and_(theirs, LIVE))
    # One offer waits at most, so this makes no row twice.
    offered = sa.and_(
        hand_overs.c.thing_id == things.c.id,
        hand_overs.c.receiver == sa.bindparam("asker"),
        hand_overs.c.state == "pending",
    )
    return held.outerjoin(answers, answered).outerjoin(hand_overs, offered)


def _loading(*, ended: bool) -> sa.Select[Any]:
    return (
        sa.select(things, *HOLDING_COLUMNS)
        .select_from(with_holdings(things, ended=ended))
        .where(things.c.id.in_(sa.bindparam("ids", expanding=True)))
        .order_by(grants.c.id)
    )


_LOAD_NOW: Final = _loading(ended=False)
_LOAD_EVER: Final = _loading(ended=True)


def asking(person: Person, **more: Any) -> dict[str, Any]:
    """What statements with ``RECEIVED`` are told about the person who asks."""
    return {
        "asker": person.name,
        f"their_{ReceiverKind.PERSON}": [person.name],
        f"their_{ReceiverKind.TEAM}": sorted(person.teams),
        f"their_{ReceiverKind.PROJECT}": sorted(person.projects),
        **more,
    }


async def load(
    conn: AsyncConnection, person: Person, thing_ids: Sequence[str], *, ended: bool = False
) -> dict[str, Thing]:
    """The things by id, each with what this person holds on it; ``ended``: held in the past too.

    Ids of things that are not there are left out. One query; three with machines and drives.
    """
    told = asking(person, ids=list(thing_ids))
    rows = (await conn.execute(_LOAD_EVER if ended else _LOAD_NOW, told)).all()
    return await _with_owners(conn, things_in(person, rows))


async def _with_owners(conn: AsyncConnection, found: dict[str, Thing]) -> dict[str, Thing]:
    """What else is decided by of machines and drives: their owners' teams, and co-owners."""
    concerned = {t.id: t.owner for t in found.values() if t.kind and in_one_team(t.kind)}
    if not concerned:
        return found
    teams = await teams_of(conn, set(concerned.values()))
    query = sa.select(grants.c.thing_id).where(
        grants.c.thing_id.in_(list(concerned)),
        grants.c.level == "co_own",
        grants.c.state == GrantState.ACTIVE,
    )
    co_owned = set((await conn.execute(query)).scalars())
    remains: frozenset[Fact] = frozenset({"co_owner_remains"})
    for thing_id, owner in concerned.items():
        found[thing_id] = replace(
            found[thing_id],
            owner_teams=teams.get(owner, frozenset()),
            facts=remains if thing_id in co_owned else frozenset(),
        )
    return found


def things_in(person: Person, rows: Sequence[sa.Row[Any]]) -> dict[str, Thing]:
    """The things of rows that have the columns of ``things`` and ``HOLDING_COLUMNS``, in order."""
    found: dict[str, list[Any]] = {}
    for row in rows:
        found.setdefault(row.id, []).append(row)
    return {thing_id: _thing(person, of_one) for thing_id, of_one in found.items()}


async def load_one(conn: AsyncConnection, person: Person, thing_id: str) -> Thing:
    """One thing with everything the person holds or held. Raises ``NotFound``."""
    found = await load(conn, person, [thing_id], ended=True)
    if thing_id not in found:
        raise NotFound
    return found[thing_id]


async def permitted(
    conn: AsyncConnection,
    person: Person,
    action: str,
    thing_id: str,
    at: datetime,
    *,
    target: Target = NOBODY,
    owner_gone: bool = False,
) -> Thing:
    """The thing, when the person may do that with it now. Raises what ``decide`` refuses with.

    ``owner_gone``: the hub, asked before, knows the thing's owner no more.
    """
    thing = await load_one(conn, person, thing_id)
    thing = replace(thing, owner_gone=owner_gone)
    demand(decide(person, action, thing, at, target=target))
    return thing


def demand(decision: Decision) -> None:
    """Raise the refusal of a decision; nothing when it allows."""
    if not decision.allowed:
        raise refusal(decision)


def refusal(decision: Decision) -> VMShareError:
    """The error that tells of a refusal: 404, 403 or 409."""
    if decision.status == 404:
        return NotFound()
    if decision.status == 409:
        return WrongState(decision.because)
    return Forbidden(decision.because, rule=decision.rule)


def _thing(person: Person, rows: Sequence[sa.Row[Any]]) -> Thing:
    thing = SharedThing.of(rows[0])
    own = (OWNERSHIP,) if thing.owner == person.name else _offered(rows[0])
    # Whoever owns a thing needs nothing that a team of theirs was given.
    is_own = thing.owner == person.name
    given = () if is_own else [row for row in rows if row.held_id is not None]
    held = (_holding(person, thing.kind, row) for row in given)
    return Thing(
        id=thing.id,
        kind=thing.kind,
        owner=thing.owner,
        name=thing.name,
        state=thing.state,
        cloneable=thing.cloneable,
        fast=thing.fast,
        holdings=(*own, *held),
    )


def _offered(row: sa.Row[Any]) -> tuple[Holding, ...]:
    """The owner's offer to hand it over, which waits as an invitation does."""
    if row.offered_by is None:
        return ()
    offer = Holding("owner", "hand_over", "owner", giver=row.offered_by, state=GrantState.PENDING)
    return (offer,)


def _holding(person: Person, of: ThingKind, row: sa.Row[Any]) -> Holding:
    kind = ReceiverKind(row.held_receiver_kind)
    held = Holding(
        column=column_of(of, row.held_level),
        via=_VIA[kind],
        level=row.held_level,
        grant_id=row.held_id,
        giver=row.held_giver,
        receiver=row.held_receiver,
        state=GrantState(row.held_state),
        ends_at=row.held_ends_at,
        ended_at=row.held_ended_at,
        ended_why=EndedWhy(row.held_ended_why) if row.held_ended_why else None,
        answer=_answer(kind, row.held_answer),
        parent_id=row.held_parent_id,
        ticks=frozenset(row.held_ticks or ()),
    )
    if row.held_answer != TEAM_LEFT or row.held_receiver in person.teams:
        return held
    return _with_the_team_left(held, row.held_answered_at)


def _with_the_team_left(held: Holding, at: datetime) -> Holding:
    """What the team has is no longer theirs, unless it had ended before they left."""
    if held.ended_at is not None and held.ended_at <= at:
        return held
    return replace(
        held,
        answer="accepted",
        state=GrantState.ENDED,
        ended_at=at,
        ended_why=EndedWhy.TEAM_LEFT,
    )


def _answer(kind: ReceiverKind, answer: str | None) -> Answer:
    """A person's grant is answered by its state; a team's by each member's own row."""
    if kind is ReceiverKind.PERSON or answer == "accepted":
        return "accepted"
    return "declined" if answer == "declined" else "none"
