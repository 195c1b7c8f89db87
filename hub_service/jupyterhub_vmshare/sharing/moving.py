"""People who join and leave teams, and what that does to what they were given.

To be called in the transaction that changes the mirror of the hub's groups.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Final, Protocol

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import answers, grants, things
from jupyterhub_vmshare.db.upsert import insert_or_replace
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.ending import end, end_given_through
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.store import LIVE, TEAM_LEFT
from jupyterhub_vmshare.sharing.teams import answer_of
from jupyterhub_vmshare.words import EndedWhy, ReceiverKind

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


async def members_changed(tx: Transaction, change: MembersChanged) -> None:
    """Who joins is asked anew; of who leaves it is written down that they had access till now.

    What was given to one of a team by another, because they share it, ends when either leaves it.
    To be called before anything else hears of it: it holds the things that this is about, since
    things are held before all else.
    """
    teams = {member.team for member in (*change.joined, *change.left)}
    given = await _held_grants(tx, teams)
    for member in change.joined:
        ids = [grant.id for _, grant in given.get(member.team, ()) if _has(member.team, grant)]
        await _forget_answers(tx, member.person, ids)
    for member in change.left:
        for thing, grant in given.get(member.team, ()):
            if _has(member.team, grant):
                await _lost(tx, thing, grant, member.person)
            if _hangs_on(member, grant):
                await _end(tx, thing, grant)


def _has(team: str, grant: Grant) -> bool:
    return grant.receiver_kind is ReceiverKind.TEAM and grant.receiver == team


def _hangs_on(member: TeamMember, grant: Grant) -> bool:
    """Whether a grant was given because this person is in this team."""
    if grant.team != member.team:
        return False
    received = grant.receiver_kind is ReceiverKind.PERSON and grant.receiver == member.person
    return received or grant.giver == member.person


async def _end(tx: Transaction, thing: SharedThing, grant: Grant) -> None:
    now = await store.by_id(tx.conn, grant.id)
    if now.ended_at is None:  # it may have ended with another one just now
        await end(tx, thing, [now], EndedWhy.TEAM_LEFT, None)


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
        await end_given_through(tx, thing, grant, person, None)


_Given = dict[str, list[tuple[SharedThing, Grant]]]


async def _held_grants(tx: Transaction, teams: Iterable[str]) -> _Given:
    """The live grants that these teams have, or that hang on them, by team.

    Their things are held from now on.
    """
    given: _Given = {}
    names = sorted(teams)
    for start in range(0, len(names), _CHUNK):
        part = names[start : start + _CHUNK]
        to_them = sa.and_(grants.c.receiver_kind == ReceiverKind.TEAM, grants.c.receiver.in_(part))
        theirs = (sa.or_(to_them, grants.c.team.in_(part)), LIVE)
        of = sa.select(grants.c.thing_id).where(*theirs)
        held = things.select().where(things.c.id.in_(of)).order_by(things.c.id).with_for_update()
        found = {row.id: SharedThing.of(row) for row in await tx.conn.execute(held)}
        for row in await tx.conn.execute(grants.select().where(*theirs).order_by(grants.c.id)):
            if row.thing_id in found:  # what was given meanwhile has its own members
                grant = Grant.of(row)
                team = grant.team or grant.receiver
                given.setdefault(team, []).append((found[row.thing_id], grant))
    return given


async def _forget_answers(tx: Transaction, person: str, given: Sequence[str]) -> None:
    if not given:
        return
    mine = sa.and_(answers.c.person == person, answers.c.grant_id.in_(given))
    await tx.conn.execute(answers.delete().where(mine))
