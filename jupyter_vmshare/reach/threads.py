"""Awaited work for whoever does not await: a notebook's cell, whose loop runs already."""

from __future__ import annotations

import asyncio
import contextlib
import queue
import threading
from collections.abc import Callable, Coroutine
from typing import Any, Final, TypeVar

T = TypeVar("T")
_NAME: Final = "vmshare-reach"
_WAITING: Final = 256
"""So many pieces of output may wait to be shown."""
Say = Callable[..., None]
"""Calls a function with these arguments in the thread that waits."""


def at_once(work: Callable[[Say], Coroutine[Any, Any, T]]) -> T:
    """The result of ``work``, which runs in a loop of its own; an interrupt ends it first.

    What it has to show goes through the ``Say`` that it is given: only in the thread that waits
    does the output belong to the cell that runs. Work that has more to show than is taken waits.
    """
    said: queue.Queue[Callable[[], None] | None] = queue.Queue(_WAITING)
    loop = asyncio.new_event_loop()
    task = loop.create_task(work(lambda act, *args: said.put(lambda: act(*args))))
    thread = threading.Thread(target=_live, args=(loop, task, said), name=_NAME, daemon=True)
    thread.start()
    try:
        while (act := said.get()) is not None:
            act()
    except BaseException:
        loop.call_soon_threadsafe(task.cancel)
        # It may wait for somebody to take what it shows, and may have something to say at its end.
        while (act := said.get()) is not None:
            with contextlib.suppress(Exception):
                act()
        raise
    finally:
        thread.join()
        loop.close()
    return task.result()


def _live(loop: asyncio.AbstractEventLoop, task: asyncio.Task[Any], said: queue.Queue[Any]) -> None:
    with contextlib.suppress(BaseException):  # told by the task itself
        loop.run_until_complete(task)
    loop.run_until_complete(loop.shutdown_asyncgens())
    loop.run_until_complete(loop.shutdown_default_executor())
    said.put(None)
