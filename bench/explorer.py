"""Files through the explorer's API, beside bare tornado and beside ``cp``.

A file of 1 GiB goes up and down in turns, on one file system, always from and into the kernel's
cache, and what goes up with ``fsync`` at its end: by ``cp``, through bare tornado (which writes
what comes to a file, or sends one in pieces, and asks nobody), and through the service: as ``PUT``
of a file, as one upload that can be resumed, as four parts at once that are joined, as a download
and as an archive. The other end is a socket that is read and written in large pieces. Numbers are
MiB a second.

A directory of 20,000 files is listed to its end, 1,000 entries a page: right after it changed, and
again. Beside it stands a program that asks the file system for the same names, sizes and times, and
the first page of the largest, for which every file is looked at, too.

A thousand people have a folder, and their levels change: all by one request, and one by one.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from bench import processes
from bench.many_grants import changes
from bench.rounds import Measure, Report, in_turns, ratios
from bench.transfers import Files, answered, received, sent
from bench.wire import Wire

TITLE = "Files through the explorer"
PERSON = "ana"
CP, BARE, PUT, TUS, PARTS = "cp", "bare tornado", "PUT", "resumable", "four parts at once"
DOWNLOAD, ARCHIVE = "download", "archive"
DISK, CHANGED, AGAIN = "the file system", "after a change", "again"
LARGEST = "the thousand largest"


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    mib: int = 1024
    files: int = 20_000
    grants: int = 1000


async def measure(*, quick: bool = False, rounds: int = 7) -> list[Report]:
    """Up, down, and a long list."""
    size, rounds = (Size(8, 300, 50), 1) if quick else (Size(), rounds)
    with tempfile.TemporaryDirectory(prefix="vmshare-bench-") as name, _stage(Path(name)) as files:
        files.make(size.mib)
        up = await in_turns(_up(files), rounds)
        down = await in_turns(_down(files), rounds)
        listed = await _listing(files, size.files, rounds)
        changed = await changes(Path(name) / "grants", size.grants, rounds)
    speeds = [_speeds("Up", up, size, rounds), _speeds("Down", down, size, rounds)]
    return [*speeds, listed, changed]


@contextlib.contextmanager
def _stage(where: Path) -> Iterator[Files]:
    with contextlib.ExitStack() as stack:
        hub = stack.enter_context(processes.scripted_hub([PERSON]))
        bare = stack.enter_context(processes.bare())
        db = f"sqlite:///{where}/vmshare.sqlite"
        server = stack.enter_context(processes.service(db, hub, where / "data"))
        yield Files(where, bare.url, server.url, hub.tokens[PERSON])


def _speeds(title: str, series: dict[str, list[float]], size: Size, rounds: int) -> Report:
    report = Report(title, "MiB a second")
    report.add(series, BARE)
    for name in series:
        if name not in (CP, BARE):
            # Of what the kernel can do, bare tornado leaves most: beside it is what counts.
            report.want(f"{name} beside {BARE}", ratios(series, name, BARE), at_least=0.6)
    report.notes.append(f"{rounds} rounds of {size.mib} MiB each.")
    return report


def _timed(files: Files, work: Callable[[], object]) -> Measure:
    async def once() -> float:
        files.clear()
        begun = time.perf_counter()
        await asyncio.to_thread(work)
        return files.mib / (time.perf_counter() - begun)

    return once


def _up(files: Files) -> dict[str, Measure]:
    def cp() -> None:
        subprocess.run(["cp", "--reflink=never", files.big, files.target], check=True)
        with files.target.open("rb") as copy:
            os.fsync(copy.fileno())

    ways: dict[str, Callable[[], object]] = {
        CP: cp,
        BARE: lambda: sent(files, "PUT", f"{files.bare}/keep?path={files.target}"),
        PUT: lambda: sent(files, "PUT", files.url("file", path="up", overwrite="true")),
        TUS: files.resumable,
        PARTS: files.in_parts,
    }
    return {name: _timed(files, work) for name, work in ways.items()}


def _down(files: Files) -> dict[str, Measure]:
    answered(files, "PUT", files.url("file", path="down", overwrite="true"), files.big)
    ways: dict[str, Callable[[], object]] = {
        CP: lambda: subprocess.run(["cp", "--reflink=never", files.big, files.target], check=True),
        BARE: lambda: received(files, "GET", f"{files.bare}/send?path={files.big}"),
        DOWNLOAD: lambda: received(files, "GET", files.url("download", path="down")),
        ARCHIVE: lambda: received(files, "POST", files.url("archive"), b'{"paths": ["down"]}'),
    }
    return {name: _timed(files, work) for name, work in ways.items()}


async def _listing(files: Files, count: int, rounds: int) -> Report:
    many = files.tree / "many"
    many.mkdir()
    for number in range(count):
        file = many / f"measurement {number:06}.csv"
        file.touch()
        os.truncate(file, number * 7919 % count)
    wire = await Wire.to(files.api, files.token)

    async def disk() -> float:
        return await asyncio.to_thread(_asked_of_the_disk, many)

    async def again() -> float:
        return await _listed(wire, files.folder, count)

    async def changed() -> float:
        (many / "one more").touch()
        (many / "one more").unlink()
        return await again()

    async def largest() -> float:
        return await _largest(wire, files.folder, count - 1)

    # A listing is kept only once its directory has been left alone for two seconds.
    await asyncio.sleep(2.5)
    series = await in_turns({DISK: disk, CHANGED: changed, AGAIN: again, LARGEST: largest}, rounds)
    report = Report(f"A directory of {count:,} files", "seconds for all of it")
    report.add(series, DISK)
    report.notes.append(f"{rounds} rounds. {LARGEST.capitalize()}: one page.")
    return report


def _asked_of_the_disk(directory: Path) -> float:
    begun = time.perf_counter()
    with os.scandir(directory) as found:
        sorted((entry.name, entry.stat().st_size, entry.stat().st_mtime_ns) for entry in found)
    return time.perf_counter() - begun


async def _largest(wire: Wire, folder: str, size: int) -> float:
    begun = time.perf_counter()
    path = f"/folders/{folder}/entries?path=many&limit=1000&order=size&descending=true"
    first = (await wire.ask("GET", path)).json()["items"][0]
    assert first["size"] == size, f"{first} is not the largest"
    return time.perf_counter() - begun


async def _listed(wire: Wire, folder: str, count: int) -> float:
    begun, after, seen = time.perf_counter(), "", 0
    while True:
        path = f"/folders/{folder}/entries?path=many&limit=1000{after}"
        page = (await wire.ask("GET", path)).json()
        seen += len(page["items"])
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == count, f"{seen} of {count} entries"
    return time.perf_counter() - begun
