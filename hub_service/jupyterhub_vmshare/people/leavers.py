"""People who are gone from the hub, and what they left. The hub is asked; nothing is guessed."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import hand_overs, things
from jupyterhub_vmshare.people.hub import Hub
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.words import ThingState

_OWNERS_AT_ONCE: Final = 50
_ASKED_AT_ONCE: Final = 8
_ENOUGH: Final = 50


@dataclass(frozen=True, slots=True)
class Left:
    """A thing whose owner is gone, and who was asked to take it over."""

    thing: SharedThing
    created_at: datetime
    offered_to: str | None


class Leavers:
    """Looks for owners that the hub does not know (any more)."""

    def __init__(self, db: Database, hub: Hub) -> None:
        self._db, self._hub = db, hub

    async def page(self, after: str | None) -> tuple[list[Left], str | None]:
        """Things of people who are gone, by owner; and the owner after which to go on.

        Raises ``HubUnreachable``: while the hub does not answer, nobody has left.
        """
        found: list[Left] = []
        while len(found) < _ENOUGH:
            owners = await self._owners(after)
            found += await self._things(await self._gone(owners))
            if len(owners) < _OWNERS_AT_ONCE:
                return found, None
            after = owners[-1]
        return found, after

    async def _owners(self, after: str | None) -> list[str]:
        personal = things.c.project_id.is_(None)
        there = things.c.state != ThingState.DELETING
        query = sa.select(things.c.owner).where(there, personal).distinct()
        if after is not None:
            query = query.where(things.c.owner > after)
        async with self._db.read() as conn:
            found = await conn.scalars(query.order_by(things.c.owner).limit(_OWNERS_AT_ONCE))
            return list(found.all())

    async def _gone(self, owners: list[str]) -> list[str]:
        turn = asyncio.Semaphore(_ASKED_AT_ONCE)

        async def is_there(name: str) -> bool:
            async with turn:
                return await knows(self._hub, name)

        there = await asyncio.gather(*map(is_there, owners))
        return [name for name, known in zip(owners, there, strict=True) if not known]

    async def _things(self, owners: list[str]) -> list[Left]:
        if not owners:
            return []
        waiting = sa.and_(hand_overs.c.thing_id == things.c.id, hand_overs.c.state == "pending")
        query = (
            sa.select(things, hand_overs.c.receiver.label("offered_to"))
            .outerjoin(hand_overs, waiting)
            .where(things.c.owner.in_(owners), things.c.state != ThingState.DELETING)
            .order_by(things.c.owner, things.c.name, things.c.id)
        )
        async with self._db.read() as conn:
            return [_left(row) for row in await conn.execute(query)]


def _left(row: sa.Row[Any]) -> Left:
    return Left(SharedThing.of(row), row.created_at, row.offered_to)


async def knows(hub: Hub, name: str) -> bool:
    """Whether the hub has somebody of exactly this name."""
    return await hub.person(name) == name


async def is_gone(hub: Hub, db: Database, thing_or_offer: str) -> bool:
    """Whether the owner of a thing, or of what an offer is about, is gone from the hub."""
    of_offer = sa.select(hand_overs.c.thing_id).where(hand_overs.c.id == thing_or_offer)
    query = sa.select(things.c.owner).where(
        sa.or_(things.c.id == thing_or_offer, things.c.id.in_(of_offer)),
        things.c.project_id.is_(None),
    )
    async with db.read() as conn:
        owner = await conn.scalar(query)
    return owner is not None and not await knows(hub, owner)
