"""Reading and changing rows of ``grants``. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import answers, grants, project_members, team_members, things
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.words import GrantState, ProjectRole, ReceiverKind

LIVE = sa.or_(grants.c.state == GrantState.PENDING, grants.c.state == GrantState.ACTIVE)
"""Pending or active. Spelled out: a partial index is used only for constants, not for IN."""

TO_PROJECT: Final = grants.c.receiver_kind == ReceiverKind.PROJECT
"""A project receives what belongs to it, and nothing else."""

TEAM_LEFT: Final = "team_left"
"""In ``answers``: the person has left the team, and had what it was given until then."""

_ONES_OWN: Final = frozenset({"accepted", "declined", "left"})
"""What one member of a team does for themself: the others need not hear of it."""


def active(at: sa.BindParameter[Any] | datetime) -> sa.ColumnElement[bool]:
    """In SQL: who is in a project at that moment."""
    ends = project_members.c.ends_at
    return sa.and_(project_members.c.ended_at.is_(None), sa.or_(ends.is_(None), ends > at))


async def lock(tx: Transaction, thing_id: str) -> SharedThing:
    """The thing, held until the transaction ends. Raises ``NotFound``."""
    return SharedThing.of(await tx.lock_thing(thing_id))


async def locked_grant(tx: Transaction, grant_id: str) -> tuple[SharedThing, Grant]:
    """A grant with its thing held: things are locked before grants, always."""
    thing_id = await tx.conn.scalar(sa.select(grants.c.thing_id).where(grants.c.id == grant_id))
    if thing_id is None:
        raise NotFound
    thing = await lock(tx, thing_id)
    return thing, await by_id(tx.conn, grant_id)


async def by_id(conn: AsyncConnection, grant_id: str) -> Grant:
    """One grant. Raises ``NotFound``."""
    row = (await conn.execute(grants.select().where(grants.c.id == grant_id))).one_or_none()
    if row is None:
        raise NotFound
    return Grant.of(row)


async def live_on(conn: AsyncConnection, thing_id: str) -> list[Grant]:
    """All pending and active grants on a thing, oldest first."""
    query = grants.select().where(grants.c.thing_id == thing_id, LIVE).order_by(grants.c.id)
    return [Grant.of(row) for row in await conn.execute(query)]


async def live_from(
    conn: AsyncConnection, thing_id: str, kind: ReceiverKind, receiver: str, giver: str
) -> Grant | None:
    """The one live grant of this giver to this receiver, if any."""
    query = grants.select().where(
        grants.c.thing_id == thing_id,
        grants.c.receiver_kind == kind,
        grants.c.receiver == receiver,
        grants.c.giver == giver,
        LIVE,
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else Grant.of(row)


async def live_children(conn: AsyncConnection, parents: Sequence[str]) -> list[Grant]:
    """The live grants that flow directly from any of these."""
    query = grants.select().where(grants.c.parent_id.in_(parents), LIVE).order_by(grants.c.id)
    return [Grant.of(row) for row in await conn.execute(query)]


async def line_above(conn: AsyncConnection, grant: Grant) -> list[Grant]:
    """All grants that this one flows from, the nearest first. One query for a whole thing."""
    if grant.parent_id is None:
        return []
    query = grants.select().where(grants.c.thing_id == grant.thing_id)
    known = {row.id: Grant.of(row) for row in await conn.execute(query)}
    line: list[Grant] = []
    parent: str | None = grant.parent_id
    while parent is not None and parent in known:
        above = known.pop(parent)  # so that it ends, whatever the rows say
        line.append(above)
        parent = above.parent_id
    return line


async def insert(tx: Transaction, grant: Grant) -> None:
    """A new row."""
    names = [column.name for column in grants.columns]
    await tx.conn.execute(grants.insert().values({n: getattr(grant, n) for n in names}))


async def update(tx: Transaction, grant: Grant, **changes: Any) -> Grant:
    """Change a row and raise its version."""
    query = (
        grants.update()
        .where(grants.c.id == grant.id)
        .values(version=grants.c.version + 1, **changes)
        .returning(*grants.columns)
    )
    return Grant.of((await tx.conn.execute(query)).one())


async def tell(
    tx: Transaction,
    verb: str,
    thing: SharedThing,
    grant: Grant,
    actor: str | None,
    **more: Any,
) -> None:
    """Record ``grant.<verb>`` for those concerned: owner, giver and receiver.

    Of a team's grant all members hear that have not declined it; of one member's answer that one.
    """
    audience = await _concerned(tx, verb, thing, grant, actor)
    await _record(tx, verb, thing, grant, actor, audience, more)


async def tell_one(
    tx: Transaction, verb: str, thing: SharedThing, grant: Grant, person: str, **more: Any
) -> None:
    """Record ``grant.<verb>`` for one person alone: it is nobody else's business."""
    await _record(tx, verb, thing, grant, None, {person}, more)


