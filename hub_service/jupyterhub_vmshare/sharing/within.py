"""Machines and drives that people made in a project: theirs as long as they are in it.

The project's administrators manage them, its members have what their owner opened to them, and
whoever is no member any more has nothing of them, neither as owner nor by what they were given.
The things stay in the project; who comes back finds what they left.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import project_members, things
from jupyterhub_vmshare.errors import Conflict
from jupyterhub_vmshare.policy.model import OWNERSHIP, Holding, Person
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.store import active
from jupyterhub_vmshare.words import ProjectRole

_OWNERS: Final = project_members.alias("owners_membership")


def owned(at: sa.BindParameter[Any] | datetime) -> sa.ColumnElement[bool]:
    """In SQL: that a thing is in no project, or its owner in that project at that moment."""
    ends = _OWNERS.c.ends_at
    is_in = sa.exists().where(
        _OWNERS.c.project_id == things.c.within_id,
        _OWNERS.c.person == things.c.owner,
        _OWNERS.c.ended_at.is_(None),
        sa.or_(ends.is_(None), ends > at),
    )
    return sa.or_(things.c.within_id.is_(None), is_in)


def ownership_of(row: sa.Row[Any]) -> tuple[Holding, ...]:
    """What the owner of a thing in a project holds, by a row with their membership."""
    if row.member_role is None:
        return ()
    held = replace(OWNERSHIP, ends_at=row.member_ends_at, ended_at=row.member_ended_at)
    return (held,)


def roles_in(person: Person, thing: SharedThing, row: sa.Row[Any]) -> Iterator[Holding]:
    """What a member holds on another one's thing in their project.

    An administrator's role counts on the service's own pages alone.
    """
    if thing.within_id is None or row.member_role is None or row.member_ended_at is not None:
        return
    columns = ["member_others"]
    if row.member_role == ProjectRole.ADMINISTRATOR and thing.within_id in person.administers:
        columns = ["project_admin", "admin_others"]
    for column in columns:
        yield Holding(column, "project_role", ends_at=row.member_ends_at)


def until_membership_ends(held: Holding, row: sa.Row[Any]) -> Holding:
    """What a member was given of a thing in their project ends with their membership, to the
    second; of a project's folder only where that bears the tag."""
    is_in = row.tagged or row.within_id is not None
    if not is_in or row.member_role is None:
        return held
    if row.member_ends_at is None or row.member_ended_at is not None:
        return held
    ends = [date for date in (held.ends_at, row.member_ends_at) if date is not None]
    return replace(held, ends_at=min(ends))


async def is_member(conn: AsyncConnection, project_id: str, person: str, at: datetime) -> bool:
    """Whether somebody is in a project now."""
    mine = (project_members.c.project_id == project_id, project_members.c.person == person)
    query = sa.select(project_members.c.person).where(*mine, active(at))
    return await conn.scalar(query) is not None


async def demand_member(tx: Transaction, thing: SharedThing, person: str) -> None:
    """Raise ``Conflict`` for a new owner who is not in the project in which the thing is."""
    if thing.within_id is None or await is_member(tx.conn, thing.within_id, person, tx.at):
        return
    raise Conflict(
        f"This {thing.kind} is in {thing.project_name}, and stays there: "
        f"only its members can own it. {person} is not one."
    )
