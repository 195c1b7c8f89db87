"""A proxy that changes what goes through it, or swallows it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

Meddle = Callable[[bytes], bytes | None]
"""What goes on in place of what came; None: both sides are cut off here."""


@asynccontextmanager
async def meddling(
    to: int, *, up: Meddle = lambda data: data, down: Meddle = lambda data: data
) -> AsyncIterator[int]:
    """Listens on the port that it gives, and hands on to port ``to``."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, out = await asyncio.open_connection("127.0.0.1", to)
        ways = [_hand_on(reader, out, up), _hand_on(inside, writer, down)]
        tasks = [asyncio.ensure_future(way) for way in ways]
        try:
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for task in tasks:
                task.cancel()
            for end in (out, writer):
                end.transport.abort()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def _hand_on(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, meddle: Meddle
) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            changed = meddle(data)
            if changed is None:
                return
            writer.write(changed)
            await writer.drain()
