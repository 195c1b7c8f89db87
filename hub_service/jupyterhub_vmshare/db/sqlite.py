"""SQLite behind the face of SQLAlchemy's asynchronous connections, without a thread a statement.

What SQLite does for one statement takes a few microseconds; handing it to a thread and back takes
hundreds, and the thread fights the event loop for the interpreter. So statements run where they
are asked for. In a thread runs only what may wait: BEGIN IMMEDIATE (for another process), COMMIT
(for the disk), and statements with many rows.
"""

from __future__ import annotations

import asyncio
import contextlib
import sqlite3
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from typing import Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

MANY_ROWS = 50
"""From so many rows on, a statement goes to a thread."""

T = TypeVar("T")
Parameters = Mapping[str, Any] | Sequence[Mapping[str, Any]] | None


class _Cursor(sqlite3.Cursor):
    """Has read everything when ``execute`` returns, as results of asynchronous drivers have.

    Else a statement half read would keep its transaction open, and see what is written meanwhile.
    """

    _rows: Sequence[Any] = ()
    _at: int = 0

    def execute(self, sql: str, parameters: Any = (), /) -> _Cursor:
        super().execute(sql, parameters)
        self._rows, self._at = super().fetchall() if self.description else [], 0
        return self

    def fetchone(self) -> Any:
        if self._at >= len(self._rows):
            return None
        self._at += 1
        return self._rows[self._at - 1]

    def fetchmany(self, size: int | None = 1) -> list[Any]:
        begin, self._at = self._at, min(self._at + (size or 1), len(self._rows))
        return list(self._rows[begin : self._at])

    def fetchall(self) -> list[Any]:
        return self.fetchmany(len(self._rows) + 1)


class _Connection(sqlite3.Connection):
    def cursor(self, factory: Callable[[sqlite3.Connection], Any] | None = None) -> Any:
        return super().cursor(factory or _Cursor)


class Inline:
    """What we use of an ``AsyncConnection``; its statements run at once."""

    def __init__(self, sync_connection: sa.Connection) -> None:
        self.sync_connection = sync_connection
        self.dialect = sync_connection.dialect

    async def execute(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> sa.CursorResult[Any]:
        """The result, with all its rows."""
        if isinstance(parameters, Sequence) and len(parameters) >= MANY_ROWS:
            return await in_thread(lambda: self.sync_connection.execute(statement, parameters))
        return self.sync_connection.execute(statement, parameters)

    async def scalar(self, statement: sa.Executable, parameters: Parameters = None) -> Any:
        """The first column of the first row, or None."""
        return (await self.execute(statement, parameters)).scalar()

    async def scalars(
        self, statement: sa.Executable, parameters: Parameters = None
    ) -> sa.ScalarResult[Any]:
        """The first column of every row."""
        return (await self.execute(statement, parameters)).scalars()

    async def exec_driver_sql(self, statement: str) -> sa.CursorResult[Any]:
        """SQL as it stands."""
        return self.sync_connection.exec_driver_sql(statement)

    async def run_sync(self, function: Callable[..., T], *arguments: Any) -> T:
        """What a function of the synchronous connection returns; it runs in a thread."""
        return await in_thread(lambda: function(self.sync_connection, *arguments))


class Engine:
    """Connections to one file: for reading any number, for writing one at a time."""

    def __init__(self, url: sa.URL, *, size: int, writes: bool) -> None:
        # Waiting for a free connection would stop the event loop, so there is always another.
        self._sync = sa.create_engine(
            url.set(drivername="sqlite+pysqlite"),
            connect_args={"factory": _Connection, "check_same_thread": False},
            pool_size=size,
            max_overflow=-1,
        )
        self._begin = "BEGIN IMMEDIATE" if writes else "BEGIN"
        self._pragmas = (
            "busy_timeout = 30000",
            "foreign_keys = ON",
            *(("journal_mode = WAL", "synchronous = FULL") if writes else ("query_only = ON",)),
        )
        sa.event.listen(self._sync, "connect", self._prepare)
        sa.event.listen(self._sync, "begin", lambda conn: conn.exec_driver_sql(self._begin))

    def _prepare(self, connection: Any, record: Any) -> None:
        connection.isolation_level = None  # we say BEGIN ourselves
        for pragma in self._pragmas:
            connection.execute(f"PRAGMA {pragma}").close()

    @contextlib.asynccontextmanager
    async def connect(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is rolled back in the end."""
        await asyncio.sleep(0)  # nothing else here lets others have a turn
        with self._sync.connect() as conn:
            yield _as_async(conn)

    @contextlib.asynccontextmanager
    async def begin(self) -> AsyncIterator[AsyncConnection]:
        """A transaction that is committed in the end, or rolled back on an error."""
        with self._sync.connect() as conn:  # closing rolls back what was not committed
            await in_thread(conn.begin)
            yield _as_async(conn)
            await in_thread(conn.commit)

    async def dispose(self) -> None:
        """Close every connection."""
        self._sync.dispose()


async def in_thread(work: Callable[[], T]) -> T:
    """What ``work`` returns. Cancelled, it still waits: a connection has one user at a time."""
    job = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(job)
    except asyncio.CancelledError:
        while not job.done():
            with contextlib.suppress(asyncio.CancelledError):
                await asyncio.wait([job])
        if not job.cancelled():
            job.exception()  # retrieved, so that nothing is logged about it
        raise


def _as_async(conn: sa.Connection) -> AsyncConnection:
    # Whoever reads or writes can't tell the two apart; SQLAlchemy has no common base for them.
    return cast(AsyncConnection, Inline(conn))
