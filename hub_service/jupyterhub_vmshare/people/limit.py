"""How often somebody may ask: a token bucket for each person."""

from __future__ import annotations

import math
import time
from collections import OrderedDict
from collections.abc import Callable

from jupyterhub_vmshare.errors import TooMany

_REMEMBERED = 10_000


class RateLimit:
    """``burst`` questions at once, and ``per_minute`` more each minute.

    Kept in the process: with several replicas the limit counts on each of them, and a restart
    forgets it. That makes guessing slower or faster by a factor; nothing relies on it.
    """

    def __init__(
        self, *, burst: int, per_minute: float, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._burst, self._per_second = burst, per_minute / 60
        self._now = monotonic
        self._left: OrderedDict[str, tuple[float, float]] = OrderedDict()

    def take(self, who: str) -> None:
        """Count one question; raises ``TooMany`` when there were too many."""
        now = self._now()
        left, at = self._left.pop(who, (float(self._burst), now))
        left = min(self._burst, left + (now - at) * self._per_second)
        allowed = left >= 1
        self._left[who] = (left - 1 if allowed else left, now)
        while len(self._left) > _REMEMBERED:
            self._left.popitem(last=False)
        if not allowed:
            wait = math.ceil((1 - left) / self._per_second) if self._per_second else 3600
            raise TooMany(
                f"You have asked JupyterHub often. Try again in {wait} seconds.", retry_after=wait
            )
