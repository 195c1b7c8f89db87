"""Sharing at a glance: everything that a person gives, and everything that they have been given."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import aliases, answers, grants, things
from jupyterhub_vmshare.policy.decide import actions, effective
from jupyterhub_vmshare.policy.model import Answer, Person, Thing
from jupyterhub_vmshare.sharing.facts import RECEIVED, asking, load
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.projects import grants_for
from jupyterhub_vmshare.sharing.store import LIVE
from jupyterhub_vmshare.sharing.within import owned
from jupyterhub_vmshare.words import GrantState, ReceiverKind, ThingKind, ThingState


@dataclass(frozen=True, slots=True)
class Share:
    """One grant with its thing. ``level``: what counts for the person now, by all their sources."""

    grant: Grant
    thing: SharedThing
    label: str
    answer: Answer
    level: str | None
    actions: tuple[str, ...]


_THING: Final = [column.label(f"its_{column.name}") for column in things.columns]


async def given(
    conn: AsyncConnection, person: Person, at: datetime, *, before: str | None, limit: int
) -> list[Share]:
    """What the person gave and what is on things of theirs, newest first. Two queries.

    Of projects, on the service's own pages: what is on things of those that they administer.
    """
    theirs = sa.or_(
        # What an administrator gave, the project gave.
        sa.and_(
            *(grants.c.giver == person.name, things.c.owner != person.name),
            things.c.project_id.is_(None),
        ),
        sa.and_(things.c.owner == person.name, owned(at)),
        things.c.project_id.in_(sorted(person.administers)),
    )
    return await _page(conn, person, at, theirs, before, limit)


async def received(
    conn: AsyncConnection, person: Person, at: datetime, *, before: str | None, limit: int
) -> list[Share]:
    """What the person, or a team or project of theirs, was given, newest first. Three queries.

    What they declined is left out, and so is what is in its owner's trash and accepted.
    """
    accepted = sa.case(
        (grants.c.receiver_kind == ReceiverKind.PERSON, grants.c.state == GrantState.ACTIVE),
        else_=answers.c.answer.is_not(None),
    )
    declined = sa.func.coalesce(answers.c.answer, "none") == "declined"
    is_there = sa.or_(things.c.state == ThingState.LIVE, sa.not_(accepted))
    by_projects = grants.c.id.in_(await grants_for(conn, person.name, at))
    received = sa.or_(RECEIVED, by_projects)
    theirs = sa.and_(received, things.c.owner != person.name, sa.not_(declined), is_there)
    return await _page(conn, person, at, theirs, before, limit)


async def _page(
    conn: AsyncConnection,
    person: Person,
    at: datetime,
    which: sa.ColumnElement[bool],
    before: str | None,
    limit: int,
) -> list[Share]:
    said = sa.and_(answers.c.grant_id == grants.c.id, answers.c.person == sa.bindparam("asker"))
    named = sa.and_(aliases.c.thing_id == things.c.id, aliases.c.person == sa.bindparam("asker"))
    query = (
        sa.select(grants, answers.c.answer, aliases.c.alias, *_THING)
        .join(things, things.c.id == grants.c.thing_id)
        .outerjoin(answers, said)
        .outerjoin(aliases, named)
        .where(which, LIVE, things.c.state != ThingState.DELETING)
        .where(sa.or_(grants.c.ends_at.is_(None), grants.c.ends_at > at))
        .order_by(grants.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(grants.c.id < before)
    rows = (await conn.execute(query, asking(person))).all()
    facts = await load(conn, person, sorted({row.thing_id for row in rows}))
    return [_share(row, person, facts[row.thing_id], at) for row in rows]


def _share(row: sa.Row[Any], person: Person, thing: Thing, at: datetime) -> Share:
    grant, held = Grant.of(row), effective(thing, at)
    return Share(
        grant=grant,
        thing=SharedThing(
            id=row.its_id,
            kind=ThingKind(row.its_kind),
            owner=row.its_owner,
            name=row.its_name,
            state=ThingState(row.its_state),
            version=row.its_version,
            project_id=row.its_project_id,
            within_id=row.its_within_id,
            project_name=row.its_project_name,
        ),
        label=row.alias or row.its_name,
        answer=_answer(grant, row.answer),
        level=None if held is None else held.level,
        actions=actions(person, thing, at),
    )


def _answer(grant: Grant, said: str | None) -> Answer:
    if grant.receiver_kind is ReceiverKind.PERSON:
        return "accepted" if grant.state is GrantState.ACTIVE else "none"
    return "accepted" if said == "accepted" else "none"
