"""The kernel as a process: how it is started, told to stop, and what became of it."""

import asyncio
import contextlib
import os
import signal
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import launching
from .carrying import Pump
from .launching import Launched
from .places import Refused

_SAID = 4000
_TO_DIE = 5.0


class Kernel:
    """At most one process at a time; ``ended`` is told what became of it."""

    def __init__(self, place: Path, *, ended: Callable[[dict[str, Any]], None]) -> None:
        self._place, self._ended = place, ended
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._code: int | None = None
        self._said = b""
        self._asked: signal.Signals | None = None
        self._killed_for_memory: int | None = None
        self._ran_out: bool | None = None
        self._gone = asyncio.Event()

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def state(self) -> dict[str, Any]:
        """What the other end needs to know: which start this was, and how it ended.

        ``code`` is null while it runs, and minus a signal's number after that signal.
        """
        pid = self._process.pid if self._process else None
        told: dict[str, Any] = {"starts": self._starts, "code": self._code, "pid": pid}
        if self._code is not None:
            told["asked"] = self._asked is not None
            told["out_of_memory"] = self._ran_out
            told["said"] = self._said.decode("utf-8", "replace")
        return told

    async def start(self, order: dict[str, Any]) -> dict[str, Any]:
        """Start a kernel as it is ordered. Raises `Refused` and OSError."""
        if self._asked is not None:  # over a link that comes back both orders come at once
            await self.end(_TO_DIE)
        if self._process is not None:
            raise Refused("The kernel runs already.")
        self.watch(launching.launch(self._place, order))
        return self.state()

    def watch(self, launched: Launched) -> None:
        """It was started a moment ago."""
        self._process = launched.process
        self._killed_for_memory = launched.killed_for_memory
        self._starts += 1
        self._code = self._asked = None
        self._said = b""
        self._gone.clear()
        Pump(launched.output, launched.output, got=self._heard, gone=lambda: None)
        self._watch(launched.process)

    def _heard(self, data: bytes) -> None:
        """What it writes outside of any message; its last words matter when it dies."""
        self._said = (self._said + data)[-_SAID:]

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        loop = asyncio.get_running_loop()
        watched = os.pidfd_open(process.pid)

        def gone() -> None:
            loop.remove_reader(watched)
            os.close(watched)
            # A moment, in which what it said last is read.
            loop.call_soon(self._bury, process)

        loop.add_reader(watched, gone)

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        self._code = process.wait()
        self._process = None
        before, now = self._killed_for_memory, launching.killed_for_memory()
        self._ran_out = None if before is None or now is None else now > before
        for stale in self._place.glob("k-*"):
            stale.unlink(missing_ok=True)
        self._gone.set()
        self._ended(self.state())

    def signal(self, number: signal.Signals) -> None:
        """To it and what it has started in its group."""
        if self._process is None:
            return
        if number in (signal.SIGTERM, signal.SIGKILL):
            self._asked = number
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def end(self, seconds: float) -> None:
        """In order within that time, or else at once."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process is None:
                return
            self.signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._gone.wait()
