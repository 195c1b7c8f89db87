"""A client of server-sent events that keeps what it got."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from typing import Any

import httpx2

from tests.fixtures.api import NO_TLS


@dataclass(frozen=True)
class Sent:
    """One event as it came over the wire."""

    id: int
    name: str
    data: dict[str, Any]


@dataclass
class Listening:
    """What came so far; ``ended`` once the server has ended the stream."""

    response: httpx2.Response
    events: list[Sent] = field(default_factory=list)
    beats: int = 0
    ended: bool = False

    @property
    def names(self) -> list[str]:
        return [event.name for event in self.events]

    async def until(self, true: Callable[[], bool], seconds: float = 10) -> None:
        async with asyncio.timeout(seconds):
            while not true():
                await asyncio.sleep(0.01)

    async def read(self) -> None:
        block: list[str] = []
        with contextlib.suppress(httpx2.HTTPError):
            async for line in self.response.aiter_lines():
                if line:
                    block.append(line)
                else:
                    self._take(block)
                    block = []
        self.ended = True

    def _take(self, block: list[str]) -> None:
        if block[0].startswith(":"):
            self.beats += 1
            return
        fields = dict(line.split(": ", 1) for line in block)
        self.events.append(Sent(int(fields["id"]), fields["event"], json.loads(fields["data"])))


@contextlib.asynccontextmanager
async def listening(
    api_url: str, token: str, *, last: int | str | None = None, **query: Any
) -> AsyncIterator[Listening]:
    """An open stream of the token's owner."""
    headers = {"Authorization": f"Bearer {token}"}
    if last is not None:
        headers["Last-Event-ID"] = str(last)
    async with httpx2.AsyncClient(timeout=30, verify=NO_TLS) as client:
        url = f"{api_url}/events/stream"
        async with client.stream("GET", url, params=query, headers=headers) as response:
            stream = Listening(response)
            reading = asyncio.create_task(stream.read())
            try:
                yield stream
            finally:
                reading.cancel()
                await asyncio.gather(reading, return_exceptions=True)