async def _record(
    tx: Transaction,
    verb: str,
    thing: SharedThing,
    grant: Grant,
    actor: str | None,
    audience: set[str],
    more: Mapping[str, Any],
) -> None:
    await tx.record(
        NewEvent(
            type=f"grant.{verb}",
            actor=actor,
            audience=frozenset(audience),
            thing_id=thing.id,
            thing_name=thing.name,
            data={**grant.told(), **more},
        )
    )


async def keepers(conn: AsyncConnection, thing: SharedThing, at: datetime) -> set[str]:
    """Who hears what an owner hears: the owner, or the administrators of the thing's project; of
    what an owner made in a project, both, as long as they are in it."""
    project_id = thing.project_id or thing.within_id
    if project_id is None:
        return {thing.owner}
    keeps = project_members.c.role == ProjectRole.ADMINISTRATOR
    if thing.project_id is None:
        keeps = sa.or_(keeps, project_members.c.person == thing.owner)
    query = sa.select(project_members.c.person).where(
        project_members.c.project_id == project_id, keeps, active(at)
    )
    return set((await conn.execute(query)).scalars())


async def _concerned(
    tx: Transaction, verb: str, thing: SharedThing, grant: Grant, actor: str | None
) -> set[str]:
    concerned = await keepers(tx.conn, thing, tx.at)
    if thing.project_id is None:
        concerned.add(grant.giver)  # an administrator gave for the project, and may be out of it
    if grant.receiver_kind is ReceiverKind.PERSON:
        concerned.add(grant.receiver)
    elif verb in _ONES_OWN and actor is not None:
        concerned.add(actor)
    elif grant.receiver_kind is ReceiverKind.TEAM:
        concerned |= await _members(tx.conn, grant)
    else:
        concerned |= await _project_members(tx, thing, grant)
    return concerned


async def _project_members(tx: Transaction, thing: SharedThing, grant: Grant) -> set[str]:
    """The members of the project whose thing it is, but for those who declined it."""
    declined = sa.exists().where(
        answers.c.grant_id == grant.id,
        answers.c.person == project_members.c.person,
        answers.c.answer == "declined",
    )
    query = sa.select(project_members.c.person).where(
        project_members.c.project_id == thing.project_id, active(tx.at), ~declined
    )
    return set((await tx.conn.execute(query)).scalars())


async def _members(conn: AsyncConnection, grant: Grant) -> set[str]:
    """The members of the team that received a grant, but for those who declined it."""
    declined = sa.exists().where(
        answers.c.grant_id == grant.id,
        answers.c.person == team_members.c.person,
        answers.c.answer == "declined",
    )
    query = sa.select(team_members.c.person).where(team_members.c.team == grant.receiver, ~declined)
    return set((await conn.execute(query)).scalars())


async def thing_of(conn: AsyncConnection, thing_id: str) -> SharedThing:
    """A thing, not held. Raises ``NotFound``."""
    row = (await conn.execute(things.select().where(things.c.id == thing_id))).one_or_none()
    if row is None:
        raise NotFound
    return SharedThing.of(row)
