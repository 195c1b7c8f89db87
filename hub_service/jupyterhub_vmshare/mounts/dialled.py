"""Agents of other nodes: they dial in, and the service's orders go the way back (DESIGN: D7).

To the rest of the room such an agent is as one that is reached over a unix socket: lines go in and
come out. A connection that is silent is closed by whoever carries it; one that comes takes the
place of the one before, which may be dead without anybody having noticed.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Awaitable, Callable

from jupyterhub_vmshare.mounts.fields import LINE_LIMIT

Streams = tuple[asyncio.StreamReader, asyncio.StreamWriter]
Open = Callable[[], Awaitable[Streams]]
"""Makes a connection to an agent, or waits until there is one."""


def over_unix(path: str) -> Open:
    """To the agent that listens there."""
    return lambda: asyncio.open_unix_connection(path, limit=LINE_LIMIT)


class Dialled:
    """One node's connection, when it has one."""

    def __init__(self) -> None:
        self._came: asyncio.Queue[Streams] = asyncio.Queue(1)
        self._last: asyncio.StreamWriter | None = None

    async def arrive(self) -> Streams:
        """The carrier's end of a connection that has just come; the one before is over."""
        here, there = socket.socketpair()
        ours = await asyncio.open_unix_connection(sock=here, limit=LINE_LIMIT)
        theirs = await asyncio.open_unix_connection(sock=there, limit=LINE_LIMIT)
        if self._last is not None:
            self._last.close()
        self._last = ours[1]
        if self._came.full():
            self._came.get_nowait()
        self._came.put_nowait(ours)
        return theirs

    async def open(self) -> Streams:
        """The service's end of the next one."""
        return await self._came.get()
