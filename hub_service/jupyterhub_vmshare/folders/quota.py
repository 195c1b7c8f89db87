"""What an owner's folders may hold together: bytes, and how many folders there are.

The rules and their rows. The bytes themselves are counted in the store, where they come and go
(``storage/port.py``); here it is said how many there may be. Everything is charged to the owner,
whoever wrote it, the trash included.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.projects import is_project, owner_of
from jupyterhub_vmshare.db.tables import accounts, meters, projects, things
from jupyterhub_vmshare.db.upsert import insert_new, insert_or_replace
from jupyterhub_vmshare.errors import QuotaExceeded
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person, Target
from jupyterhub_vmshare.sharing.facts import demand
from jupyterhub_vmshare.words import ThingKind, ThingState


@dataclass(frozen=True, slots=True)
class Limits:
    """What one owner may have; None: as much as they like."""

    bytes: int | None = None
    folders: int | None = None

    @classmethod
    def of_gigabytes(cls, gigabytes: float | None, folders: int | None) -> Limits:
        """As operators say it; a gigabyte is one GiB, 2**30 bytes."""
        return cls(None if gigabytes is None else round(gigabytes * 2**30), folders)


@dataclass(frozen=True, slots=True)
class Account:
    """Where an owner's folders are counted."""

    id: str
    owner: str
    limits: Limits
    is_set: bool
    """Whether an administrator has said so; otherwise these are the site's defaults."""
    applied: bool
    """Whether the store knows of it."""

    @classmethod
    def of(cls, row: sa.Row[Any], defaults: Limits) -> Account:
        """From a row of ``accounts``."""
        own = Limits(row.most_bytes, row.most_folders)
        return cls(row.id, row.owner, own if row.is_set else defaults, row.is_set, row.applied)


async def find(conn: AsyncConnection, owner: str, defaults: Limits) -> Account | None:
    """The owner's account, if they ever had one."""
    row = (await conn.execute(_OF_OWNER, {"asked": owner})).one_or_none()
    return None if row is None else Account.of(row, defaults)


async def opened(tx: Transaction, owner: str, defaults: Limits) -> Account:
    """The owner's account, made if it is not there. A project's limit is in its own quota."""
    fresh = {"owner": owner, "id": new_id("acc"), "is_set": False, "applied": False}
    if is_project(owner):
        query = sa.select(projects.c.quota).where(projects.c.id == owner.lstrip("/"))
        fresh |= _of_project((await tx.conn.scalar(query.with_for_update(read=True))) or {})
    await insert_new(tx.conn, accounts, fresh)
    row = (await tx.conn.execute(_OF_OWNER, {"asked": owner})).one()
    return Account.of(row, defaults)


async def limit_project(tx: Transaction, project_id: str, quota: Mapping[str, int]) -> None:
    """Have what a project may hold count for its folders, too. The project is held."""
    its = accounts.update().where(accounts.c.owner == owner_of(project_id))
    await tx.conn.execute(its.values(**_of_project(quota), applied=False))


def _of_project(quota: Mapping[str, int]) -> dict[str, Any]:
    most = quota.get("folder_gib")
    return {"is_set": True, "most_bytes": None if most is None else most * 2**30}


async def book(tx: Transaction, folder_id: str, account: Account) -> None:
    """Count a folder that was made in this transaction, whose tree is charged already.

    To be called with the owner's list held, so that two can't both be the last one.

    Raises:
        QuotaExceeded: it is one more than the owner may have.
    """
    if (most := account.limits.folders) is not None:
        count = await folders_of(tx.conn, account.owner)
        if count > most:
            raise QuotaExceeded("folders", 1, max(0, most - count + 1))
    await booked(tx, folder_id, account.id, counted=True)


async def booked(tx: Transaction, folder_id: str, account_id: str, *, counted: bool) -> None:
    """Write down in which account a folder is; ``counted``: and that its numbers are right."""
    values = {"account_id": account_id, "counted_at": tx.at if counted else None}
    await insert_or_replace(tx.conn, meters, {"thing_id": folder_id}, values)


async def folders_of(conn: AsyncConnection, owner: str) -> int:
    """How many folders somebody owns, those in the trash included."""
    return (await conn.execute(_COUNT, {"asked": owner})).scalar_one()


async def set_limits(
    tx: Transaction, actor: Person, owner: str, limits: Limits | None, defaults: Limits
) -> Account:
    """Say what somebody may have; None goes back to the site's defaults.

    What is there stays, also where it is more: nothing can be added then.
    """
    asked = Target(person=owner)
    demand(decide(actor, "set_quota_of_person", None, tx.at, target=asked))
    return await put_limits(tx, actor.name, owner, limits, defaults)


async def put_limits(
    tx: Transaction, actor: str | None, owner: str, limits: Limits | None, defaults: Limits
) -> Account:
    """The same for who need not be asked: the operator of the service's machine."""
    before = await opened(tx, owner, defaults)
    values = {
        "is_set": limits is not None,
        "most_bytes": None if limits is None else limits.bytes,
        "most_folders": None if limits is None else limits.folders,
        "applied": False,
    }
    await tx.conn.execute(accounts.update().where(accounts.c.owner == owner).values(values))
    after = await opened(tx, owner, defaults)
    if (before.limits, before.is_set) != (after.limits, after.is_set):
        await tx.record(
            NewEvent(
                "quota.changed",
                actor=actor,
                audience=frozenset({owner}),
                data={
                    "bytes": after.limits.bytes,
                    "folders": after.limits.folders,
                    "by_default": not after.is_set,
                },
            )
        )
    return after


_OF_OWNER: Final = accounts.select().where(accounts.c.owner == sa.bindparam("asked"))
_COUNT: Final = (
    sa.select(sa.func.count())
    .select_from(things)
    .where(
        things.c.owner == sa.bindparam("asked"),
        things.c.kind == ThingKind.FOLDER,
        things.c.state.in_([ThingState.LIVE, ThingState.TRASHED]),
    )
)
