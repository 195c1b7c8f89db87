"""The caller's events: a page of the past, and a stream that goes on."""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Sequence

from tornado.iostream import StreamClosedError

from jupyterhub_vmshare.api.contract.base import Told
from jupyterhub_vmshare.api.contract.events import (
    MAX_POSITION,
    EventsAsked,
    EventsPage,
    EventView,
    StreamAsked,
    StreamStart,
)
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.audit import log
from jupyterhub_vmshare.audit.chain import Event
from jupyterhub_vmshare.audit.streams import Stream, StreamClosed, Streams
from jupyterhub_vmshare.errors import (
    Forbidden,
    HubUnreachable,
    Malformed,
    NotSignedIn,
    ServiceStopping,
    TooMany,
)

STREAMS_A_PERSON = 50
STALLED_SECONDS = 30.0
"""How long a client may leave what was sent unread."""


class Events(Route):
    """What happened to the caller."""

    path = "/events"

    @operation("service.read_own_events", query=EventsAsked, gives=EventsPage)
    async def get(self) -> None:
        """The caller's events, newest first."""
        asked = self.query(EventsAsked)
        async with self.rooms.db.read() as conn:
            head, _ = await log.head(conn)
            name, limit = self.caller.name, asked.limit
            found = await log.page_backward(
                conn, name, asked.before, limit + 1, log.Only(asked.thing, asked.since, asked.until)
            )
        items = [view(event) for event in found[:limit]]
        following = str(items[-1].position) if len(found) > limit else None
        self.reply(200, EventsPage(items=items, position=head, next=following))


class EventStream(Route):
    """Server-sent events."""

    path = "/events/stream"
    # EventSource can't send headers.
    xsrf_in_query = True
    _stream: Stream | None = None

    @operation("service.read_own_events", query=StreamAsked, raw_out="text/event-stream")
    async def get(self) -> None:
        """The caller's events as they happen, from a position on (`Last-Event-ID`, `after`)."""
        after = self._asked_position()
        streams: Streams = self.rooms.streams
        if streams.count(self.caller.name) >= STREAMS_A_PERSON:
            raise TooMany("You have too many event streams open at once.", retry_after=30)
        if after is not None and after > streams.position:
            # Another replica may have been ahead of this one.
            await streams.read_new()
        known = after is None or after <= streams.position
        try:
            self._stream = streams.open(self.caller.name, after if known else None)
        except StreamClosed:
            raise ServiceStopping from None
        self._asked = time.monotonic()
        try:
            await self._begin("ready" if known else "reset", self._stream.cursor, streams.position)
            await self._follow(self._stream)
        except (StreamClosed, StreamClosedError, TimeoutError):
            pass  # the client went, stopped reading, or the service stops
        finally:
            self._stream.close()

    def on_connection_close(self) -> None:
        """The client went."""
        if self._stream is not None:
            self._stream.close()

    def _asked_position(self) -> int | None:
        asked = self.query(StreamAsked)
        last = self.request.headers.get("Last-Event-ID")
        if not last:
            return asked.after
        if re.fullmatch("[0-9]{1,16}", last) is None or int(last) > MAX_POSITION:
            raise Malformed("Last-Event-ID is no position of this stream.")
        return int(last)

    async def _begin(self, name: str, cursor: int, head: int) -> None:
        self.set_header("Content-Type", "text/event-stream; charset=utf-8")
        # nginx would collect a stream before it passes it on.
        self.set_header("X-Accel-Buffering", "no")
        await self._send_now(frame(cursor, name, StreamStart(position=head)))

    async def _follow(self, stream: Stream) -> None:
        while True:
            events = await stream.next()
            if not await self._still_allowed(stream, events):
                return
            await self._send_now(b"".join(map(rendered, events)) or b": beat\n\n")

    async def _send_now(self, data: bytes) -> None:
        self.write(data)
        sent = self.flush()
        if not sent.done():
            # A queue is bounded, and so must be what a client leaves unread.
            await asyncio.wait_for(sent, STALLED_SECONDS)

    async def _still_allowed(self, stream: Stream, events: Sequence[Event]) -> bool:
        watch = self.rooms.streams.watch
        if not (watch.must_ask(self._asked) if events else watch.may_ask(self._asked)):
            return True
        while not stream.closed:
            try:
                async with watch.turn:
                    caller = await self.rooms.identity.caller(self, fresh=True)
            except (NotSignedIn, Forbidden):
                return False
            except HubUnreachable:
                if not events:
                    return True
                # Held back, not lost: the stream's past is in the database.
                await asyncio.sleep(1)
            else:
                self._asked = time.monotonic()
                return bool(caller.name == stream.person)
        return False


def view(event: Event) -> EventView:
    """An event as it goes over the wire."""
    return EventView(
        position=event.position,
        type=event.type,
        at=event.at,
        actor=event.actor,
        thing_id=event.thing_id,
        thing_name=event.thing_name,
        data=dict(event.data),
    )


def frame(position: int, name: str, told: Told) -> bytes:
    """A server-sent event. JSON has no line breaks, so it is one line of data."""
    return f"id: {position}\nevent: {name}\ndata: {told.model_dump_json()}\n\n".encode()


def rendered(event: Event) -> bytes:
    """An event's frame, made once for all streams."""
    if not event.frame:
        event.frame = frame(event.position, event.type, view(event))
    return event.frame
