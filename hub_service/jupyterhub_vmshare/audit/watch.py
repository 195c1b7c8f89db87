"""How often those who listen are asked for their credential again.

A stream lives for hours, a credential may end at any moment. Nothing is sent to a credential that
was last seen good longer ago than ``seconds``. Idle streams are asked about too, so that they end;
but with thousands of them the hub comes first, and they wait longer for their turn.
"""

from __future__ import annotations

import asyncio
import time


class Watch:
    """``idle_per_second`` bounds the questions about idle streams, ``at_once`` all of them."""

    def __init__(
        self, *, seconds: float = 10.0, idle_per_second: float = 20.0, at_once: int = 4
    ) -> None:
        self.seconds = seconds
        self.turn = asyncio.Semaphore(at_once)
        self._rate = idle_per_second
        self._spare = idle_per_second
        self._counted = time.monotonic()

    def must_ask(self, asked: float) -> bool:
        """Whether to ask before anything is sent; ``asked``: the monotonic time of the last one."""
        return time.monotonic() - asked >= self.seconds

    def may_ask(self, asked: float) -> bool:
        """Whether to ask about an idle stream now; counts it as asked."""
        now = time.monotonic()
        if now - asked < self.seconds / 2:
            return False
        self._spare = min(self._rate, self._spare + (now - self._counted) * self._rate)
        self._counted = now
        if self._spare < 1:
            return False
        self._spare -= 1
        return True
