"""Names that differ in each person's list: what clashes, and the aliases that end a clash.

In one person's list no two folders have the same label. The owner's name is for everybody; where
it clashes on somebody's side, that person has an alias, which nobody else sees.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime
from itertools import islice

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import aliases, grants, project_members, team_members, things
from jupyterhub_vmshare.db.upsert import insert_or_replace
from jupyterhub_vmshare.errors import NameTaken
from jupyterhub_vmshare.folders.audience import everyone_with_access
from jupyterhub_vmshare.folders.names import alternatives, checked, free_name
from jupyterhub_vmshare.folders.visible import IS_LIVE_FOLDER, listed
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing.facts import asking, permitted
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.teams import teams_of
from jupyterhub_vmshare.words import ReceiverKind, ThingKind, ThingState

_TRIED_AT_ONCE = 50


async def hold_lists(tx: Transaction, persons: Iterable[str]) -> None:
    """Hold these people's lists against other writers until the transaction ends.

    A label is no column that could be unique. SQLite has one writer anyway. Things are held
    before lists, always; lists in the order of their names.
    """
    if tx.conn.dialect.name != "postgresql":
        return
    names = sorted(persons)
    lock = sa.text(
        "SELECT pg_advisory_xact_lock(hashtextextended('vmshare list ' || name, 0))"
        " FROM unnest(CAST(:names AS text[])) AS name"
    )
    await tx.conn.execute(lock, {"names": names})


async def taken(
    conn: AsyncConnection,
    person: Person,
    labels: Collection[str],
    at: datetime,
    *,
    besides: str | None = None,
) -> set[str]:
    """Which of these labels the person uses already, the folder ``besides`` apart.

    The names of their own folders count too where they gave them an alias.
    """
    seen = listed()
    shown = sa.select(seen.c.label).where(seen.c.label.in_(labels), seen.c.id != (besides or ""))
    own = sa.select(things.c.name).where(
        things.c.owner == person.name,
        things.c.kind == ThingKind.FOLDER,
        things.c.state == ThingState.LIVE,
        things.c.name.in_(labels),
        things.c.id != (besides or ""),
    )
    told = asking(person, at=at)
    return set((await conn.execute(sa.union(shown, own), told)).scalars())


async def suggestion(
    conn: AsyncConnection,
    person: Person,
    name: str,
    at: datetime,
    *,
    owner: str | None = None,
    besides: str | None = None,
) -> str:
    """A label like ``name`` that is free in the person's list."""
    choices = alternatives(name, owner)
    while batch := list(islice(choices, _TRIED_AT_ONCE)):
        used = await taken(conn, person, batch, at, besides=besides)
        for choice in batch:
            if choice not in used:
                return choice
    raise AssertionError("there are always more numbers")


async def suggested_aliases(
    conn: AsyncConnection, person: Person, invited: Collection[SharedThing], at: datetime
) -> Mapping[str, str]:
    """For each of these things whose name the person's list has already: a free alias, by id.

    What stands in the list already, through a team, has its label.
    """
    seen, ids = listed(), [thing.id for thing in invited]
    query = sa.select(seen.c.id).where(seen.c.id.in_(ids))
    there = set((await conn.execute(query, asking(person, at=at))).scalars())
    invited = [thing for thing in invited if thing.id not in there]
    used = await taken(conn, person, {thing.name for thing in invited}, at)
    clashing = [thing for thing in invited if thing.name in used]
    choices = {
        choice
        for thing in clashing
        for choice in islice(alternatives(thing.name, thing.shown_owner), _TRIED_AT_ONCE)
    }
    used |= await taken(conn, person, choices, at) if choices else set()
    return {thing.id: free_name(thing.name, used, owner=thing.shown_owner) for thing in clashing}


async def demand_free(
    tx: Transaction,
    person: Person,
    label: str,
    *,
    owner: str | None = None,
    besides: str | None = None,
) -> None:
    """Hold the person's list, and raise ``NameTaken`` with a free name if the label is in it."""
    await hold_lists(tx, [person.name])
    if await taken(tx.conn, person, [label], tx.at, besides=besides):
        free = await suggestion(tx.conn, person, label, tx.at, owner=owner, besides=besides)
        raise NameTaken(
            f"Your list has a folder called {label} already. Take another name, such as {free}.",
            suggestion=free,
        )


async def choose(tx: Transaction, person: Person, thing_id: str, alias: str | None) -> None:
    """Give a folder a name of the person's own; None goes back to the owner's name."""
    await tx.lock_thing(thing_id)
    thing = await permitted(tx.conn, person, "choose_alias", thing_id, tx.at)
    alias = None if alias is None else checked(alias, "alias")
    label = alias or thing.name
    owner = None if alias or thing.owner == person.name else thing.owner
    await demand_free(tx, person, label, owner=owner, besides=thing_id)
    if await _put(tx, person.name, thing_id, None if alias == thing.name else alias):
        await _tell(tx, person.name, thing_id, thing.name, alias, by=person.name)


async def label_accepted(
    tx: Transaction, person: Person, thing: SharedThing, alias: str | None
) -> None:
    """Settle the label of a folder whose invitation the person is about to accept.

    To be called in the transaction of the acceptance, before it, with the thing's row held.

    Raises:
        NameTaken: the name (or the alias) is in the person's list already.
    """
    seen, told = listed(), asking(person, at=tx.at)
    already = await tx.conn.scalar(sa.select(seen.c.id).where(seen.c.id == thing.id), told)
    if already is not None and alias is None:
        return
    alias = None if alias is None else checked(alias, "alias")
    owner = None if alias else thing.shown_owner
    await demand_free(tx, person, alias or thing.name, owner=owner, besides=thing.id)
    # An alias of an earlier acceptance is no answer to this one.
    if await _put(tx, person.name, thing.id, None if alias == thing.name else alias) and alias:
        await _tell(tx, person.name, thing.id, thing.name, alias, by=person.name)


