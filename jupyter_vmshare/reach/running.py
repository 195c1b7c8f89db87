"""Commands on a machine: what they write as it comes, and how they ended."""

from __future__ import annotations

import asyncio
import contextlib
import shlex
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Final, Literal

import asyncssh

from jupyter_vmshare.reach.failures import REFUSED, CommandFailed, refusal_in
from jupyter_vmshare.reach.link import Link

KEPT: Final = 64 << 20
"""Bytes of each stream that are kept; all of it is handed on as it comes."""
GRACE: Final = 2.0
"""Seconds that an interrupted command has before it is told again, and killed."""
_CHUNK: Final = 1 << 16
Stream = Literal["stdout", "stderr"]
Deliver = Callable[[Stream, bytes], None]


@dataclass(frozen=True, slots=True, repr=False)
class Done:
    """A command that has ended, and what it wrote."""

    command: str
    exit_status: int | None
    """None where a signal ended it."""
    signal: str | None
    """Such as ``KILL``."""
    stdout: str
    stderr: str
    is_whole: bool = True
    """Whether both are all that it wrote; of more than 64 MiB only the beginning is kept."""

    @property
    def ok(self) -> bool:
        """Whether it ended with 0."""
        return self.exit_status == 0

    def check(self) -> Done:
        """Itself. Raises `CommandFailed` where it did not end with 0."""
        if not self.ok:
            raise CommandFailed(f"{self.command!r} ended with {self._ending}.")
        return self

    @property
    def _ending(self) -> str:
        return f"signal {self.signal}" if self.signal else f"exit status {self.exit_status}"

    def __repr__(self) -> str:
        # Without what it wrote, which a notebook has shown already.
        return f"<{self.command!r} ended with {self._ending}>"


async def run(
    link: Link,
    command: str | Sequence[str],
    *,
    stdin: str | bytes | None = None,
    within: float | None = None,
    deliver: Deliver | None = None,
) -> Done:
    """Run a command as one's own account and wait for its end.

    Whoever cancels this ends the command, too: it is interrupted, and killed where that is not
    enough.

    Args:
        link: To the machine.
        command: A line for the shell there; or words, which no shell takes apart.
        stdin: What it reads; None: nothing.
        within: Seconds, after which it is ended.
        deliver: Called with what it writes, as it comes.

    Raises:
        TimeoutError: It took longer than that.
        NotAllowed: No terminal on this machine; the relay's sentence.
        LinkCut: The link was cut meanwhile; the message says why.
    """
    line = command if isinstance(command, str) else shlex.join(command)
    heard = _Heard(deliver or (lambda _stream, _data: None))
    try:
        process: Any = await link.conn.create_process(
            line, encoding=None, stdin=asyncssh.DEVNULL if stdin is None else asyncssh.PIPE
        )
    except (asyncssh.Error, OSError):
        raise await link.why() from None
    try:
        async with asyncio.timeout(within):
            await _conversed(process, stdin, heard)
    except TimeoutError:
        await _ended(process)
        raise TimeoutError(f"{line!r} was ended after {within:g} seconds.") from None
    except BaseException:
        await asyncio.shield(_ended(process))
        raise
    return await _outcome(link, line, process, heard)


class _Heard:
    """What a command wrote."""

    def __init__(self, deliver: Deliver) -> None:
        self._deliver = deliver
        self.kept: dict[Stream, bytearray] = {"stdout": bytearray(), "stderr": bytearray()}
        self.is_whole = True

    async def listen(self, stream: Stream, reader: Any) -> None:
        """Until it ends."""
        kept = self.kept[stream]
        while chunk := await reader.read(_CHUNK):
            self._deliver(stream, chunk)
            room = KEPT - len(kept)
            kept += chunk[:room]
            self.is_whole = self.is_whole and len(chunk) <= room

    def text(self, stream: Stream) -> str:
        """What is kept of it."""
        return self.kept[stream].decode(errors="replace")


async def _conversed(process: Any, stdin: str | bytes | None, heard: _Heard) -> None:
    async with asyncio.TaskGroup() as group:
        group.create_task(heard.listen("stdout", process.stdout))
        group.create_task(heard.listen("stderr", process.stderr))
        if stdin is not None:
            group.create_task(_fed(process.stdin, stdin))
    await process.wait_closed()


async def _fed(writer: Any, stdin: str | bytes) -> None:
    data = stdin.encode() if isinstance(stdin, str) else stdin
    # A command need not read all of it.
    with contextlib.suppress(OSError, asyncssh.Error):
        for start in range(0, len(data), _CHUNK):
            writer.write(data[start : start + _CHUNK])
            await writer.drain()
        writer.write_eof()


async def _ended(process: Any) -> None:
    """Interrupt it, as Ctrl+C does; what does not listen is killed."""
    with contextlib.suppress(OSError, asyncssh.Error):
        for signal in ("INT", "TERM", "KILL"):
            process.send_signal(signal)
            # Closed is a channel only when all that was written has been read.
            reading = asyncio.gather(_drained(process.stdout), _drained(process.stderr))
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(GRACE):
                    await reading
                    await process.wait_closed()
                    return
        process.close()


async def _drained(reader: Any) -> None:
    while await reader.read(_CHUNK):
        pass


async def _outcome(link: Link, line: str, process: Any, heard: _Heard) -> Done:
    status, signal = process.exit_status, process.exit_signal
    if status == REFUSED and (said := refusal_in(bytes(heard.kept["stderr"][-2000:]))) is not None:
        raise said
    if status is None and signal is None:
        raise await link.why()
    return Done(
        command=line,
        exit_status=None if signal else status,
        signal=signal[0] if signal else None,
        stdout=heard.text("stdout"),
        stderr=heard.text("stderr"),
        is_whole=heard.is_whole,
    )
