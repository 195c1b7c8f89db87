"""One thread with a loop of its own for all kernels on machines.

Jupyter's own loops come and go: a blocking `KernelManager` runs one only within its calls, and a
kernel's link has to be looked after between them as well.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Coroutine
from functools import cache
from typing import Any, TypeVar

Found = TypeVar("Found")


@cache
def kernels_loop() -> asyncio.AbstractEventLoop:
    """The loop, which runs as long as the process does."""
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, name="vmshare-kernels", daemon=True).start()
    return loop


async def over_there(work: Coroutine[Any, Any, Found]) -> Found:
    """Have it done on that loop, and wait for it on this one."""
    return await asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, kernels_loop()))
