"""SQLite's statements run on the event loop: what that must not change, and must not hold up."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.sqlite import MANY_ROWS, in_thread

metadata = sa.MetaData()
notes = sa.Table("notes", metadata, sa.Column("id", sa.Integer, primary_key=True))


@pytest_asyncio.fixture
async def db(sqlite_url: str) -> AsyncIterator[Database]:
    database = Database(sqlite_url)
    async with database.write() as tx:
        await tx.conn.run_sync(metadata.create_all)
    yield database
    await database.close()


async def _ids(db: Database) -> list[int]:
    async with db.read() as conn:
        return list((await conn.scalars(sa.select(notes.c.id).order_by(notes.c.id))).all())


@pytest.mark.asyncio
async def test_a_result_has_all_its_rows_whatever_is_written_meanwhile(db: Database) -> None:
    async with db.write() as tx:
        await tx.conn.execute(notes.insert(), [{"id": number} for number in range(3)])
        rows = await tx.conn.execute(sa.select(notes.c.id))
        await tx.conn.execute(notes.delete())
        assert rows.first() == (0,)


@pytest.mark.asyncio
async def test_a_reader_sees_one_moment_and_can_not_write(db: Database) -> None:
    async with db.read() as conn:
        assert (await conn.scalars(sa.select(notes.c.id))).all() == []
        async with db.write() as tx:
            await tx.conn.execute(notes.insert().values(id=1))
        assert (await conn.scalars(sa.select(notes.c.id))).all() == []
        with pytest.raises(sa.exc.OperationalError, match="readonly"):
            await conn.execute(notes.insert().values(id=2))
    assert await _ids(db) == [1]


@pytest.mark.asyncio
async def test_an_error_takes_everything_back(db: Database) -> None:
    with pytest.raises(sa.exc.IntegrityError):
        async with db.write() as tx:
            await tx.conn.execute(notes.insert().values(id=1))
            await tx.conn.execute(notes.insert().values(id=1))
    assert await _ids(db) == []
    async with db.write() as tx:
        await tx.conn.execute(notes.insert().values(id=2))
    assert await _ids(db) == [2]


@pytest.mark.asyncio
async def test_many_rows_go_to_a_thread_and_few_do_not(db: Database) -> None:
    threads: list[int] = []
    async with db.write() as tx:
        sa.event.listen(
            tx.conn.sync_connection,
            "before_cursor_execute",
            lambda *about: threads.append(threading.get_ident()),
        )
        await tx.conn.execute(notes.insert().values(id=-1))
        await tx.conn.execute(notes.insert(), [{"id": number} for number in range(MANY_ROWS)])
    assert threads[0] == threading.get_ident() != threads[1]
    assert len(await _ids(db)) == MANY_ROWS + 1


@pytest.mark.asyncio
async def test_whoever_reads_on_and_on_lets_others_have_their_turn(db: Database) -> None:
    others = asyncio.create_task(asyncio.sleep(0.01))
    async with asyncio.timeout(5):
        while not others.done():
            await _ids(db)


@pytest.mark.asyncio
async def test_many_readers_at_once_never_wait_for_a_connection(db: Database) -> None:
    together = asyncio.Barrier(20)

    async def read() -> None:
        async with db.read() as conn:
            await conn.scalar(sa.select(notes.c.id))
            await together.wait()

    async with asyncio.timeout(5):
        await asyncio.gather(*(read() for _ in range(20)))


@pytest.mark.asyncio
async def test_a_writer_that_is_cancelled_leaves_the_connection_to_the_next(db: Database) -> None:
    for step in range(12):
        writer = asyncio.create_task(_write(db, step))
        for _ in range(step):
            await asyncio.sleep(0)
        writer.cancel()
        await asyncio.gather(writer, return_exceptions=True)
    await _write(db, 1000)
    assert 1000 in await _ids(db)


async def _write(db: Database, number: int) -> None:
    async with db.write() as tx:
        await tx.conn.execute(notes.insert().values(id=number))


@pytest.mark.asyncio
async def test_what_runs_in_a_thread_ends_before_its_asker_goes_on() -> None:
    ended: list[bool] = []

    def work() -> None:
        time.sleep(0.05)
        ended.append(True)

    task = asyncio.create_task(in_thread(work))
    await asyncio.sleep(0.01)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [True]
