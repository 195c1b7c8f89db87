"""A terminal of somebody's, with a program in it: what they type, and what they see."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from ptyprocess import PtyProcess  # type: ignore[import-untyped]

from tests.fixtures.waiting import within
from tests.relay.entrance import PATIENCE

_DRAWING = re.compile(rb"\x1b(\[[0-9;?>]*[A-Za-z]|\][^\x07]*\x07|[=>()][A-Z0-9]?)|[\x00\x0f]")


class Screen:
    """A pseudo-terminal of so many rows and columns."""

    def __init__(
        self, words: Sequence[str], env: Mapping[str, str], cwd: Path, *, rows: int, columns: int
    ) -> None:
        self._process: Any = PtyProcess.spawn(
            list(words), env=dict(env), cwd=str(cwd), dimensions=(rows, columns)
        )
        self._seen = bytearray()
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(self._process.fd, self._read)
        self._is_over = False

    @property
    def pid(self) -> int:
        """Of the program."""
        return int(self._process.pid)

    @property
    def raw(self) -> bytes:
        """Every byte that was written to it."""
        return bytes(self._seen)

    @property
    def text(self) -> str:
        """What was shown so far, without what draws it."""
        return _DRAWING.sub(b"", bytes(self._seen)).replace(b"\r", b"").decode(errors="replace")

    def type(self, keys: str | bytes) -> None:
        """Press keys."""
        self._process.write(keys.encode() if isinstance(keys, str) else keys)

    def line(self, line: str) -> None:
        """A line, with Enter."""
        self.type(f"{line}\r")

    def resize(self, rows: int, columns: int) -> None:
        """As its window is."""
        self._process.setwinsize(rows, columns)

    def forget(self) -> None:
        """What was seen before does not count from now on."""
        self._seen.clear()

    async def sees(self, what: str, patience: float = PATIENCE) -> str:
        """Wait until that is shown (a regular expression); all that is shown by then."""
        try:
            async with within(patience, f"{what!r} on the screen"):
                while not re.search(what, self.text):
                    assert not self._is_over or re.search(what, self.text), self.text
                    await asyncio.sleep(0.02)
        except AssertionError as error:
            raise AssertionError(f"{error}\nThe screen shows:\n{self.text}") from None
        return self.text

    async def says(self, command: str, what: str) -> str:
        """The line that a command of a shell there answers with (a group of the expression)."""
        self.forget()
        self.line(command)
        found = re.search(what, await self.sees(what))
        assert found is not None
        return found[1]

    async def ended(self) -> int:
        """Wait until the program has ended; its status."""
        async with within(PATIENCE, "The end of the program"):
            while self._process.isalive():
                await asyncio.sleep(0.02)
        return int(self._process.exitstatus if self._process.exitstatus is not None else -1)

    def end(self) -> None:
        """Close it, whatever runs in it."""
        self._stop()
        self._process.close(force=True)

    def _read(self) -> None:
        try:
            self._seen += self._process.read(65536)
        except (EOFError, OSError):
            self._stop()

    def _stop(self) -> None:
        if not self._is_over:
            self._is_over = True
            self._loop.remove_reader(self._process.fd)
