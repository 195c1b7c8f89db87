"""Whether the service can do its work: its database, the schema in it, and the hub."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Final

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

from jupyterhub_vmshare import __version__
from jupyterhub_vmshare.api.contract.events import Health
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.upgrade import newest
from jupyterhub_vmshare.errors import VMShareError

BELIEVED: Final = 2.0
"""Seconds for which an answer is given again: anybody may ask, as often as they like."""
RECENT: Final = 30.0
"""A hub that answered this long ago (seconds) is not called unreachable: it may be restarting."""
_PATIENCE: Final = 5.0


class HealthCheck:
    """Looks at most every two seconds, once for all who ask meanwhile.

    ``ask_hub`` raises a ``VMShareError`` when the hub does not answer.
    """

    def __init__(
        self,
        database: Database,
        ask_hub: Callable[[], Awaitable[object]],
        remark_on_mounts: Callable[[], Awaitable[str]],
    ) -> None:
        self._database = database
        self._ask_hub = ask_hub
        self._remark_on_mounts = remark_on_mounts
        self._hub_answered = float("-inf")
        self._looked = float("-inf")
        self._last: Health | None = None
        self._turn = asyncio.Lock()

    async def look(self) -> Health:
        """The state; ``status`` is ``ok`` only if all is."""
        async with self._turn:
            if self._last is None or time.monotonic() - self._looked > BELIEVED:
                self._last = await self._look()
                self._looked = time.monotonic()
            return self._last

    async def _look(self) -> Health:
        database, hub = await asyncio.gather(self._database_state(), self._hub_state())
        mounts = await self._mounts_state() if database == "ok" else "unknown"
        status = "ok" if (database, hub) == ("ok", "ok") else "unavailable"
        return Health(status=status, version=__version__, database=database, hub=hub, mounts=mounts)

    async def _mounts_state(self) -> str:
        """A remark: without mounts the service does all its other work."""
        try:
            async with asyncio.timeout(_PATIENCE):
                return await self._remark_on_mounts()
        except (SQLAlchemyError, OSError, TimeoutError):
            return "unknown"

    async def _database_state(self) -> str:
        try:
            async with asyncio.timeout(_PATIENCE), self._database.read() as conn:
                found = await conn.scalar(sa.text("SELECT version_num FROM alembic_version"))
        except (SQLAlchemyError, OSError, TimeoutError):
            return "unreachable"
        return "ok" if found == newest() else "another schema version"

    async def _hub_state(self) -> str:
        try:
            async with asyncio.timeout(_PATIENCE):
                await self._ask_hub()
            self._hub_answered = time.monotonic()
        except (VMShareError, OSError, TimeoutError):
            if time.monotonic() - self._hub_answered > RECENT:
                return "unreachable"
        return "ok"
