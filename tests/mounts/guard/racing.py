"""What the programs of a race do, each with a seed of its own."""

from __future__ import annotations

import contextlib
import itertools
import os
import random
import stat
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

from tests.mounts.guard import kernel, steps

NAMES: Final = [f"name{number}" for number in range(6)]


@dataclass(frozen=True, slots=True)
class Deed:
    """A file that was made in a directory, or a directory that was moved: which, and when."""

    name: str
    inode: int
    began: float
    ended: float


def _until(seconds: float) -> Iterator[int]:
    end, turn = time.monotonic() + seconds, 0
    while time.monotonic() < end:
        yield turn
        turn += 1


# --- attacks at Edit ----------------------------------------------------------------------------


def attack(top: str, number: int, seconds: float, seed: int) -> list[Deed]:
    """Try to make established names disappear. The directories of one's own that were moved."""
    attacker = _Attacker(top, number, random.Random(seed))
    for turn in _until(seconds):
        with contextlib.suppress(OSError):
            attacker.turn(turn)
    return attacker.moved


class _Attacker:
    def __init__(self, top: str, number: int, chance: random.Random) -> None:
        self.top, self.number, self.chance = top, number, chance
        self.moved: list[Deed] = []
        self.tricks: tuple[Callable[[str, str], None], ...] = (
            self.rename_over, self.link_then_rename_over, self.swap_for_directory,
            self.move_own_directory, self.move_own_directory, self.remove_anything, self.exchange,
        )  # fmt: skip

    def turn(self, turn: int) -> None:
        """One trick, on some name that there is."""
        directory = self.chance.choice(self._directories())
        self.chance.choice(self.tricks)(f"{directory}/x{self.number}_{turn}", self._victim())

    def _directories(self) -> list[str]:
        return [entry.path for entry in os.scandir(self.top) if entry.is_dir()]

    def _victim(self) -> str:
        directory = self.chance.choice(self._directories())
        names = os.listdir(directory)
        return f"{directory}/{self.chance.choice(names)}" if names else directory

    def rename_over(self, own: str, victim: str) -> None:
        """Replace it, and then try to remove what has replaced it."""
        steps.make(own)
        os.rename(own, victim)
        os.unlink(victim)

    def link_then_rename_over(self, own: str, victim: str) -> None:
        """Keep a second name of what replaces it."""
        steps.make(own)
        os.link(own, f"{own}b")
        os.rename(own, victim)
        os.rename(f"{own}b", f"{own}c")
        os.rename(victim, own)

    def swap_for_directory(self, own: str, victim: str) -> None:
        """Replace an empty directory."""
        os.mkdir(own)
        os.rename(own, victim)
        os.rmdir(victim)

    def move_own_directory(self, own: str, victim: str) -> None:
        """Move a directory of one's own, in which ana perhaps makes a file just now."""
        mine = f"{self.top}/own{self.number}_{time.monotonic_ns()}"
        os.mkdir(mine)
        inode = os.stat(mine).st_ino
        time.sleep(self.chance.uniform(0, 0.003))
        began = time.monotonic()
        with contextlib.suppress(OSError):
            os.rename(mine, f"{mine}m")
            self.moved.append(Deed(mine, inode, began, time.monotonic()))
        for path in (mine, f"{mine}m"):
            with contextlib.suppress(OSError):
                os.rmdir(path)

    def remove_anything(self, own: str, victim: str) -> None:
        """Just try."""
        os.rmdir(victim) if os.path.isdir(victim) else os.unlink(victim)

    def exchange(self, own: str, victim: str) -> None:
        """Swap with one's own."""
        steps.make(own)
        kernel.renameat2(own, victim, kernel.RENAME_EXCHANGE)


def make_names(top: str, number: int, seconds: float, seed: int) -> list[Deed]:
    """ana makes files in whatever directories there are; which, where, and when."""
    made = []
    for turn in _until(seconds):
        for name in os.listdir(top):
            if not name.startswith("own"):
                continue
            with contextlib.suppress(OSError):
                directory = os.open(f"{top}/{name}", os.O_RDONLY | os.O_DIRECTORY)
                try:
                    made.append(_make_in(directory, f"new{number}_{turn}_{name}"))
                finally:
                    os.close(directory)
    return made


def _make_in(directory: int, name: str) -> Deed:
    began = time.monotonic()
    os.close(os.open(name, os.O_CREAT | os.O_EXCL | os.O_WRONLY, 0o644, dir_fd=directory))
    return Deed(name, os.fstat(directory).st_ino, began, time.monotonic())


# --- hammering ----------------------------------------------------------------------------------


def hammer_few(top: str, number: int, seconds: float, seed: int) -> int:
    """Everybody at the same few names. How many calls did something."""
    return _hammer(top, number, seconds, seed, NAMES)


def hammer_many(top: str, number: int, seconds: float, seed: int) -> int:
    """Everybody mostly at names of their own."""
    own = [f"own{number}_{turn}" for turn in range(50)]
    return _hammer(top, number, seconds, seed, NAMES[:2] + own)


def _hammer(top: str, number: int, seconds: float, seed: int, names: list[str]) -> int:
    chance, done = random.Random(seed), 0
    for turn in _until(seconds):
        one, other = (f"{top}/{chance.choice(names)}" for _ in range(2))
        with contextlib.suppress(OSError):
            _blow(chance, one, other, f"{number} {turn}")
            done += 1
    return done


def _blow(chance: random.Random, one: str, other: str, content: str) -> None:
    match chance.randrange(8):
        case 0 | 1:
            steps.write(one, content.encode())
        case 2 | 3:
            os.rename(one, other)
        case 4:
            os.unlink(one)
        case 5:
            os.link(one, other)
        case 6:
            os.mkdir(one) if chance.random() < 0.5 else os.rmdir(one)
        case _:
            os.symlink(content, one)


def look(top: str) -> dict[str, tuple[str, bytes]]:
    """Every name with its kind and content."""
    found = {}
    for name in sorted(os.listdir(top)):
        path = f"{top}/{name}"
        mode = os.lstat(path).st_mode
        if stat.S_ISLNK(mode):
            found[name] = ("link", os.readlink(path).encode())
        elif stat.S_ISDIR(mode):
            found[name] = ("directory", b"")
        else:
            found[name] = ("file", steps.read(path))
    return found


def watch(top: str, number: int, seconds: float, seed: int) -> list[str]:
    """What went wrong with names that nobody touches."""
    wrong = []
    for _ in _until(seconds):
        try:
            if steps.read(f"{top}/steady/file") != b"steady" or "steady" not in os.listdir(top):
                wrong.append("something else")
        except OSError as problem:
            wrong.append(str(problem))
    return wrong


def fill_new_files(top: str, names: list[str], size: int) -> None:
    """Each is made, and written to a moment later; then comes an empty ``end``."""
    for name in names:
        descriptor = os.open(f"{top}/{name}", os.O_CREAT | os.O_EXCL | os.O_WRONLY)
        os.write(descriptor, bytes(size))
        os.close(descriptor)
    os.close(os.open(f"{top}/end", os.O_CREAT))


def sizes_once_there(top: str, names: list[str]) -> list[int]:
    """What size each has once the next one is there; it is looked for as soon as it comes."""
    found = []
    for name, following in itertools.pairwise([*names, "end"]):
        while not os.path.exists(f"{top}/{name}"):
            pass
        while not os.path.exists(f"{top}/{following}"):
            pass
        found.append(os.stat(f"{top}/{name}").st_size)
    return found
