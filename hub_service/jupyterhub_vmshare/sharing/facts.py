"""What decisions are made from, loaded in a fixed number of queries however long the page is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import (
    answers,
    grants,
    hand_overs,
    project_members,
    project_overrides,
    team_members,
    things,
)
from jupyterhub_vmshare.errors import Forbidden, NotFound, VMShareError, WrongState
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import (
    NOBODY,
    Decision,
    Fact,
    Person,
    Target,
    Thing,
)
from jupyterhub_vmshare.sharing.holding import holdings_of
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.store import LIVE, TEAM_LEFT, TO_PROJECT
from jupyterhub_vmshare.sharing.teams import teams_of
from jupyterhub_vmshare.sharing.verbs import in_one_team
from jupyterhub_vmshare.words import GrantState, ReceiverKind

# Statements are put together once: building one takes longer than running it.
RECEIVED: Final = sa.or_(
    *(
        sa.and_(
            grants.c.receiver_kind == kind,
            grants.c.receiver.in_(sa.bindparam(f"their_{kind}", expanding=True)),
        )
        for kind in (ReceiverKind.PERSON, ReceiverKind.TEAM)
    )
)
"""Grants to a person, or to a team of theirs (see ``asking``). What belongs to a project of theirs
is found through the thing: see ``with_holdings``."""

# Of the project that has the thing, or in which it is: one row at most, of a former member too.
_MEMBER: Final = sa.and_(
    project_members.c.project_id == sa.func.coalesce(things.c.project_id, things.c.within_id),
    project_members.c.person == sa.bindparam("asker"),
)
_OVERRIDE: Final = sa.and_(
    project_overrides.c.thing_id == things.c.id,
    project_overrides.c.person == project_members.c.person,
)
_AS_MEMBER: Final = sa.and_(TO_PROJECT, project_members.c.person.is_not(None))

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
            *("ends_at", "ended_at", "ended_why", "ticks", "created_at"),
        )
    ),
    *(
        project_members.c[name].label(f"member_{name}")
        for name in ("role", "ends_at", "ended_at", "ended_why")
    ),
    project_overrides.c.level.label("override_level"),
    project_overrides.c.set_by.label("override_by"),
    answers.c.answer.label("held_answer"),
    answers.c.answered_at.label("held_answered_at"),
    hand_overs.c.owner.label("offered_by"),
]


def with_holdings(base: sa.FromClause, *, ended: bool = False) -> sa.Join:
    """Joins what the person holds on each of ``things`` in ``base``; ``ended``: in the past too.

    A thing on which they hold several grants comes several times.
    """
    is_in = project_members.c.ended_at.is_(None)
    as_member = _AS_MEMBER if ended else sa.and_(_AS_MEMBER, is_in)
    received = sa.or_(_EVER_RECEIVED if ended else RECEIVED, as_member)
    theirs = sa.and_(grants.c.thing_id == things.c.id, received)
    answered = sa.and_(answers.c.grant_id == grants.c.id, answers.c.person == sa.bindparam("asker"))
    base = base.outerjoin(project_members, _MEMBER).outerjoin(project_overrides, _OVERRIDE)
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


_OPENED: Final[frozenset[Fact]] = frozenset({"opened"})
_LOAD_NOW: Final = _loading(ended=False)
_LOAD_EVER: Final = _loading(ended=True)


def asking(person: Person, **more: Any) -> dict[str, Any]:
    """What statements with ``RECEIVED`` are told about the person who asks."""
    return {
        "asker": person.name,
        f"their_{ReceiverKind.PERSON}": [person.name],
        f"their_{ReceiverKind.TEAM}": sorted(person.teams),
        "administers": sorted(person.administers),
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
        known = found[thing_id]
        found[thing_id] = replace(
            known,
            owner_teams=teams.get(owner, frozenset()),
            facts=known.facts | remains if thing_id in co_owned else known.facts,
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
    facts: frozenset[Fact] = frozenset(),
) -> Thing:
    """The thing, when the person may do that with it now. Raises what ``decide`` refuses with.

    ``owner_gone``: the hub, asked before, knows the thing's owner no more. ``facts``: what else
    holds, of a second thing that this is about.
    """
    thing = await load_one(conn, person, thing_id)
    thing = replace(thing, owner_gone=owner_gone, facts=thing.facts | facts)
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
    return Thing(
        id=thing.id,
        kind=thing.kind,
        owner=thing.shown_owner,
        name=thing.name,
        state=thing.state,
        personal=thing.project_id is None,
        cloneable=thing.cloneable,
        fast=thing.fast,
        project=thing.project_id or thing.within_id,
        facts=_OPENED if thing.opened else frozenset(),
        tag=(thing.project_id or thing.within_id) if thing.tagged else None,
        of_member=rows[0].member_role is not None and rows[0].member_ended_at is None,
        project_name=thing.project_name,
        holdings=holdings_of(person, thing, rows),
    )
