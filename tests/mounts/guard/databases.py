"""What programs count on locks for."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from contextlib import closing


def count_under_lock(path: str, times: int) -> None:
    """Read a number, and write the next, under a lock."""
    for _ in range(times):
        descriptor = os.open(path, os.O_RDWR)
        fcntl.lockf(descriptor, fcntl.LOCK_EX)
        number = int(os.pread(descriptor, 100, 0)) + 1
        os.pwrite(descriptor, str(number).encode(), 0)
        os.close(descriptor)


def make(path: str, journal: str) -> str:
    """A database with an empty table; the journal mode that it got."""
    with closing(sqlite3.connect(path, timeout=60)) as database:
        (mode,) = database.execute(f"PRAGMA journal_mode={journal}").fetchone()
        database.execute("CREATE TABLE rows (writer INTEGER, number INTEGER, filling TEXT)")
        database.commit()
    return str(mode)


def insert(path: str, writer: int, rows: int) -> None:
    """One transaction a row."""
    with closing(sqlite3.connect(path, timeout=60)) as database:
        for number in range(rows):
            database.execute("BEGIN IMMEDIATE")
            database.execute("INSERT INTO rows VALUES (?, ?, ?)", (writer, number, "x" * 500))
            database.commit()


def look(path: str) -> tuple[str, int]:
    """What the integrity check says, and how many rows there are."""
    with closing(sqlite3.connect(path, timeout=60)) as database:
        (whole,) = database.execute("PRAGMA integrity_check").fetchone()
        (rows,) = database.execute("SELECT count(*) FROM rows").fetchone()
    return str(whole), int(rows)
