"""What decisions are made from, loaded in a fixed number of queries however long the page is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import answers, grants, things
from jupyterhub_vmshare.errors import Forbidden, NotFound, VMShareError, WrongState
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import (
    NOBODY,
    OWNERSHIP,
    Answer,
    Decision,
    Holding,
    Person,
    Target,
    Thing,
    Via,
    column_of,
)
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.store import LIVE
from jupyterhub_vmshare.words import ReceiverKind

_VIA: dict[ReceiverKind, Via] = {
    ReceiverKind.PERSON: "grant",
    ReceiverKind.TEAM: "team_grant",
    ReceiverKind.PROJECT: "project_grant",
}


def received_by(person: Person) -> sa.ColumnElement[bool]:
    """Grants to the person, to a team of theirs, or to a project of theirs."""
    ways = [(ReceiverKind.PERSON, frozenset({person.name}))]
    ways += [(ReceiverKind.TEAM, person.teams), (ReceiverKind.PROJECT, person.projects)]
    return sa.or_(
        *(
            sa.and_(grants.c.receiver_kind == kind, grants.c.receiver.in_(sorted(names)))
            for kind, names in ways
            if names
        )
    )


async def load(
    conn: AsyncConnection, person: Person, thing_ids: Sequence[str], *, ended: bool = False
) -> dict[str, Thing]:
    """The things by id, each with what this person holds on it; ``ended``: held in the past too.

    Ids of things that are not there are left out. Three queries.
    """
    rows = await conn.execute(things.select().where(things.c.id.in_(thing_ids)))
    shared = [SharedThing.of(row) for row in rows]
    held = await _held(conn, person, thing_ids, ended)
    return {thing.id: _thing(thing, person, held[thing.id]) for thing in shared}


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
) -> Thing:
    """The thing, when the person may do that with it now. Raises what ``decide`` refuses with."""
    thing = await load_one(conn, person, thing_id)
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


async def _held(
    conn: AsyncConnection, person: Person, thing_ids: Sequence[str], ended: bool
) -> defaultdict[str, list[sa.Row[Any]]]:
    mine = sa.and_(answers.c.grant_id == grants.c.id, answers.c.person == person.name)
    query = (
        sa.select(grants, answers.c.answer)
        .outerjoin(answers, mine)
        .where(grants.c.thing_id.in_(thing_ids), received_by(person))
        .order_by(grants.c.id)
    )
    found: defaultdict[str, list[sa.Row[Any]]] = defaultdict(list)
    for row in await conn.execute(query if ended else query.where(LIVE)):
        found[row.thing_id].append(row)
    return found


def _thing(thing: SharedThing, person: Person, rows: Sequence[sa.Row[Any]]) -> Thing:
    own = (OWNERSHIP,) if thing.owner == person.name else ()
    return Thing(
        id=thing.id,
        kind=thing.kind,
        owner=thing.owner,
        name=thing.name,
        state=thing.state,
        holdings=own + tuple(_holding(thing, Grant.of(row), row.answer) for row in rows),
    )


def _holding(thing: SharedThing, grant: Grant, answer: str | None) -> Holding:
    return Holding(
        column=column_of(thing.kind, grant.level),
        via=_VIA[grant.receiver_kind],
        level=grant.level,
        grant_id=grant.id,
        giver=grant.giver,
        receiver=grant.receiver,
        state=grant.state,
        ends_at=grant.ends_at,
        ended_at=grant.ended_at,
        ended_why=grant.ended_why,
        answer=_answer(grant, answer),
        parent_id=grant.parent_id,
    )


def _answer(grant: Grant, answer: str | None) -> Answer:
    """A person's grant is answered by its state; a team's by each member's own row."""
    if grant.receiver_kind is ReceiverKind.PERSON or answer == "accepted":
        return "accepted"
    return "declined" if answer == "declined" else "none"
