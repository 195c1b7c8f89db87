"""Links to machines that are kept for a little while: one for each visitor and machine.

A folder view asks often, and to connect takes longer than to list. A link is a visitor's own, known
by their token; the relay cuts it the moment they lose the right to it, and then it is forgotten.
"""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Final

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.reach.files import Files
from jupyter_vmshare.reach.link import Link, open_link

IDLE: Final = 60.0
"""Seconds without use, after which a link is closed."""
LONGEST: Final = 300.0
"""Seconds, after which the service is asked for a new one: as long as a certificate lasts."""
Key = tuple[bytes, str]


class KeptLinks:
    """All links of this notebook server's visitors.

    Args:
        client: Makes a client for a token.
        idle: Seconds without use, after which a link is closed.
        longest: Seconds, after which no new use of a link begins.
    """

    def __init__(
        self, client: Callable[[str], AsyncClient], *, idle: float = IDLE, longest: float = LONGEST
    ) -> None:
        self._client, self._idle, self._longest = client, idle, longest
        self._kept: dict[Key, _Kept] = {}
        self._ending: set[asyncio.Task[None]] = set()

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._kept)

    @asynccontextmanager
    async def files(self, token: str, machine_id: str) -> AsyncIterator[Files]:
        """The files of a machine, as the visitor with that token. Raises what `open_link` does."""
        key = (hashlib.sha256(token.encode()).digest(), machine_id)
        kept = self._kept.get(key)
        if kept is not None and kept.is_over(self._longest):
            if not kept.users:
                self._drop(key, kept)
            kept = None
        if kept is None:
            kept = self._kept[key] = _Kept(self._client(token), machine_id)
            kept.opening.add_done_callback(lambda _task: self._watch(key, kept))
        kept.users += 1
        kept.rest()
        try:
            link = await asyncio.shield(kept.opening)
            yield await link.files()
        finally:
            kept.users -= 1
            if not kept.users:
                self._rest(key, kept)

    async def close(self) -> None:
        """Close all of them."""
        for key, kept in list(self._kept.items()):
            self._drop(key, kept)
        if self._ending:
            await asyncio.wait(self._ending)

    def _rest(self, key: Key, kept: _Kept) -> None:
        """Nobody uses it now."""
        if self._kept.get(key) is not kept:
            self._end(kept)  # another one has taken its place
        else:
            loop = asyncio.get_running_loop()
            kept.rest(loop.call_later(self._idle, self._drop, key, kept))

    def _watch(self, key: Key, kept: _Kept) -> None:
        """It is open, or could not be opened."""
        if kept.opening.cancelled() or kept.opening.exception() is not None:
            self._drop(key, kept)
            return

        async def until_closed() -> None:
            await kept.opening.result().closed()
            self._drop(key, kept)

        self._spawn(until_closed())

    def _drop(self, key: Key, kept: _Kept) -> None:
        if self._kept.get(key) is kept:
            del self._kept[key]
        kept.rest()
        self._end(kept)

    def _end(self, kept: _Kept) -> None:
        if not kept.has_ended:
            kept.has_ended = True
            self._spawn(kept.end())

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._ending.add(task)
        task.add_done_callback(self._ending.discard)


class _Kept:
    """One of them."""

    def __init__(self, client: AsyncClient, machine_id: str) -> None:
        self.users, self.has_ended = 0, False
        self._client = client
        self._since = asyncio.get_running_loop().time()
        self._rest: asyncio.TimerHandle | None = None
        self.opening: asyncio.Task[Link] = asyncio.create_task(open_link(client, machine_id))

    def is_over(self, longest: float) -> bool:
        """Whether nothing new is to begin on it."""
        return self.has_ended or asyncio.get_running_loop().time() - self._since > longest

    def rest(self, timer: asyncio.TimerHandle | None = None) -> None:
        """It is closed when that timer fires, and not by one before."""
        if self._rest is not None:
            self._rest.cancel()
        self._rest = timer

    async def end(self) -> None:
        """Close the link, or leave off opening it."""
        self.opening.cancel()
        await asyncio.wait({self.opening})
        if not self.opening.cancelled() and self.opening.exception() is None:
            await self.opening.result().close()
        await self._client.close()
