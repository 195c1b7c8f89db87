"""Carries local connections over a link, at both ends of a kernel's channel, on asyncio's loop.

Nothing is read that there is no place for, so that a window of each connection is in memory at
most. It lies on machines beside the supervisor, and needs Python alone.
"""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, Protocol

from . import stream as wire
from .stream import Frame, Malformed, Stream


class Link(Protocol):
    """What a carrier writes to; what comes is brought to `Carrier.came`."""

    @property
    def is_full(self) -> bool:
        """Whether it has enough to write; `Carrier.flush` is called when it has not any more."""

    def write(self, data: bytes) -> None:
        """Towards the other end."""

    def close(self) -> None:
        """It is of no use any more."""


class Pump:
    """Descriptors that are read as far as there is room, and written as far as they take it.

    Args:
        source: Read from.
        target: Written to; may be the same.
        got: What was read.
        gone: The other end has closed, or broken off, or has taken all after `finish`; called once.
        room: How many bytes may be read now.
        wrote: So many bytes were written.
    """

    def __init__(
        self,
        source: int,
        target: int,
        *,
        got: Callable[[bytes], None],
        gone: Callable[[], None],
        room: Callable[[], int] = lambda: wire.PIECE,
        wrote: Callable[[int], None] = lambda _: None,
    ) -> None:
        self._source, self._target = source, target
        self._got, self._gone, self._room, self._wrote = got, gone, room, wrote
        self._pending: deque[memoryview] = deque()
        self._loop = asyncio.get_running_loop()
        self._is_reading = self._is_writing = self._is_closed = self._is_last = False
        for each in (source, target):
            os.set_blocking(each, False)
        self.look()

    @property
    def is_full(self) -> bool:
        return bool(self._pending)

    def look(self) -> None:
        """Read on if there is room again, and not if there is none."""
        wanted = not self._is_closed and (self._is_last or self._room() > 0)
        if wanted and not self._is_reading:
            self._loop.add_reader(self._source, self._readable)
        elif not wanted and self._is_reading:
            self._loop.remove_reader(self._source)
        self._is_reading = wanted

    def _readable(self) -> None:
        try:
            room = wire.PIECE if self._is_last else max(1, self._room())
            data = os.read(self._source, min(wire.PIECE, room))
        except (BlockingIOError, InterruptedError):
            return
        except OSError:
            data = b""
        if not data:
            self.fail()
            return
        if not self._is_last:
            self._got(data)
            self.look()

    def write(self, data: bytes) -> None:
        """Now, or as soon as it is taken."""
        if not self._is_closed and data:
            self._pending.append(memoryview(data))
            if not self._is_writing:
                self._writable()

    def _writable(self) -> None:
        written = 0
        try:
            while self._pending:
                size = os.write(self._target, self._pending[0])
                written += size
                if size == len(self._pending[0]):
                    self._pending.popleft()
                else:
                    self._pending[0] = self._pending[0][size:]
        except (BlockingIOError, InterruptedError):
            pass
        except OSError:
            self.fail()
            return
        self._write_on(bool(self._pending))
        if written:
            self._wrote(written)
        if self._is_last and not self._pending:
            self._half_close()

    def _write_on(self, wanted: bool) -> None:
        if wanted and not self._is_writing:
            self._loop.add_writer(self._target, self._writable)
        elif not wanted and self._is_writing:
            self._loop.remove_writer(self._target)
        self._is_writing = wanted

    def fail(self) -> None:
        """It is over, and whoever waits for it is told."""
        if not self._is_closed:
            self.close()
            self._gone()

    def finish(self) -> None:
        """Let go of the socket as soon as all was taken; what still comes goes nowhere."""
        if self._is_closed or self._is_last:
            return
        self._is_last = True
        self.look()
        if not self._pending:
            self._half_close()

    def _half_close(self) -> None:
        """All was written; the other end closes when it has read it."""
        try:
            with socket.socket(fileno=os.dup(self._target)) as target:
                target.shutdown(socket.SHUT_WR)
        except OSError:
            self.fail()

    def close(self) -> None:
        """Let go of it; what was not taken yet is lost."""
        if self._is_closed:
            return
        self._is_closed = True
        self.look()
        self._write_on(False)
        self._pending.clear()
        for each in {self._source, self._target}:
            os.close(each)


