"""Clones of folders: who may have one, and the rows that say how far each is.

A clone is a folder of the asker's own with what is in another one at this time. It is charged to
the asker like everything of theirs. Its row in ``things`` comes when its tree is whole, so nobody
ever sees half of one.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import clones, team_members
from jupyterhub_vmshare.errors import NameTaken, NotFound, QuotaExceeded
from jupyterhub_vmshare.folders import life, quota
from jupyterhub_vmshare.folders.aliases import demand_free, suggestion
from jupyterhub_vmshare.folders.names import checked
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import demand, permitted


@dataclass(frozen=True, slots=True)
class Clone:
    """One copy of a folder: ``copying``, ``done``, ``failed`` or ``cancelled``."""

    id: str
    source_id: str
    source_name: str
    owner: str
    name: str
    folder_id: str
    wanted: bool
    state: str
    files: int
    bytes: int
    because: str | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Clone:
        """From a row of ``clones``."""
        return cls(**{name: getattr(row, name) for name in cls.__slots__})


async def ask(
    tx: Transaction, person: Person, source_id: str, name: str, account: quota.Account
) -> Clone:
    """Want a clone. It is made by the worker, and is there when it is whole.

    Raises:
        QuotaExceeded: the asker may own no folder more.
    """
    source = await store.lock(tx, source_id)
    await permitted(tx.conn, person, "clone", source_id, tx.at)
    demand(decide(person, "create_folder", None, tx.at))
    name = checked(name, "folder name")
    await demand_free(tx, person, name)
    await _demand_room(tx, account)
    row = {
        "id": new_id("cln"),
        "source_id": source_id,
        "source_name": source.name,
        "owner": person.name,
        "name": name,
        "folder_id": new_id("fld"),
        "wanted": True,
        "state": "copying",
        "files": 0,
        "bytes": 0,
        "created_at": tx.at,
    }
    made = await tx.conn.execute(clones.insert().values(row).returning(*clones.columns))
    clone = Clone.of(made.one())
    await tell(tx, "begun", clone, frozenset({person.name}))
    return clone


async def _demand_room(tx: Transaction, account: quota.Account) -> None:
    most = account.limits.folders
    if most is None:
        return
    under_way = sa.select(sa.func.count()).select_from(clones)
    mine = under_way.where(clones.c.owner == account.owner, clones.c.state == "copying")
    count = await quota.folders_of(tx.conn, account.owner)
    count += (await tx.conn.execute(mine)).scalar_one()
    if count >= most:
        raise QuotaExceeded("folders", 1, 0)


async def still_may(conn: AsyncConnection, clone: Clone, at: datetime) -> None:
    """Raise unless the asker may have this clone now, too."""
    teams = sa.select(team_members.c.team).where(team_members.c.person == clone.owner)
    person = Person(clone.owner, teams=frozenset((await conn.execute(teams)).scalars()))
    await permitted(conn, person, "clone", clone.source_id, at)


async def finish(
    tx: Transaction, clone: Clone, account: quota.Account, files: int, size: int
) -> None:
    """The tree is whole: have it in its owner's list, under a free name if that is taken by now."""
    source = await store.lock(tx, clone.source_id)
    if not (await one(tx.conn, clone.id)).wanted:
        raise NotFound("This clone was given up.")
    await still_may(tx.conn, clone, tx.at)
    person, name = Person(clone.owner), clone.name
    try:
        await demand_free(tx, person, name)
    except NameTaken:
        name = await suggestion(tx.conn, person, name, tx.at)
    await life.create(tx, person, clone.folder_id, name)
    await quota.book(tx, clone.folder_id, account)
    await end(tx, clone, "done", name=name, files=files, bytes=size)
    # Its owner may know who took all of it along.
    told = NewEvent(
        "folder.cloned",
        actor=clone.owner,
        audience=frozenset({*await store.keepers(tx.conn, source, tx.at), clone.owner}),
        thing_id=source.id,
        thing_name=source.name,
    )
    await tx.record(told)


async def end(
    tx: Transaction, clone: Clone, state: str, because: str | None = None, **more: Any
) -> None:
    """Write down what became of it."""
    ours = clones.update().where(clones.c.id == clone.id, clones.c.state == "copying")
    values = {"state": state, "because": because, "ended_at": tx.at, **more}
    ended = await tx.conn.execute(ours.values(values).returning(*clones.columns))
    if (row := ended.one_or_none()) is not None:
        await tell(tx, "ended", Clone.of(row), frozenset({clone.owner}), because=because)


async def give_up(tx: Transaction, owner: str, clone_id: str) -> Clone:
    """Want it no more; one that has ended is forgotten."""
    clone = await one(tx.conn, clone_id, owner)
    mine = clones.c.id == clone_id
    if clone.state == "copying":
        await tx.conn.execute(clones.update().where(mine).values(wanted=False))
    else:
        await tx.conn.execute(clones.delete().where(mine))
    return clone


async def one(conn: AsyncConnection, clone_id: str, owner: str | None = None) -> Clone:
    """One clone; with ``owner``, if it is theirs. Raises ``NotFound``."""
    query = clones.select().where(clones.c.id == clone_id)
    row = (await conn.execute(query)).one_or_none()
    if row is None or owner not in (None, row.owner):
        raise NotFound
    return Clone.of(row)


async def page(
    conn: AsyncConnection, owner: str, *, after: str | None, limit: int
) -> Sequence[Clone]:
    """Somebody's clones, the newest first."""
    query = clones.select().where(clones.c.owner == owner)
    if after is not None:
        query = query.where(clones.c.id < after)
    rows = await conn.execute(query.order_by(clones.c.id.desc()).limit(limit))
    return [Clone.of(row) for row in rows]


async def under_way(conn: AsyncConnection) -> Sequence[Clone]:
    """All that are not whole yet."""
    # Spelled out, not bound: only so is the partial index used.
    query = clones.select().where(sa.text("state = 'copying'")).order_by(clones.c.id)
    return [Clone.of(row) for row in await conn.execute(query)]


async def tell(
    tx: Transaction, verb: str, clone: Clone, audience: frozenset[str], **more: str | None
) -> None:
    """Record what happened to a clone."""
    data = {"clone_id": clone.id, "state": clone.state, **more}
    await tx.record(
        NewEvent(
            f"clone.{verb}",
            actor=clone.owner,
            audience=audience,
            thing_id=clone.folder_id,
            thing_name=clone.name,
            data=data,
        )
    )
