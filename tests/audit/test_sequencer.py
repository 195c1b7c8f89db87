"""Positions without gaps, whoever writes and whoever dies."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy as sa

from jupyterhub_vmshare.audit.catalogue import EventRefused, check
from jupyterhub_vmshare.audit.chain import Event
from jupyterhub_vmshare.audit.feed import EventFeed
from jupyterhub_vmshare.audit.sequencer import LEASE, Sequencer, backlog
from jupyterhub_vmshare.audit.verify import verify
from jupyterhub_vmshare.db.database import Database, NewEvent, utc_now
from jupyterhub_vmshare.db.leases import LeaseLost, Leases
from jupyterhub_vmshare.db.tables import event_audience, events
from jupyterhub_vmshare.db.upgrade import upgrade
from jupyterhub_vmshare.steps import listening

from .conftest import Record

COMMITTED = b"committed\n"
WRITER = Path(__file__).with_name("writer.py")
STEPS = [
    "sequencer.leased",
    "sequencer.events_placed",
    "sequencer.before_commit",
    "sequencer.after_commit",
    "sequencer.delivered",
]


async def eventually(true: Callable[[], bool], seconds: float = 20) -> None:
    deadline = time.monotonic() + seconds
    while not true():
        assert time.monotonic() < deadline, "it did not come true in time"
        await asyncio.sleep(0.01)


async def assert_in_order(database: Database, count: int) -> None:
    """Every event has a position, without gap or double, and the audience has the same ones."""
    async with database.read() as conn:
        rows = (await conn.execute(sa.select(events.c.id, events.c.position))).all()
        seen = (await conn.execute(sa.select(event_audience))).all()
    assert sorted(row.position for row in rows) == list(range(1, count + 1))
    places = {row.id: row.position for row in rows}
    assert all(places[row.event_id] == row.position for row in seen)
    verdict = await verify(database)
    assert verdict.whole
    assert verdict.head.position == count


@asynccontextmanager
async def feed_of(
    database: Database, leases: Leases | None = None, poll: float = 0.5
) -> AsyncIterator[EventFeed]:
    feed = EventFeed(database, leases or Leases(database), poll=poll)
    await feed.start()
    try:
        yield feed
    finally:
        await feed.stop()


@asynccontextmanager
async def another_replica(database: Database) -> AsyncIterator[Database]:
    other = Database(
        database.url.render_as_string(hide_password=False), check=check, clock=database.clock
    )
    try:
        yield other
    finally:
        await other.close()


@pytest.mark.asyncio
async def test_many_writers_at_once_leave_no_gap(database: Database, record: Record) -> None:
    async with feed_of(database) as feed:
        await asyncio.gather(*(record(*range(10)) for _ in range(15)))
        await eventually(lambda: feed.streams.position == 150)
    await assert_in_order(database, 150)


@pytest.mark.asyncio
async def test_a_transaction_that_rolls_back_leaves_no_gap(
    database: Database, record: Record
) -> None:
    async with feed_of(database) as feed:
        await record(1)
        with pytest.raises(RuntimeError):
            async with database.write() as transaction:
                await transaction.record(NewEvent("folder.created", "ana", frozenset({"ana"})))
                raise RuntimeError
        await record(2)
        await eventually(lambda: feed.streams.position == 2)
    await assert_in_order(database, 2)


@pytest.mark.asyncio
async def test_events_of_one_transaction_keep_their_order(database: Database) -> None:
    async with database.write() as transaction:
        for number in range(50):
            event = NewEvent("folder.created", "ana", frozenset({"ana"}), None, f"{number}")
            await transaction.record(event)
    async with feed_of(database) as feed:
        await eventually(lambda: feed.streams.position == 50)
    async with database.read() as conn:
        names = await conn.scalars(sa.select(events.c.thing_name).order_by(events.c.position))
        assert list(names) == [f"{number}" for number in range(50)]


@pytest.mark.asyncio
async def test_an_event_outside_the_catalogue_fails_its_transaction(database: Database) -> None:
    with pytest.raises(EventRefused):
        async with database.write() as transaction:
            secret = NewEvent("folder.created", "ana", frozenset({"ana"}), data={"token": "x"})
            await transaction.record(secret)
    async with database.read() as conn:
        assert (await conn.execute(events.select())).first() is None


@pytest.mark.asyncio
async def test_what_was_left_without_position_is_taken_up_at_the_start(
    database: Database, record: Record
) -> None:
    await record(1, 2, 3)
    assert (await backlog(database)).events == 3
    async with feed_of(database) as feed:
        await eventually(lambda: feed.streams.position == 3)
    assert await backlog(database) == replace(await backlog(database), events=0, seconds=0.0)


@pytest.mark.asyncio
async def test_a_commit_wakes_the_sequencer_and_the_streams_at_once(
    database: Database, record: Record
) -> None:
    # Polls would take a minute: what arrives came by waking.
    async with feed_of(database, poll=60) as feed:
        await eventually(lambda: feed.sequencer.leads)
        stream = feed.streams.open("ana")
        for position in range(1, 4):
            await record(position)
            async with asyncio.timeout(5):
                (event,) = await stream.next()
            assert event.position == position


@pytest.mark.asyncio
async def test_nobody_hears_of_an_event_before_its_position_is_committed(
    database: Database, record: Record
) -> None:
    story: list[str] = []
    sequencer = Sequencer(database, Leases(database), lambda batch: story.append("heard"))
    await record(1)
    with listening(story.append):
        await sequencer.turn()
    story = [step for step in story if not step.startswith("db.")]
    assert story == [*STEPS[:4], "heard", STEPS[4]]


@pytest.mark.asyncio
async def test_a_commit_that_fails_is_heard_of_by_nobody(
    database: Database, record: Record
) -> None:
    heard: list[Event] = []
    sequencer = Sequencer(database, Leases(database), heard.extend)
    await record(1)

    def fail(step: str) -> None:
        if step == "sequencer.before_commit":
            raise OSError("the disk is full")

    with listening(fail), pytest.raises(OSError, match="full"):
        await sequencer.turn()
    assert heard == []
    sequencer.wake()
    await sequencer.drain()
    assert [event.position for event in heard] == [1]
    await assert_in_order(database, 1)


@pytest.mark.asyncio
async def test_a_long_backlog_goes_in_batches(database: Database, record: Record) -> None:
    async with database.write() as transaction:
        for number in range(1200):
            person = f"person{number % 3}"
            await transaction.record(NewEvent("folder.created", person, frozenset({person})))
    sizes: list[int] = []

    def deliver(batch: Sequence[Event]) -> None:
        sizes.append(len(batch))

    await Sequencer(database, Leases(database), deliver).turn()
    assert sizes == [500, 500, 200]
    await assert_in_order(database, 1200)


@pytest.mark.asyncio
async def test_a_holder_that_was_replaced_can_not_commit(
    database: Database, record: Record
) -> None:
    delivered: list[Event] = []
    slow = Sequencer(database, Leases(database), delivered.extend)
    await slow.turn()
    await record(1)
    usurper = Leases(database, alone=True)
    await usurper.take(LEASE)
    slow.wake()
    with pytest.raises(LeaseLost):
        await slow.drain()
    assert delivered == []
    async with database.read() as conn:
        assert await conn.scalar(sa.select(events.c.position)) is None


@pytest.mark.asyncio
async def test_a_usurper_on_the_same_file_leaves_the_log_whole(
    database: Database, record: Record
) -> None:
    # Two processes on one SQLite file, which no operator should do: they take turns, safely.
    async with another_replica(database) as other:
        one, two = (Leases(each, alone=True) for each in (database, other))
        async with feed_of(database, one, poll=0.05) as first, feed_of(other, two, poll=0.05):
            await asyncio.gather(*(record(*range(5)) for _ in range(8)))
            await eventually(lambda: first.streams.position == 40)
        await assert_in_order(database, 40)


@pytest.mark.asyncio
async def test_another_replica_takes_over_when_the_holder_is_dead(
    database: Database, record: Record
) -> None:
    now = [utc_now()]

    def clock() -> datetime:
        return now[0]

    database.clock = clock
    async with another_replica(database) as other:
        dead = Sequencer(database, Leases(database, alone=False), lambda batch: None)
        await dead.turn()
        assert dead.leads
        async with feed_of(other, Leases(other, alone=False), poll=0.05) as feed:
            await record(1, 2)
            await asyncio.sleep(0.2)
            assert not feed.sequencer.leads
            now[0] += timedelta(seconds=16)
            await eventually(lambda: feed.streams.position == 2)
        dead.wake()
        with pytest.raises(LeaseLost):
            await dead.drain()
        await assert_in_order(other, 2)


@pytest.mark.asyncio
async def test_a_holder_that_stops_hands_over_at_once(database: Database, record: Record) -> None:
    async with another_replica(database) as other:
        async with feed_of(database, Leases(database, alone=False)):
            await record(1)
        async with feed_of(other, Leases(other, alone=False)) as feed:
            await eventually(lambda: feed.sequencer.leads, seconds=2)


@pytest.mark.asyncio
async def test_a_holder_renews_while_nothing_happens(database: Database) -> None:
    leases = Leases(database, alone=False, lasts=timedelta(seconds=0.3))
    async with feed_of(database, leases, poll=0.05) as feed:
        await eventually(lambda: feed.sequencer.leads)
        rival = Leases(database, alone=False)
        for _ in range(10):
            await asyncio.sleep(0.08)
            assert await rival.take(LEASE) is None


@pytest.mark.asyncio
@pytest.mark.postgres
async def test_a_standby_wakes_the_holder_and_gets_the_events_by_notify(
    postgres_url: str,
) -> None:
    upgrade(postgres_url)
    holder, standby = (Database(postgres_url, check=check) for _ in range(2))
    # Polls would take a minute: what arrives came by NOTIFY.
    async with feed_of(holder, poll=60) as first, feed_of(standby, poll=60) as second:
        await eventually(lambda: first.sequencer.leads or second.sequencer.leads)
        stream = second.streams.open("ben")
        await asyncio.sleep(0.3)
        async with standby.write() as transaction:
            await transaction.record(NewEvent("folder.created", "ana", frozenset({"ben"})))
        async with asyncio.timeout(5):
            (event,) = await stream.next()
        assert event.position == 1
    await holder.close()
    await standby.close()


@pytest.mark.asyncio
@pytest.mark.postgres
async def test_listening_goes_on_after_the_connection_was_cut(postgres_url: str) -> None:
    upgrade(postgres_url)
    holder, standby = (Database(postgres_url, check=check) for _ in range(2))
    async with feed_of(holder, poll=60), feed_of(standby, poll=60) as second:
        stream = second.streams.open("ben")
        await asyncio.sleep(0.3)
        async with holder.write() as transaction:
            await transaction.conn.execute(sa.text(
                "select pg_terminate_backend(pid) from pg_stat_activity "
                "where query like 'LISTEN%' and datname = current_database()"
            ))  # fmt: skip
        await asyncio.sleep(1.5)
        async with holder.write() as transaction:
            await transaction.record(NewEvent("folder.created", "ana", frozenset({"ben"})))
        async with asyncio.timeout(5):
            assert len(await stream.next()) == 1
    await holder.close()
    await standby.close()


def writer(url: str, *options: str) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, str(WRITER), url, *options], stdout=subprocess.PIPE)


@pytest.mark.asyncio
@pytest.mark.parametrize("step", STEPS)
async def test_killed_at_a_step_nothing_is_lost_or_doubled(
    database: Database, record: Record, step: str
) -> None:
    url = database.url.render_as_string(hide_password=False)
    done = 0
    for time_of_kill in ("1", "3"):
        process = await asyncio.to_thread(writer, url, "--kill", step, time_of_kill)
        output, _ = await asyncio.to_thread(process.communicate, timeout=60)
        assert process.returncode == -signal.SIGKILL
        done += output.count(COMMITTED)
    async with database.write() as transaction:
        await transaction.conn.execute(sa.text("update leases set expires_at = 0"))
    async with feed_of(database) as feed:
        await eventually(lambda: feed.sequencer.leads)
        await record(0)
        total = await count(database)
        await eventually(lambda: feed.streams.position == total)
    # A commit that the kill overtook may not have been reported; none that was is lost.
    assert done + 1 <= total <= done + 3
    await assert_in_order(database, total)


async def count(database: Database) -> int:
    async with database.read() as conn:
        return await conn.scalar(sa.select(sa.func.count()).select_from(events)) or 0


@pytest.mark.asyncio
@pytest.mark.postgres
@pytest.mark.postgres_all
async def test_several_processes_write_and_one_of_them_dies(postgres_url: str) -> None:
    upgrade(postgres_url)
    database = Database(postgres_url, check=check)
    processes = [writer(postgres_url, "--count", "60") for _ in range(3)]
    victim = writer(postgres_url, "--count", "100000")
    await asyncio.sleep(2.5)
    os.kill(victim.pid, signal.SIGKILL)
    outputs = [await asyncio.to_thread(each.communicate, timeout=60) for each in processes]
    reported = (await asyncio.to_thread(victim.communicate))[0].count(COMMITTED)
    assert [output.count(COMMITTED) for output, _ in outputs] == [60, 60, 60]
    async with database.write() as transaction:
        await transaction.conn.execute(sa.text("update leases set expires_at = 0"))
    async with feed_of(database, poll=0.1) as feed:
        total = await count(database)
        await eventually(lambda: feed.streams.position >= total)
    assert 180 + reported <= total <= 181 + reported
    await assert_in_order(database, total)
    await database.close()
