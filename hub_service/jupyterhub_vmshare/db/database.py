"""Connections and transactions, the same way on SQLite and PostgreSQL (DESIGN: D14).

SQLite has one writer connection behind a lock, and readers apart that can't write.
PostgreSQL writers lock the rows they decide on (``lock_thing``).
"""

from __future__ import annotations

import asyncio
import contextlib
import select
import time
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

from jupyterhub_vmshare.db import sqlite
from jupyterhub_vmshare.db.tables import event_audience, events, things
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.steps import reached

Clock = Callable[[], datetime]


def utc_now() -> datetime:
    """The service's clock; tests hand in one of their own."""
    return datetime.now(UTC)


@dataclass(frozen=True, slots=True)
class NewEvent:
    """Something that happened, to be recorded in the transaction that makes it so.

    ``audience`` names the persons who may see it; nobody else ever does.
    """

    type: str
    actor: str | None
    audience: frozenset[str]
    thing_id: str | None = None
    thing_name: str | None = None
    data: Mapping[str, Any] = field(default_factory=dict)


EventCheck = Callable[[NewEvent], None]
"""Refuses an event that the catalogue does not describe (wiring hands it in)."""


class Transaction:
    """One unit of work: its connection, its moment, its events."""

    def __init__(self, conn: AsyncConnection, at: datetime, check: EventCheck) -> None:
        self.conn = conn
        self.at = at
        self.recorded: list[NewEvent] = []
        self._check = check

    async def record(self, event: NewEvent) -> None:
        """Insert the event beside the change that it tells of."""
        self._check(event)
        event_id = new_id("evt")
        await self.conn.execute(
            events.insert().values(
                id=event_id,
                type=event.type,
                at=self.at,
                actor=event.actor,
                thing_id=event.thing_id,
                thing_name=event.thing_name,
                audience=sorted(event.audience),
                data=dict(event.data),
            )
        )
        rows = [{"person": person, "event_id": event_id} for person in sorted(event.audience)]
        if rows:
            await self.conn.execute(event_audience.insert(), rows)
        self.recorded.append(event)

    async def lock_thing(self, thing_id: str) -> sa.Row[Any]:
        """The thing's row, held against every other writer until the transaction ends."""
        query = things.select().where(things.c.id == thing_id).with_for_update()
        row = (await self.conn.execute(query)).one_or_none()
        if row is None:
            raise NotFound
        return row


class Database:
    """The one door to the database of a process."""

    def __init__(
        self,
        url: str,
        *,
        clock: Clock = utc_now,
        check: EventCheck = lambda event: None,
        readers: int = 4,
    ) -> None:
        self.url = sa.make_url(url)
        self.clock = clock
        self._check = check
        self.is_sqlite = self.url.get_backend_name() == "sqlite"
        self.committed: list[Callable[[], None]] = []
        """Called after each commit that recorded events."""
        self.happened: list[Callable[[Sequence[NewEvent]], None]] = []
        """Called with these events; of what other processes commit, nothing is heard here."""
        self.waited: list[Callable[[float], None]] = []
        """Called with the seconds that a write waited for its turn."""
        self._writer: sqlite.Engine | AsyncEngine
        self._reader: sqlite.Engine | AsyncEngine
        self._glancer: sqlite.Engine | AsyncEngine
        if self.is_sqlite:
            self._writer = sqlite.Engine(self.url, size=1, writes=True)
            self._reader = sqlite.Engine(self.url, size=readers, writes=False)
            self._glancer = self._reader
            self._turn: contextlib.AbstractAsyncContextManager[Any] = asyncio.Lock()
        else:
            self._writer = _postgres_engine(self.url, size=10, isolation="READ COMMITTED")
            self._reader = _postgres_engine(self.url, size=5, isolation="REPEATABLE READ")
            self._glancer = _postgres_engine(self.url, size=10, isolation="AUTOCOMMIT")
            self._turn = asyncio.Semaphore(10)

    @contextlib.asynccontextmanager
    async def read(self) -> AsyncIterator[AsyncConnection]:
        """A consistent snapshot."""
        async with self._reader.connect() as conn:
            yield conn

    @contextlib.asynccontextmanager
    async def glance(self) -> AsyncIterator[AsyncConnection]:
        """For a single statement, which is a consistent snapshot by itself.

        On PostgreSQL it saves the round trips of BEGIN and ROLLBACK.
        """
        async with self._glancer.connect() as conn:
            yield conn

    @contextlib.asynccontextmanager
    async def write(self) -> AsyncIterator[Transaction]:
        """Commits on leaving, rolls back on an error. Never wait for the network inside."""
        asked = time.perf_counter()
        async with self._turn, self._writer.begin() as conn:
            for tell in self.waited:
                tell(time.perf_counter() - asked)
            transaction = Transaction(conn, self.clock(), self._check)
            yield transaction
            reached("db.before_commit")
        reached("db.after_commit")
        if transaction.recorded:
            for listener in self.committed:
                listener()
            for hear in self.happened:
                hear(transaction.recorded)

    async def close(self) -> None:
        """Close every connection."""
        for engine in {self._reader, self._glancer}:
            await engine.dispose()
        await self._writer.dispose()


def _postgres_engine(url: sa.URL, *, size: int, isolation: str) -> AsyncEngine:
    engine = create_async_engine(
        url.set(drivername="postgresql+psycopg"),
        pool_size=size,
        max_overflow=0,
        pool_timeout=60,
        isolation_level=isolation,
    )
    sa.event.listen(engine.sync_engine, "checkout", _refuse_closed)
    return engine


def _refuse_closed(connection: Any, record: Any, proxy: Any) -> None:
    """Have the pool connect anew where the server has hung up while nobody looked.

    An idle connection has nothing to say, so whatever can be read is its end. That is asked of the
    socket; asking the server (``pool_pre_ping``) would cost every transaction a round trip.
    """
    waiting = select.poll()
    waiting.register(connection.driver_connection.fileno(), select.POLLIN)
    if waiting.poll(0):
        raise sa.exc.DisconnectionError
