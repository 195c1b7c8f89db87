"""Programs that go on until they are stopped, or their access ends."""

from __future__ import annotations

import os
from itertools import count

from tests.mounts.guard import steps


def read_for_ever(path: str) -> None:
    """Read a file again and again, through one descriptor."""
    descriptor, size = os.open(path, os.O_RDONLY), os.stat(path).st_size
    for turn in count():
        os.pread(descriptor, 65536, turn * 65536 % size)


def write_for_ever(path: str) -> None:
    """Write one page after the other, through one descriptor."""
    descriptor, size = os.open(path, os.O_WRONLY), os.stat(path).st_size
    for turn in count():
        os.pwrite(descriptor, turn.to_bytes(8, "big") * 512, turn * 4096 % size)


def make_for_ever(directory: str) -> None:
    """Make files."""
    for turn in count():
        steps.make(f"{directory}/made{turn}")


def dirty_for_ever(path: str, size: int) -> None:
    """Store to every page of a mapping, again and again."""
    mapping = steps.map_path(path, os.O_RDWR, writable=True)
    for turn in count():
        steps.poke(mapping, turn.to_bytes(8, "big"), turn * 4096 % size)
