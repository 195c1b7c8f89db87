"""The agent's end of the guard's control socket: orders, answers, and events."""

from __future__ import annotations

import socket
import time
from collections.abc import Sequence
from typing import Final
from urllib.parse import quote_from_bytes, unquote_to_bytes

MAX_PACKET: Final = 65536
PLAIN: Final = "-._:~@,+"
PATIENCE: Final = 20.0

Words = dict[str, str]


class Refused(Exception):
    """The guard answered `error`."""

    def __init__(self, words: Words) -> None:
        self.code, self.because = words.get("code", ""), words.get("because", "")
        super().__init__(f"{self.code}: {self.because}")


def encoded(verb: str, words: dict[str, object]) -> bytes:
    """One packet: the verb, then `key=value`, values percent-encoded."""
    said = (f"{key}={_value(value)}" for key, value in words.items())
    return " ".join([verb, *said]).encode()


def _value(value: object) -> str:
    raw = value if isinstance(value, bytes) else str(value).encode("utf-8", "surrogateescape")
    return quote_from_bytes(raw, safe=PLAIN)


def decoded(packet: bytes) -> tuple[str, Words]:
    """A packet's verb and words."""
    verb, *words = packet.decode("ascii").split(" ")
    pairs = (word.partition("=") for word in words)
    return verb, {
        key: unquote_to_bytes(value).decode("utf-8", "surrogateescape") for key, _, value in pairs
    }


class Control:
    """A connection, with which one order after the other is given."""

    def __init__(self, connected: socket.socket) -> None:
        self.socket = connected
        self.socket.settimeout(PATIENCE)
        self.events: list[Words] = []
        """What the guard said by itself, so far as it was read."""
        self._number = 0

    def order(self, verb: str, *, descriptors: Sequence[int] = (), **words: object) -> Words:
        """The words of the `ok`; an `error` is raised as Refused."""
        return self.finish(self.begin(verb, descriptors=descriptors, **words))

    def begin(self, verb: str, *, descriptors: Sequence[int] = (), **words: object) -> int:
        """Give an order, and don't wait for its answer. The order's number."""
        self._number += 1
        self.send(encoded(verb, {"n": self._number, **words}), descriptors)
        return self._number

    def send(self, packet: bytes, descriptors: Sequence[int] = ()) -> None:
        """Bytes as they are: what a wrong agent would say."""
        socket.send_fds(self.socket, [packet], list(descriptors))

    def finish(self, number: int) -> Words:
        """The answer of the order with this number."""
        while True:
            verb, words = self.receive()
            if verb in ("ok", "error") and words.get("n") == str(number):
                break
        if verb == "error":
            raise Refused(words)
        return words

    def report(self) -> list[tuple[str, Words]]:
        """The `session` and `folder` packets of a report."""
        number, said = self.begin("report"), []
        while (got := self.receive())[0] not in ("ok", "error"):
            said.append(got)
        assert got[0] == "ok" and got[1]["n"] == str(number), got
        return said

    def receive(self) -> tuple[str, Words]:
        """The next packet that is no event; events are put aside."""
        while True:
            packet = self.socket.recv(MAX_PACKET)
            if not packet:
                raise ConnectionResetError("the guard has closed the control socket")
            verb, words = decoded(packet)
            if verb != "event":
                return verb, words
            self.events.append(words)

    def event(self, kind: str, within: float = PATIENCE, **words: str) -> Words:
        """The first event of this kind with these words; waits for it."""
        until = time.monotonic() + within
        wanted = {"kind": kind, **words}
        while True:
            for event in self.events:
                if wanted.items() <= event.items():
                    return event
            left = until - time.monotonic()
            if left <= 0:
                raise TimeoutError(f"no event {wanted} within {within} s, but {self.events}")
            self._take_one(left)

    def _take_one(self, within: float) -> None:
        self.socket.settimeout(within)
        try:
            verb, words = decoded(self.socket.recv(MAX_PACKET))
        except TimeoutError:
            return
        finally:
            self.socket.settimeout(PATIENCE)
        if verb == "event":
            self.events.append(words)

    def close(self) -> None:
        """Hang up."""
        self.socket.close()
