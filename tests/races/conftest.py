"""Two replicas of the service on one database, and what must hold when everything is over."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest_asyncio
import sqlalchemy as sa

from jupyterhub_vmshare.audit.sequencer import backlog
from jupyterhub_vmshare.audit.verify import verify
from jupyterhub_vmshare.db.tables import grants
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService, ScriptedClock, running_service
from tests.fixtures.world import SmallWorld


@dataclass
class Replicas:
    """One or two services on one database: one on SQLite, two on PostgreSQL."""

    apis: list[Api]
    clock: ScriptedClock

    @property
    def first(self) -> RunningService:
        return self.apis[0].running

    def __call__(self, name: str, number: int = 0) -> Any:
        """A person, through the replica of that number (as far as there is one)."""
        return self.apis[number % len(self.apis)](name)

    async def live(self, folder: str) -> list[sa.Row[Any]]:
        """The live grants on a folder, as they are in the database."""
        live = grants.c.state.in_(["pending", "active"])
        query = grants.select().where(grants.c.thing_id == folder, live)
        async with self.first.service.db.read() as conn:
            return list(await conn.execute(query))

    async def told(self, name: str, *types: str) -> list[str]:
        """The types of the person's events, oldest first, of these types."""
        async with asyncio.timeout(30):
            while (await backlog(self.first.service.db)).events:
                await asyncio.sleep(0.02)
        page = await self(name).ask("GET", "/events", params={"limit": 200})
        return [e["type"] for e in reversed(page["items"]) if e["type"] in types]

    async def chain_is_whole(self) -> bool:
        return (await verify(self.first.service.db)).whole


@pytest_asyncio.fixture
async def replicas(
    tmp_path: Path, database_url: str, hub: FakeHub, small_world: SmallWorld
) -> AsyncIterator[Replicas]:
    """Replicas with a clock of their own in common."""
    clock = ScriptedClock()
    count = 1 if database_url.startswith("sqlite") else 2
    async with AsyncExitStack() as stack:
        running = [
            await stack.enter_async_context(
                running_service(tmp_path, database_url, hub, small_world, clock=clock)
            )
            for _ in range(count)
        ]
        yield Replicas([Api(one, stack) for one in running], clock)
