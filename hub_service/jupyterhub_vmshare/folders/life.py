"""A folder's life: made, renamed, put in the trash, restored, deleted for ever.

Every verb runs inside the caller's transaction, holds the folder's row while it decides and acts,
and records its event beside the change. Bytes are the store's affair.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import aliases, things
from jupyterhub_vmshare.errors import ChangedMeanwhile, NameTaken
from jupyterhub_vmshare.folders.aliases import demand_free, make_room
from jupyterhub_vmshare.folders.audience import everyone_with_access
from jupyterhub_vmshare.folders.names import checked, free_name
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.ending import end_all
from jupyterhub_vmshare.sharing.facts import demand, permitted
from jupyterhub_vmshare.sharing.handing import cancel_open
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.words import EndedWhy, ThingKind, ThingState


async def create(tx: Transaction, person: Person, folder_id: str, name: str) -> None:
    """The row of a new folder, whose tree is in the store already."""
    demand(decide(person, "create_folder", None, tx.at))
    name = checked(name, "folder name")
    await demand_free(tx, person, name)
    folder = SharedThing(folder_id, ThingKind.FOLDER, person.name, name, ThingState.LIVE, 1)
    await created(tx, folder, person.name)
    reached("folders.create.inserted")


async def created(tx: Transaction, folder: SharedThing, by: str) -> None:
    """Write down a new folder, whose name is free, and tell whoever keeps it."""
    await tx.conn.execute(
        things.insert().values(
            id=folder.id,
            kind=ThingKind.FOLDER,
            owner=folder.owner,
            name=folder.name,
            state=ThingState.LIVE,
            created_at=tx.at,
            project_id=folder.project_id,
            project_name=folder.project_name,
        )
    )
    await _tell(tx, "created", folder, by, frozenset(await store.keepers(tx.conn, folder, tx.at)))


async def demand_name(tx: Transaction, folder: SharedThing, name: str) -> None:
    """Raise ``NameTaken`` where the folder's project has another one of that name.

    The clash of a label in a member's list is no reason to refuse: see ``make_room``.
    """
    if tx.conn.dialect.name == "postgresql":
        lock = sa.text("SELECT pg_advisory_xact_lock(hashtextextended('vmshare list ' || :of, 0))")
        await tx.conn.execute(lock, {"of": folder.owner})
    query = sa.select(things.c.name).where(
        things.c.owner == folder.owner,
        things.c.kind == ThingKind.FOLDER,
        things.c.state == ThingState.LIVE,
        things.c.id != folder.id,
    )
    taken = set((await tx.conn.scalars(query)).all())
    if name in taken:
        free = free_name(name, taken)
        raise NameTaken(
            f"{folder.shown_owner} has a folder called {name} already. Take another name, such as "
            f"{free}.",
            suggestion=free,
        )


async def _demand_free(tx: Transaction, person: Person, folder: SharedThing, name: str) -> None:
    if folder.project_id is None:
        await demand_free(tx, person, name, besides=folder.id)
    else:
        await demand_name(tx, folder, name)


async def rename(tx: Transaction, person: Person, folder_id: str, version: int, name: str) -> None:
    """Another name for everybody; where it clashes on a receiver's side, they get an alias."""
    folder = await store.lock(tx, folder_id)
    await permitted(tx.conn, person, "rename_folder", folder_id, tx.at)
    name = checked(name, "folder name")
    if folder.version != version:
        raise ChangedMeanwhile("Somebody else changed this folder meanwhile; look at it again.")
    if name == folder.name:
        return
    await make_room(tx, folder, name)
    await _demand_free(tx, person, folder, name)
    await call_it(tx, folder, name, person.name)
    reached("folders.rename.renamed")


async def call_it(tx: Transaction, folder: SharedThing, name: str, by: str) -> SharedThing:
    """Another name for everybody, for which there is room in all lists."""
    renamed = await _update(tx, folder, name=name)
    marks = {"from": folder.name, "to": name}
    await _tell(tx, "renamed", renamed, by, await _all(tx, folder), **marks)
    return renamed


async def change_settings(
    tx: Transaction, person: Person, folder_id: str, *, cloneable: bool | None = None
) -> None:
    """What the owner lets others do with it, beside their levels; None leaves a setting alone."""
    folder = await store.lock(tx, folder_id)
    await permitted(tx.conn, person, "change_settings", folder_id, tx.at)
    if cloneable is None or cloneable == folder.cloneable:
        return
    changed = await _update(tx, folder, cloneable=cloneable)
    await _tell(
        tx, "settings_changed", changed, person.name, await _all(tx, folder), cloneable=cloneable
    )