async def make_room(tx: Transaction, thing: SharedThing, name: str) -> None:
    """Give an alias to everybody in whose list a label would now come twice.

    The folder's owner renames or restores it, or gives it to a team, or it is a project's from the
    start; nobody is asked, and nobody loses anything. What somebody called it before it went to
    the trash may be taken by now, as the name may.
    """
    everyone = await everyone_with_access(tx.conn, thing.id, thing.owner, tx.at)
    receivers = sorted(everyone - {thing.owner})
    await hold_lists(tx, {thing.owner, *receivers})
    # The owner's own name is theirs to mend, but they may have an alias as well.
    chosen = await _aliases(tx.conn, thing.id, [thing.owner, *receivers])
    labels = dict.fromkeys(receivers, name) | chosen
    clashing = await _maybe_clashing(tx.conn, labels, thing.id)
    teams = await teams_of(tx.conn, clashing)
    for receiver in clashing:
        person = Person(receiver, teams=teams.get(receiver, frozenset()))
        await end_clash(tx, person, replace(thing, name=name), labels[receiver])


async def end_clash(tx: Transaction, person: Person, thing: SharedThing, label: str) -> None:
    """Give the person an alias where their list, which must be held, has the label twice."""
    if not await taken(tx.conn, person, [label], tx.at, besides=thing.id):
        return
    owner = thing.shown_owner if label == thing.name else None
    alias = await suggestion(tx.conn, person, label, tx.at, owner=owner, besides=thing.id)
    await _put(tx, person.name, thing.id, alias)
    await _tell(tx, person.name, thing.id, thing.name, alias, by=None)


async def _aliases(
    conn: AsyncConnection, thing_id: str, persons: Collection[str]
) -> dict[str, str]:
    """What these people call the folder, where it is not the owner's name."""
    query = sa.select(aliases.c.person, aliases.c.alias).where(
        aliases.c.thing_id == thing_id, aliases.c.person.in_(persons)
    )
    return {row.person: row.alias for row in await conn.execute(query)}


async def _maybe_clashing(
    conn: AsyncConnection, labels: Mapping[str, str], thing_id: str
) -> list[str]:
    """Those among many people who have, or had, something of such a label: one query for all."""
    receivers, names = list(labels), set(labels.values())
    own = sa.select(things.c.owner.label("person")).where(
        things.c.owner.in_(receivers),
        things.c.kind == ThingKind.FOLDER,
        things.c.name.in_(names),
        things.c.state == ThingState.LIVE,
    )
    shared = (
        sa.select(grants.c.receiver)
        .join(things, things.c.id == grants.c.thing_id)
        .where(grants.c.receiver.in_(receivers), things.c.name.in_(names))
        .where(things.c.id != thing_id)
        .where(IS_LIVE_FOLDER)
    )
    by_team = (
        sa.select(team_members.c.person)
        .join(grants, grants.c.receiver == team_members.c.team)
        .join(things, things.c.id == grants.c.thing_id)
        .where(team_members.c.person.in_(receivers), things.c.name.in_(names))
        .where(grants.c.receiver_kind == ReceiverKind.TEAM, things.c.id != thing_id)
        .where(IS_LIVE_FOLDER)
    )
    by_project = (
        sa.select(project_members.c.person)
        .join(things, things.c.project_id == project_members.c.project_id)
        .where(project_members.c.person.in_(receivers), things.c.name.in_(names))
        .where(things.c.id != thing_id, IS_LIVE_FOLDER)
    )
    named = sa.select(aliases.c.person).where(
        aliases.c.person.in_(receivers),
        aliases.c.alias.in_(names),
        aliases.c.thing_id != thing_id,
    )
    found = sa.union(own, shared, by_team, by_project, named).subquery()
    return list((await conn.execute(sa.select(found.c.person).order_by("person"))).scalars())


async def _put(tx: Transaction, person: str, thing_id: str, alias: str | None) -> bool:
    """Write the alias down; whether that changed anything."""
    mine = sa.and_(aliases.c.person == person, aliases.c.thing_id == thing_id)
    before = await tx.conn.scalar(sa.select(aliases.c.alias).where(mine))
    if alias == before:
        return False
    if alias is None:
        await tx.conn.execute(aliases.delete().where(mine))
        return True
    await _forget_stale(tx, person, alias)
    key = {"person": person, "thing_id": thing_id}
    values = {"kind": ThingKind.FOLDER, "alias": alias}
    await insert_or_replace(tx.conn, aliases, key, values)
    return True


async def _forget_stale(tx: Transaction, person: str, alias: str) -> None:
    # The alias is free in the list, so a row that has it is of a folder that is no longer there.
    same = sa.and_(
        aliases.c.person == person,
        aliases.c.kind == ThingKind.FOLDER,
        aliases.c.alias == alias,
    )
    await tx.conn.execute(aliases.delete().where(same))


async def _tell(
    tx: Transaction, person: str, thing_id: str, name: str, alias: str | None, *, by: str | None
) -> None:
    await tx.record(
        NewEvent(
            "folder.alias_chosen",
            actor=by,
            audience=frozenset({person}),
            thing_id=thing_id,
            thing_name=name,
            data={"alias": alias},
        )
    )
