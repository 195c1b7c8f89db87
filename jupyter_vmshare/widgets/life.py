"""Living by the service's events: in a kernel's own event loop, elsewhere in a thread."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any, Final

from jupyter_vmshare.client import AsyncClient, VMShareError
from jupyter_vmshare.client.stream import Happened, Lost
from jupyterhub_vmshare.api.contract.events import EventView

SETTLED: Final = 0.15
"""Several events of one change (a share with ten people) are one new look."""


async def followed(
    client: AsyncClient,
    matters: Callable[[EventView], bool],
    look: Callable[[], Awaitable[None]],
    say: Callable[[str], None],
) -> None:
    """Look now, and again whenever something happened; nothing is polled. Ends when refused.

    Args:
        client: Whose events.
        matters: Whether an event may have changed what is looked at.
        look: Looks again; what it raises is said.
        say: Takes why nothing is heard, or an empty text.
    """
    news = asyncio.Event()
    looking = asyncio.create_task(_look_at(news, look, say))
    try:
        async with contextlib.aclosing(client.stream()) as messages:
            async for message in messages:
                if isinstance(message, Lost):
                    say(message.because)
                elif not isinstance(message, Happened) or matters(message.event):
                    # An open stream means that something may have been missed.
                    news.set()
    except VMShareError as error:
        say(str(error))
    finally:
        looking.cancel()


async def _look_at(
    news: asyncio.Event, look: Callable[[], Awaitable[None]], say: Callable[[str], None]
) -> None:
    while True:
        await news.wait()
        await asyncio.sleep(SETTLED)
        news.clear()
        try:
            await look()
            say("")
        except VMShareError as error:
            say(str(error))


class Life:
    """Runs something until it ends or is ended: in the running loop, or in a thread of its own."""

    def __init__(self, live: Callable[[], Coroutine[Any, Any, None]], name: str) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = asyncio.new_event_loop()
            self._task = self._loop.create_task(live())
            threading.Thread(target=self._run, name=name, daemon=True).start()
        else:
            self._task = self._loop.create_task(live())

    @property
    def is_over(self) -> bool:
        """Whether nothing runs any more."""
        return self._task.done()

    def do(self, act: Coroutine[Any, Any, None]) -> None:
        """Do something in the same loop, soon."""
        try:
            asyncio.run_coroutine_threadsafe(act, self._loop)
        except RuntimeError:  # its loop is closed already
            act.close()

    def end(self) -> None:
        """End it; harmless when it has ended."""
        with contextlib.suppress(RuntimeError):  # its loop is closed already
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.run_until_complete(self._loop.shutdown_asyncgens())
        self._loop.close()
