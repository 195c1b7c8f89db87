"""Somebody joins a team or a project: its folders stand in their list at once, each under a label
of its own.
"""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import grants, things
from jupyterhub_vmshare.folders.aliases import end_clash, hold_lists
from jupyterhub_vmshare.folders.visible import IS_LIVE_FOLDER, listed, live_at
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing.facts import asking
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.moving import MembersChanged
from jupyterhub_vmshare.sharing.teams import teams_of
from jupyterhub_vmshare.words import ReceiverKind


async def make_room_for_joined(tx: Transaction, change: MembersChanged) -> None:
    """Give aliases to those who joined, where a team's folder clashes with one of theirs.

    To be called in the transaction that changes the mirror, with the teams' things held.
    """
    given = await _folders_of(tx, {member.team for member in change.joined})
    joined: dict[str, dict[str, SharedThing]] = {}
    for member in change.joined:
        if member.team in given:
            joined.setdefault(member.person, {}).update(given[member.team])
    await hold_lists(tx, joined)
    teams = await teams_of(tx.conn, list(joined))
    for name in sorted(joined):
        await _make_room(tx, Person(name, teams=teams.get(name, frozenset())), joined[name])


async def make_room_for_member(tx: Transaction, project_id: str, person: str) -> None:
    """The same for who becomes a member of a project, with what it has held."""
    query = things.select().where(things.c.project_id == project_id, IS_LIVE_FOLDER)
    new = {row.id: SharedThing.of(row) for row in await tx.conn.execute(query)}
    if new:
        await hold_lists(tx, [person])
        teams = (await teams_of(tx.conn, [person])).get(person, frozenset())
        await _make_room(tx, Person(person, teams=teams), new)


async def _folders_of(tx: Transaction, teams: Collection[str]) -> dict[str, dict[str, SharedThing]]:
    """By team: the folders that it was given, by id."""
    query = (
        sa.select(grants.c.receiver.label("team"), things)
        .join(things, things.c.id == grants.c.thing_id)
        .where(grants.c.receiver_kind == ReceiverKind.TEAM, live_at(tx.at), IS_LIVE_FOLDER)
        .where(grants.c.receiver.in_(sorted(teams)))
    )
    found: dict[str, dict[str, SharedThing]] = {}
    for row in await tx.conn.execute(query):
        found.setdefault(row.team, {})[row.id] = SharedThing.of(row)
    return found


async def _make_room(tx: Transaction, person: Person, new: dict[str, SharedThing]) -> None:
    labels = {row.id: row.label for row in await _list(tx, person)}
    there = list(labels.values())
    for thing_id in sorted(new):
        label = labels.get(thing_id)
        if label is not None and there.count(label) > 1:
            await end_clash(tx, person, new[thing_id], label)
            there.remove(label)


async def _list(tx: Transaction, person: Person) -> list[sa.Row[Any]]:
    seen = listed()
    query = sa.select(seen.c.id, seen.c.label)
    return list(await tx.conn.execute(query, asking(person, at=tx.at)))
