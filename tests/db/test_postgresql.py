"""What PostgreSQL asks for beyond SQLite: connections that end while nobody looks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import psycopg
import pytest
import pytest_asyncio
import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database

pytestmark = pytest.mark.postgres

Door = Callable[[Database], AbstractAsyncContextManager[Any]]
DOORS = (
    pytest.param(Database.read, id="a snapshot"),
    pytest.param(Database.glance, id="a glance"),
    pytest.param(Database.write, id="a change"),
)


@pytest_asyncio.fixture
async def database(postgres_url: str) -> AsyncIterator[Database]:
    found = Database(postgres_url)
    yield found
    await found.close()


async def ask(door: Door, database: Database) -> int:
    """The number of the server's process that answers."""
    async with door(database) as entered:
        conn: Any = getattr(entered, "conn", entered)
        return int(await conn.scalar(sa.text("SELECT pg_backend_pid()")))


def end_all(url: str) -> int:
    """Ends every other connection, as a restart of the server does."""
    with psycopg.connect(url, autocommit=True) as conn:
        ended = conn.execute(
            "SELECT count(pg_terminate_backend(pid, 10000)) FROM pg_stat_activity"
            " WHERE datname = current_database() AND pid <> pg_backend_pid()"
        ).fetchone()
    return int(ended[0]) if ended else 0


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.asyncio
async def test_nobody_notices_that_idle_connections_were_ended(
    door: Door, database: Database, postgres_url: str
) -> None:
    before = {await ask(door, database) for _ in range(3)}
    assert end_all(postgres_url) >= 1
    assert await ask(door, database) not in before


@pytest.mark.parametrize("door", DOORS)
@pytest.mark.asyncio
async def test_many_at_once_go_on_after_all_were_ended(
    door: Door, database: Database, postgres_url: str
) -> None:
    await asyncio.gather(*(ask(door, database) for _ in range(20)))
    end_all(postgres_url)
    assert len(await asyncio.gather(*(ask(door, database) for _ in range(20)))) == 20


@pytest.mark.asyncio
async def test_a_glance_takes_no_transaction_and_keeps_none(database: Database) -> None:
    statement = sa.text("SELECT now()")
    async with database.glance() as conn:
        first = await conn.scalar(statement)
        assert await conn.scalar(statement) > first  # now() stands still inside a transaction


@pytest.mark.asyncio
async def test_a_snapshot_stays_as_it_is(database: Database) -> None:
    async with database.write() as tx:
        await tx.conn.execute(sa.text("CREATE TABLE seen (n int)"))
    async with database.read() as conn:
        count = sa.text("SELECT count(*) FROM seen")
        assert await conn.scalar(count) == 0
        async with database.write() as tx:
            await tx.conn.execute(sa.text("INSERT INTO seen VALUES (1)"))
        assert await conn.scalar(count) == 0
