"""A proxy that cuts connections in the middle, as often as a test wants."""

from __future__ import annotations

import asyncio
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass


@dataclass
class Cutting:
    """``left`` connections are still to be cut, each after some bytes towards the service."""

    port: int
    left: int
    cut: int = 0
    shortest: int = 2_000
    longest: int = 200_000

    def next_cut(self) -> int | None:
        """After how many bytes the next connection breaks; None: it is left alone."""
        if self.left <= 0:
            return None
        return random.randrange(self.shortest, self.longest)


@asynccontextmanager
async def cutting(to: int, times: int) -> AsyncIterator[Cutting]:
    """Listens on a port of its own, and hands on to port ``to``."""
    state = Cutting(0, times)

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        inside, out = await asyncio.open_connection("127.0.0.1", to)
        back = asyncio.create_task(_hand_on(inside, writer))
        rest = state.next_cut()
        try:
            while data := await reader.read(65536):
                if rest is not None and (rest := rest - len(data)) <= 0 and state.left > 0:
                    state.left, state.cut = state.left - 1, state.cut + 1
                    out.transport.abort()
                    writer.transport.abort()
                    break
                out.write(data)
                await out.drain()
        except OSError:
            pass
        finally:
            back.cancel()
            out.close()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    state.port = server.sockets[0].getsockname()[1]
    try:
        yield state
    finally:
        server.close()


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()
        writer.close()
