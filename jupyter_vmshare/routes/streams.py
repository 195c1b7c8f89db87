"""One live stream a visitor, however many browser tabs listen.

All tabs of one token share one connection to the service. A tab that missed something gets it from
what is remembered; when that does not reach back far enough, the connection begins again further
back, and each tab lets pass only what it has not seen.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
from collections import deque
from collections.abc import Callable
from typing import Any

from jupyter_vmshare.client import AsyncClient, VMShareError
from jupyter_vmshare.client.stream import Happened, Lost, Message, Ready, state_of
from jupyterhub_vmshare.api.contract.events import EventView

REMEMBERED = 1000
# A service that starts is unknown to the hub's proxy for a while: no reason to call it absent.
ABSENT_AFTER = 5
# A tab this far behind is asleep: it is let go, and comes back with its position.
BEHIND = 2000


class Tab:
    """One listener. Its messages are taken with `next`; None ends them.

    Attributes:
        position: The last event it was given, or begins after; None until the stream is open.
    """

    def __init__(self, after: int | None) -> None:
        self.position = after
        self._messages: asyncio.Queue[dict[str, Any] | None] = asyncio.Queue()
        self._fell_behind = False

    async def next(self) -> dict[str, Any] | None:
        """The next message."""
        return None if self._fell_behind else await self._messages.get()

    def give(self, event: EventView) -> None:
        """An event, unless the tab has seen it."""
        if self.position is not None and event.position <= self.position:
            return
        self.position = event.position
        self.tell({"type": "event", "event": event.model_dump(mode="json")})

    def ready(self, position: int, reset: bool = False) -> None:
        """The stream is open; what comes next comes after the tab's position.

        With ``reset``, what the tab shows may be of another past: it should load all of it again.
        """
        if self.position is None or reset:
            self.position = position
        self.tell({"type": "status", "state": "ok", "because": None})
        self.tell({"type": "ready", "position": self.position, "reset": reset})

    def tell(self, message: dict[str, Any] | None) -> None:
        """Any message; None is the last one."""
        if self._messages.qsize() >= BEHIND:
            self._fell_behind = True
        if not self._fell_behind or message is None:
            self._messages.put_nowait(message)


class VisitorStream:
    """The one connection of a token, and its tabs."""

    def __init__(self, open_client: Callable[[], AsyncClient]) -> None:
        self._open_client = open_client
        self._tabs: set[Tab] = set()
        self._remembered: deque[EventView] = deque(maxlen=REMEMBERED)
        # Everything after this position that happened is remembered; None until it is known.
        self._floor: int | None = None
        self._is_open = False
        self._absences = 0
        self._status: dict[str, Any] | None = None
        self._task: asyncio.Task[None] | None = None

    @property
    def is_deserted(self) -> bool:
        """Whether no tab listens (any more)."""
        return not self._tabs

    def add(self, tab: Tab) -> None:
        """Let a tab listen."""
        self._tabs.add(tab)
        if self._task is None or self._task.done() or self._is_too_late_for(tab):
            self._begin(tab.position)
            return
        if tab.position is None and self._floor is not None:
            tab.position = self._last()
        if self._is_open:
            tab.ready(self._last())
        elif self._status is not None:
            tab.tell(self._status)
        for event in self._remembered:
            tab.give(event)

    def remove(self, tab: Tab) -> None:
        """A tab is gone; with the last one goes the connection."""
        self._tabs.discard(tab)
        if self.is_deserted:
            self._stop()

    def end(self) -> None:
        """Send all tabs away."""
        for tab in self._tabs:
            tab.tell(None)
        self._stop()

    def _is_too_late_for(self, tab: Tab) -> bool:
        if tab.position is None:
            return False
        return self._floor is None or tab.position < self._floor

    def _last(self) -> int:
        return self._remembered[-1].position if self._remembered else self._floor or 0

    def _begin(self, after: int | None) -> None:
        self._stop()
        self._remembered.clear()
        self._floor = after
        self._task = asyncio.create_task(self._follow(after))

    def _stop(self) -> None:
        self._is_open, self._status = False, None
        if self._task is not None:
            self._task.cancel()
            self._task = None

    async def _follow(self, after: int | None) -> None:
        try:
            # Closed explicitly: an abandoned generator would hold the connection open until
            # somebody collects it.
            async with (
                self._open_client() as client,
                contextlib.aclosing(client.stream(after)) as messages,
            ):
                async for message in messages:
                    self._take(message)
        except VMShareError as error:
            self._say(state_of(error), str(error))
            self.end()

    def _take(self, message: Message) -> None:
        if isinstance(message, Happened):
            self._remember(message.event)
        elif isinstance(message, Ready):
            self._ready(message)
        elif isinstance(message, Lost):
            self._is_open = False
            self._lost(message)

    def _lost(self, lost: Lost) -> None:
        """One that was there, or is not there yet, is looked for again: it is only unreachable."""
        self._absences = self._absences + 1 if lost.state == "absent" else 0
        is_absent = self._floor is None and self._absences >= ABSENT_AFTER
        self._say("absent" if is_absent else "unreachable", lost.because)

    def _ready(self, ready: Ready) -> None:
        if ready.reset:
            self._remembered.clear()
        if ready.reset or self._floor is None:
            self._floor = ready.position
        self._is_open, self._status = True, None
        for tab in self._tabs:
            tab.ready(ready.position, ready.reset)

    def _remember(self, event: EventView) -> None:
        if len(self._remembered) == REMEMBERED:
            self._floor = self._remembered[0].position
        self._remembered.append(event)
        for tab in self._tabs:
            tab.give(event)

    def _say(self, state: str, because: str) -> None:
        self._status = {"type": "status", "state": state, "because": because}
        for tab in self._tabs:
            tab.tell(self._status)


class VisitorStreams:
    """All streams of this notebook server, by visitor.

    Args:
        client: Makes a client for a token.
    """

    def __init__(self, client: Callable[[str], AsyncClient]) -> None:
        self._client = client
        self._streams: dict[str, VisitorStream] = {}

    def join(self, token: str, after: int | None) -> Tab:
        """Listen with ``token``, beginning after a position (now: None)."""
        tab = Tab(after)
        key = _key(token)
        stream = self._streams.get(key)
        if stream is None:
            stream = self._streams[key] = VisitorStream(lambda: self._client(token))
        stream.add(tab)
        return tab

    def leave(self, token: str, tab: Tab) -> None:
        """Stop listening."""
        stream = self._streams.get(_key(token))
        if stream is not None:
            stream.remove(tab)
            if stream.is_deserted:
                del self._streams[_key(token)]

    def close(self) -> None:
        """End all streams."""
        for stream in self._streams.values():
            stream.end()
        self._streams.clear()


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()
