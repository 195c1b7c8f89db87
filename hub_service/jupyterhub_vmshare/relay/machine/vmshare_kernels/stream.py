"""What both ends of a kernel's channel speak: connections in a stream that outlives its links.

A notebook server and the supervisor on a machine carry the connections of ZeroMQ over one link at
a time. What was not acknowledged is kept, so that after a link's death both go on where they were,
and neither socket notices. No I/O in here: bytes come in, bytes go out. It lies on machines beside
the supervisor, and needs Python alone.

A frame is a kind, a connection and a length, then that many bytes. The first of each direction of
a link is ``HELLO`` (JSON: the version, the session, how many frames have been received). ``ACK``
is about the link as well. All others are counted: the other end has them once, and in order.
"""

import json
import os
import struct
import tempfile
from collections import deque
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, NamedTuple

VERSION = 2
HELLO, ACK, OPEN, DATA, CLOSE, CREDIT, TELL = range(1, 8)
WINDOW = 4 << 20
"""Bytes of one connection that may be under way before the other end has passed them on."""
PIECE = 1 << 18
MOST_TOLD = 1 << 20
MOST_CONNECTIONS = 500
MOST_BACKLOG = 256 << 20
"""Bytes of one connection that are kept (in a file, above the memory) while a link is dead."""
_MEMORY = 4 << 20
_ENOUGH = WINDOW // 4
"""Bytes that are acknowledged, though nothing else is to be said: until then the other end keeps
them. An ``ACK`` alone costs each hop as much as a piece of data does."""
_HEADER = struct.Struct("!BII")
_NUMBER = struct.Struct("!Q")


class Malformed(Exception):
    """The other end does not keep to this; its link is of no use."""


class Frame(NamedTuple):
    """One piece of the stream."""

    kind: int
    connection: int
    payload: bytes

    def told(self) -> dict[str, Any]:
        """What its JSON says. Raises `Malformed`."""
        try:
            found = json.loads(self.payload)
        except ValueError:
            raise Malformed("no JSON") from None
        if not isinstance(found, dict):
            raise Malformed("no object")
        return found


def packed(kind: int, connection: int = 0, payload: bytes = b"") -> bytes:
    """A frame as bytes."""
    return _HEADER.pack(kind, connection, len(payload)) + payload


def packed_hello(**told: Any) -> bytes:
    """The first frame of a link."""
    return packed(HELLO, 0, json.dumps({"version": VERSION, **told}).encode())


class Backlog:
    """Bytes in the order in which they came; those that memory should not hold lie in a file."""

    def __init__(self, where: Path | None = None) -> None:
        self._where = where
        self._memory: deque[bytes] = deque()
        self._in_memory = 0
        self._file: IO[bytes] | None = None
        self._read = self._written = 0

    def __len__(self) -> int:
        return self._in_memory + self._written - self._read

    def append(self, data: bytes) -> None:
        """Keep it, behind all that is here."""
        in_file = self._written > self._read
        if self._where is None or not (in_file or self._in_memory + len(data) > _MEMORY):
            self._memory.append(data)
            self._in_memory += len(data)
            return
        if self._file is None:
            self._file = tempfile.TemporaryFile(dir=self._where, buffering=0)  # noqa: SIM115 (kept open)
        at, left = self._written, memoryview(data)
        while left:
            size = os.pwrite(self._file.fileno(), left, at)
            at, left = at + size, left[size:]
        self._written = at

    def take(self, most: int) -> bytes:
        """The oldest of it, which is not kept any more."""
        if not self._memory:
            self._load()
        if not self._memory:
            return b""
        piece = self._memory.popleft()
        if len(piece) > most:
            self._memory.appendleft(piece[most:])
            piece = piece[:most]
        self._in_memory -= len(piece)
        return piece

    def _load(self) -> None:
        if self._file is None or self._read == self._written:
            return
        piece = os.pread(self._file.fileno(), min(PIECE, self._written - self._read), self._read)
        self._read += len(piece)
        self._memory.append(piece)
        self._in_memory += len(piece)
        if self._read == self._written:
            self._file.truncate(0)
            self._read = self._written = 0

    def close(self) -> None:
        """Let go of the file."""
        self._memory.clear()
        if self._file is not None:
            self._file.close()


class _Connection:
    """What is known of one connection at this end."""

    def __init__(self, where: Path | None) -> None:
        self.backlog = Backlog(where)
        self.may_send = self.may_come = WINDOW
        self.passed_on = 0
        self.is_closing = False


