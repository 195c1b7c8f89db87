"""From the invitation to the event in the receiver's stream.

Ana's connection posts an invitation for ben; the clock runs from the moment before her first byte
until ben's open stream of events has it. The service decides, commits to disk, has the sequencer
order and hash the event in a second commit, and hands it out. Beside it stands the same chain of
hops with nothing in it: bare tornado takes a POST, keeps nothing, and writes to an open stream.
"""

from __future__ import annotations

import contextlib
import itertools
import tempfile
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from statistics import median

from bench import databases, processes, seed
from bench.rounds import Measure, Report, in_turns
from bench.wire import Wire

TITLE = "From an invitation to the event in its receiver's stream"
EACH = 20
BARE = "bare tornado"


async def measure(*, quick: bool = False, rounds: int = 15) -> list[Report]:
    """One report with both databases and bare tornado."""
    names = ("SQLite",) if quick else ("SQLite", "PostgreSQL")
    rounds, each = (1, 3) if quick else (rounds, EACH)
    with tempfile.TemporaryDirectory(prefix="vmshare-bench-") as where, contextlib.ExitStack() as s:
        makers = s.enter_context(databases.kinds(Path(where), names))
        # Team-mates: for anybody else inviting is limited to so many names a minute.
        hub = s.enter_context(processes.scripted_hub(["ana", "ben"], {"pair": ["ana", "ben"]}))
        series_of: dict[str, Measure] = {BARE: await _bare(s, each)}
        for name, new_url in makers.items():
            folders = [seed.folder_id(number) for number in range((rounds + 2) * each)]
            url, place = new_url(), Path(where, name)
            seed.build_folders(url, folders, "ana")
            server = s.enter_context(processes.service(url, hub, place))
            series_of[f"the service on {name}"] = await _service(server, hub, folders, each)
        series = await in_turns(series_of, rounds)
    report = Report("All in one run", "milliseconds")
    report.add(series, BARE)
    report.notes.append(f"{rounds} rounds; each counts the median of {each} invitations.")
    return [report]


async def _bare(stack: contextlib.ExitStack, each: int) -> Measure:
    server = stack.enter_context(processes.bare())
    sender = await Wire.to(server.url)
    stream = await (await Wire.to(server.url)).follow("/stream")
    marks = itertools.count()

    async def once() -> float:
        mark = f"mark-{next(marks)}"
        stream.seen.clear()
        at = sender.send("POST", "/push", {"mark": mark})
        arrived = await stream.until(mark.encode())
        await sender.until(mark.encode())
        return arrived - at

    return partial(_several, once, each)


async def _service(
    server: processes.Server, hub: processes.Hub, folders: list[str], each: int
) -> Measure:
    sender = await Wire.to(server.url, hub.tokens["ana"])
    stream = await (await Wire.to(server.url, hub.tokens["ben"])).follow("/events/stream")
    left: Iterator[str] = iter(folders)

    async def once() -> float:
        folder = next(left)
        stream.seen.clear()
        told = {"grants": [{"receiver": "ben", "level": "view"}]}
        at = sender.send("POST", f"/folders/{folder}/grants", told)
        arrived = await stream.until(folder.encode())
        assert b"event: grant.invited" in stream.seen, bytes(stream.seen)
        await sender.until(folder.encode())
        return arrived - at

    run = partial(_several, once, each)
    await run()
    return run


async def _several(once: Measure, times: int) -> float:
    return median([await once() for _ in range(times)]) * 1000
