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

from jupyterhub_vmshare.db.tables import grants, mount_choices, team_members, things
from jupyterhub_vmshare.folders.visible import listed
from jupyterhub_vmshare.mounts.names import directory_names
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.policy.mounting import mount_right
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


async def desired(
    conn: AsyncConnection, person: str, at: datetime, held: Mapping[str, str]
) -> dict[str, DesiredMount]:
    """Every folder that the person may mount and wants to, by id.

    ``held``: the directories' names as they are by now. A name stays while it may.
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
        )
        for thing_id, (thing, right) in rights.items()
    }


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
    return (
        sa.select(things, found.c.label, mount_choices.c.wanted, *HOLDING_COLUMNS)
        .select_from(with_holdings(base))
        .order_by(things.c.id, grants.c.id)
    )
