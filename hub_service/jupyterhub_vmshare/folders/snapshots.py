"""Snapshots of folders: for the owner, who can look into them and take single files back.

They are what protects content from people who may edit it. Rows say what is wanted and what there
is; the worker (``shelving``) makes them. Their bytes are charged to the owner: each file once, in
the first snapshot that has it in this state.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import snapshot_policies, snapshots, things
from jupyterhub_vmshare.db.upsert import insert_or_replace
from jupyterhub_vmshare.errors import Conflict, NotFound, WrongState
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.words import ThingState

MOST: Final = 500
"""Made by hand, of one folder. What a policy makes it deletes itself, and is never in the way."""


class TooManySnapshots(Conflict):
    """There are as many as somebody may make of one folder."""

    code = "too-many-snapshots"


@dataclass(frozen=True, slots=True)
class Snapshot:
    """One snapshot: ``making``, ``done`` or ``failed``."""

    id: str
    thing_id: str
    automatic: bool
    wanted: bool
    state: str
    files: int
    bytes: int
    because: str | None
    created_at: datetime
    ended_at: datetime | None

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Snapshot:
        """From a row of ``snapshots``."""
        return cls(**{name: getattr(row, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class Policy:
    """How often snapshots are made by themselves, and how many of those are kept."""

    every_hours: int
    keep: int
    next_at: datetime


async def take(tx: Transaction, person: Person, folder_id: str) -> Snapshot:
    """Want a snapshot; the worker makes it."""
    folder = await store.lock(tx, folder_id)
    await permitted(tx.conn, person, "snapshot_folder", folder_id, tx.at)
    count = sa.select(sa.func.count()).where(
        snapshots.c.thing_id == folder_id, sa.not_(snapshots.c.automatic)
    )
    if (await tx.conn.execute(count)).scalar_one() >= MOST:
        raise TooManySnapshots(
            f"A folder can have {MOST} snapshots that were made by hand. Delete some first."
        )
    return await _want(tx, folder, automatic=False)


async def _want(tx: Transaction, folder: SharedThing, *, automatic: bool) -> Snapshot:
    row = {
        "id": new_id("snp"),
        "thing_id": folder.id,
        "automatic": automatic,
        "wanted": True,
        "state": "making",
        "files": 0,
        "bytes": 0,
        "created_at": tx.at,
    }
    made = await tx.conn.execute(snapshots.insert().values(row).returning(*snapshots.columns))
    snapshot = Snapshot.of(made.one())
    await _tell(tx, "begun", folder, snapshot)
    return snapshot


async def delete(tx: Transaction, person: Person, folder_id: str, snapshot_id: str) -> None:
    """Want a snapshot no more; what others have of its files stays with them."""
    folder = await store.lock(tx, folder_id)
    await permitted(tx.conn, person, "snapshot_folder", folder_id, tx.at)
    snapshot = await one(tx.conn, folder_id, snapshot_id)
    ours = snapshots.c.id == snapshot_id
    await tx.conn.execute(snapshots.update().where(ours).values(wanted=False))
    await _tell(tx, "deleted", folder, snapshot, actor=person.name)


async def end(
    tx: Transaction, snapshot: Snapshot, state: str, because: str | None = None, **more: int
) -> None:
    """Write down what became of it; of the automatic ones, only as many as wanted are kept."""
    folder = await store.thing_of(tx.conn, snapshot.thing_id)
    ours = snapshots.update().where(snapshots.c.id == snapshot.id, snapshots.c.state == "making")
    values = {"state": state, "because": because, "ended_at": tx.at, **more}
    ended = await tx.conn.execute(ours.values(values).returning(*snapshots.columns))
    if (row := ended.one_or_none()) is not None:
        await _tell(tx, "ended", folder, Snapshot.of(row), because=because)
    await _keep_the_newest(tx, folder.id)


async def _keep_the_newest(tx: Transaction, folder_id: str) -> None:
    policy = await policy_of(tx.conn, folder_id)
    if policy is None:
        return
    kept = (
        sa.select(snapshots.c.id)
        .where(
            snapshots.c.thing_id == folder_id,
            snapshots.c.automatic,
            snapshots.c.wanted,
            snapshots.c.state == "done",
        )
        .order_by(snapshots.c.id.desc())
        .limit(policy.keep)
    )
    old = (
        snapshots.c.thing_id == folder_id,
        snapshots.c.automatic,
        snapshots.c.state != "making",
        snapshots.c.id.not_in((await tx.conn.execute(kept)).scalars().all()),
    )
    await tx.conn.execute(snapshots.update().where(*old).values(wanted=False))


async def forget(tx: Transaction, snapshot_id: str) -> None:
    """Its bytes are gone; so is its row."""
    await tx.conn.execute(snapshots.delete().where(snapshots.c.id == snapshot_id))


async def one(conn: AsyncConnection, folder_id: str, snapshot_id: str) -> Snapshot:
    """One snapshot of a folder that is still wanted. Raises ``NotFound``."""
    query = snapshots.select().where(
        snapshots.c.id == snapshot_id, snapshots.c.thing_id == folder_id, snapshots.c.wanted
    )
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        raise NotFound
    return Snapshot.of(row)


async def readable(conn: AsyncConnection, folder_id: str, snapshot_id: str) -> Snapshot:
    """The same, where it is whole. Raises ``WrongState`` where it is not, or not yet."""
    snapshot = await one(conn, folder_id, snapshot_id)
    if snapshot.state != "done":
        raise WrongState("This snapshot is not whole: it is being made, or could not be made.")
    return snapshot


async def page(
    conn: AsyncConnection, folder_id: str, *, after: str | None, limit: int
) -> Sequence[Snapshot]:
    """A folder's snapshots, the newest first."""
    query = snapshots.select().where(snapshots.c.thing_id == folder_id, snapshots.c.wanted)
    if after is not None:
        query = query.where(snapshots.c.id < after)
    rows = await conn.execute(query.order_by(snapshots.c.id.desc()).limit(limit))
    return [Snapshot.of(row) for row in rows]


