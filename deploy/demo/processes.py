"""The demonstration's processes: all of them end with it, however it ends."""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import time
from collections.abc import Callable, Iterable
from pathlib import Path

_PR_SET_PDEATHSIG = 1


def ends_with_us(number: signal.Signals) -> Callable[[], None]:
    """For ``preexec_fn``: the process gets this signal when ours dies, also by kill -9."""
    libc = ctypes.CDLL(None)
    return lambda: libc.prctl(_PR_SET_PDEATHSIG, number)


def descendants(pid: int) -> set[int]:
    """All processes that this one started, and theirs."""
    found: set[int] = set()
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        with contextlib.suppress(OSError):
            for child in map(int, task.read_text().split()):
                found |= {child, *descendants(child)}
    return found


def marked(secret: str) -> set[int]:
    """The processes that have the secret in their environment."""
    return _with("environ", secret)


def like(word: str) -> set[int]:
    """The processes with that in their command line."""
    return _with("cmdline", word)


def _with(file: str, text: str) -> set[int]:
    found = set()
    for told in Path("/proc").glob(f"[0-9]*/{file}"):
        with contextlib.suppress(OSError):
            if text.encode() in told.read_bytes():
                found.add(int(told.parent.name))
    return found - {os.getpid()}


def end(pids: Iterable[int], number: signal.Signals, seconds: float) -> None:
    """Ask processes to end, and end those that have not in time."""
    left = {pid for pid in pids if _signal(pid, number)}
    deadline = time.monotonic() + seconds
    while left and time.monotonic() < deadline:
        left = {pid for pid in left if _is_running(pid)}
        time.sleep(0.05)
    for pid in left:
        _signal(pid, signal.SIGKILL)


def _signal(pid: int, number: signal.Signals) -> bool:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return False
    return True


def _is_running(pid: int) -> bool:
    with contextlib.suppress(OSError):
        # Z: it has ended, and nobody has asked how.
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    return False
