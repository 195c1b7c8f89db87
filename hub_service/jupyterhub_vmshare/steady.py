"""Workers that go on: an error is logged, and the next turn comes all the same."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import NoReturn

import structlog

_log = structlog.get_logger("vmshare.workers")
_AFTER_ERROR = 5.0


async def steadily(name: str, turn: Callable[[], Awaitable[None]]) -> NoReturn:
    """Take turn after turn for ever; a task of the application. Cancel it to stop.

    A database that restarts, a full disk or a mistake of ours must not end a worker that nobody
    would miss until morning.
    """
    while True:
        try:
            await turn()
        except Exception:
            _log.exception("turn_failed", worker=name)
            await asyncio.sleep(_AFTER_ERROR)
