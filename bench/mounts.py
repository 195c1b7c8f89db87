"""A shared folder behind the guard, beside the disk's own directory and beside bindfs.

One person's program does the same work in three directories of one ext4 file system: directly,
behind the guard at level Edit (where the guard remembers who made what), and behind ``bindfs`` as
Debian has it. In each round all three have their turn, in changing order. *Cold* means that the
kernel's caches were dropped before; everything else follows right after what is above it. Numbers
are work per second, so that more is better. Opening a file asks the guard each time: *read small
files* is about that, since what is read again comes out of the kernel's cache.

The kernel (Linux 6.18) keeps an ext4 file in folios of up to 2 MiB, and a FUSE file in pages of
4 KiB.
So *what is cached* is measured a second time beside a file of the disk that is cached page by
page: what the guard loses against that is its own, the rest is the kernel's.

How long the guard takes for orders is measured from the order to its answer, when the new level
holds in full, with so many files of the folder known to the session's kernel.
"""

from __future__ import annotations

import contextlib
import os
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from bench import mount_work as work
from bench.rounds import Report, Series, Spread, ratios
from tests.fixtures.guard_binary import missing
from tests.mounts.guard.program import Program
from tests.mounts.guard.stage import Session, Stage

TITLE = "Folders in running sessions"
NATIVE, GUARD, BINDFS = "the disk's directory", "the guard", "bindfs"
PAGES = "the disk's directory, cached by the page"
_LONG = 600.0


@dataclass(frozen=True)
class Size:
    """How much of everything."""

    mib: int = 1024
    reads: int = 50_000
    small: int = 10_000
    repository: int = 5_000
    archive: int = 5_000
    saves: int = 20
    known: tuple[int, ...] = (0, 1_000, 10_000)


QUICK = Size(8, 200, 200, 100, 100, 2, (0, 100))


@dataclass(frozen=True)
class Row:
    """One measured piece of work: how much of it there is, and what is wanted of native speed."""

    name: str
    amount: float
    seconds: Callable[[str], Any]
    wanted: float = 0
    cold: bool = False


async def measure(*, quick: bool = False, rounds: int = 9) -> list[Report]:
    """What file operations take, and what orders take."""
    if why := missing():
        raise SystemExit(why)
    size, rounds = (QUICK, 1) if quick else (Size(), rounds)
    with _stage() as stage:
        files = _file_operations(stage, size, rounds)
        cached = _cached(stage, size, rounds)
        orders = [_orders(stage, known, rounds) for known in size.known]
    return [*files, cached, *orders]


@contextlib.contextmanager
def _stage() -> Iterator[Stage]:
    stage = Stage(fresh_seconds=10**6)
    try:
        yield stage
    finally:
        stage.close()


# --- file operations ----------------------------------------------------------------------------


def _rows(size: Size, archive: str) -> tuple[Row, ...]:
    """In this order, in every directory and every round."""
    small = partial(partial, count=size.small)
    return (
        Row(f"write {size.mib} MiB (MiB)", size.mib, partial(work.write_big, mib=size.mib), 0.6),
        Row(f"read {size.mib} MiB, cold (MiB)", size.mib, work.read_big, 0.5, cold=True),
        Row(f"read {size.mib} MiB again (MiB)", size.mib, work.read_big, 0.9),
        Row(
            "read 4 KiB at random, again (reads)",
            size.reads,
            partial(work.read_at_random, count=size.reads),
            0.9,
        ),
        Row("create small files (files)", size.small, small(work.create_small)),
        Row("stat small files, cold (files)", size.small, small(work.stat_small), 0.15,
            cold=True),
        Row("stat small files again (files)", size.small, small(work.stat_small)),
        Row("read small files (files)", size.small, small(work.read_small)),
        Row("read small files again (files)", size.small, small(work.read_small)),
        Row("unlink small files (files)", size.small, small(work.unlink_small)),
        Row("git status, cold (runs)", 1, work.git_status, 0.4, cold=True),
        Row("git status again (runs)", 1, work.git_status, 0.7),
        Row("untar (files)", size.archive, partial(work.untar, path=archive)),
        Row("save a notebook (saves)", size.saves, partial(work.save_notebook, times=size.saves)),
    )  # fmt: skip


def _file_operations(stage: Stage, size: Size, rounds: int) -> list[Report]:
    session, folder = stage.session("dan"), stage.folder()
    stage.give(session, folder, "edit")
    archive = str(session.home / "archive.tar")
    _run(session.shell, work.make_archive, archive, size.archive)
    with _bindfs(session) as bound:
        places = {NATIVE: _own_directory(session), GUARD: session.path("tests"), BINDFS: bound}
        for top in places.values():
            _run(session.shell, work.make_repository, top, size.repository)
        rows = _rows(size, archive)
        found = _in_turns(session.shell, rows, places, rounds)
    return [
        _beside(NATIVE, rows, found, targets=True),
        _beside(BINDFS, rows, found, targets=False),
    ]