async def choose_fast(
    tx: Transaction, person: Person, folder_id: str, version: int, fast: bool
) -> None:
    """Have it mounted directly, where levels allow that; or through the guard alone."""
    folder = await store.lock(tx, folder_id)
    await permitted(tx.conn, person, "mount_direct", folder_id, tx.at)
    if folder.version != version:
        raise ChangedMeanwhile("Somebody else changed this folder meanwhile; look at it again.")
    if fast == folder.fast:
        return
    changed = await _update(tx, folder, fast=fast)
    await _tell(tx, "settings_changed", changed, person.name, await _all(tx, folder), fast=fast)
    reached("folders.fast.chosen")


async def trash(tx: Transaction, person: Person, folder_id: str) -> None:
    """Out of everybody's sight but the owner's. Its grants wait."""
    folder = await store.lock(tx, folder_id)
    await permitted(tx.conn, person, "trash_folder", folder_id, tx.at)
    audience = await _all(tx, folder)
    trashed = await _update(tx, folder, state=ThingState.TRASHED, trashed_at=tx.at)
    await _tell(tx, "trashed", trashed, person.name, audience)
    reached("folders.trash.trashed")


async def restore(tx: Transaction, person: Person, folder_id: str, name: str | None = None) -> None:
    """Back from the trash with its grants, under a new name if the old one is taken by now."""
    folder = await store.lock(tx, folder_id)
    await permitted(tx.conn, person, "restore_folder", folder_id, tx.at)
    name = folder.name if name is None else checked(name, "folder name")
    await make_room(tx, folder, name)
    await _demand_free(tx, person, folder, name)
    restored = await _update(tx, folder, state=ThingState.LIVE, trashed_at=None, name=name)
    marks = {} if name == folder.name else {"from": folder.name, "to": name}
    await _tell(tx, "restored", restored, person.name, await _all(tx, folder), **marks)
    reached("folders.restore.restored")


async def delete_for_ever(tx: Transaction, person: Person, folder_id: str) -> None:
    """No way back: every grant ends, and the tree goes as soon as the worker comes to it."""
    folder = await store.lock(tx, folder_id)
    await permitted(tx.conn, person, "delete_folder_for_ever", folder_id, tx.at)
    await _delete(tx, folder, person.name)


async def empty_from_trash(tx: Transaction, folder_id: str, before: datetime) -> None:
    """The same for what has been in the trash since before a moment, as the site's policy says;
    nothing where it was restored meanwhile."""
    folder = await store.lock(tx, folder_id)
    query = sa.select(things.c.trashed_at).where(things.c.id == folder_id)
    trashed_at = await tx.conn.scalar(query)
    if folder.state is ThingState.TRASHED and trashed_at is not None and trashed_at <= before:
        await _delete(tx, folder, None)


async def _delete(tx: Transaction, folder: SharedThing, actor: str | None) -> None:
    audience = await _all(tx, folder)
    await end_all(tx, folder, EndedWhy.THING_DELETED, actor)
    await cancel_open(tx, folder, actor)
    deleted = await _update(tx, folder, state=ThingState.DELETING)
    await tx.conn.execute(aliases.delete().where(aliases.c.thing_id == folder.id))
    marks = {} if actor is not None else {"why": "trash_emptied"}
    await _tell(tx, "deleted", deleted, actor, audience, **marks)
    reached("folders.delete.deleting")


async def _all(tx: Transaction, folder: SharedThing) -> frozenset[str]:
    return await everyone_with_access(tx.conn, folder.id, folder.owner, tx.at)


async def _update(tx: Transaction, folder: SharedThing, **changes: Any) -> SharedThing:
    query = (
        things.update()
        .where(things.c.id == folder.id)
        .values(version=things.c.version + 1, **changes)
        .returning(*things.columns)
    )
    return SharedThing.of((await tx.conn.execute(query)).one())


async def _tell(
    tx: Transaction,
    verb: str,
    folder: SharedThing,
    actor: str | None,
    audience: frozenset[str],
    **data: str | bool,
) -> None:
    await tx.record(
        NewEvent(
            f"folder.{verb}",
            actor=actor,
            audience=audience,
            thing_id=folder.id,
            thing_name=folder.name,
            data=data,
        )
    )