class Carrier:
    """One end of a kernel's channel.

    Args:
        stream: What it speaks.
        told: Orders, answers and news of the other end.
        greeted: What the first frame of a link says.
        opened: A connection that the other end opens, and to which port.
        heard: What comes for a connection.
        whole: All that the other end had for a connection has come.
        taken: More was taken of what came for a connection.
        over: A connection that has ended, for whatever reason; all that came was taken then, unless
            it was broken off here.
    """

    def __init__(
        self,
        stream: Stream,
        *,
        told: Callable[[dict[str, Any]], None],
        greeted: Callable[[dict[str, Any]], None],
        opened: Callable[[int, int], None] | None = None,
        heard: Callable[[int, bytes], None] = lambda _connection, _data: None,
        whole: Callable[[int], None] = lambda _connection: None,
        taken: Callable[[int], None] = lambda _connection: None,
        over: Callable[[int], None] = lambda _connection: None,
    ) -> None:
        self.stream = stream
        self._heard, self._whole, self._taken, self._over = heard, whole, taken, over
        self._told, self._greeted, self._opened = told, greeted, opened
        self._pumps: dict[int, Pump] = {}
        self._early: dict[int, list[bytes]] = {}
        self._link: Link | None = None

    # --- the link ---

    def attach(self, link: Link, **greeting: Any) -> None:
        """From now on it goes over this one."""
        self.detach()
        self._link = link
        link.write(self.stream.greeting(**greeting))

    def detach(self) -> None:
        """There is no link; what comes meanwhile is kept."""
        link, self._link = self._link, None
        self.stream.cut()
        if link is not None:
            link.close()

    @property
    def is_attached(self) -> bool:
        """Whether there is a link, as far as is known."""
        return self._link is not None

    def came(self, data: bytes) -> None:
        """What the link brought. Raises `Malformed`."""
        for frame in self.stream.feed(data):
            self._take(frame)
        self.flush()
        # What was acknowledged or allowed makes room.
        for pump in list(self._pumps.values()):
            pump.look()

    def _take(self, frame: Frame) -> None:
        match frame.kind:
            case wire.HELLO:
                told = frame.told()
                self._greeted(told)
                self.stream.resume(told.get("received"))
            case wire.TELL:
                self._told(frame.told())
            case wire.OPEN if self._opened is not None:
                self._early[frame.connection] = []
                self._opened(frame.connection, wire.port_of(frame))
            case wire.OPEN:
                raise Malformed("no connection is opened from there")
            case wire.DATA if frame.connection in self._pumps:
                self._pumps[frame.connection].write(frame.payload)
                self._heard(frame.connection, frame.payload)
            case wire.DATA if frame.connection in self._early:
                self._early[frame.connection].append(frame.payload)
            case wire.CLOSE:
                self._whole(frame.connection)
                self.finish(frame.connection)

    def flush(self) -> None:
        """Give the link what it takes."""
        while self._link is not None and not self._link.is_full:
            data = self.stream.outgoing()
            if not data:
                return
            self._link.write(data)

    def tell(self, **told: Any) -> None:
        """To the other end; after a link's death as soon as there is another."""
        self.stream.tell(**told)
        self.flush()

    # --- connections ---

    def carry(self, connection: int, found: socket.socket) -> None:
        """Take a local socket as the connection's end here."""

        def got(data: bytes) -> None:
            self.stream.send(connection, data)
            self.flush()

        def gone() -> None:
            self._let_go(connection)
            self.stream.close(connection)
            self.flush()

        def wrote(size: int) -> None:
            self.stream.passed_on(connection, size)
            self._taken(connection)
            self.flush()

        descriptor = found.detach()
        self._pumps[connection] = pump = Pump(
            descriptor,
            descriptor,
            got=got,
            gone=gone,
            room=lambda: self.stream.room(connection),
            wrote=wrote,
        )
        for data in self._early.pop(connection, ()):
            pump.write(data)

    def is_wanted(self, connection: int) -> bool:
        """Whether a connection that was opened still waits for its end here."""
        return connection in self._early

    def finish(self, connection: int) -> None:
        """There is nothing more to come for it: it ends when all that came was taken."""
        self._early.pop(connection, None)
        if (pump := self._pumps.get(connection)) is not None:
            pump.finish()

    def _let_go(self, connection: int) -> None:
        self._early.pop(connection, None)
        pump = self._pumps.pop(connection, None)
        if pump is not None:
            pump.close()
            self._over(connection)

    def end(self) -> None:
        """Close everything."""
        self.detach()
        for connection in [*self._pumps, *self._early]:
            self._let_go(connection)
        self.stream.end()


async def connected(path: str) -> socket.socket | None:
    """A connection to a socket in a directory; None while nobody listens there."""
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(found, path)
    except OSError:
        found.close()
        return None
    except BaseException:
        with contextlib.suppress(OSError):
            found.close()
        raise
    return found
