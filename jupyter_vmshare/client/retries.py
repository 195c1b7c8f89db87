"""When to try again, and after how long. Decides only; waiting is the clients' business."""

from __future__ import annotations

import random
from dataclasses import dataclass
from typing import Any

from jupyter_vmshare.client.call import Call
from jupyter_vmshare.client.errors import ServiceUnreachable, TooManyRequests, VMShareError


@dataclass(frozen=True, slots=True)
class Backoff:
    """Pauses that double, with jitter so that clients do not come back all at once.

    ``first`` and ``longest`` in seconds; a pause is between half and all of its step.
    """

    first: float = 0.25
    longest: float = 5.0

    def pause(self, attempt: int) -> float:
        """Seconds before attempt number ``attempt`` (the first repetition is 1)."""
        step: float = min(self.longest, self.first * 2.0 ** min(attempt - 1, 30))
        return step * (0.5 + random.random() / 2)  # noqa: S311  (no secret)


@dataclass(frozen=True, slots=True)
class Retries:
    """How often a call is tried, and how long between. ``attempts=1`` never tries again."""

    attempts: int = 4
    backoff: Backoff = Backoff()
    longest_wait: float = 30.0
    """A ``Retry-After`` longer than this many seconds is not waited for."""

    def after(self, error: VMShareError, call: Call[Any], attempt: int) -> float | None:
        """Seconds until the next attempt, or None to give up.

        A call that never left (connection refused) may always be tried again; one that may have
        arrived only when twice does no more than once.
        """
        if attempt >= self.attempts:
            return None
        if isinstance(error, TooManyRequests):
            wait = error.retry_after
            return wait if wait is not None and wait <= self.longest_wait else None
        if isinstance(error, ServiceUnreachable) and (call.repeatable or never_arrived(error)):
            return self.backoff.pause(attempt)
        return None


class NeverArrived(ServiceUnreachable):
    """No connection could be made, so nothing was done."""


def never_arrived(error: VMShareError) -> bool:
    """Whether the service can't have seen the request."""
    return isinstance(error, NeverArrived)
