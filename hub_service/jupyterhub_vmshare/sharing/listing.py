"""What a person sees of sharing: their invitations, and a thing's people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import grants, things
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.words import GrantState, ReceiverKind, ThingState


@dataclass(frozen=True, slots=True)
class Invitation:
    """A pending grant with what its receiver may know of the thing."""

    grant: Grant
    thing: SharedThing


async def invitations(
    conn: AsyncConnection, person: Person, at: datetime, *, before: str | None, limit: int
) -> list[Invitation]:
    """The person's open invitations, newest first; ``before`` is the last id of the last page."""
    query = (
        sa.select(grants, *_thing_columns())
        .join(things, things.c.id == grants.c.thing_id)
        .where(
            grants.c.receiver == person.name,
            grants.c.receiver_kind == ReceiverKind.PERSON,
            grants.c.state == GrantState.PENDING,
            sa.or_(grants.c.ends_at.is_(None), grants.c.ends_at > at),
            things.c.state != ThingState.DELETING,
        )
        .order_by(grants.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(grants.c.id < before)
    return [Invitation(Grant.of(row), _thing(row)) for row in await conn.execute(query)]


async def people_of(
    conn: AsyncConnection, person: Person, thing_id: str, at: datetime
) -> tuple[str, list[Grant]]:
    """The owner, and every grant that is pending or live."""
    thing = await permitted(conn, person, "see_people", thing_id, at)
    live = await store.live_on(conn, thing_id)
    return thing.owner, [grant for grant in live if not grant.is_over(at)]


def _thing_columns() -> list[sa.ColumnElement[Any]]:
    return [column.label(f"its_{column.name}") for column in things.columns]


def _thing(row: sa.Row[Any]) -> SharedThing:
    return SharedThing(
        id=row.its_id,
        kind=row.its_kind,
        owner=row.its_owner,
        name=row.its_name,
        state=ThingState(row.its_state),
        version=row.its_version,
    )