class Stream:
    """One end. ``where`` is a directory for what is too much for the memory while no link is there.

    ``most`` is how many bytes of one connection are kept before `room` says that it is full.
    """

    def __init__(self, session: str, *, where: Path | None = None, most: int = WINDOW) -> None:
        self.session = session
        self.received = 0
        self.is_linked = False
        self._where, self._most = where, most
        self._connections: dict[int, _Connection] = {}
        self._unsent: deque[bytes] = deque()
        self._sent: deque[bytes] = deque()
        self._acknowledged = self._told_received = self._untold = 0
        self._incoming = b""
        self._link = 0
        self._greeted = False

    # --- links ---

    def greeting(self, **more: Any) -> bytes:
        """What a new link begins with; whatever came of a frame on the last one is forgotten."""
        self.cut()
        return packed_hello(session=self.session, received=self.received, **more)

    def cut(self) -> None:
        """The link is dead."""
        self._incoming = b""
        self._link += 1
        self.is_linked = self._greeted = False

    def resume(self, received: Any) -> None:
        """The other end has said how many frames it has: the rest is sent again."""
        if not isinstance(received, int):
            raise Malformed("no number")
        self._forget(received)
        self._unsent.extendleft(reversed(self._sent))
        self._sent.clear()
        self._told_received, self._untold = self.received, 0
        self.is_linked = True

    def _forget(self, received: int) -> None:
        """These need not be kept any more."""
        if not 0 <= received - self._acknowledged <= len(self._sent):
            raise Malformed("frames that were never sent")
        for _ in range(received - self._acknowledged):
            self._sent.popleft()
        self._acknowledged = received

    def outgoing(self, most: int = 4 * PIECE) -> bytes:
        """What goes to the link now, about that much of it."""
        if not self.is_linked:
            return b""
        pieces, size = [], 0
        if self._told_received != self.received and (self._unsent or self._untold >= _ENOUGH):
            pieces.append(packed(ACK, 0, _NUMBER.pack(self.received)))
            self._told_received, self._untold = self.received, 0
        while self._unsent and size < most:
            frame = self._unsent.popleft()
            self._sent.append(frame)
            pieces.append(frame)
            size += len(frame)
        return b"".join(pieces)

    # --- what comes ---

    def feed(self, data: bytes) -> Iterator[Frame]:
        """What the link brought: ``HELLO``, ``OPEN``, ``DATA``, ``CLOSE`` and ``TELL``.

        Raises `Malformed`.
        """
        here, at, link = self._incoming + data if self._incoming else data, 0, self._link
        self._incoming = b""
        while len(here) - at >= _HEADER.size:
            kind, connection, length = _HEADER.unpack_from(here, at)
            if length > (PIECE if kind == DATA else MOST_TOLD) or (kind == HELLO) == self._greeted:
                raise Malformed("no frame of these")
            begin = at + _HEADER.size
            if len(here) < begin + length:
                break
            at = begin + length
            frame = Frame(kind, connection, here[begin:at])
            if self._is_for_us(frame):
                yield frame
                if link != self._link:  # cut for what it said: the rest is sent again
                    return
        self._incoming = here[at:]

    def _is_for_us(self, frame: Frame) -> bool:
        """Count it, and do what is the stream's own to do."""
        if frame.kind == HELLO:
            self._greeted = True
            return True
        if frame.kind == ACK:
            self._forget(_number(frame))
            return False
        self.received += 1
        self._untold += _HEADER.size + len(frame.payload)
        known = self._connections.get(frame.connection)
        match frame.kind:
            case 3:  # OPEN
                self._begin(frame.connection)
            case 4 if known is not None:  # DATA
                known.may_come -= len(frame.payload)
                if known.may_come < 0:
                    raise Malformed("more than was allowed")
            case 5 if known is not None:  # CLOSE
                self._end(frame.connection)
            case 6 if known is not None:  # CREDIT
                self._allow(frame.connection, known, _number(frame))
            case 7:  # TELL
                return True
        return frame.kind != CREDIT and (known is not None or frame.kind == OPEN)

    def _begin(self, connection: int) -> None:
        if connection in self._connections or len(self._connections) >= MOST_CONNECTIONS:
            raise Malformed("no connection to open")
        self._connections[connection] = _Connection(self._where)

    def _end(self, connection: int) -> None:
        self._connections.pop(connection).backlog.close()

    def _allow(self, connection: int, known: _Connection, more: int) -> None:
        known.may_send += more
        if known.may_send > WINDOW:
            raise Malformed("more than was taken")
        self._move(connection, known)

    # --- what goes ---

    def open(self, connection: int, port: int) -> None:
        """A new connection, whose number was never another's, to that port of the kernel."""
        self._begin(connection)
        self._unsent.append(packed(OPEN, connection, _NUMBER.pack(port)))

    def send(self, connection: int, data: bytes) -> None:
        """Bytes of a connection; after `close` of either end they go nowhere."""
        known = self._connections.get(connection)
        if known is not None and not known.is_closing:
            known.backlog.append(data)
            self._move(connection, known)

    def room(self, connection: int) -> int:
        """How many bytes of it may be taken now."""
        known = self._connections.get(connection)
        return 0 if known is None else max(0, self._most - len(known.backlog))

    def passed_on(self, connection: int, size: int) -> None:
        """So many bytes that came are not in memory any more."""
        known = self._connections.get(connection)
        if known is None:
            return
        known.passed_on += size
        if known.passed_on * 4 >= WINDOW:
            self._unsent.append(packed(CREDIT, connection, _NUMBER.pack(known.passed_on)))
            known.may_come += known.passed_on
            known.passed_on = 0

    def close(self, connection: int) -> None:
        """Nothing more comes of it; what was sent goes first."""
        known = self._connections.get(connection)
        if known is not None and not known.is_closing:
            known.is_closing = True
            self._move(connection, known)

    def tell(self, **told: Any) -> None:
        """An order, an answer or news."""
        self._unsent.append(packed(TELL, 0, json.dumps(told).encode()))

    def _move(self, connection: int, known: _Connection) -> None:
        """From the backlog to the link, as far as the other end allows."""
        while known.may_send and (piece := known.backlog.take(min(PIECE, known.may_send))):
            known.may_send -= len(piece)
            self._unsent.append(packed(DATA, connection, piece))
        if known.is_closing and not len(known.backlog):
            self._end(connection)
            self._unsent.append(packed(CLOSE, connection))

    def end(self) -> None:
        """Let go of all that is kept."""
        for connection in list(self._connections):
            self._end(connection)


def _number(frame: Frame) -> int:
    try:
        return int(_NUMBER.unpack(frame.payload)[0])
    except struct.error:
        raise Malformed("no number") from None


def port_of(frame: Frame) -> int:
    """Where an ``OPEN`` leads. Raises `Malformed`."""
    return _number(frame)
