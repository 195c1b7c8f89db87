"""A project as receiver of what belongs to it: all its members have it, each with an answer (D1).

Its grant is active at once, and stands as long as the thing does. Who is a member is read where a
decision is made, with the date on which a membership ends; nothing is mirrored.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import (
    answers,
    grants,
    project_members,
    project_overrides,
    projects,
    things,
)
from jupyterhub_vmshare.policy.model import Answer, Thing
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.parting import Lost, end_grants_in, what_stays
from jupyterhub_vmshare.sharing.store import TO_PROJECT, active
from jupyterhub_vmshare.sharing.teams import answer_of, kept
from jupyterhub_vmshare.words import EndedWhy, GrantState, ProjectRole, ReceiverKind

_ITS: Final = things.c.project_id == project_members.c.project_id


async def is_for(
    conn: AsyncConnection, person: str, thing: SharedThing, grant: Grant, at: datetime
) -> bool:
    """Whether a project's grant reaches this person: whether they are a member now."""
    if grant.receiver_kind is not ReceiverKind.PROJECT or thing.project_id is None:
        return False
    mine = (project_members.c.project_id == thing.project_id, project_members.c.person == person)
    found = await conn.scalar(sa.select(project_members.c.person).where(*mine, active(at)))
    return found is not None


async def grants_for(conn: AsyncConnection, person: str, at: datetime) -> list[str]:
    """The ids of the grants that projects of this person have."""
    query = (
        sa.select(grants.c.id)
        .join(things, things.c.id == grants.c.thing_id)
        .join(project_members, _ITS)
        .where(project_members.c.person == person, active(at), TO_PROJECT)
        .where(grants.c.state == GrantState.ACTIVE)
    )
    return list((await conn.execute(query)).scalars())


async def administered_by(conn: AsyncConnection, person: str, at: datetime) -> frozenset[str]:
    """The ids of the projects that somebody administers."""
    query = sa.select(project_members.c.project_id).where(
        project_members.c.person == person,
        project_members.c.role == ProjectRole.ADMINISTRATOR,
        active(at),
    )
    return frozenset((await conn.execute(query)).scalars())


@dataclass(frozen=True, slots=True)
class MembershipOf:
    """A project's members as they stand to one thing of it."""

    answers: Mapping[str, Sequence[tuple[str, Answer]]]
    """By the project's grant: who is a member, and what they said to it."""
    overrides: Mapping[str, str]
    """Levels in the place of the project's own, by person."""
    until: Mapping[str, datetime]
    """When somebody's membership ends."""
    administrators: frozenset[str]
    see_each_other: bool = True

    def hidden_from(self, person: str) -> frozenset[str]:
        """The members whom another one may not know of."""
        if self.see_each_other:
            return frozenset()
        everyone = {name for several in self.answers.values() for name, _ in several}
        return frozenset(everyone - self.administrators - {person})


NO_PROJECT: Final = MembershipOf({}, {}, {}, frozenset())


async def membership_of(
    conn: AsyncConnection, thing: Thing, live: Sequence[Grant], at: datetime
) -> MembershipOf:
    """Who has a thing by its project. Two queries, none for what belongs to a person."""
    grant = next((one for one in live if one.receiver_kind is ReceiverKind.PROJECT), None)
    if thing.personal or grant is None:
        return NO_PROJECT
    said = sa.and_(answers.c.grant_id == grant.id, answers.c.person == project_members.c.person)
    own = sa.and_(
        project_overrides.c.thing_id == thing.id,
        project_overrides.c.person == project_members.c.person,
    )
    query = (
        sa.select(project_members, answers.c.answer, project_overrides.c.level)
        .outerjoin(answers, said)
        .outerjoin(project_overrides, own)
        .where(project_members.c.project_id == thing.project, active(at))
        .order_by(project_members.c.person)
    )
    rows = (await conn.execute(query)).all()
    setting = sa.select(projects.c.members_see_each_other).where(projects.c.id == thing.project)
    return MembershipOf(
        answers={grant.id: [(row.person, kept(row.answer)) for row in rows]},
        overrides={row.person: row.level for row in rows if row.level is not None},
        until={row.person: row.ends_at for row in rows if row.ends_at is not None},
        administrators=frozenset(
            row.person for row in rows if row.role == ProjectRole.ADMINISTRATOR
        ),
        see_each_other=bool(await conn.scalar(setting)),
    )


async def asked_anew(tx: Transaction, project_id: str, person: str) -> None:
    """Somebody becomes a member: nothing of an earlier membership counts. The project is held.

    What the project has is held from now on, since lists are held after things.
    """
    ids = [grant.id for _, grant in await _held(tx, project_id)]
    mine = (answers.c.person == person, answers.c.grant_id.in_(ids))
    await tx.conn.execute(answers.delete().where(*mine))
    await _forget_overrides(tx, project_id, person)


async def lost(tx: Transaction, project_id: str, person: str) -> Lost:
    """Somebody is no member any more: what the project has is not theirs, nor what they were
    given of machines and drives in it. Only they are told of what the project has."""
    held = await _held(tx, project_id)
    for thing, grant in held:
        if await answer_of(tx.conn, grant, person) != "declined":
            why = EndedWhy.TEAM_LEFT.value
            await store.tell_one(tx, "ended", thing, grant, person, why=why)
    await _forget_overrides(tx, project_id, person)
    query = things.select().where(things.c.within_id == project_id).order_by(things.c.id)
    rows = (await tx.conn.execute(query)).all()
    ended = await end_grants_in(tx, [SharedThing.of(row) for row in rows], person)
    ids = sorted([*(thing.id for thing, _ in held), *(row.id for row in rows)])
    return Lost(ids, ended, await what_stays(tx, project_id, person))


async def renamed(tx: Transaction, project_id: str, name: str) -> None:
    """The project is called otherwise, and so is the owner of what it has. It is held."""
    ours = sa.select(things.c.id).where(things.c.project_id == project_id)
    await _held(tx, project_id)
    theirs = (TO_PROJECT, grants.c.thing_id.in_(ours))
    await tx.conn.execute(grants.update().where(*theirs).values(receiver=name))
    named = things.update().where(_ours(project_id))
    await tx.conn.execute(named.values(project_name=name))


async def _held(tx: Transaction, project_id: str) -> Sequence[tuple[SharedThing, Grant]]:
    """What the project has, each with its grant. All that is in it is held from now on: after the
    project itself, and in the order of ids, as everywhere."""
    held = things.select().where(_ours(project_id)).order_by(things.c.id)
    found = {row.id: SharedThing.of(row) for row in await tx.conn.execute(held.with_for_update())}
    query = grants.select().where(grants.c.thing_id.in_(found), TO_PROJECT, store.LIVE)
    rows = await tx.conn.execute(query.order_by(grants.c.id))
    return [(found[row.thing_id], Grant.of(row)) for row in rows]


def _ours(project_id: str) -> sa.ColumnElement[bool]:
    return sa.or_(things.c.project_id == project_id, things.c.within_id == project_id)


async def _forget_overrides(tx: Transaction, project_id: str, person: str) -> None:
    ours = sa.select(things.c.id).where(things.c.project_id == project_id)
    mine = (project_overrides.c.person == person, project_overrides.c.thing_id.in_(ours))
    await tx.conn.execute(project_overrides.delete().where(*mine))
