"""`bench/stress.md`: the long runs that went well, each with its seed."""

from __future__ import annotations

import os
import platform
from datetime import UTC, datetime
from pathlib import Path

from tests.mounts.guard.stage import ROOT
from tests.stress.playing import Played

PAGE = ROOT / "bench/stress.md"


def row(played: Played) -> str:
    """What was done, as a line of the page's table."""
    races = played.calls["race"]
    calls = sum(played.calls.values()) - races
    when, cores = f"{datetime.now(UTC):%Y-%m-%d %H:%M}", len(os.sched_getaffinity(0))
    numbers = f"{played.seconds / 60:.0f} | {played.rounds - races} | {calls:,} | {races}"
    return (
        f"| {when} | {played.seed} | {numbers} | {cores} cores, Linux {platform.release()} | none |"
    )


def keep(played: Played, page: Path = PAGE) -> None:
    """Add the line to the page."""
    page.write_text(f"{page.read_text().rstrip()}\n{row(played)}\n")
