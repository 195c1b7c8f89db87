"""Folders as one person sees them: a page of their list, or one folder.

A page takes a fixed number of queries however long it is, and no more rows than it shows are
decided about.
"""

from __future__ import annotations

import base64
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import aliases, grants, things
from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.folders.visible import Relation, listed
from jupyterhub_vmshare.policy.decide import actions, effective
from jupyterhub_vmshare.policy.model import Person, Thing
from jupyterhub_vmshare.sharing.facts import load, permitted
from jupyterhub_vmshare.sharing.store import LIVE
from jupyterhub_vmshare.words import GrantState, ThingState


@dataclass(frozen=True, slots=True)
class SeenFolder:
    """One folder, and how the person stands to it."""

    id: str
    name: str
    alias: str | None
    owner: str
    relation: Relation
    level: str
    """``owner``, or the level that counts; of an invitation, the one it offers."""
    state: ThingState
    created_at: datetime
    ends_at: datetime | None
    """When the last of the person's access ends."""
    shared_with: int | None
    """Grants that are pending or live; None where the person may not see who has it."""
    actions: tuple[str, ...]
    version: int

    @property
    def label(self) -> str:
        """What the person's list calls it."""
        return self.alias or self.name


@dataclass(frozen=True, slots=True)
class SeenPage:
    """Folders by label, and the cursor of the next page."""

    items: Sequence[SeenFolder]
    next: str | None


async def page(
    conn: AsyncConnection,
    person: Person,
    at: datetime,
    *,
    relation: Relation | None = None,
    state: ThingState = ThingState.LIVE,
    matching: str = "",
    after: str | None = None,
    limit: int,
) -> SeenPage:
    """A page of the person's list, by label without regard to ASCII case, then by id."""
    found = listed(person, at, state=state, relation=relation)
    key = _key(conn, found.c.label)
    query = sa.select(found.c.id, key.label("key")).order_by(key, found.c.id).limit(limit + 1)
    if matching:
        query = query.where(key.contains(_lower(matching), autoescape=True))
    if after is not None:
        query = query.where(sa.tuple_(key, found.c.id) > sa.tuple_(*_position(after)))
    rows = (await conn.execute(query)).all()
    ids = [row.id for row in rows[:limit]]
    seen = await _seen(conn, person, ids, at)
    more = rows[limit - 1] if len(rows) > limit else None
    return SeenPage(
        items=[seen[thing_id] for thing_id in ids if thing_id in seen],
        next=None if more is None else _cursor(more.key, more.id),
    )


async def one(conn: AsyncConnection, person: Person, folder_id: str, at: datetime) -> SeenFolder:
    """One folder as the person sees it; an invitation's receiver sees what it offers.

    Raises:
        NotFound: to everybody else it is not there.
    """
    await permitted(conn, person, "see_in_list", folder_id, at)
    return (await _seen(conn, person, [folder_id], at))[folder_id]


async def _seen(
    conn: AsyncConnection, person: Person, ids: Sequence[str], at: datetime
) -> Mapping[str, SeenFolder]:
    facts = await load(conn, person, ids)
    rows = await conn.execute(
        sa.select(things.c.id, things.c.created_at, things.c.version, aliases.c.alias)
        .outerjoin(
            aliases, sa.and_(aliases.c.thing_id == things.c.id, aliases.c.person == person.name)
        )
        .where(things.c.id.in_(ids))
    )
    counts = await _grants_on(conn, ids, at)
    return {
        row.id: _folder(row, person, facts[row.id], counts.get(row.id, 0), at)
        for row in rows
        if row.id in facts
    }


async def _grants_on(conn: AsyncConnection, ids: Sequence[str], at: datetime) -> Mapping[str, int]:
    unexpired = sa.or_(grants.c.ends_at.is_(None), grants.c.ends_at > at)
    rows = await conn.execute(
        sa.select(grants.c.thing_id, sa.func.count().label("grants"))
        .where(grants.c.thing_id.in_(ids), LIVE, unexpired)
        .group_by(grants.c.thing_id)
    )
    return {row.thing_id: row.grants for row in rows}


def _folder(row: Any, person: Person, thing: Thing, count: int, at: datetime) -> SeenFolder:
    may = actions(person, thing, at)
    level, ends_at = _level(thing, at)
    return SeenFolder(
        id=row.id,
        name=thing.name,
        alias=row.alias,
        owner=thing.owner,
        relation="mine" if thing.owner == person.name else "shared_with_me",
        level=level,
        state=thing.state,
        created_at=row.created_at,
        ends_at=ends_at,
        shared_with=count if "see_people" in may else None,
        actions=may,
        version=row.version,
    )


def _level(thing: Thing, at: datetime) -> tuple[str, datetime | None]:
    held = effective(thing, at)
    if held is not None and held.level is not None:
        return held.level, held.gone_at
    offered = next(item for item in thing.holdings if item.state is GrantState.PENDING)
    return offered.level or "", offered.ends_at


def _key(conn: AsyncConnection, label: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Orders labels the same way on both databases: plainly, with A to Z as a to z."""
    plainly = "C" if conn.dialect.name == "postgresql" else "BINARY"
    return sa.func.lower(label.collate(plainly))


def _lower(text: str) -> str:
    return "".join(letter.lower() if letter.isascii() else letter for letter in text)


def _cursor(key: str, thing_id: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([key, thing_id]).encode()).decode()


def _position(cursor: str) -> tuple[str, str]:
    try:
        key, thing_id = json.loads(base64.urlsafe_b64decode(cursor.encode("ascii")))
        if isinstance(key, str) and isinstance(thing_id, str) and "\0" not in key + thing_id:
            return key, thing_id
    except ValueError:
        pass
    raise BadInput("This page's cursor was not made by this service.")
