"""Two thousand idle streams: what each costs, and how one event reaches them all.

Two thousand people each hold a stream of events open, and may all read one folder. Memory is what
the service's process grows by while they connect, divided by their number (the kernel's socket
buffers are not in it). Then the folder is renamed, and the clock runs from the request's first byte
to the last of the two thousand arrivals: once right after connecting, and once when every
credential was last seen more than ten seconds ago, so that the service has to ask the hub about
each of them before it sends. Beside it: bare tornado with as many streams and one POST. Each round
has fresh processes.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

from bench import databases, processes, seed
from bench.rounds import Report
from bench.wire import Wire

TITLE = "Two thousand idle streams, and one event to all of them"
STREAMS = 2_000
BARE, SERVICE = "bare tornado", "the service"
STALE_SECONDS = 11.0
"""By then every credential has to be asked about again."""
_FOLDER = seed.folder_id(1)


@dataclass
class Found:
    """One side of one round: KiB a stream, and milliseconds to some of the arrivals."""

    memory: float
    fresh: dict[str, float]
    stale: dict[str, float]


async def measure(*, quick: bool = False, rounds: int = 9) -> list[Report]:
    """Memory, and fan-out."""
    count, rounds = (20, 1) if quick else (STREAMS, rounds)
    people = [f"person{number}" for number in range(count)]
    found: dict[str, list[Found]] = {BARE: [], SERVICE: []}
    with tempfile.TemporaryDirectory(prefix="vmshare-bench-") as where, contextlib.ExitStack() as s:
        hub = s.enter_context(processes.scripted_hub(["ana", *people]))
        makers = s.enter_context(databases.kinds(Path(where), ("SQLite",)))
        for number in range(rounds):
            place = Path(where, str(number))
            url = makers["SQLite"]()
            seed.build_folder(url, _FOLDER, "ana", people)
            await _round(found, url, hub, place, people, quick)
    return [_memory(found, count), _fan_out(found, count)]


async def _round(
    found: dict[str, list[Found]],
    url: str,
    hub: processes.Hub,
    place: Path,
    people: list[str],
    quick: bool,
) -> None:
    with processes.service(url, hub, place) as server, processes.bare() as plain:
        wires, memory = await _connect(server, [hub.tokens[name] for name in people])
        sender = await Wire.to(server.url, hub.tokens["ana"])
        await _renamed(sender, wires, 1)  # the first of a process, which loads what comes after
        fresh = await _renamed(sender, wires, 2)
        seen = time.monotonic()
        found[BARE].append(await _bare(plain, len(people)))
        await asyncio.sleep(0 if quick else max(0.0, seen + STALE_SECONDS - time.monotonic()))
        found[SERVICE].append(Found(memory, fresh, await _renamed(sender, wires, 3)))
        for wire in wires:
            wire.close()


async def _bare(server: processes.Server, count: int) -> Found:
    wires, memory = await _connect(server, [""] * count, "/stream")
    sender = await Wire.to(server.url)
    for mark in ("mark-1", "mark-2"):
        at = sender.send("POST", "/push", {"mark": mark})
        told = await _arrivals(wires, mark.encode(), at)
    for wire in wires:
        wire.close()
    return Found(memory, told, {})


async def _connect(
    server: processes.Server, tokens: list[str], path: str = "/events/stream"
) -> tuple[list[Wire], float]:
    """All streams, and KiB that each takes; a few come first, so that everything is loaded."""
    first = max(2, len(tokens) // 20)
    wires = [await (await Wire.to(server.url, token)).follow(path) for token in tokens[:first]]
    before = server.resident()
    for begin in range(first, len(tokens), 50):
        some = [Wire.to(server.url, token) for token in tokens[begin : begin + 50]]
        opened = [wire.follow(path) for wire in await asyncio.gather(*some)]
        wires += await asyncio.gather(*opened)
    return wires, (server.resident() - before) / (len(tokens) - first) / 1024


async def _renamed(sender: Wire, wires: list[Wire], version: int) -> dict[str, float]:
    name = f"renamed {version}"
    mark = f'"to":"{name}"'.encode()
    at = sender.send("PATCH", f"/folders/{_FOLDER}", {"name": name}, If_Match=f'"{version}"')
    return await _arrivals(wires, mark, at)


async def _arrivals(wires: list[Wire], mark: bytes, at: float) -> dict[str, float]:
    moments = sorted(await asyncio.gather(*(wire.until(mark, 60) for wire in wires)))
    picked = {"first": 0, "middle": len(moments) // 2, "last": -1}
    return {name: (moments[place] - at) * 1000 for name, place in picked.items()}


def _memory(found: dict[str, list[Found]], count: int) -> Report:
    report = Report("Memory", "KiB a stream")
    report.add({side: [one.memory for one in several] for side, several in found.items()}, BARE)
    report.notes.append(f"{len(found[BARE])} rounds with {count:,} streams each.")
    return report


def _fan_out(found: dict[str, list[Found]], count: int) -> Report:
    report = Report("One event to all", "milliseconds")
    for which in ("first", "middle", "last"):
        series = {
            f"{which} arrival, {BARE}": [one.fresh[which] for one in found[BARE]],
            f"{which} arrival, {SERVICE}": [one.fresh[which] for one in found[SERVICE]],
            f"{which} arrival, {SERVICE}, credentials to be asked about": [
                one.stale[which] for one in found[SERVICE]
            ],
        }
        report.add(series, f"{which} arrival, {BARE}")
    report.compared_to = "bare tornado's"
    return report