async def unsettled(conn: AsyncConnection) -> Sequence[Snapshot]:
    """What is to be made or to be deleted, the oldest first."""
    # Spelled out, not bound: only so is the partial index used.
    query = snapshots.select().where(sa.text("state = 'making' OR NOT wanted"))
    return [Snapshot.of(row) for row in await conn.execute(query.order_by(snapshots.c.id))]


async def last_before(conn: AsyncConnection, snapshot: Snapshot) -> str | None:
    """The newest snapshot before this one that is whole."""
    query = (
        sa.select(snapshots.c.id)
        .where(
            snapshots.c.thing_id == snapshot.thing_id,
            snapshots.c.state == "done",
            snapshots.c.wanted,
            snapshots.c.id < snapshot.id,
        )
        .order_by(snapshots.c.id.desc())
        .limit(1)
    )
    found: str | None = await conn.scalar(query)
    return found


async def policy_of(conn: AsyncConnection, folder_id: str) -> Policy | None:
    """The folder's policy; None: no snapshots by themselves."""
    query = snapshot_policies.select().where(snapshot_policies.c.thing_id == folder_id)
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else Policy(row.every_hours, row.keep, row.next_at)


async def set_policy(
    tx: Transaction, person: Person, folder_id: str, every_hours: int | None, keep: int
) -> Policy | None:
    """Have a snapshot every so many hours, and the newest kept; None ends that, and leaves those
    that there are."""
    folder = await store.lock(tx, folder_id)
    await permitted(tx.conn, person, "snapshot_folder", folder_id, tx.at)
    if every_hours is None:
        ours = snapshot_policies.c.thing_id == folder_id
        await tx.conn.execute(snapshot_policies.delete().where(ours))
    else:
        values = {"every_hours": every_hours, "keep": keep, "next_at": tx.at}
        await insert_or_replace(tx.conn, snapshot_policies, {"thing_id": folder_id}, values)
        await _keep_the_newest(tx, folder_id)
    told = NewEvent(
        "snapshot.policy_changed",
        actor=person.name,
        audience=frozenset(await store.keepers(tx.conn, folder, tx.at)),
        thing_id=folder.id,
        thing_name=folder.name,
        data={"every_hours": every_hours, "keep": None if every_hours is None else keep},
    )
    await tx.record(told)
    return await policy_of(tx.conn, folder_id)


async def want_due(tx: Transaction) -> bool:
    """Want the snapshots whose time has come; whether there were any. Those that were missed
    while nobody was there are not made up for."""
    due = (
        sa.select(snapshot_policies.c.thing_id, snapshot_policies.c.every_hours)
        .join(things, things.c.id == snapshot_policies.c.thing_id)
        .where(snapshot_policies.c.next_at <= tx.at, things.c.state == ThingState.LIVE)
        .order_by(snapshot_policies.c.thing_id)
    )
    found = (await tx.conn.execute(due)).all()
    for folder_id, every_hours in found:
        folder = await store.lock(tx, folder_id)
        later = tx.at + timedelta(hours=every_hours)
        ours = snapshot_policies.update().where(
            snapshot_policies.c.thing_id == folder_id, snapshot_policies.c.next_at <= tx.at
        )
        moved = await tx.conn.execute(
            ours.values(next_at=later).returning(snapshot_policies.c.thing_id)
        )
        if moved.first() is None or await _is_under_way(tx.conn, folder_id):
            continue  # another replica was faster, or the last one takes that long
        await _want(tx, folder, automatic=True)
    return bool(found)


async def _is_under_way(conn: AsyncConnection, folder_id: str) -> bool:
    query = sa.select(snapshots.c.id).where(
        snapshots.c.thing_id == folder_id, snapshots.c.state == "making"
    )
    return (await conn.execute(query)).first() is not None


async def _tell(
    tx: Transaction,
    verb: str,
    folder: SharedThing,
    snapshot: Snapshot,
    *,
    actor: str | None = None,
    **more: str | None,
) -> None:
    data = {"snapshot_id": snapshot.id, "automatic": snapshot.automatic, **more}
    if verb == "ended":
        data["state"] = snapshot.state
    is_known = actor is not None or snapshot.automatic or folder.project_id is not None
    await tx.record(
        NewEvent(
            f"snapshot.{verb}",
            actor=actor if is_known else folder.owner,
            audience=frozenset(await store.keepers(tx.conn, folder, tx.at)),
            thing_id=folder.id,
            thing_name=folder.name,
            data=data,
        )
    )
