"""Locks of both kinds, on one file that the program remembers."""

from __future__ import annotations

import fcntl
import os
import signal
import struct
import types
from typing import Final, Literal

_OPEN: Final[list[int]] = []
_CHILDREN: Final[list[int]] = []
_FLOCK: Final = {"shared": fcntl.LOCK_SH, "exclusive": fcntl.LOCK_EX, "none": fcntl.LOCK_UN}
_POSIX: Final = {"read": fcntl.F_RDLCK, "write": fcntl.F_WRLCK, "none": fcntl.F_UNLCK}


def remember(path: str, flags: int = os.O_RDWR) -> None:
    """What the other functions lock."""
    _OPEN[:] = [os.open(path, flags)]


def flock(kind: Literal["shared", "exclusive", "none"], *, wait: bool = True) -> None:
    """flock(2)."""
    fcntl.flock(_OPEN[0], _FLOCK[kind] | (0 if wait else fcntl.LOCK_NB))


def posix(
    kind: Literal["read", "write", "none"], start: int = 0, length: int = 0, *, wait: bool = True
) -> None:
    """F_SETLK and F_SETLKW."""
    told = struct.pack("hhqqi4x", _POSIX[kind], os.SEEK_SET, start, length, 0)
    fcntl.fcntl(_OPEN[0], fcntl.F_SETLKW if wait else fcntl.F_SETLK, told)


def holder(start: int = 0, length: int = 0) -> str:
    """F_GETLK: who would be in the way of a write lock: `none`, `read` or `write`."""
    told = struct.pack("hhqqi4x", fcntl.F_WRLCK, os.SEEK_SET, start, length, 0)
    kind = struct.unpack("hhqqi4x", fcntl.fcntl(_OPEN[0], fcntl.F_GETLK, told))[0]
    return {number: name for name, number in _POSIX.items()}[kind]


class Interrupted(InterruptedError):
    """A signal came while waiting."""


def interruptible() -> None:
    """SIGUSR1 ends what waits."""

    def stop(number: int, frame: types.FrameType | None) -> None:
        raise Interrupted(4, "interrupted")

    signal.signal(signal.SIGUSR1, stop)


def close() -> None:
    """Close the descriptor: its locks go."""
    os.close(_OPEN.pop())


def lock_after_child() -> None:
    """A process that has ended has no lock, also where another has the same open file."""
    child = os.fork()
    if child == 0:
        fcntl.lockf(_OPEN[0], fcntl.LOCK_EX | fcntl.LOCK_NB)
        os._exit(0)
    assert os.waitpid(child, 0)[1] == 0, "the child did not get the lock"
    fcntl.lockf(_OPEN[0], fcntl.LOCK_EX | fcntl.LOCK_NB)


def lock_in_child() -> None:
    """A child locks for reading, and lives until `end_child`."""
    told, tell = os.pipe()
    child = os.fork()
    if child == 0:
        fcntl.lockf(_OPEN[0], fcntl.LOCK_SH | fcntl.LOCK_NB)
        os.write(tell, b"x")
        signal.pause()
    os.close(tell)
    assert os.read(told, 1) == b"x", "the child did not get the lock"
    _CHILDREN.append(child)


def end_child() -> None:
    """It has ended, though nobody has asked how yet."""
    os.kill(_CHILDREN[-1], signal.SIGKILL)
    os.waitid(os.P_PID, _CHILDREN[-1], os.WEXITED | os.WNOWAIT)


def lock_by_many(directory: str, files: int, processes: int) -> int:
    """How many locks that many processes get on that many files, which are opened once.

    They keep them until the program ends.
    """
    opened = [os.open(f"{directory}/{number}", os.O_RDONLY) for number in range(files)]
    stay, ended = os.pipe()
    told, tell = os.pipe()
    for _ in range(processes):
        if os.fork() == 0:
            os.close(ended)
            os.write(tell, struct.pack("i", sum(map(_read_locked, opened))))
            os.read(stay, 1)
            os._exit(0)
    _OPEN[:] = [ended]
    return sum(struct.unpack("i", os.read(told, 4))[0] for _ in range(processes))


def locks_again(path: str) -> bool:
    """Whether a file can be opened and locked."""
    try:
        descriptor = os.open(path, os.O_RDONLY)
    except OSError:
        return False
    locked = _read_locked(descriptor)
    os.close(descriptor)
    return locked


def _read_locked(descriptor: int) -> bool:
    try:
        fcntl.lockf(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except OSError:
        return False
    return True