def _in_turns(
    program: Program,
    rows: tuple[Row, ...],
    places: dict[str, str],
    rounds: int,
    *,
    remove: bool = True,
) -> dict[str, Series]:
    """Work per second: by row, then by place, a number a round. One round before does not count."""
    found: dict[str, dict[str, list[float]]] = {row.name: {p: [] for p in places} for row in rows}
    for number in range(-1 if rounds > 1 else 0, rounds):
        names = list(places)
        turn = number % len(names)
        for place in (*names[turn:], *names[:turn]):
            for row in rows:
                if row.cold:
                    _drop_caches()
                took = _run(program, row.seconds, places[place])
                if number >= 0:
                    found[row.name][place].append(row.amount / took)
            if remove:
                _run(program, work.remove_big, places[place])
    return {name: dict(series) for name, series in found.items()}


def _beside(
    other: str, rows: tuple[Row, ...], found: dict[str, Series], *, targets: bool
) -> Report:
    """The guard's numbers, and their ratio to the other's. Every row is to be ahead of bindfs."""
    report = Report(f"Beside {other}", "the guard, work per second", compared_to=other)
    for row in rows:
        ratio = ratios(found[row.name], GUARD, other)
        report.rows.append((row.name, Spread.of(found[row.name][GUARD]), Spread.of(ratio)))
        if targets and row.wanted:
            report.want(row.name, ratio, at_least=row.wanted)
        elif not targets:
            report.want(row.name, ratio, at_least=1, by="low")
    report.notes.append(f"{len(ratio)} rounds.")
    return report


def _cached(stage: Stage, size: Size, rounds: int) -> Report:
    """Reading what the kernel has: in its folios, by the page, and behind the guard."""
    session, folder = stage.session("ben"), stage.folder()
    stage.give(session, folder, "edit")
    places = {
        NATIVE: _own_directory(session),
        PAGES: _own_directory(session, "by-the-page"),
        GUARD: session.path("tests"),
    }
    for place, top in places.items():
        _run(session.shell, work.write_big, top, size.mib)
        _run(session.shell, work.cache_by_the_page if place == PAGES else work.read_big, top)
    rows = [row for row in _rows(size, "") if row.seconds is work.read_big and not row.cold]
    rows += [row for row in _rows(size, "") if "random" in row.name]
    found = _in_turns(session.shell, tuple(rows), places, rounds, remove=False)
    report = Report("What is cached", "work per second", compared_to=NATIVE)
    for row in rows:
        for place in (PAGES, GUARD):
            ratio = Spread.of(ratios(found[row.name], place, NATIVE))
            report.rows.append((f"{row.name}: {place}", Spread.of(found[row.name][place]), ratio))
        beside = ratios(found[row.name], GUARD, PAGES)
        report.want(f"{row.name}, the guard beside {PAGES}", beside, at_least=0.9)
    for top in places.values():
        _run(session.shell, work.remove_big, top)
    return report


def _own_directory(session: Session, name: str = "native") -> str:
    place = session.home / name
    place.mkdir()
    os.chown(place, session.uid, session.uid)
    return str(place)


@contextlib.contextmanager
def _bindfs(session: Session) -> Iterator[str]:
    """A directory behind bindfs, in the session's own namespace."""
    source, target = _own_directory(session, "source"), _own_directory(session, "bound")
    root = session.program(root=True)
    process = root(_start_bindfs, source, target)
    try:
        yield target
    finally:
        root(os.kill, process, 15)


def _start_bindfs(source: str, target: str) -> int:
    process = subprocess.Popen(["bindfs", "-f", source, target], stdin=subprocess.DEVNULL)
    until = time.monotonic() + 20
    while not os.path.ismount(target):
        if process.poll() is not None or time.monotonic() > until:
            raise RuntimeError("bindfs did not start: is Debian's package bindfs installed?")
        time.sleep(0.02)
    return process.pid


def _drop_caches() -> None:
    os.sync()
    Path("/proc/sys/vm/drop_caches").write_text("3")


def _run(program: Program, do: Callable[..., Any], *words: Any) -> Any:
    program.begin(do, *words)
    return program.end(_LONG)


# --- orders -------------------------------------------------------------------------------------


def _orders(stage: Stage, known: int, rounds: int) -> Report:
    """Grant, raise, lower and revoke, one after the other, on a folder of so many known files."""
    session, folder = stage.session("ben"), stage.folder()
    for number in range(known):
        folder.put(f"known/{number}")
    steps: dict[str, Callable[[], object]] = {
        "grant": lambda: stage.give(session, folder, "view"),
        "raise": lambda: stage.give(session, folder, "edit"),
        "lower": lambda: stage.give(session, folder, "view"),
        "revoke": lambda: stage.take(session, folder),
    }
    found: dict[str, list[float]] = {step: [] for step in steps}
    for _ in range(rounds):
        for step, order in steps.items():
            if step in ("lower", "revoke"):
                _run(session.shell, work.know, session.path("tests"), known)
            began = time.perf_counter()
            order()
            found[step].append((time.perf_counter() - began) * 1000)
    stage.drop(session)
    report = Report(f"Orders, with {known:,} known files", "milliseconds to the answer")
    report.rows += [(step, Spread.of(numbers), None) for step, numbers in found.items()]
    if known == 10_000:
        report.want("revoke (ms)", found["revoke"], at_most=100)
    return report
