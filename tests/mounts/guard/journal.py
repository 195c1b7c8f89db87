"""A program that writes down, elsewhere, what it has been promised: that fsync has returned."""

from __future__ import annotations

import os
import time
from pathlib import Path

RECORD = 64


def record(number: int) -> bytes:
    """The record with this number."""
    return f"record {number} ".encode().ljust(RECORD, b".")


def write(path: str, kept: str) -> None:
    """Append records, each with an fsync; `kept` tells how many were promised."""
    descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_APPEND, 0o644)
    promised = os.open(kept, os.O_CREAT | os.O_WRONLY, 0o644)
    number = 0
    while True:
        os.write(descriptor, record(number))
        os.fsync(descriptor)
        number += 1
        os.pwrite(promised, number.to_bytes(8, "big"), 0)


def check(path: Path, kept: Path) -> None:
    """Every record that was promised is in the store, whole."""
    promised, content = int.from_bytes(kept.read_bytes(), "big"), path.read_bytes()
    assert promised > 0
    for number in range(promised):
        assert content[number * RECORD : (number + 1) * RECORD] == record(number)


def persist(path: str, seconds: float) -> int:
    """Write the file anew, again and again, also without a guard. How often it was cut off."""
    until, cuts, after = time.monotonic() + seconds, 0, 0
    while time.monotonic() < until and after < 5:
        try:
            descriptor = os.open(path, os.O_CREAT | os.O_WRONLY | os.O_TRUNC, 0o644)
            os.write(descriptor, b"x" * 1000)
            os.close(descriptor)
            after += bool(cuts)
        except OSError:
            cuts += 1
        time.sleep(0.02)
    assert after == 5, "paths never worked again"
    return cuts
