"""Measuring in turns, and what comes of it: medians, quartiles, ratios.

Machines are shared and their speed wanders. So A and B are measured in turns (A, B, A, B, …) and
the ratio is taken within each round: what slows one round slows both of its sides.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from statistics import median, quantiles
from typing import Literal

Measure = Callable[[], Awaitable[float]]
Series = Mapping[str, Sequence[float]]


async def in_turns(measures: Mapping[str, Measure], rounds: int) -> dict[str, list[float]]:
    """Each thing measured once a round; every other round goes through them backwards.

    Where there are several rounds, one more comes before them and does not count.
    """
    for measure in measures.values() if rounds > 1 else ():
        await measure()
    found: dict[str, list[float]] = {name: [] for name in measures}
    for number in range(rounds):
        names = list(measures)
        for name in reversed(names) if number % 2 else names:
            found[name].append(await measures[name]())
    return found


def ratios(series: Series, of: str, to: str) -> list[float]:
    """``of`` divided by ``to``, round by round."""
    return [a / b for a, b in zip(series[of], series[to], strict=True)]


@dataclass(frozen=True)
class Spread:
    """The middle of some numbers, and the quartiles on both sides of it."""

    low: float
    middle: float
    high: float

    @classmethod
    def of(cls, numbers: Sequence[float]) -> Spread:
        """Of one number, all three are that number."""
        if len(numbers) < 2:
            return cls(numbers[0], numbers[0], numbers[0])
        low, _, high = quantiles(numbers, n=4, method="inclusive")
        return cls(low, median(numbers), high)

    def __str__(self) -> str:
        return f"{number(self.middle)} ({number(self.low)} … {number(self.high)})"


@dataclass(frozen=True)
class Target:
    """What a ratio should be; told, never asserted: the machine may be busy."""

    what: str
    wanted: str
    got: Spread
    met: bool


@dataclass
class Report:
    """What one benchmark found."""

    title: str
    unit: str
    rows: list[tuple[str, Spread, Spread | None]] = field(default_factory=list)
    targets: list[Target] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    compared_to: str = ""

    def add(self, series: Series, to: str) -> None:
        """A row for each of these, with its ratio to one of them."""
        self.compared_to = to
        for name, numbers in series.items():
            ratio = None if name == to else Spread.of(ratios(series, name, to))
            self.rows.append((name, Spread.of(numbers), ratio))

    def want(
        self,
        what: str,
        numbers: Sequence[float],
        *,
        at_most: float = 0,
        at_least: float = 0,
        by: Literal["low", "middle"] = "middle",
    ) -> None:
        """Say whether the median (or the lower quartile) of these is where it should be."""
        got = Spread.of(numbers)
        looked_at = got.low if by == "low" else got.middle
        met = looked_at <= at_most if at_most else looked_at >= at_least
        wanted = f"at most {number(at_most)}" if at_most else f"at least {number(at_least)}"
        self.targets.append(Target(what, wanted, got, met))

    def __str__(self) -> str:
        head, body = self._columns(compared=bool(self.compared_to))
        goals = [
            f"- {goal.what}: wanted {goal.wanted}, got {goal.got}: "
            f"**{'met' if goal.met else 'missed'}**"
            for goal in self.targets
        ]
        parts = ["\n".join(head + body), "\n".join(goals), "\n\n".join(self.notes)]
        return "\n\n".join(part for part in parts if part)

    def _columns(self, *, compared: bool) -> tuple[list[str], list[str]]:
        """The table's head and body; the ratios' column where there is something to compare."""
        head = f"| | {self.unit}: median (quartiles) |"
        body = [f"| {name} | {spread} |" for name, spread, _ in self.rows]
        if not compared:
            return [head, "|---|--:|"], body
        ratios = ["" if ratio is None else ratio for _, _, ratio in self.rows]
        told = [f"{row} {ratio} |" for row, ratio in zip(body, ratios, strict=True)]
        return [f"{head} times {self.compared_to} |", "|---|--:|--:|"], told


def number(value: float) -> str:
    """Three digits that say something."""
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2f}"
