"""A guard that gets little of its machine, or whose orders stand still."""

from __future__ import annotations

import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path

from tests.mounts.guard import kernel
from tests.mounts.guard.program import Identity, Program

_PAUSE, _TURN = 0.4, 0.002


@contextlib.contextmanager
def slowed(pid: int, pauses: int) -> Iterator[None]:
    """The process is stopped so often, and has a moment in between, as on an overloaded machine."""
    brake = Program(Identity(0, 0, "/", None, hold_root=True))
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            _go_first(int(thread))
        brake.begin(_brake, pid, pauses)
        yield
        brake.end()
    finally:
        brake.close()
        os.kill(pid, signal.SIGCONT)


def _go_first(thread: int, priority: int = 1) -> None:
    """Whatever else the machine does: so that a moment is a moment."""
    with contextlib.suppress(PermissionError):  # a container may not
        os.sched_setscheduler(thread, os.SCHED_FIFO, os.sched_param(priority))


def _brake(pid: int, pauses: int) -> None:
    _go_first(0, 2)
    for _ in range(pauses):
        os.kill(pid, signal.SIGSTOP)
        time.sleep(_PAUSE)
        used = _used(pid)
        os.kill(pid, signal.SIGCONT)
        time.sleep(_TURN)
        while _used(pid) == used:
            time.sleep(_TURN)


def _used(pid: int) -> int:
    """Nanoseconds on a processor that all threads of a process have had so far."""
    used = 0
    for thread in Path(f"/proc/{pid}/task").iterdir():
        with contextlib.suppress(FileNotFoundError, ProcessLookupError):
            used += int((thread / "schedstat").read_text().split()[0])
    return used


@contextlib.contextmanager
def no_orders(pid: int) -> Iterator[None]:
    """The guard's first thread, which takes orders and looks at end dates, stands still."""
    kernel.stop_thread(pid)
    try:
        yield
    finally:
        kernel.let_thread_go(pid)


def pass_until(moment: float) -> None:
    """Return when the clock is beyond a moment."""
    while time.time() <= moment:
        time.sleep(0.02)
