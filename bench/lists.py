"""List-my-folders while everybody else's grants grow.

One person has 30 folders (10 own, 16 shared with them, 4 with their team) in databases of 1,000,
100,000 and 1,000,000 grants, on SQLite and on PostgreSQL. A service runs on each. In turns, each
answers ``GET /folders`` to that person over one connection, one request after the other. The
number is milliseconds a request, seen from outside, and its ratio to the smallest database's.
"""

from __future__ import annotations

import contextlib
import tempfile
from functools import partial
from pathlib import Path

from bench import databases, processes, seed
from bench.rounds import Report, in_turns, ratios
from bench.wire import Wire

TITLE = "Listing my folders while other people's grants grow"
REQUESTS = 40


async def measure(*, quick: bool = False, rounds: int = 15) -> list[Report]:
    """A report for each database."""
    names = ("SQLite",) if quick else ("SQLite", "PostgreSQL")
    sizes = (1_000, 3_000) if quick else (1_000, 100_000, 1_000_000)
    with (
        tempfile.TemporaryDirectory(prefix="vmshare-bench-") as where,
        databases.kinds(Path(where), names) as makers,
    ):
        return [
            await _on(name, new_url, sizes, 1 if quick else rounds, Path(where))
            for name, new_url in makers.items()
        ]


async def _on(
    name: str, new_url: databases.NewUrl, sizes: tuple[int, ...], rounds: int, where: Path
) -> Report:
    with contextlib.ExitStack() as stack:
        hub = stack.enter_context(
            processes.scripted_hub([seed.PERSON], {seed.TEAM: [seed.PERSON, "cleo"]})
        )
        measures = {}
        for size in sizes:
            url = new_url()
            seed.build(url, others=size)
            place = where / f"{name}-{size}"
            server = stack.enter_context(processes.service(url, hub, place))
            wire = await Wire.to(server.url, hub.tokens[seed.PERSON])
            await _check(wire)
            measures[_label(size)] = partial(_once, wire)
        series = await in_turns(measures, rounds)
    smallest, largest = _label(sizes[0]), _label(sizes[-1])
    report = Report(f"On {name}", "milliseconds a request")
    report.add(series, smallest)
    report.want(f"{largest} beside {smallest}", ratios(series, largest, smallest), at_most=1.5)
    report.notes.append(f"{rounds} rounds of {REQUESTS} requests each.")
    return report


async def _check(wire: Wire) -> None:
    """The list is the one that was seeded; also warms the caches."""
    for _ in range(REQUESTS):
        items = (await wire.ask("GET", "/folders")).json()["items"]
        assert len(items) == seed.FOLDERS, f"{len(items)} folders"


async def _once(wire: Wire) -> float:
    seconds = [(await wire.ask("GET", "/folders")).seconds for _ in range(REQUESTS)]
    return sum(seconds) / len(seconds) * 1000


def _label(size: int) -> str:
    return f"{size:,} grants"
