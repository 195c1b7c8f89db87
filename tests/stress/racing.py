"""Four programs in two sessions at once, each of which knows what it has written itself.

They share files in stripes, so that every page is everybody's and every byte one program's; they
move files of their own through common directories, add lines to one log, and read each other's.
What a program has written it finds again at any moment, and all of it is there in the end.
"""

from __future__ import annotations

import contextlib
import mmap
import os
import random
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final

from tests.stress.acting import contents

PROGRAMS, FILES, STRIPE, STRIPES = 4, 3, 1000, 64
DIRECTORIES: Final = ("x", "y")
LOG: Final = "log"
_OPENS: Final = (os.O_RDWR, os.O_RDWR, os.O_WRONLY)


@dataclass
class Kept:
    """What a program has written: bytes of shared files, whole files by path, lines of the log."""

    number: int
    stripes: dict[tuple[int, int], bytes] = field(default_factory=dict)
    files: dict[str, bytes] = field(default_factory=dict)
    lines: list[str] = field(default_factory=list)


class Differs(Exception):
    """A program does not find what it has written."""


class Racer:
    """One program."""

    def __init__(self, top: str, number: int, seed: int) -> None:
        self.top, self.chance, self.kept = top, random.Random(seed), Kept(number)
        self.shared: dict[int, tuple[int, int]] = {}
        self.deeds: tuple[Callable[[], None], ...] = (
            self.write, self.write, self.read, self.read, self.map, self.append, self.make,
            self.move, self.rewrite, self.store, self.check, self.remove, self.look_around,
        )  # fmt: skip

    def run(self, calls: int) -> Kept:
        """So many deeds; what is there of them in the end."""
        for _ in range(calls):
            self.chance.choice(self.deeds)()
        for descriptor, _ in self.shared.values():
            os.close(descriptor)
        return self.kept

    # --- shared files -----------------------------------------------------------------------------

    def _opened(self, flags: int) -> tuple[int, int]:
        """A shared file with a descriptor that can do this, new or as it was."""
        file = self.chance.randrange(FILES)
        if file in self.shared:
            descriptor, mode = self.shared[file]
            if self.chance.random() < 0.8 and mode in (flags, os.O_RDWR):
                return file, descriptor
            os.close(descriptor)
        descriptor = os.open(f"{self.top}/shared{file}", flags)
        self.shared[file] = descriptor, flags
        return file, descriptor

    def _stripe(self) -> int:
        return self.chance.randrange(self.kept.number, STRIPES, PROGRAMS)

    def write(self) -> None:
        """A stripe of one's own, with others' bytes before and behind it."""
        file, descriptor = self._opened(self.chance.choice(_OPENS))
        stripe, content = self._stripe(), self.chance.randbytes(STRIPE)
        assert os.pwrite(descriptor, content, stripe * STRIPE) == STRIPE
        self.kept.stripes[file, stripe] = content

    def read(self) -> None:
        """It is what was written there."""
        file, descriptor = self._opened(self.chance.choice((os.O_RDONLY, os.O_RDWR)))
        stripe = self._stripe()
        found = os.pread(descriptor, STRIPE, stripe * STRIPE)
        self._same(found, self.kept.stripes.get((file, stripe), bytes(STRIPE)), (file, stripe))

    def map(self) -> None:
        """The same through a mapping, where that is allowed."""
        file, descriptor = self._opened(os.O_RDONLY)
        stripe = self._stripe()
        with contextlib.suppress(OSError), mmap.mmap(descriptor, 0, prot=mmap.PROT_READ) as seen:
            found = seen[stripe * STRIPE : (stripe + 1) * STRIPE]
            self._same(found, self.kept.stripes.get((file, stripe), bytes(STRIPE)), (file, stripe))

    def append(self) -> None:
        """A line for the log that all write."""
        line = f"{self.kept.number} {len(self.kept.lines)} {'.' * self.chance.randrange(200)}"
        descriptor = os.open(f"{self.top}/{LOG}", os.O_WRONLY | os.O_APPEND)
        os.write(descriptor, f"{line}\n".encode())
        os.close(descriptor)
        self.kept.lines.append(line)

    # --- files of one's own -----------------------------------------------------------------------

    def _new(self) -> str:
        name = f"{self.kept.number}_{self.chance.randrange(1 << 30)}"
        return f"{self.chance.choice(DIRECTORIES)}/{name}"

    def _any(self) -> str | None:
        return self.chance.choice(sorted(self.kept.files)) if self.kept.files else None

    def make(self) -> None:
        """A new file."""
        path, content = self._new(), self.chance.randbytes(self.chance.randrange(9000))
        descriptor = os.open(f"{self.top}/{path}", os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644)
        os.write(descriptor, content)
        os.close(descriptor)
        self.kept.files[path] = content

    def move(self) -> None:
        """To a new name, or over another of one's own."""
        if (path := self._any()) is None:
            return
        other = self._any() if self.chance.random() < 0.3 else self._new()
        assert other is not None
        os.rename(f"{self.top}/{path}", f"{self.top}/{other}")
        self.kept.files[other] = self.kept.files.pop(path)

    def rewrite(self) -> None:
        """Other content, as long as it likes."""
        if (path := self._any()) is None:
            return
        content = self.chance.randbytes(self.chance.randrange(9000))
        descriptor = os.open(f"{self.top}/{path}", os.O_WRONLY | os.O_TRUNC)
        os.write(descriptor, content)
        os.close(descriptor)
        self.kept.files[path] = content

    def store(self) -> None:
        """Through a mapping, which another session may not have made impossible."""
        path = self._any()
        if path is None or not self.kept.files[path]:
            return
        descriptor = os.open(f"{self.top}/{path}", os.O_RDWR)
        with contextlib.suppress(OSError), mmap.mmap(descriptor, 0) as mapping:
            content = self.chance.randbytes(len(mapping))
            mapping[:] = content
            mapping.flush()
            self.kept.files[path] = content
        os.close(descriptor)

    def check(self) -> None:
        """One's own file is what it was made."""
        if (path := self._any()) is not None:
            self._same(contents(f"{self.top}/{path}"), self.kept.files[path], path)

    def remove(self) -> None:
        """It goes."""
        if (path := self._any()) is not None and self.chance.random() < 0.5:
            os.unlink(f"{self.top}/{path}")
            del self.kept.files[path]

    def look_around(self) -> None:
        """Read what others have, so that this session has it in its cache."""
        directory = f"{self.top}/{self.chance.choice(DIRECTORIES)}"
        for name in os.listdir(directory)[:4]:
            with contextlib.suppress(FileNotFoundError):
                contents(f"{directory}/{name}")

    def _same(self, found: bytes, wanted: bytes, where: object) -> None:
        if found != wanted:
            at = next(
                (n for n, (a, b) in enumerate(zip(found, wanted, strict=False)) if a != b), -1
            )
            raise Differs(f"program {self.kept.number}: {where} differs at {at} ({len(found)})")


def race(top: str, number: int, seed: int, calls: int) -> Kept:
    """What one program does."""
    return Racer(top, number, seed).run(calls)


def missing(root: str, kept: list[Kept]) -> list[str]:
    """What of all that is not there, in a session or in the store."""
    wrong = []
    for it in kept:
        for (file, stripe), content in it.stripes.items():
            found = contents(f"{root}/shared{file}")[stripe * STRIPE : (stripe + 1) * STRIPE]
            if found != content:
                wrong.append(f"stripe {stripe} of shared{file} of program {it.number}")
        for path, content in it.files.items():
            try:
                if contents(f"{root}/{path}") != content:
                    wrong.append(f"{path} differs")
            except OSError as problem:
                wrong.append(f"{path}: {problem}")
    there = {path for directory in DIRECTORIES for path in _paths(root, directory)}
    wrong += [f"{path} is too much" for path in there - {path for it in kept for path in it.files}]
    lines = sorted(contents(f"{root}/{LOG}").decode().splitlines())
    if lines != sorted(line for it in kept for line in it.lines):
        wrong.append("lines of the log")
    return wrong


def _paths(root: str, directory: str) -> list[str]:
    return [f"{directory}/{name}" for name in os.listdir(f"{root}/{directory}")]
