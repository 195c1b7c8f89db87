"""Which cell runs, as what the kernel publishes on iopub says it.

The bytes of ZeroMQ pass by here on their way to a client: small frames are looked at, and long ones
counted past (https://rfc.zeromq.org/spec/23/).
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, Final

_GREETING: Final = 64
_MORE, _LONG, _COMMAND = 1, 2, 4
_LONGEST: Final = 1 << 14
"""Of a frame that is looked at; headers are a few hundred bytes."""
_DELIMITER: Final = b"<IDS|MSG>"
_STATUS: Final = b'"status"'
_REMEMBERED: Final = 50


class Messages:
    """The messages of one connection, without the frames that are too long to matter."""

    def __init__(self) -> None:
        self._rest = bytearray()
        self._skip = _GREETING
        self._frames: list[bytes] = []

    def feed(self, data: bytes) -> Iterator[list[bytes]]:
        """Those that are whole with these bytes; a long frame is empty in them."""
        if self._skip >= len(data):
            self._skip -= len(data)
            return
        self._rest += data[self._skip :] if self._skip else data
        self._skip, at = 0, 0
        while (found := self._frame(at)) is not None:
            flags, frame, at = found
            if flags & _COMMAND:
                continue
            self._frames.append(frame)
            if not flags & _MORE:
                yield self._frames
                self._frames = []
        self._skip = max(0, at - len(self._rest))
        del self._rest[:at]

    def _frame(self, at: int) -> tuple[int, bytes, int] | None:
        """The flags and the bytes of the one there, and where the next begins."""
        rest = self._rest
        if len(rest) < at + 2:
            return None
        flags, size, head = rest[at], rest[at + 1], 2
        if flags & _LONG:
            size, head = int.from_bytes(rest[at + 1 : at + 9]), 9
            if len(rest) < at + head:
                return None
        end = at + head + size
        if size > _LONGEST:
            return flags, b"", end
        return None if len(rest) < end else (flags, bytes(rest[at + head : end]), end)


class Cells:
    """Those that run, as all clients' connections together tell."""

    def __init__(self) -> None:
        self._messages: dict[int, Messages] = {}
        self._running: dict[str, dict[str, Any]] = {}
        self._done: dict[str, None] = {}
        self.session = ""
        """What the kernel calls its own."""

    @property
    def running(self) -> dict[str, Any] | None:
        """The header of the request that runs; None where no cell does."""
        return next(reversed(self._running.values()), None)

    def forget(self) -> set[int]:
        """Another kernel begins; the connections on which the last one was heard."""
        heard = set(self._messages)
        self._messages.clear()
        self._running.clear()
        self._done.clear()
        return heard

    def heard(self, connection: int, data: bytes) -> None:
        """What the kernel publishes to one client."""
        for message in self._messages.setdefault(connection, Messages()).feed(data):
            if _DELIMITER in message:
                self._look(message[message.index(_DELIMITER) + 1 :])

    def over(self, connection: int) -> None:
        """The client has gone."""
        self._messages.pop(connection, None)

    def _look(self, message: list[bytes]) -> None:
        """Signature, header, parent's header, metadata, content."""
        if len(message) < 5 or _STATUS not in message[1]:
            return
        try:
            header, parent, content = (json.loads(message[each]) for each in (1, 2, 4))
            asked = str(parent["msg_id"])
            state, is_cell = content["execution_state"], parent["msg_type"] == "execute_request"
            self.session = str(header["session"])
        except (ValueError, KeyError, TypeError):
            return
        if state == "idle":
            self._running.pop(asked, None)
            self._done[asked] = None
            while len(self._done) > _REMEMBERED:
                del self._done[next(iter(self._done))]
        elif is_cell and asked not in self._done:  # another client's connection may be behind
            self._running[asked] = parent
