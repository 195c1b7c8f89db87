"""Streams hand out every event of their person once and in order, whatever happens between."""

from __future__ import annotations

import asyncio
import gc
import tempfile
import tracemalloc
from collections.abc import Sequence
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from jupyterhub_vmshare.audit.catalogue import check
from jupyterhub_vmshare.audit.chain import Event
from jupyterhub_vmshare.audit.sequencer import Sequencer
from jupyterhub_vmshare.audit.streams import QUEUE, Stream, StreamClosed, Streams
from jupyterhub_vmshare.db.database import Database, NewEvent
from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.db.upgrade import upgrade

from .conftest import Record

PEOPLE = ("ana", "ben", "cleo")


async def now(stream: Stream) -> Sequence[Event]:
    """What the stream has to give without waiting; nothing at all if it would wait."""
    reading = asyncio.ensure_future(stream.next())
    while not reading.done():
        if stream._waiter is not None:
            stream.beat()
        await asyncio.sleep(0)
    return reading.result()


async def all_now(stream: Stream) -> list[int]:
    found: list[int] = []
    while events := await now(stream):
        found += [event.position for event in events]
    return found


class World:
    """A database with a sequencer, its streams, and a second replica that only reads."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.local = Streams(database)
        self.remote = Streams(database)
        self.sequencer = Sequencer(database, Leases(database), self.local.deliver)

    async def happen(self, *audiences: frozenset[str]) -> None:
        """One transaction with an event for each audience."""
        async with self.database.write() as transaction:
            for audience in audiences:
                await transaction.record(NewEvent("folder.created", None, audience))


@pytest.mark.asyncio
async def test_a_fresh_stream_begins_now(database: Database, record: Record) -> None:
    world = World(database)
    await record(1, 2)
    await world.sequencer.turn()
    await world.local.start()
    stream = world.local.open("ana")
    assert await all_now(stream) == []
    await record(3)
    await world.sequencer.drain()
    assert await all_now(stream) == [3]


@pytest.mark.asyncio
async def test_each_person_gets_their_own_events_only(database: Database) -> None:
    world = World(database)
    await world.local.start()
    streams = {name: world.local.open(name) for name in PEOPLE}
    await world.happen(frozenset({"ana"}), frozenset({"ana", "ben"}), frozenset())
    await world.sequencer.turn()
    assert await all_now(streams["ana"]) == [1, 2]
    assert await all_now(streams["ben"]) == [2]
    assert await all_now(streams["cleo"]) == []
    # From the past as well.
    assert await all_now(world.local.open("ben", 0)) == [2]
    assert await all_now(world.local.open("cleo", 0)) == []


@pytest.mark.asyncio
async def test_a_slow_listener_catches_up_from_the_database(database: Database) -> None:
    world = World(database)
    await world.local.start()
    stream = world.local.open("ana")
    assert await now(stream) == ()
    for _ in range(5):
        await world.happen(*[frozenset({"ana"})] * 100)
        await world.sequencer.turn()
        assert len(stream._queue or ()) <= QUEUE
    assert await all_now(stream) == list(range(1, 501))


@pytest.mark.asyncio
async def test_what_happens_during_a_catch_up_comes_after_it(
    database: Database, record: Record
) -> None:
    world = World(database)
    await record(*range(3))
    await world.sequencer.turn()
    await world.local.start()
    stream = world.local.open("ana", 0)
    reading = asyncio.ensure_future(stream.next())
    await asyncio.sleep(0)  # it has begun to read its past
    await record(3, 4)
    await world.sequencer.turn()
    found = [event.position for event in await reading]
    assert found + await all_now(stream) == [1, 2, 3, 4, 5]


@pytest.mark.asyncio
async def test_a_gap_is_read_rather_than_skipped(database: Database, record: Record) -> None:
    world = World(database)
    await world.local.start()
    stream = world.local.open("ana")
    await now(stream)
    await record(1, 2, 3)
    lost: list[Event] = []
    await Sequencer(database, Leases(database, alone=True), lost.extend).turn()
    world.local.deliver(lost[2:])
    assert await all_now(stream) == []
    assert world.local._look.is_set()
    await world.local.read_new()
    assert await all_now(stream) == [1, 2, 3]
    world.local.deliver(lost)
    assert await all_now(stream) == []


@pytest.mark.asyncio
async def test_a_closed_stream_ends_at_once_and_is_forgotten(database: Database) -> None:
    streams = Streams(database)
    stream = streams.open("ana")
    waiting = asyncio.ensure_future(stream.next())
    await asyncio.sleep(0.05)
    streams.stop()
    with pytest.raises(StreamClosed):
        await waiting
    assert (streams.open_streams, streams.count("ana")) == (0, 0)
    with pytest.raises(StreamClosed):
        streams.open("ana")


@pytest.mark.asyncio
async def test_every_stream_is_beaten_once_a_heartbeat(database: Database) -> None:
    streams = Streams(database, heartbeat=0.5)
    beats = dict.fromkeys(range(40), 0)

    async def listen(number: int, stream: Stream) -> None:
        while await stream.next() == ():
            beats[number] += 1

    listeners = [
        asyncio.ensure_future(listen(number, streams.open(f"person{number % 7}")))
        for number in beats
    ]
    beating = asyncio.create_task(streams.run_beats())
    await asyncio.sleep(1.6)
    beating.cancel()
    streams.stop()
    await asyncio.gather(*listeners, return_exceptions=True)
    assert all(2 <= count <= 4 for count in beats.values())


@pytest.mark.asyncio
async def test_two_thousand_idle_streams_are_small(sqlite_url: str) -> None:
    upgrade(sqlite_url)
    database = Database(sqlite_url)
    streams = Streams(database)
    gc.collect()
    tracemalloc.start()
    before, _ = tracemalloc.get_traced_memory()
    waiting = [
        asyncio.ensure_future(streams.open(f"person{number}").next()) for number in range(2000)
    ]
    await asyncio.sleep(0.1)
    gc.collect()
    after, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    streams.stop()
    await asyncio.gather(*waiting, return_exceptions=True)
    await database.close()
    # Without its connection, which is tornado's.
    assert (after - before) / 2000 < 3000


_AUDIENCE = st.frozensets(st.sampled_from(PEOPLE))
_STEP = st.one_of(
    st.tuples(st.just("happen"), st.lists(_AUDIENCE, min_size=1, max_size=4)),
    st.tuples(st.just("burst"), st.sampled_from(PEOPLE)),
    st.tuples(st.just("sequence"), st.none()),
    st.tuples(st.just("remote reads"), st.none()),
    st.tuples(st.just("read"), st.integers(0, 3)),
    st.tuples(st.just("start reading"), st.integers(0, 3)),
    st.tuples(st.just("disconnect"), st.tuples(st.integers(0, 3), st.booleans())),
)


class Listener:
    """A client that remembers what it got, and comes again where it left off."""

    def __init__(self, person: str, streams: Streams) -> None:
        self.person = person
        self.got: list[int] = []
        self.last = 0
        self.stream = streams.open(person, 0)
        self.reading: asyncio.Future[Sequence[Event]] | None = None

    async def read(self) -> None:
        await self.finish_reading()
        self.take(await now(self.stream))

    async def start_reading(self) -> None:
        if self.reading is None:
            self.reading = asyncio.ensure_future(self.stream.next())
            await asyncio.sleep(0)

    async def finish_reading(self) -> None:
        if self.reading is not None:
            while not self.reading.done():
                self.stream.beat()
                await asyncio.sleep(0)
            self.take(self.reading.result())
            self.reading = None

    def take(self, events: Sequence[Event]) -> None:
        self.got += [event.position for event in events]
        self.last = self.got[-1] if self.got else 0

    async def come_again(self, streams: Streams) -> None:
        # What was under way is lost with the connection: it was handed out, but never arrived.
        if self.reading is not None:
            self.reading.cancel()
            await asyncio.gather(self.reading, return_exceptions=True)
            self.reading = None
        self.stream.close()
        if self.last > streams.position:
            await streams.read_new()
        self.stream = streams.open(self.person, self.last)


async def play(steps: list[tuple[str, object]], url: str) -> None:
    upgrade(url)
    database = Database(url, check=check)
    world = World(database)
    await world.local.start()
    await world.remote.start()
    listeners = [
        Listener("ana", world.local),
        Listener("ben", world.local),
        Listener("ben", world.remote),
        Listener("cleo", world.remote),
    ]
    model: list[frozenset[str]] = []
    for step in [*steps, ("sequence", None), ("remote reads", None)]:
        await perform(step, world, listeners, model)
    for listener in listeners:
        await listener.finish_reading()
        while listener.stream.cursor < len(model) and (events := await now(listener.stream)):
            listener.take(events)
        mine = [place for place, who in enumerate(model, 1) if listener.person in who]
        assert listener.got == mine
    await database.close()


async def perform(
    step: tuple[str, object],
    world: World,
    listeners: list[Listener],
    model: list[frozenset[str]],
) -> None:
    match step:
        case ("happen", list(audiences)):
            await world.happen(*audiences)
            model += audiences
        case ("burst", str(person)):
            await world.happen(*[frozenset({person})] * 130)
            model += [frozenset({person})] * 130
        case ("sequence", _):
            await world.sequencer.turn()
        case ("remote reads", _):
            await world.remote.read_new()
        case ("read", int(which)):
            await listeners[which].read()
        case ("start reading", int(which)):
            await listeners[which].start_reading()
        case ("disconnect", (int(which), bool(to_remote))):
            await listeners[which].come_again(world.remote if to_remote else world.local)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(steps=st.lists(_STEP, min_size=5, max_size=40))
def test_random_disconnects_skip_and_double_nothing(steps: list[tuple[str, object]]) -> None:
    with tempfile.TemporaryDirectory() as where:
        asyncio.run(play(steps, f"sqlite:///{Path(where) / 'db'}"))
