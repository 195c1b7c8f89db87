"""The links to machines that kernels share, kept for a time: whoever comes next finds them open.

A link that is kept has no channel, so it keeps no machine on, and nobody counts as being there; the
relay cuts it with the person's right, as it does every other.
"""

from __future__ import annotations

import asyncio
import contextlib
from typing import Final

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.client.address import service_token
from jupyter_vmshare.client.errors import NotConfigured
from jupyter_vmshare.reach.link import Link, open_link

KEPT: Final = 600.0
MOST_KEPT: Final = 5
"""The relay lets a person have twenty, and terminals need theirs as well."""
_Key = tuple[str, str, str]


class Links:
    """One to each machine, for all its kernels; on the loop of kernels alone.

    Args:
        kept: Seconds that a link stays open after its last user.
        most: How many such links there are at a time: the newest.
    """

    def __init__(self, kept: float = KEPT, most: int = MOST_KEPT) -> None:
        self._kept, self._most = kept, most
        self._shared: dict[_Key, Shared] = {}
        self._closing: set[asyncio.Task[None]] = set()

    def join(self, service: str, machine: str) -> Shared:
        """One more user, until `leave`."""
        whose = ""
        with contextlib.suppress(NotConfigured):
            whose = service_token()
        key = service, machine, whose
        shared = self._shared.setdefault(key, Shared(key))
        shared.users += 1
        if shared.timer is not None:
            shared.timer.cancel()
            shared.timer = None
        return shared

    def leave(self, shared: Shared) -> None:
        """One user less; the last one's link stays open for a time."""
        shared.users -= 1
        if shared.users:
            return
        if not shared.is_open:
            self._close(shared)
            return
        shared.timer = asyncio.get_running_loop().call_later(self._kept, self._close, shared)
        spare = self._spare()
        for oldest in spare[: max(0, len(spare) - self._most)]:
            self._close(oldest)

    async def let_go(self) -> None:
        """Close those that nobody uses, now."""
        for shared in self._spare():
            self._close(shared)
        await asyncio.gather(*self._closing)

    def _spare(self) -> list[Shared]:
        """Those that nobody uses, the oldest first."""
        return sorted((each for each in self._shared.values() if each.timer), key=_ends_at)

    def _close(self, shared: Shared) -> None:
        if shared.timer is not None:
            shared.timer.cancel()
        del self._shared[shared.key]
        task = asyncio.create_task(shared.close(), name="close a link")
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)


class Shared:
    """The way to one machine: a link, or none yet."""

    def __init__(self, key: _Key) -> None:
        self.key = key
        self.users = 0
        self.timer: asyncio.TimerHandle | None = None
        self._turn = asyncio.Lock()
        self._client: AsyncClient | None = None
        self._link: Link | None = None

    async def link(self) -> Link:
        """The one that is there, or a new one. Raises `VMShareError`."""
        async with self._turn:
            if self._link is None or not self._link.is_open:
                service, machine, _ = self.key
                if self._client is None:
                    self._client = AsyncClient(service)
                self._link = await open_link(self._client, machine)
            return self._link

    @property
    def is_open(self) -> bool:
        """Whether there is one now."""
        return self._link is not None and self._link.is_open

    @property
    def because(self) -> str | None:
        """Why the relay cut the last one, which is better known than why there is no other."""
        return None if self._link is None or self._link.is_open else self._link.because

    async def close(self) -> None:
        """It is not used any more."""
        async with self._turn:
            if self._link is not None:
                await self._link.close()
            if self._client is not None:
                await self._client.close()


def _ends_at(shared: Shared) -> float:
    return shared.timer.when() if shared.timer is not None else 0.0
