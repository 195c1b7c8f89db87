"""Folders as one person sees them: a page of their list, or one folder.

A page takes a fixed number of queries however long it is, and no more rows than it shows are
decided about.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import aliases, grants, things
from jupyterhub_vmshare.db.types import Moment
from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.folders.visible import Relation, listed
from jupyterhub_vmshare.policy.decide import actions, effective
from jupyterhub_vmshare.policy.model import Person, Thing
from jupyterhub_vmshare.sharing.facts import (
    HOLDING_COLUMNS,
    asking,
    permitted,
    things_in,
    with_holdings,
)
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
    trashed_at: datetime | None
    cloneable: bool
    fast: bool
    project_id: str | None
    """The project that it belongs to; ``owner`` is then what that is called."""
    tagged: bool
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
    project: str | None = None,
    after: str | None = None,
    limit: int,
) -> SeenPage:
    """A page of the person's list, by label without regard to ASCII case, then by id.

    ``project``: what belongs to it alone.
    """
    told = asking(person, at=at, limit=limit + 1, project=project)
    if matching:
        told["matching"] = _like(_lower(matching))
    if after is not None:
        told["after_key"], told["after_id"] = _position(after)
    narrowed = (bool(matching), project is not None, after is not None)
    query = _page(conn.dialect.name, state, relation, *narrowed)
    seen = _seen(person, (await conn.execute(query, told)).all(), at)
    last = seen[limit - 1] if len(seen) > limit else None
    return SeenPage(
        items=[folder for folder, _ in seen[:limit]],
        next=None if last is None else _cursor(last[1].key, last[0].id),
    )


async def one(conn: AsyncConnection, person: Person, folder_id: str, at: datetime) -> SeenFolder:
    """One folder as the person sees it; an invitation's receiver sees what it offers.

    Raises:
        NotFound: to everybody else it is not there.
    """
    await permitted(conn, person, "see_in_list", folder_id, at)
    told = asking(person, id=folder_id, at=at)
    [(folder, _)] = _seen(person, (await conn.execute(_ONE, told)).all(), at)
    return folder


def _seen(
    person: Person, rows: Sequence[sa.Row[Any]], at: datetime
) -> list[tuple[SeenFolder, sa.Row[Any]]]:
    """The folders, each with its row: the first, where the person holds several grants on it."""
    first = {row.id: row for row in reversed(rows)}
    facts = things_in(person, rows)
    return [(_folder(first[id], person, thing, at), first[id]) for id, thing in facts.items()]


def _folder(row: Any, person: Person, thing: Thing, at: datetime) -> SeenFolder:
    may = actions(person, thing, at)
    level, ends_at = _level(thing, at)
    return SeenFolder(
        id=row.id,
        name=thing.name,
        alias=row.alias,
        owner=thing.owner,
        relation="mine" if thing.personal and thing.owner == person.name else "shared_with_me",
        level=level,
        state=thing.state,
        created_at=row.created_at,
        trashed_at=row.trashed_at,
        cloneable=thing.cloneable,
        fast=thing.fast,
        project_id=thing.project,
        tagged=thing.tag is not None,
        ends_at=ends_at,
        shared_with=row.grants_on if "see_people" in may else None,
        actions=may,
        version=row.version,
    )


def _level(thing: Thing, at: datetime) -> tuple[str, datetime | None]:
    held = effective(thing, at)
    if held is not None and held.level is not None:
        return held.level, held.gone_at
    # What is offered: by an invitation, or by an owner who hands it over.
    offered = next(item for item in thing.holdings if item.state is GrantState.PENDING)
    return offered.level or "", offered.ends_at


@lru_cache
def _page(
    dialect: str,
    state: ThingState,
    relation: Relation | None,
    matching: bool,
    project: bool,
    after: bool,
) -> sa.Select[Any]:
    """The statement of a page: put together once, since that takes longer than running it."""
    found = listed(state, relation)
    key = _key(dialect, found.c.label)
    query = sa.select(found.c.id, found.c.alias, key.label("key"))
    if matching:
        query = query.where(key.like(sa.bindparam("matching"), escape="/"))
    if project:
        query = query.where(found.c.project_id == sa.bindparam("project"))
    if after:
        last = sa.tuple_(sa.bindparam("after_key"), sa.bindparam("after_id"))
        query = query.where(sa.tuple_(key, found.c.id) > last)
    # Only the rows of the page are looked up in full.
    limited = query.order_by(key, found.c.id).limit(sa.bindparam("limit", type_=sa.Integer))
    page = limited.subquery("page")
    return (
        sa.select(things, page.c.alias, page.c.key, _GRANTS_ON, *HOLDING_COLUMNS)
        .select_from(with_holdings(things.join(page, page.c.id == things.c.id)))
        .order_by(page.c.key, page.c.id, grants.c.id)
    )


_ON_IT: Final = grants.alias("on_it")
_GRANTS_ON: Final = (
    sa.select(sa.func.count())
    .where(
        _ON_IT.c.thing_id == things.c.id,
        sa.or_(_ON_IT.c.state == GrantState.PENDING, _ON_IT.c.state == GrantState.ACTIVE),
        sa.or_(_ON_IT.c.ends_at.is_(None), _ON_IT.c.ends_at > sa.bindparam("at", type_=Moment)),
    )
    .correlate(things)
    .scalar_subquery()
    .label("grants_on")
)
_MINE: Final = sa.and_(aliases.c.thing_id == things.c.id, aliases.c.person == sa.bindparam("asker"))
_ONE: Final = (
    sa.select(things, aliases.c.alias, _GRANTS_ON, *HOLDING_COLUMNS)
    .select_from(with_holdings(things.outerjoin(aliases, _MINE)))
    .where(things.c.id == sa.bindparam("id"))
    .order_by(grants.c.id)
)


def _key(dialect: str, label: sa.ColumnElement[str]) -> sa.ColumnElement[str]:
    """Orders labels the same way on both databases: plainly, with A to Z as a to z."""
    return sa.func.lower(label.collate("C" if dialect == "postgresql" else "BINARY"))


def _like(text: str) -> str:
    """A pattern that matches what has the text in it; ``/`` makes a sign stand for itself."""
    return "%" + re.sub("[%_/]", r"/\g<0>", text) + "%"


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
