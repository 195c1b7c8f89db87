"""The Unix uid of each person on every machine: one for all machines, and never reused."""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import uids
from jupyterhub_vmshare.errors import Conflict


@dataclass(frozen=True, slots=True)
class UidRange:
    """Which uids people get, the first and the last."""

    first: int = 20_000
    last: int = 59_999


async def uid_of(tx: Transaction, person: str, among: UidRange) -> int:
    """The person's uid, given now if they have none. Rows of this table are never deleted."""
    mine = sa.select(uids.c.uid).where(uids.c.person == person)
    found = await tx.conn.scalar(mine)
    if found is not None:
        return int(found)
    if tx.conn.dialect.name == "postgresql":  # SQLite has one writer anyway
        await tx.conn.execute(sa.text("LOCK TABLE uids IN SHARE ROW EXCLUSIVE MODE"))
        found = await tx.conn.scalar(mine)
        if found is not None:
            return int(found)
    highest = await tx.conn.scalar(sa.select(sa.func.max(uids.c.uid)))
    uid = max(among.first, (highest or 0) + 1)
    if uid > among.last:
        raise Conflict(
            f"All uids up to {among.last} are given. An administrator has to make the range of "
            "uids on machines larger."
        )
    await tx.conn.execute(uids.insert().values(person=person, uid=uid, given_at=tx.at))
    return uid
