"""Folders that people have on machines, too: chosen by each for themself, folder by folder.

A choice says what should be; the person's own running session mounts it there and serves it, with
what it has of the folder. So nothing here gives a right to anybody. It ends with the right to the
folder or to a terminal on the machine, and does not come back with it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NoReturn

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Database, NewEvent, Transaction
from jupyterhub_vmshare.db.tables import grants, shown_folders, team_members, things
from jupyterhub_vmshare.db.upsert import insert_new
from jupyterhub_vmshare.errors import Conflict, NotFound, WrongState
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person, Thing
from jupyterhub_vmshare.sharing.facts import load_one, permitted
from jupyterhub_vmshare.sharing.store import LIVE
from jupyterhub_vmshare.words import GrantState, ThingKind

_LOOK_EVERY: Final = 10.0
_REST: Final = 0.1
_CONCERN: Final = ("grant.", "team.", "folder.", "machine.", "hand_over.", "project.")
_RIGHTS: Final = (("thing_id", "mount_read_only"), ("machine_id", "open_terminal"))


class NotAcknowledged(Conflict):
    """Nobody is told afterwards who can read their folder."""

    code = "not-acknowledged"


@dataclass(frozen=True, slots=True)
class Showing:
    """A folder of a person's, and a machine of theirs.

    ``readers``: who is root there, the owner first.
    """

    folder_id: str
    folder_name: str
    machine_id: str
    machine_name: str
    readers: tuple[str, ...]
    shown: bool
    chosen_at: datetime | None

    @property
    def sentence(self) -> str:
        """What a person should know before they choose."""
        *some, last = self.readers
        who = f"{', '.join(some)} and {last}" if some else last
        are = "are" if some else "is"
        return (
            f"{who} {are} root on {self.machine_name}: whatever you may read and change in "
            f"{self.folder_name}, they can read and change there too, as you, while it is shown. "
            "What they copy stays with them."
        )


async def look(
    conn: AsyncConnection, person: Person, folder_id: str, machine_id: str, at: datetime
) -> Showing:
    """How it stands. Raises what `decide` refuses with, of either."""
    folder = await permitted(conn, person, "mount_read_only", folder_id, at)
    machine = await permitted(conn, person, "open_terminal", machine_id, at)
    if folder.kind is not ThingKind.FOLDER or machine.kind is not ThingKind.MACHINE:
        raise NotFound
    row = (
        await conn.execute(shown_folders.select().where(*_one(person.name, folder_id, machine_id)))
    ).one_or_none()
    return Showing(
        folder_id=folder_id,
        folder_name=folder.name,
        machine_id=machine_id,
        machine_name=machine.name,
        readers=await _readers(conn, machine),
        shown=row is not None,
        chosen_at=row.chosen_at if row is not None else None,
    )


async def show(
    tx: Transaction, person: Person, folder_id: str, machine_id: str, *, acknowledged: bool
) -> Showing:
    """Have the folder on the machine, too. Saying it twice is saying it once.

    Raises:
        NotAcknowledged: They have not said that they know who can read it there; with who can.
    """
    found = await look(tx.conn, person, folder_id, machine_id, tx.at)
    if not acknowledged:
        raise NotAcknowledged(found.sentence)
    if found.shown:
        return found
    key = {"person": person.name, "thing_id": folder_id, "machine_id": machine_id}
    await insert_new(tx.conn, shown_folders, {**key, "chosen_at": tx.at})
    await _tell(tx, "shown", person.name, found)
    return await look(tx.conn, person, folder_id, machine_id, tx.at)


async def hide(tx: Transaction, person: Person, folder_id: str, machine_id: str) -> None:
    """Have it there no more; nothing happens where it is not."""
    await permitted(tx.conn, person, "mount_read_only", folder_id, tx.at)
    await _end(tx, person.name, folder_id, machine_id, "chosen")


async def shown_of(conn: AsyncConnection, person: Person, at: datetime) -> list[Showing]:
    """All that the person has chosen and may have now, in the order of choosing."""
    mine = shown_folders.select().where(shown_folders.c.person == person.name)
    rows = await conn.execute(mine.order_by(shown_folders.c.chosen_at, shown_folders.c.thing_id))
    found = []
    for row in rows.all():
        with contextlib.suppress(NotFound, WrongState):
            if await _may(conn, person, row, at):
                found.append(await look(conn, person, row.thing_id, row.machine_id, at))
    return found


async def end_lost(db: Database) -> None:
    """End every choice whose person may not have the folder, or the machine, any more."""
    async with db.read() as conn:
        rows = (await conn.execute(shown_folders.select())).all()
        lost = [row for row in rows if not await _still(conn, row, db.clock())]
    for row in lost:
        async with db.write() as tx:
            if not await _still(tx.conn, row, tx.at):
                await _end(tx, row.person, row.thing_id, row.machine_id, "lost")


async def keep_true(db: Database) -> NoReturn:
    """End what is lost, after what may end it and now and then. A task of the application."""
    woken = asyncio.Event()

    def hear(events: Sequence[NewEvent]) -> None:
        if any(event.type.startswith(_CONCERN) for event in events):
            woken.set()

    db.happened.append(hear)
    try:
        while True:
            woken.clear()
            await end_lost(db)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY):
                    await woken.wait()
            await asyncio.sleep(_REST)  # many changes at once are looked at once
    finally:
        db.happened.remove(hear)


async def _still(conn: AsyncConnection, row: Any, at: datetime) -> bool:
    teams = sa.select(team_members.c.team).where(team_members.c.person == row.person)
    person = Person(row.person, teams=frozenset((await conn.execute(teams)).scalars()))
    return await _may(conn, person, row, at)


async def _may(conn: AsyncConnection, person: Person, row: Any, at: datetime) -> bool:
    for column, action in _RIGHTS:
        try:
            thing = await load_one(conn, person, getattr(row, column))
        except NotFound:
            return False
        if not decide(person, action, thing, at).allowed:
            return False
    return True


async def _readers(conn: AsyncConnection, machine: Thing) -> tuple[str, ...]:
    query = sa.select(grants.c.receiver).where(
        grants.c.thing_id == machine.id,
        grants.c.level == "co_own",
        grants.c.state == GrantState.ACTIVE,
        LIVE,
    )
    co_owners = set((await conn.execute(query)).scalars()) - {machine.owner}
    return (machine.owner, *sorted(co_owners))


def _one(person: str, folder_id: str, machine_id: str) -> tuple[sa.ColumnElement[bool], ...]:
    return (
        shown_folders.c.person == person,
        shown_folders.c.thing_id == folder_id,
        shown_folders.c.machine_id == machine_id,
    )


async def _end(tx: Transaction, person: str, folder_id: str, machine_id: str, why: str) -> None:
    ended = shown_folders.delete().where(*_one(person, folder_id, machine_id))
    if (await tx.conn.execute(ended.returning(shown_folders.c.person))).first() is None:
        return
    query = sa.select(things.c.id, things.c.name).where(things.c.id.in_([folder_id, machine_id]))
    names = {row.id: row.name for row in await tx.conn.execute(query)}
    found = Showing(folder_id, names[folder_id], machine_id, names[machine_id], (), False, None)
    await _tell(tx, "hidden", person, found, why=why)


async def _tell(tx: Transaction, what: str, person: str, showing: Showing, **more: str) -> None:
    await tx.record(
        NewEvent(
            f"mount.{what}",
            actor=person if more.get("why") != "lost" else None,
            audience=frozenset({person}),
            thing_id=showing.folder_id,
            thing_name=showing.folder_name,
            data={
                "machine_id": showing.machine_id,
                "machine_name": showing.machine_name,
                **more,
            },
        )
    )
