"""A team as receiver: every member answers for themselves, and the hub says who is one (D1).

A team's grant is active at once. A member's row in ``answers`` says what they said to it; who has
none has not answered yet. Leaving the team is written down there too, so that ``why`` knows.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import answers, grants, team_members, things
from jupyterhub_vmshare.db.upsert import insert_or_replace
from jupyterhub_vmshare.policy.model import Answer, Person
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.store import LIVE, TEAM_LEFT
from jupyterhub_vmshare.words import EndedWhy, GrantState, ReceiverKind

_TO_TEAMS: Final = grants.c.receiver_kind == ReceiverKind.TEAM
_CHUNK: Final = 500


class TeamMember(Protocol):
    """One person in one team, as the mirror of the hub's groups says it."""

    @property
    def team(self) -> str: ...
    @property
    def person(self) -> str: ...


class MembersChanged(Protocol):
    """Who joined and who left since the hub was last asked."""

    @property
    def joined(self) -> Sequence[TeamMember]: ...
    @property
    def left(self) -> Sequence[TeamMember]: ...


def is_for(person: Person, thing: SharedThing, grant: Grant) -> bool:
    """Whether a team's grant reaches this person; the owner needs none."""
    is_member = grant.receiver_kind is ReceiverKind.TEAM and grant.receiver in person.teams
    return is_member and thing.owner != person.name


async def answer_of(conn: AsyncConnection, grant: Grant, person: str) -> Answer:
    """What a member has said to a team's grant."""
    mine = (answers.c.grant_id == grant.id, answers.c.person == person)
    said = await conn.scalar(sa.select(answers.c.answer).where(*mine))
    if said == "accepted":
        return "accepted"
    return "declined" if said == "declined" else "none"


async def write_answer(tx: Transaction, grant: Grant, person: str, answer: Answer) -> None:
    """Write down what a member said; it takes the place of what they said before."""
    key = {"grant_id": grant.id, "person": person}
    await insert_or_replace(tx.conn, answers, key, {"answer": answer, "answered_at": tx.at})


async def decline(tx: Transaction, thing: SharedThing, grant: Grant, person: str) -> bool:
    """A member's no, which also is how they leave; says whether it changed anything."""
    before = await answer_of(tx.conn, grant, person)
    if before == "declined":
        return False
    await write_answer(tx, grant, person, "declined")
    verb = "left" if before == "accepted" else "declined"
    await store.tell(tx, verb, thing, grant, person)
    return True


async def live_for(conn: AsyncConnection, thing_id: str, person: Person) -> list[Grant]:
    """The live grants on a thing to teams of this person."""
    query = grants.select().where(
        grants.c.thing_id == thing_id,
        _TO_TEAMS,
        grants.c.receiver.in_(sorted(person.teams)),
        grants.c.state == GrantState.ACTIVE,
    )
    return [Grant.of(row) for row in await conn.execute(query.order_by(grants.c.id))]


async def members_changed(tx: Transaction, change: MembersChanged) -> None:
    """Who joins is asked anew; of who leaves it is written down that they had access till now.

    To be called in the transaction that changes the mirror, before anything else hears of it:
    it holds the things that the teams have grants on, since things are held before all else.
    """
    teams = {member.team for member in (*change.joined, *change.left)}
    given = await _held_grants(tx, teams)
    for member in change.joined:
        ids = [grant.id for _, grant in given.get(member.team, ())]
        await _forget_answers(tx, member.person, ids)
    for member in change.left:
        for thing, grant in given.get(member.team, ()):
            await _lost(tx, thing, grant, member.person)


async def _lost(tx: Transaction, thing: SharedThing, grant: Grant, person: str) -> None:
    """Somebody left a team: what it has is theirs no more. Only they are told."""
    if await answer_of(tx.conn, grant, person) == "declined":
        await _forget_answers(tx, person, [grant.id])
        return
    key = {"grant_id": grant.id, "person": person}
    await insert_or_replace(tx.conn, answers, key, {"answer": TEAM_LEFT, "answered_at": tx.at})
    if person != thing.owner:
        why = EndedWhy.TEAM_LEFT.value
        await store.tell_one(tx, "ended", thing, grant, person, why=why)


_Given = dict[str, list[tuple[SharedThing, Grant]]]


async def _held_grants(tx: Transaction, teams: Iterable[str]) -> _Given:
    """The live grants of these teams, by team, with their things, which are held from now on."""
    given: _Given = {}
    names = sorted(teams)
    for start in range(0, len(names), _CHUNK):
        theirs = (_TO_TEAMS, grants.c.receiver.in_(names[start : start + _CHUNK]), LIVE)
        of = sa.select(grants.c.thing_id).where(*theirs)
        held = things.select().where(things.c.id.in_(of)).order_by(things.c.id).with_for_update()
        found = {row.id: SharedThing.of(row) for row in await tx.conn.execute(held)}
        for row in await tx.conn.execute(grants.select().where(*theirs).order_by(grants.c.id)):
            if row.thing_id in found:  # what was given meanwhile has its own members
                given.setdefault(row.receiver, []).append((found[row.thing_id], Grant.of(row)))
    return given


async def _forget_answers(tx: Transaction, person: str, given: Sequence[str]) -> None:
    if not given:
        return
    mine = sa.and_(answers.c.person == person, answers.c.grant_id.in_(given))
    await tx.conn.execute(answers.delete().where(mine))


async def members_with_answers(
    conn: AsyncConnection, given: Sequence[Grant]
) -> dict[str, list[tuple[str, Answer]]]:
    """For each of these grants to a team: its members and what they said. One query."""
    ids = [grant.id for grant in given if grant.receiver_kind is ReceiverKind.TEAM]
    said = sa.and_(answers.c.grant_id == grants.c.id, answers.c.person == team_members.c.person)
    query = (
        sa.select(grants.c.id, team_members.c.person, answers.c.answer)
        .join(team_members, team_members.c.team == grants.c.receiver)
        .outerjoin(answers, said)
        .where(grants.c.id.in_(ids))
        .order_by(team_members.c.person)
    )
    found: dict[str, list[tuple[str, Answer]]] = {grant_id: [] for grant_id in ids}
    for grant_id, person, answer in await conn.execute(query):
        kept: Answer = answer if answer in ("accepted", "declined") else "none"
        found[grant_id].append((person, kept))
    return found
