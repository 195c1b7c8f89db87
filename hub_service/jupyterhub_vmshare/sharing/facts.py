"""What decisions are made from, loaded in a fixed number of queries however long the page is."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

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
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.store import LIVE
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

_HELD_COLUMNS: Final = [
    grants.c[name]
    for name in (
        *("id", "thing_id", "receiver_kind", "receiver", "giver", "level", "state", "parent_id"),
        *("ends_at", "ended_at", "ended_why"),
    )
]
_THINGS: Final = things.select().where(things.c.id.in_(sa.bindparam("ids", expanding=True)))
_HELD_EVER: Final = (
    sa.select(*_HELD_COLUMNS, answers.c.answer)
    .outerjoin(
        answers,
        sa.and_(answers.c.grant_id == grants.c.id, answers.c.person == sa.bindparam("asker")),
    )
    .where(grants.c.thing_id.in_(sa.bindparam("ids", expanding=True)), RECEIVED)
    .order_by(grants.c.id)
)
_HELD_NOW: Final = _HELD_EVER.where(LIVE)


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

    Ids of things that are not there are left out. Two queries.
    """
    rows = await conn.execute(_THINGS, {"ids": list(thing_ids)})
    return await with_holdings(conn, person, rows.all(), ended=ended)


async def with_holdings(
    conn: AsyncConnection, person: Person, rows: Sequence[sa.Row[Any]], *, ended: bool = False
) -> dict[str, Thing]:
    """The same for rows that have the columns of ``things``. One query."""
    told = asking(person, ids=[row.id for row in rows])
    held: defaultdict[str, list[Any]] = defaultdict(list)
    for row in await conn.execute(_HELD_EVER if ended else _HELD_NOW, told):
        held[row.thing_id].append(row)
    return {row.id: _thing(SharedThing.of(row), person, held[row.id]) for row in rows}


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


def _thing(thing: SharedThing, person: Person, held: Sequence[sa.Row[Any]]) -> Thing:
    own = (OWNERSHIP,) if thing.owner == person.name else ()
    return Thing(
        id=thing.id,
        kind=thing.kind,
        owner=thing.owner,
        name=thing.name,
        state=thing.state,
        holdings=own + tuple(_holding(thing.kind, row) for row in held),
    )


def _holding(of: ThingKind, row: sa.Row[Any]) -> Holding:
    kind = ReceiverKind(row.receiver_kind)
    return Holding(
        column=column_of(of, row.level),
        via=_VIA[kind],
        level=row.level,
        grant_id=row.id,
        giver=row.giver,
        receiver=row.receiver,
        state=GrantState(row.state),
        ends_at=row.ends_at,
        ended_at=row.ended_at,
        ended_why=EndedWhy(row.ended_why) if row.ended_why else None,
        answer=_answer(kind, row.answer),
        parent_id=row.parent_id,
    )


def _answer(kind: ReceiverKind, answer: str | None) -> Answer:
    """A person's grant is answered by its state; a team's by each member's own row."""
    if kind is ReceiverKind.PERSON or answer == "accepted":
        return "accepted"
    return "declined" if answer == "declined" else "none"
