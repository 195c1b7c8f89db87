"""Fanning events out to the streams of one process.

New events come in once for all streams (from the sequencer, or by one query when another replica
sequenced them) and are handed to the streams of the persons concerned. A stream that starts, or
has fallen behind, reads its past from the database; it listens first, so that nothing falls between
past and present.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable, Sequence
from math import ceil

import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jupyterhub_vmshare.audit import log
from jupyterhub_vmshare.audit.chain import Event
from jupyterhub_vmshare.audit.watch import Watch
from jupyterhub_vmshare.db.database import Database

QUEUE = 100
PAGE = 100
READ = 500
# Streams that reconnect all at once must leave the readers of the database to requests.
CATCH_UPS_AT_ONCE = 2

_log = structlog.get_logger("vmshare.streams")


class StreamClosed(Exception):
    """The stream was closed: by its listener, or because the service stops."""


class Stream:
    """One listener's events, in order of position and each once.

    ``cursor`` is the position up to which everything has been handed out. What the person may see
    of ``cursor < position <= target`` is read from the database, what comes after is in the queue;
    without a target the stream has yet to begin, or to begin again because its queue ran over.
    """

    __slots__ = ("_closed", "_queue", "_streams", "_target", "_waiter", "cursor", "person")

    def __init__(self, streams: Streams, person: str, after: int) -> None:
        self.person = person
        self.cursor = after
        self._streams = streams
        self._target: int | None = None
        # Most streams are idle: even an empty list would cost each of them 56 bytes.
        self._queue: list[Event] | None = None
        self._waiter: asyncio.Future[None] | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        """Whether the stream has ended."""
        return self._closed

    async def next(self) -> Sequence[Event]:
        """The next events; none at all is a beat. Raises ``StreamClosed`` once closed."""
        while not self._closed:
            if self._target is None:
                self._target = self._streams.position
            if self.cursor < self._target:
                if past := await self._past(self._target):
                    return past
            elif self._queue:
                return self._take()
            elif await self._beaten():
                return ()
        raise StreamClosed

    def offer(self, event: Event) -> None:
        """Take an event that has just got its position."""
        if self._target is None:
            return
        if self._queue is None:
            self._queue = []
        self._queue.append(event)
        if len(self._queue) > QUEUE:
            # Too slow for live: memory stays bounded, the database has it all.
            self._queue = self._target = None
        self._wake()

    def beat(self) -> None:
        """Have a waiting listener send something, to keep its connection open."""
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """End the stream; a waiting ``next`` raises ``StreamClosed`` at once."""
        self._closed = True
        self._streams.forget(self)
        self._wake()

    async def _past(self, target: int) -> Sequence[Event]:
        page = await self._streams.past(self.person, self.cursor, target)
        self.cursor = page[-1].position if len(page) == PAGE else target
        return page

    def _take(self) -> Sequence[Event]:
        events, self._queue = self._queue or [], None
        self.cursor = events[-1].position
        return events

    async def _beaten(self) -> bool:
        self._waiter = asyncio.get_running_loop().create_future()
        try:
            await self._waiter
        finally:
            self._waiter = None
        return not (self._closed or self._queue or self._target is None)

    def _wake(self) -> None:
        self.beat()


class Streams:
    """All streams of this process. ``heartbeat`` is the seconds between two beats of a stream."""

    def __init__(self, database: Database, *, heartbeat: float = 8.0, poll: float = 2.0) -> None:
        self._database = database
        self.watch = Watch()
        self.heartbeat = heartbeat
        self._poll = poll
        self._by_person: dict[str, set[Stream]] = {}
        self._catching_up = asyncio.Semaphore(CATCH_UPS_AT_ONCE)
        self._look = asyncio.Event()
        self._stopped = False
        self.position = 0
        """Everything up to here has been handed to the streams."""
        self.open_streams = 0
        self.delivered: list[Callable[[Sequence[Event]], None]] = []
        """Called with events that got their positions, whichever process recorded them."""

    async def start(self) -> None:
        """Begin at the head; call it before any stream is opened."""
        async with self._database.read() as conn:
            self.position, _ = await log.head(conn)

    def open(self, person: str, after: int | None = None) -> Stream:
        """A stream of what ``person`` may see after a position (``None``: from now on)."""
        if self._stopped:
            raise StreamClosed
        stream = Stream(self, person, self.position if after is None else after)
        self._by_person.setdefault(person, set()).add(stream)
        self.open_streams += 1
        return stream

    def count(self, person: str) -> int:
        """How many streams a person has open here."""
        return len(self._by_person.get(person, ()))

    def forget(self, stream: Stream) -> None:
        """Hand the stream nothing more. Harmless when it is forgotten already."""
        streams = self._by_person.get(stream.person, set())
        if stream not in streams:
            return
        streams.remove(stream)
        self.open_streams -= 1
        if not streams:
            del self._by_person[stream.person]

    def deliver(self, batch: Sequence[Event]) -> None:
        """Hand out events that follow on what was handed out; after a gap, read it instead."""
        if batch and batch[0].position > self.position + 1:
            self.look()
            return
        # No await in here: a stream that begins meanwhile would miss or double an event.
        for event in batch:
            if event.position > self.position:
                self.position = event.position
                for person in event.audience:
                    for stream in self._by_person.get(person, ()):
                        stream.offer(event)
        for hear in self.delivered:
            hear(batch)

    def look(self) -> None:
        """There are new events that another process sequenced."""
        self._look.set()

    async def read_new(self) -> None:
        """Read and hand out what got a position elsewhere."""
        while True:
            async with self._database.read() as conn:
                batch = await log.after(conn, self.position, READ)
            self.deliver(batch)
            if len(batch) < READ:
                return

    async def past(self, person: str, after: int, up_to: int) -> Sequence[Event]:
        """One page of what a person may see between two positions."""
        async with self._catching_up, self._database.read() as conn:
            return await log.page_forward(conn, person, after, up_to, PAGE)

    async def run(self) -> None:
        """Read what others sequenced, whenever told to look and every ``poll`` seconds."""
        while not self._stopped:
            self._look.clear()
            try:
                await self.read_new()
            except (DBAPIError, InterfaceError, PoolTimeout, OSError) as error:
                _log.error("database_trouble", error=type(error).__name__)
                await asyncio.sleep(self._poll)
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._look.wait(), self._poll)

    async def run_beats(self) -> None:
        """Beat every stream once a heartbeat, a few at a time rather than all at once."""
        slices = max(1, round(self.heartbeat * 4))
        while not self._stopped:
            streams = [stream for several in self._by_person.values() for stream in several]
            size = ceil(len(streams) / slices)
            for place in range(slices):
                for stream in streams[place * size : (place + 1) * size]:
                    stream.beat()
                await asyncio.sleep(self.heartbeat / slices)

    def stop(self) -> None:
        """Close every stream, and open no more."""
        self._stopped = True
        self._look.set()
        for stream in [stream for several in self._by_person.values() for stream in several]:
            stream.close()
