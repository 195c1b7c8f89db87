"""How long the reconciler rests."""

from __future__ import annotations

import random
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Pace:
    """Seconds. A cloud is asked gently: looking at everything costs it dearly.

    Attributes:
        poll: Between two looks at something that is changing, at first.
        poll_most: The same after a while.
        again: Before the first new attempt.
        again_most: Before every attempt after many.
        sweep: Between two looks at everything.
        grace: So long something that nobody knows of is left alone.
        calls: Calls to the cloud at once.
    """

    poll: float = 0.5
    poll_most: float = 5.0
    again: float = 2.0
    again_most: float = 300.0
    sweep: float = 30.0
    grace: float = 120.0
    calls: int = 8

    def looking(self, times: int) -> float:
        """Before the next look, after so many that saw it changing."""
        return float(min(self.poll * 1.3 ** min(times, 40), self.poll_most))

    def retrying(self, times: int) -> float:
        """Before the next attempt, after so many failed ones: never all at the same moment."""
        longest = min(self.again * 2.0 ** min(times, 40), self.again_most)
        return float(longest * random.uniform(0.5, 1.0))  # noqa: S311 (no secret)
