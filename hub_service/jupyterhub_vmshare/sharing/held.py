"""Everything that one person holds, and why: for those who answer for others.

Which things come into question is asked of the database; whether they hold them, and through what,
is said by ``decide`` alone, as everywhere.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import grants, hand_overs, project_members, things
from jupyterhub_vmshare.policy.decide import effective
from jupyterhub_vmshare.policy.explain import Explanation, explain
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing.facts import RECEIVED, asking, load
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.store import LIVE, active
from jupyterhub_vmshare.words import ProjectRole, ThingState

_ASKER: Final[sa.BindParameter[str]] = sa.bindparam("asker", type_=sa.String)
_PROJECT: Final = sa.func.coalesce(things.c.project_id, things.c.within_id)
"""Whose a thing is, or in which it was made."""


@dataclass(frozen=True, slots=True)
class Held:
    """A thing that somebody holds, or is invited to. ``level``: what counts now, if anything.

    ``until`` is when the last of it ends.
    """

    thing: SharedThing
    level: str | None
    until: datetime | None
    told: Explanation


async def held_by(
    conn: AsyncConnection,
    person: Person,
    at: datetime,
    *,
    listener: str,
    projects: Collection[str] | None,
    after: str | None,
    limit: int,
) -> tuple[list[Held], str | None]:
    """Of at most ``limit`` things after that id those that the person holds, and where to go on.

    ``projects``: only what belongs to these. ``listener`` is who reads the sentences. Four queries.
    """
    query = things.select().where(_theirs(at), things.c.state != ThingState.DELETING)
    if projects is not None:
        query = query.where(_PROJECT.in_(sorted(projects)))
    if after is not None:
        query = query.where(things.c.id > after)
    query = query.order_by(things.c.id).limit(limit + 1)
    rows = (await conn.execute(query, asking(person))).all()
    facts = await load(conn, person, [row.id for row in rows[:limit]])
    found = []
    for row in rows[:limit]:
        told = explain(person, "see_in_list", facts[row.id], at, listener=listener)
        if told.decision.allowed:
            now = effective(facts[row.id], at)
            level, until = (None, None) if now is None else (now.level, now.gone_at)
            found.append(Held(SharedThing.of(row), level, until, told))
    return found, rows[limit - 1].id if len(rows) > limit else None


async def keepers_of(
    conn: AsyncConnection, several: Collection[SharedThing], at: datetime
) -> frozenset[str]:
    """Who hears what the owners of these things hear."""
    projects = {thing.project_id for thing in several if thing.project_id is not None}
    query = sa.select(project_members.c.person).where(
        project_members.c.project_id.in_(sorted(projects)),
        project_members.c.role == ProjectRole.ADMINISTRATOR,
        active(at),
    )
    administrators = (await conn.execute(query)).scalars()
    return frozenset(administrators) | {one.owner for one in several if one.project_id is None}


def _theirs(at: datetime) -> sa.ColumnElement[bool]:
    """More than they hold: what has run out, was declined or lies in a trash comes along."""
    received: sa.Select[Any] = sa.select(grants.c.thing_id).where(RECEIVED, LIVE)
    offered = sa.select(hand_overs.c.thing_id).where(
        hand_overs.c.receiver == _ASKER, hand_overs.c.state == "pending"
    )
    member_of = sa.select(project_members.c.project_id).where(
        project_members.c.person == _ASKER, active(at)
    )
    return sa.or_(
        sa.and_(things.c.owner == _ASKER, things.c.project_id.is_(None)),
        _PROJECT.in_(member_of),
        things.c.id.in_(received),
        things.c.id.in_(offered),
    )
