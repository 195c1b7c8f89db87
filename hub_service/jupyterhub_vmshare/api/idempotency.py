"""``Idempotency-Key``: a POST that makes something makes it once, however often it is sent.

The key, and the answer that it gave, are stored in the transaction of the change itself.
"""

from __future__ import annotations

import asyncio
import hashlib
import re
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from tornado.httputil import HTTPServerRequest

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.tables import idempotency as table
from jupyterhub_vmshare.db.upsert import insert_new
from jupyterhub_vmshare.errors import KeyReused, Malformed

KEPT = timedelta(days=1)
"""Clients repeat a request for minutes, not for days."""

_PAUSE = 3600.0
_FORM = re.compile(r"[!-~]{1,64}")


class Replay(Exception):
    """This was done before: here is what it answered."""

    def __init__(self, status: int, body: str) -> None:
        super().__init__("replayed")
        self.status = status
        self.body = body


@dataclass(frozen=True, slots=True)
class Key:
    """A person's key, and a hash of the request that it came with."""

    person: str
    key: str
    request_hash: str


def key_of(request: HTTPServerRequest, person: str, body: bytes) -> Key | None:
    """The request's key; None when it has none. Raises ``Malformed``."""
    given = request.headers.get("Idempotency-Key")
    if given is None:
        return None
    if not _FORM.fullmatch(given):
        raise Malformed("An Idempotency-Key has 1 to 64 visible ASCII characters.")
    seen = f"{request.method} {request.path}\n".encode() + body
    return Key(person, given, hashlib.sha256(seen).hexdigest())


async def claim(tx: Transaction, key: Key) -> None:
    """Take the key for this transaction. Raises ``Replay`` or ``KeyReused``."""
    row = {
        "person": key.person,
        "key": key.key,
        "request_hash": key.request_hash,
        "status": 0,
        "body": "",
        "created_at": tx.at,
    }
    if await insert_new(tx.conn, table, row):
        return
    earlier = (await tx.conn.execute(table.select().where(_same(key)))).one()
    if earlier.request_hash != key.request_hash:
        raise KeyReused("This Idempotency-Key was used for another request; take a new one.")
    raise Replay(earlier.status, earlier.body)


async def keep(tx: Transaction, key: Key, status: int, body: str) -> None:
    """Store the answer with the change."""
    await tx.conn.execute(table.update().where(_same(key)).values(status=status, body=body))


async def forget(tx: Transaction, before: datetime) -> None:
    """Drop the keys from before then."""
    await tx.conn.execute(table.delete().where(table.c.created_at < before))


async def keep_tidy(db: Database) -> None:
    """One turn of a worker: forget old keys, then rest."""
    async with db.write() as tx:
        await forget(tx, tx.at - KEPT)
    await asyncio.sleep(_PAUSE)


def _same(key: Key) -> sa.ColumnElement[bool]:
    return sa.and_(table.c.person == key.person, table.c.key == key.key)
