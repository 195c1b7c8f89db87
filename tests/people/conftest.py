"""A scripted hub with a small world of people, and the service's client of it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest_asyncio

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import metadata
from jupyterhub_vmshare.people.hub import Hub
from tests.fakes.hub import FakeHub, fake_hub


class Clock:
    """UTC and monotonic at once; moves when told to."""

    def __init__(self) -> None:
        self.at = datetime(2026, 11, 27, 12, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.at

    def monotonic(self) -> float:
        return self.at.timestamp()

    def forward(self, seconds: float) -> None:
        self.at += timedelta(seconds=seconds)


@pytest_asyncio.fixture
async def clock() -> Clock:
    return Clock()


@pytest_asyncio.fixture
async def world() -> AsyncIterator[FakeHub]:
    async with fake_hub() as hub:
        for name in ("ana", "ben", "cleo", "dan", "eve"):
            hub.add_person(name)
        hub.add_person("root-hub", admin=True)
        hub.add_group("genomics", ["ana", "ben", "cleo"])
        hub.add_group("imaging", ["ben", "dan"])
        yield hub


@pytest_asyncio.fixture
async def hub(world: FakeHub, clock: Clock) -> AsyncIterator[Hub]:
    client = Hub(world.api_url, world.service_token, timeout=0.5, monotonic=clock.monotonic)
    yield client
    await client.close()


@pytest_asyncio.fixture
async def db(tmp_path: Path, clock: Clock) -> AsyncIterator[Database]:
    database = Database(f"sqlite:///{tmp_path}/service.sqlite", clock=clock)
    async with database.write() as tx:
        await tx.conn.run_sync(metadata.create_all)
    yield database
    await database.close()
