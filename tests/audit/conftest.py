"""A migrated database, and people to whom something happens."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
import pytest_asyncio

from jupyterhub_vmshare.audit.catalogue import check
from jupyterhub_vmshare.db.database import Database, NewEvent
from jupyterhub_vmshare.db.upgrade import upgrade

Record = Callable[..., Awaitable[None]]


@pytest_asyncio.fixture
async def database(database_url: str) -> AsyncIterator[Database]:
    upgrade(database_url)
    found = Database(database_url, check=check)
    yield found
    await found.close()


@pytest_asyncio.fixture
async def sqlite_database(sqlite_url: str) -> AsyncIterator[Database]:
    upgrade(sqlite_url)
    found = Database(sqlite_url, check=check)
    yield found
    await found.close()


@pytest.fixture
def record(database: Database) -> Record:
    """Record events with ``number`` in their name, one transaction each, seen by ``people``."""

    async def _record(*numbers: int, people: frozenset[str] = frozenset({"ana"})) -> None:
        for number in numbers:
            async with database.write() as transaction:
                name = f"folder {number}"
                await transaction.record(NewEvent("folder.created", "ana", people, None, name))

    return _record
