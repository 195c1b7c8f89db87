"""The machine and the versions that numbers were measured with."""

from __future__ import annotations

import os
import platform
import sqlite3
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path

PACKAGES = ("jupyterhub", "tornado", "SQLAlchemy", "pydantic", "psycopg")


def described() -> str:
    """One paragraph: when, on what, with which versions, and how busy it was before."""
    packages = ", ".join(f"{name} {version(name)}" for name in PACKAGES)
    load = os.getloadavg()[0]
    return (
        f"Measured {datetime.now(UTC):%Y-%m-%d %H:%M} UTC on {len(os.sched_getaffinity(0))} cores "
        f"of {_cpu()}, {_memory_gib():.0f} GiB, Linux {platform.release()}, "
        f"Python {platform.python_version()}, {packages}, SQLite {sqlite3.sqlite_version}; "
        f"load average at the start {load:.1f}."
    )


def _cpu() -> str:
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.machine()


def _memory_gib() -> float:
    return float(os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") / 2**30)
