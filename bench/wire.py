"""A bare HTTP/1.1 connection: as little as can be between the clock and the socket."""

from __future__ import annotations

import asyncio
import json
import time
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit


@dataclass(frozen=True)
class Answer:
    """What came back, and how long it took from the first byte sent to the last received."""

    status: int
    body: bytes
    seconds: float

    def json(self) -> Any:
        """The body, parsed."""
        return json.loads(self.body)


@dataclass
class Wire(asyncio.Protocol):
    """One connection. ``request`` for an answer, ``follow`` for a stream of events."""

    base: str
    token: str = ""
    seen: bytearray = field(default_factory=bytearray)
    arrived: float = 0.0
    _transport: asyncio.Transport | None = None
    _waiter: asyncio.Future[None] | None = None

    @classmethod
    async def to(cls, base: str, token: str = "") -> Wire:
        """A new connection to ``http://host:port/and/a/prefix``."""
        wire, place = cls(base, token), urlsplit(base)
        await asyncio.get_running_loop().create_connection(
            lambda: wire, place.hostname or "", place.port or 80
        )
        return wire

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        self.arrived = time.perf_counter()
        self.seen += data
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._transport = None
        self._wake()

    def _wake(self) -> None:
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    def close(self) -> None:
        """Hang up."""
        if self._transport is not None:
            self._transport.abort()

    def send(self, method: str, path: str, told: Any = None, **headers: str) -> float:
        """Send a request; the moment just before."""
        body = b"" if told is None else json.dumps(told).encode()
        place = urlsplit(self.base)
        query = f"?{place.query}" if place.query else ""
        lines = [f"{method} {place.path}{path}{query} HTTP/1.1", f"Host: {place.netloc}"]
        if self.token:
            lines.append(f"Authorization: Bearer {self.token}")
        if told is not None:
            lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
        lines += [f"{name.replace('_', '-')}: {value}" for name, value in headers.items()]
        assert self._transport is not None, "the server hung up"
        self.seen.clear()
        at = time.perf_counter()
        self._transport.write("\r\n".join([*lines, "", ""]).encode() + body)
        return at

    async def until(self, mark: bytes, at_most: float = 30) -> float:
        """Wait ``at_most`` seconds for ``mark`` to come; the moment when its bytes did."""
        async with asyncio.timeout(at_most):
            while mark not in self.seen:
                assert self._transport is not None, f"hung up: {bytes(self.seen)[:500]!r}"
                self._waiter = asyncio.get_running_loop().create_future()
                await self._waiter
        return self.arrived

    async def request(self, method: str, path: str, told: Any = None, **headers: str) -> Answer:
        """A request and its whole answer."""
        at = self.send(method, path, told, **headers)
        await self.until(b"\r\n\r\n")
        head, _, _ = bytes(self.seen).partition(b"\r\n\r\n")
        wanted = len(head) + 4 + _length(head)
        while len(self.seen) < wanted:
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        status = int(head.split(b" ", 2)[1])
        return Answer(status, bytes(self.seen[len(head) + 4 :]), self.arrived - at)

    async def ask(self, method: str, path: str, told: Any = None, **headers: str) -> Answer:
        """The same; anything but a 2xx ends the benchmark."""
        answer = await self.request(method, path, told, **headers)
        assert 200 <= answer.status < 300, f"{method} {path}: {answer.status} {answer.body[:500]!r}"
        return answer

    async def follow(self, path: str) -> Wire:
        """Open a stream of events, and wait for its first one."""
        self.send("GET", path, Accept="text/event-stream")
        await self.until(b"event: ")
        assert self.seen.startswith(b"HTTP/1.1 200"), bytes(self.seen[:500])
        return self


def _length(head: bytes) -> int:
    for line in head.split(b"\r\n"):
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            return int(value)
    return 0
