"""Waiting for what the service does by and by."""

from __future__ import annotations

import time
from collections.abc import Callable

PATIENCE = 30.0


def until(is_so: Callable[[], bool]) -> None:
    """Wait until it is so."""
    deadline = time.monotonic() + PATIENCE
    while not is_so():
        assert time.monotonic() < deadline
        time.sleep(0.02)
