"""The calls of a history: what they are, and how the next one is drawn."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass, fields
from typing import Final

SLOTS, MAPS = 5, 2
LARGEST: Final = 128 * 1024
NAMES: Final = ("a", "b", "c", "d", "e")
OPENS: Final = (
    os.O_RDONLY,
    os.O_RDONLY,
    os.O_RDWR,
    os.O_RDWR,
    os.O_WRONLY,
    os.O_RDWR | os.O_CREAT,
    os.O_RDWR | os.O_CREAT,
    os.O_WRONLY | os.O_CREAT | os.O_EXCL,
    os.O_RDWR | os.O_CREAT | os.O_TRUNC,
    os.O_RDONLY | os.O_TRUNC,
    os.O_WRONLY | os.O_APPEND | os.O_CREAT,
    os.O_RDWR | os.O_APPEND,
    os.O_RDONLY | os.O_NOFOLLOW,
    os.O_RDONLY | os.O_DIRECTORY,
)
MODES: Final = (0o644, 0o600, 0o640, 0o444, 0o755)
RENAMES: Final = (0, 0, 0, 0, 1, 2)
"""Mostly without flags, else RENAME_NOREPLACE and RENAME_EXCHANGE."""
SIZES: Final = (1, 100, 4096, 5000, 20_000)

# How often each is drawn.
_WEIGHTS: Final = {
    "open": 14, "close": 6, "read": 10, "write": 12, "ftruncate": 4, "truncate": 4, "punch": 2,
    "allocate": 2, "fsync": 1, "copy": 2, "fstat": 3, "seek_end": 1,
    "map": 4, "peek": 8, "poke": 8, "sync": 2, "unmap": 2,
    "stat": 6, "lstat": 3, "contents": 8, "readdir": 5, "readlink": 2, "access": 1,
    "mkdir": 3, "rmdir": 3, "unlink": 6, "rename": 10, "link": 4, "symlink": 2, "chmod": 2,
    "utime": 1, "setxattr": 1, "getxattr": 1, "statfs": 1,
}  # fmt: skip
_OF_THE_STAGE: Final = {"lower": 1, "raise": 2, "revoke": 0.4}
_OF_THE_EXPLORER: Final = {"replace": 0.3, "append": 0.2, "remove": 0.2}


@dataclass(frozen=True, slots=True)
class Call:
    """One call, with all that it needs, so that it can be made again without those before it."""

    who: int
    what: str
    path: str = ""
    other: str = ""
    slot: int = 0
    second: int = 0
    at: int = 0
    size: int = 0
    flags: int = 0
    seed: int = 0

    def __repr__(self) -> str:
        more = [
            f"{it.name}={value!r}" for it in fields(self)[2:] if (value := getattr(self, it.name))
        ]
        return f"Call({', '.join([str(self.who), repr(self.what), *more])})"

    @property
    def content(self) -> bytes:
        """The bytes that it writes."""
        return random.Random(self.seed).randbytes(self.size)


class Drawer:
    """Draws calls by one seed, mostly for names that there are."""

    def __init__(self, chance: random.Random, *, explorer: bool) -> None:
        self._chance = chance
        weights = _WEIGHTS | _OF_THE_STAGE | (_OF_THE_EXPLORER if explorer else {})
        self._kinds, self._weights = list(weights), list(weights.values())
        self.known: list[str] = []
        """Paths that there are, sorted."""

    def draw(self) -> Call:
        """The next call."""
        chance = self._chance
        (what,) = chance.choices(self._kinds, self._weights)
        at = chance.choice((0, chance.randrange(8192), chance.randrange(LARGEST)))
        if what == "open":
            flags = chance.choice(OPENS)
        elif what == "rename":
            flags = chance.choice(RENAMES)
        else:
            flags = chance.choice(MODES)
        return Call(
            0 if what in _OF_THE_STAGE else chance.randrange(2),
            what,
            self._path(),
            self._path(),
            chance.randrange(MAPS if what in ("peek", "poke", "sync", "unmap") else SLOTS),
            chance.randrange(MAPS if what == "map" else SLOTS),
            at,
            chance.choice(SIZES),
            flags,
            chance.randrange(1 << 30),
        )

    def _path(self) -> str:
        if self.known and self._chance.random() < 0.75:
            return self._chance.choice(self.known)
        depth = self._chance.choice((1, 1, 2, 2, 3))
        return "/".join(self._chance.choice(NAMES) for _ in range(depth))
