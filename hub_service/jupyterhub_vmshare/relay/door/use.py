"""How much machines compute, between two looks at them."""

from __future__ import annotations

import time
from collections.abc import Callable


class Use:
    """What was seen of each machine last. Forgotten with the process: then it is not known."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._monotonic = monotonic
        self._last: dict[str, tuple[float, float]] = {}

    def since_last(self, machine_id: str, cpu_seconds: object) -> float | None:
        """How many processors were busy on average; None at the first look, and after a restart."""
        if not isinstance(cpu_seconds, int | float) or isinstance(cpu_seconds, bool):
            return None
        now = self._monotonic()
        then, before = self._last.get(machine_id, (now, 0.0))
        self._last[machine_id] = (now, float(cpu_seconds))
        if now <= then or cpu_seconds < before:
            return None
        return (cpu_seconds - before) / (now - then)
