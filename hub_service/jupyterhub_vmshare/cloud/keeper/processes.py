"""Processes that are found again: by number, start and boot, and held by a descriptor."""

from __future__ import annotations

import os
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

_A_MOMENT: Final = 0.25


@dataclass(frozen=True, slots=True)
class Process:
    """One process, for ever: its number comes again, but not with the same start."""

    pid: int
    started: int
    boot: str

    @classmethod
    def of(cls, pid: int) -> Process:
        """The process that has this number now."""
        return cls(pid, _stat(pid)[1], boot_id())

    @classmethod
    def parse(cls, raw: dict[str, Any]) -> Process:
        return cls(int(raw["pid"]), int(raw["started"]), str(raw["boot"]))

    def lives(self) -> bool:
        """Whether it still runs. One that has ended and was not waited for does not."""
        if self.boot != boot_id():
            return False
        try:
            state, started = _stat(self.pid)
        except OSError:
            return False
        return started == self.started and state not in "ZX"

    def hold(self) -> int | None:
        """A descriptor of it; None if it has ended."""
        try:
            found = os.pidfd_open(self.pid)
        except OSError:
            return None
        # Only now is it sure that the number was not given to another one in between.
        if self.lives():
            return found
        os.close(found)
        return None

    def wait(self, patience: float | None) -> bool:
        """Wait for its end, as long as it takes or so many seconds; whether it has ended."""
        held = self.hold()
        if held is None:
            return True
        try:
            return bool(select.select([held], [], [], patience)[0])
        finally:
            os.close(held)

    def wait_unless(self, patience: float, given_up: Callable[[], bool]) -> bool:
        """Wait so many seconds, or until nobody waits any more; whether it has ended."""
        deadline = time.monotonic() + patience
        while (left := deadline - time.monotonic()) > 0 and not given_up():
            if self.wait(min(_A_MOMENT, left)):
                return True
        return not self.lives()

    def end(self, how: signal.Signals, patience: float) -> bool:
        """Send a signal and wait for its end; whether it has ended."""
        held = self.hold()
        if held is None:
            return True
        try:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(held, how)
            return bool(select.select([held], [], [], patience)[0])
        finally:
            os.close(held)


def boot_id() -> str:
    """Which start of this host it is."""
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()


def _stat(pid: int) -> tuple[str, int]:
    # A process's name is in parentheses, and may have some of its own.
    fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
    return fields[0].decode(), int(fields[19])
