"""A team as receiver: every member answers for themselves, and the hub says who is one (D1).

A team's grant is active at once. A member's row in ``answers`` says what they said to it; who has
none has not answered yet. Leaving the team is written down there too, so that ``why`` knows.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import answers, grants, mirrors, team_members
from jupyterhub_vmshare.db.upsert import insert_or_replace
from jupyterhub_vmshare.policy.model import Answer, Person
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.verbs import in_one_team
from jupyterhub_vmshare.words import GrantState, ReceiverKind, ThingKind

_TO_TEAMS: Final = grants.c.receiver_kind == ReceiverKind.TEAM


def is_for(person: Person, thing: SharedThing, grant: Grant) -> bool:
    """Whether a team's grant reaches this person; the owner needs none."""
    is_member = grant.receiver_kind is ReceiverKind.TEAM and grant.receiver in person.teams
    return is_member and thing.owner != person.name


async def answer_of(conn: AsyncConnection, grant: Grant, person: str) -> Answer:
    """What a member has said to a team's grant."""
    mine = (answers.c.grant_id == grant.id, answers.c.person == person)
    return kept(await conn.scalar(sa.select(answers.c.answer).where(*mine)))


def kept(said: str | None) -> Answer:
    """A member's answer from its row; whoever has none has not answered."""
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


async def teams_of(conn: AsyncConnection, people: Collection[str]) -> dict[str, frozenset[str]]:
    """The teams of many people, as the mirror has them."""
    query = sa.select(team_members.c.person, team_members.c.team)
    found: dict[str, set[str]] = {}
    for person, team in await conn.execute(query.where(team_members.c.person.in_(people))):
        found.setdefault(person, set()).add(team)
    return {person: frozenset(teams) for person, teams in found.items()}


async def hold_still(tx: Transaction) -> None:
    """Let nobody join or leave a team until the transaction ends: before things are held.

    SQLite has one writer anyway.
    """
    query = sa.select(mirrors.c.name).where(mirrors.c.name == "teams")
    await tx.conn.execute(query.with_for_update(read=True))


async def one_team(tx: Transaction, kind: ThingKind, people: Collection[str]) -> str | None:
    """The team that a grant between these people hangs on; None: none, or none is needed."""
    if not in_one_team(kind):
        return None
    theirs = await teams_of(tx.conn, people)
    common = frozenset.intersection(*(theirs.get(name, frozenset()) for name in people))
    return min(common, default=None)


async def live_for(conn: AsyncConnection, thing_id: str, person: Person) -> list[Grant]:
    """The live grants on a thing to teams of this person."""
    query = grants.select().where(
        grants.c.thing_id == thing_id,
        _TO_TEAMS,
        grants.c.receiver.in_(sorted(person.teams)),
        grants.c.state == GrantState.ACTIVE,
    )
    return [Grant.of(row) for row in await conn.execute(query.order_by(grants.c.id))]


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
        found[grant_id].append((person, kept(answer)))
    return found
