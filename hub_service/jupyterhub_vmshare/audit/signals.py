"""Waking other processes on the same PostgreSQL, by LISTEN and NOTIFY.

Signals only shorten a wait: they carry nothing, may be lost, and whoever gets one looks into the
database. So after each (re)connect everything is looked at once.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import psycopg
import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jupyterhub_vmshare.db.database import Database

EVENTS = "vmshare_events"
"""Events got their positions: streams should look."""
BACKLOG = "vmshare_backlog"
"""Events wait for a position: the sequencer should look."""

_RETRY_SECONDS = 1.0
_log = structlog.get_logger("vmshare.signals")


class Signals:
    """Listens on a connection of its own, and calls the listener of each channel."""

    def __init__(self, database: Database, listeners: dict[str, Callable[[], None]]) -> None:
        self._database = database
        self._listeners = listeners
        self._to_send = asyncio.Event()

    def send_backlog(self) -> None:
        """Tell the others, soon and once for many calls, that events wait."""
        self._to_send.set()

    async def run_listening(self) -> None:
        """Listen for ever; a lost connection is made again. End it by cancelling."""
        while True:
            try:
                await self._listen()
            except (psycopg.Error, OSError) as error:
                _log.warning("listening_interrupted", error=type(error).__name__)
                await asyncio.sleep(_RETRY_SECONDS)

    async def run_sending(self) -> None:
        """Send what was asked for, for ever. End it by cancelling."""
        while True:
            await self._to_send.wait()
            self._to_send.clear()
            try:
                # After the writer's commit, not in it: commits with a NOTIFY wait for one another.
                async with self._database.write() as transaction:
                    await transaction.conn.execute(sa.select(sa.func.pg_notify(BACKLOG, "")))
            except (DBAPIError, InterfaceError, PoolTimeout, OSError) as error:
                _log.warning("signal_lost", error=type(error).__name__)

    async def _listen(self) -> None:
        url = self._database.url.set(drivername="postgresql")
        info = url.render_as_string(hide_password=False)
        async with await psycopg.AsyncConnection.connect(info, autocommit=True) as conn:
            for channel in self._listeners:
                await conn.execute(
                    psycopg.sql.SQL("LISTEN {}").format(psycopg.sql.Identifier(channel))
                )
            for look in self._listeners.values():
                look()
            async for notice in conn.notifies():
                self._listeners[notice.channel]()
