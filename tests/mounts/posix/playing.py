"""Every call on every path of the scene, in one directory: what was answered, and what was left."""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any

from tests.mounts.guard.program import outcome
from tests.mounts.posix import scene
from tests.mounts.posix.calls import CALLS
from tests.mounts.posix.deeds import DEEDS
from tests.mounts.posix.scene import Row

ALONE = "alone"
"""In the place of a path, for calls that are made once."""
Key = tuple[str, str]
"""A call and a path, by the words for both."""


@dataclass(frozen=True)
class Seen:
    """What a call answered, and how what is there then differs from what was there before."""

    answer: str
    gone: frozenset[Row] = frozenset()
    came: frozenset[Row] = frozenset()


def everything() -> Iterator[tuple[Key, Callable[[], Any]]]:
    """Every call with its path."""
    for call, do in CALLS.items():
        for words, path in scene.PATHS.items():
            yield (call, words), partial(do, path)
    for call, alone in DEEDS.items():
        yield (call, ALONE), alone


def play(top: str) -> dict[Key, Seen]:
    """All of it, in a directory that the caller has made."""
    os.umask(0o022)
    places, found = Places(top), {}
    for key, do in everything():
        place, before = places.unchanged()
        answer = _answer(do)
        after = scene.look(place)
        if after == before and answer != "ok":
            places.keep()
        found[key] = Seen(answer, before - after, after - before)
    return found


def _answer(do: Callable[[], Any]) -> str:
    """The errno, or `ok` with what was returned."""
    told: list[Any] = []
    answer = outcome(lambda: told.append(do()))
    return answer if not told or told[0] is None else f"ok: {told[0]!r}"


class Places:
    """Directories with a scene. One that a call has left as it was serves the next call, too."""

    def __init__(self, top: str) -> None:
        self._top, self._number = top, 0
        self._place, self._rows, self._kept = -1, frozenset[Row](), False

    def unchanged(self) -> tuple[int, frozenset[Row]]:
        """A descriptor of the working directory, and what is in it."""
        if not self._kept:
            self._renew()
        self._kept = False
        return self._place, self._rows

    def keep(self) -> None:
        """The call has changed nothing."""
        self._kept = True

    def _renew(self) -> None:
        if self._place >= 0:
            os.close(self._place)
        self._number += 1
        os.mkdir(f"{self._top}/{self._number}")
        os.chdir(f"{self._top}/{self._number}")
        scene.make()
        self._place = os.open(".", os.O_RDONLY)
        self._rows = scene.look(self._place)
