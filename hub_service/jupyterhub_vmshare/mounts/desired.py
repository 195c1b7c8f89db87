"""What a person's sessions should have, from the facts that every decision is made from.

Two queries a person, however many folders and grants there are.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import accounts, grants, mount_choices, team_members, things
from jupyterhub_vmshare.folders.visible import listed
from jupyterhub_vmshare.mounts.names import directory_names
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.policy.mounting import is_direct, mount_right
from jupyterhub_vmshare.sharing.facts import HOLDING_COLUMNS, asking, things_in, with_holdings

OWNER_GRANT = "owner"
"""What stands for the grant where the person owns the folder."""


@dataclass(frozen=True, slots=True)
class DesiredMount:
    """One folder as a person's sessions should have it."""

    folder: str
    name: str
    level: str
    grant: str
    owner: str
    until: datetime | None
    direct: bool = False


async def desired(
    conn: AsyncConnection,
    person: str,
    at: datetime,
    held: Mapping[str, str],
    *,
    limited: bool = False,
) -> dict[str, DesiredMount]:
    """Every folder that the person may mount and wants to, by id.

    Args:
        conn: A transaction.
        person: Whose sessions.
        at: Now.
        held: The directories' names as they are by now. A name stays while it may.
        limited: Whether owners have a limit of bytes of whom no administrator has said otherwise.
    """
    who = Person(person, teams=await _teams(conn, person))
    rows = (await conn.execute(_all(), asking(who, at=at))).all()
    first = {row.id: row for row in reversed(rows)}
    rights = {
        thing_id: (thing, right)
        for thing_id, thing in things_in(who, rows).items()
        if first[thing_id].wanted is not False
        and (right := mount_right(who, thing, at)) is not None
    }
    names = directory_names({id: (first[id].label, first[id].owner) for id in rights}, held)
    return {
        thing_id: DesiredMount(
            folder=thing_id,
            name=names[thing_id],
            level=right.level,
            grant=right.holding.grant_id or OWNER_GRANT,
            owner=thing.owner,
            until=right.until,
            direct=is_direct(
                right.level, fast=thing.fast, limited=_is_limited(first[thing_id], limited)
            ),
        )
        for thing_id, (thing, right) in rights.items()
    }


def _is_limited(row: sa.Row[Any], by_default: bool) -> bool:
    return row.most_bytes is not None if row.limit_is_set else by_default


async def _teams(conn: AsyncConnection, person: str) -> frozenset[str]:
    query = sa.select(team_members.c.team).where(team_members.c.person == person)
    return frozenset((await conn.execute(query)).scalars())


@lru_cache
def _all() -> sa.Select[Any]:
    """The person's list with their holdings and choices: what is not listed is not mounted."""
    found = listed()
    chosen = sa.and_(
        mount_choices.c.thing_id == things.c.id,
        mount_choices.c.person == sa.bindparam("asker", type_=sa.String),
    )
    base = things.join(found, found.c.id == things.c.id).outerjoin(mount_choices, chosen)
    base = base.outerjoin(accounts, accounts.c.owner == things.c.owner)
    limit = (accounts.c.is_set.label("limit_is_set"), accounts.c.most_bytes)
    return (
        sa.select(things, found.c.label, mount_choices.c.wanted, *limit, *HOLDING_COLUMNS)
        .select_from(with_holdings(base))
        .order_by(things.c.id, grants.c.id)
    )
