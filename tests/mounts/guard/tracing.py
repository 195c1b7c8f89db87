"""A thread of the guard that stands still just before a system call, while a test goes on."""

from __future__ import annotations

import contextlib
import os
import platform
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Final, Literal

from tests.mounts.guard import kernel
from tests.mounts.guard.program import wait_until

Call = Literal["flock", "futex", "poll", "sendto"]
_NUMBERS: Final[dict[str, dict[Call, int]]] = {
    "x86_64": {"flock": 73, "futex": 202, "poll": 7, "sendto": 44},
    "aarch64": {"flock": 32, "futex": 98, "poll": 73, "sendto": 206},
}
NUMBERS: Final = _NUMBERS[platform.machine()]
_PATIENCE: Final = 20.0


def thread_named(pid: int, name: str) -> int:
    """The thread of a process that has given itself this name."""
    for thread in os.listdir(f"/proc/{pid}/task"):
        if Path(f"/proc/{pid}/task/{thread}/comm").read_text().strip() == name:
            return int(thread)
    raise LookupError(f"process {pid} has no thread {name}")


@contextlib.contextmanager
def stopped_before(
    thread: int, call: Call, times: int = 1, *, after: Callable[[], object] = lambda: None
) -> Iterator[None]:
    """It stands still before this call, or the second, once `after` has been done."""
    kernel.stop_thread(thread)
    until = time.monotonic() + _PATIENCE
    try:
        after()
        while times:
            kernel.step_thread(thread)
            _wait_for_stop(thread, until)
            times -= kernel.call_begun(thread) == NUMBERS[call]
        yield
    finally:
        kernel.let_thread_go(thread)


def _wait_for_stop(thread: int, until: float) -> None:
    late = False
    while not kernel.thread_has_stopped(thread):
        if not late and time.monotonic() > until:
            kernel.interrupt_thread(thread)
            late = True
        time.sleep(0.0005)
    if late or time.monotonic() > until:
        raise TimeoutError(f"thread {thread} does not get there")


def wait_for_call(thread: int, call: Call) -> None:
    """Return when this call keeps the thread."""
    wait_until(lambda: _kept_by(thread) == NUMBERS[call])


def _kept_by(thread: int) -> int | None:
    word = Path(f"/proc/{thread}/syscall").read_text().split()[0]
    return None if word == "running" else int(word)


def switches(thread: int) -> int:
    """How often it has begun to wait so far."""
    for line in Path(f"/proc/{thread}/status").read_text().splitlines():
        if line.startswith("voluntary_ctxt_switches"):
            return int(line.split()[1])
    raise LookupError(f"nothing is known of thread {thread}")
