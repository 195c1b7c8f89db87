"""Databases for benchmarks: SQLite files, and a PostgreSQL of the run's own."""

from __future__ import annotations

import contextlib
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from tests.fixtures.postgres import running_cluster

NewUrl = Callable[[], str]


@contextlib.contextmanager
def kinds(where: Path, names: tuple[str, ...]) -> Iterator[dict[str, NewUrl]]:
    """For each of ``SQLite`` and ``PostgreSQL``: what makes the URL of an empty database."""
    makers: dict[str, NewUrl] = {}
    with contextlib.ExitStack() as stack:
        if "SQLite" in names:
            makers["SQLite"] = _sqlite(where)
        if "PostgreSQL" in names:
            makers["PostgreSQL"] = stack.enter_context(running_cluster()).new_database
        yield makers


def _sqlite(where: Path) -> NewUrl:
    return lambda: f"sqlite:///{tempfile.mkdtemp(dir=where)}/vmshare.sqlite"
