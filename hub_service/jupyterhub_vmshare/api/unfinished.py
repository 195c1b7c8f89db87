"""``Idempotency-Key`` for what is not made in the database, such as a directory.

It can't be stored in the transaction of the change: the key is stored before the change, without
an answer, and the answer after it. A key without one says that an attempt was cut off between.
"""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from pydantic import BaseModel

from jupyterhub_vmshare.api.idempotency import Key, Replay, claim, keep
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import idempotency as table
from jupyterhub_vmshare.errors import VMShareError

_NONE_YET = 0


@dataclass(slots=True)
class Attempt:
    """``again``: an earlier attempt at this very request may have made it already."""

    again: bool
    answer: tuple[int, str] | None = None

    def keep(self, status: int, told: BaseModel) -> None:
        """What a repeated request is to be answered."""
        self.answer = (status, told.model_dump_json())


@asynccontextmanager
async def begun(db: Database, key: Key | None) -> AsyncIterator[Attempt]:
    """An attempt at a request; what is refused leaves its key free.

    Raises ``Replay`` if it was answered before, ``KeyReused`` for another request's key.
    """
    if key is None:
        yield Attempt(again=False)
        return
    attempt = Attempt(again=await _claimed_before(db, key))
    try:
        yield attempt
    except VMShareError:
        await _give_back(db, key)
        raise
    if attempt.answer is not None:
        async with db.write() as tx:
            await keep(tx, key, *attempt.answer)


async def _claimed_before(db: Database, key: Key) -> bool:
    try:
        async with db.write() as tx:
            await claim(tx, key)
    except Replay as earlier:
        if earlier.status != _NONE_YET:
            raise
        return True
    return False


async def _give_back(db: Database, key: Key) -> None:
    ours = (table.c.person == key.person, table.c.key == key.key, table.c.status == _NONE_YET)
    async with db.write() as tx:
        await tx.conn.execute(table.delete().where(*ours))
