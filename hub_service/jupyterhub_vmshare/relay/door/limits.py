"""How much one relay takes on: strangers at the door, links of one person, channels of a link."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Limits:
    """What wiring says. Seconds are seconds.

    ``at_the_door``: connections that have not shown a certificate yet, of everybody together, of
    which one address may have half; ``login``: how long one may stand there.
    """

    at_the_door: int = 100
    login: float = 15.0
    links: int = 1000
    links_of_one: int = 20
    channels: int = 100
    keepalive: float = 15.0
    """An end that answers three of these not is gone."""
    idle: float | None = None
    """A link on which nothing is open that long is closed; None: it stays."""


@dataclass
class Door:
    """Who stands at the door, and who is in."""

    limits: Limits
    waiting: Counter[str] = field(default_factory=Counter)
    inside: Counter[str] = field(default_factory=Counter)

    def arrive(self, address: str) -> bool:
        """Whether a connection from there is taken."""
        most = self.limits.at_the_door
        if self.waiting.total() >= most or self.waiting[address] >= max(1, most // 2):
            return False
        self.waiting[address] += 1
        return True

    def leave(self, address: str) -> None:
        """It has shown who it is, or is gone."""
        self.waiting[address] -= 1
        if self.waiting[address] <= 0:
            del self.waiting[address]

    def enter(self, person: str) -> str | None:
        """Why they can't have one more link; None: they have it."""
        if self.inside[person] >= self.limits.links_of_one:
            return f"You have {self.inside[person]} connections to machines open; close one first."
        if self.inside.total() >= self.limits.links:
            return "The relay has as many connections as it takes; try again later."
        self.inside[person] += 1
        return None

    def go(self, person: str) -> None:
        """One of their links is gone."""
        self.inside[person] -= 1
        if self.inside[person] <= 0:
            del self.inside[person]
