"""Rows of ``hand_overs``: offers that wait, and what became of the others. Decides nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import answers, grants, hand_overs, team_members, things
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.store import LIVE
from jupyterhub_vmshare.words import ReceiverKind, ThingKind, ThingState


class HandOverState(StrEnum):
    """Where an offer is in its life."""

    PENDING = "pending"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"


@dataclass(frozen=True, slots=True)
class HandOver:
    """One offer: of what, from which owner, to whom, and who made it."""

    id: str
    thing_id: str
    owner: str
    receiver: str
    by: str
    keep: bool
    state: HandOverState
    created_at: datetime
    answered_at: datetime | None

    @classmethod
    def of(cls, row: sa.Row[Any]) -> HandOver:
        """From a row of ``hand_overs``."""
        told = {name: getattr(row, name) for name in cls.__slots__}
        return cls(**{**told, "state": HandOverState(row.state)})

    def columns(self) -> Mapping[str, Any]:
        """As a row."""
        return asdict(self)

    def told(self) -> Mapping[str, Any]:
        """What events say of it."""
        return {
            "hand_over_id": self.id,
            "from": self.owner,
            "to": self.receiver,
            "keep": self.keep,
        }


@dataclass(frozen=True, slots=True)
class SeenHandOver:
    """An offer with what its receiver and its owner know of the thing."""

    hand_over: HandOver
    thing: SharedThing


async def open_on(conn: AsyncConnection, thing_id: str) -> HandOver | None:
    """The offer that waits for an answer, if any."""
    query = hand_overs.select().where(
        hand_overs.c.thing_id == thing_id, hand_overs.c.state == HandOverState.PENDING
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else HandOver.of(row)


async def done_on(conn: AsyncConnection, thing_id: str) -> list[HandOver]:
    """How a thing came to its owner: the accepted ones, newest first."""
    query = hand_overs.select().where(
        hand_overs.c.thing_id == thing_id, hand_overs.c.state == HandOverState.ACCEPTED
    )
    query = query.order_by(hand_overs.c.answered_at.desc(), hand_overs.c.id.desc())
    return [HandOver.of(row) for row in await conn.execute(query)]


async def open_of(
    conn: AsyncConnection, person: str, *, before: str | None, limit: int
) -> list[SeenHandOver]:
    """Open offers to a person, and those of things of theirs or that they made; newest first."""
    query = (
        sa.select(hand_overs, *(column.label(f"its_{column.name}") for column in things.columns))
        .join(things, things.c.id == hand_overs.c.thing_id)
        .where(
            hand_overs.c.state == HandOverState.PENDING,
            things.c.state != ThingState.DELETING,
            sa.or_(
                hand_overs.c.receiver == person,
                hand_overs.c.owner == person,
                hand_overs.c.by == person,
            ),
        )
        .order_by(hand_overs.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(hand_overs.c.id < before)
    return [SeenHandOver(HandOver.of(row), _thing(row)) for row in await conn.execute(query)]


def _thing(row: sa.Row[Any]) -> SharedThing:
    return SharedThing(
        id=row.its_id,
        kind=ThingKind(row.its_kind),
        owner=row.its_owner,
        name=row.its_name,
        state=ThingState(row.its_state),
        version=row.its_version,
    )


async def tell(
    tx: Transaction, verb: str, thing: SharedThing, made: HandOver, actor: str | None
) -> None:
    """Record ``hand_over.<verb>``: to the two and to who made the offer; of a new owner to all."""
    concerned = {made.owner, made.receiver, made.by}
    if verb == "accepted":
        concerned.update(await _everybody(tx.conn, thing.id))
    await tx.record(
        NewEvent(
            type=f"hand_over.{verb}",
            actor=actor,
            audience=frozenset(concerned),
            thing_id=thing.id,
            thing_name=thing.name,
            data=made.told(),
        )
    )


async def _everybody(conn: AsyncConnection, thing_id: str) -> Sequence[str]:
    """Whoever has the thing or is invited to it: to them it now is somebody else's."""
    direct = sa.select(grants.c.receiver).where(
        grants.c.thing_id == thing_id, grants.c.receiver_kind == ReceiverKind.PERSON, LIVE
    )
    declined = sa.exists().where(
        answers.c.grant_id == grants.c.id,
        answers.c.person == team_members.c.person,
        answers.c.answer == "declined",
    )
    by_team = (
        sa.select(team_members.c.person)
        .join(grants, grants.c.receiver == team_members.c.team)
        .where(grants.c.thing_id == thing_id, grants.c.receiver_kind == ReceiverKind.TEAM, LIVE)
        .where(~declined)
    )
    return (await conn.execute(sa.union(direct, by_team))).scalars().all()
