"""One shared folder on one machine, for as long as a channel there is open.

The machine's part mounts what this side serves. Between the channel and the process that serves,
bytes are handed on and nothing is looked at, but for the machine's first line.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import shlex
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

import asyncssh

from jupyter_vmshare.client.errors import VMShareError
from jupyter_vmshare.reach.failures import WayFailed, refusal_in
from jupyter_vmshare.reach.link import Link
from jupyter_vmshare.shown.wanted import Wanted

PROGRAM: Final = ("/usr/bin/python3", "-IS", "/usr/local/lib/vmshare_folders.py")
"""What lies on every machine."""
_SERVER: Final = "jupyter_vmshare.shown.serving"
_TO_MOUNT: Final = 30.0
_TO_END: Final = 2.0
_AT_ONCE: Final = 1 << 16
_KEPT: Final = 2000
_LONGEST: Final = 500
_NOT_THERE: Final = (
    "This machine has no part for shared folders yet: it gets it at its next start, so restart it."
)
_BROKE: Final = "The link to the machine broke."


class ShownElsewhere(WayFailed):
    """Another session of the same person's has it there."""

    code = "shown-elsewhere"


async def carry(link: Link, wanted: Wanted, shown: Callable[[str], None]) -> None:
    """Mount it, and serve it until it ends; ``shown`` is called with where it is.

    Always ends with `VMShareError`, whose message says why, or by being cancelled.

    Raises:
        ShownElsewhere: It is there already.
    """
    command = f"exec {shlex.join([*PROGRAM, 'show', str(wanted.directory), wanted.below_home])}"
    try:
        process: Any = await link.conn.create_process(command, encoding=None)
    except (asyncssh.Error, OSError):
        raise await link.why() from None
    said = _Said()
    async with contextlib.AsyncExitStack() as stack:
        stack.callback(process.close)
        hearing = asyncio.create_task(said.listen(process.stderr))
        stack.callback(hearing.cancel)
        try:
            shown(await _place(process))
            await _serve(process, wanted.directory, stack)
        except (TimeoutError, OSError, asyncssh.Error):
            pass
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_TO_END):
                await asyncio.shield(hearing)
        raise await _why(link, said)


async def _place(process: Any) -> str:
    """Where the machine says that it is. Raises `VMShareError` where it says why not."""
    async with asyncio.timeout(_TO_MOUNT):
        line: bytes = await process.stdout.readline()
    try:
        told = json.loads(line)
        because, place = told.get("because"), told.get("place")
    except (ValueError, AttributeError):
        raise OSError("The machine said nothing.") from None
    if because is not None:
        kind = ShownElsewhere if told.get("elsewhere") is True else WayFailed
        raise kind(str(because)[:_LONGEST])
    return str(place)[:_LONGEST]


async def _serve(process: Any, directory: Path, stack: contextlib.AsyncExitStack) -> None:
    """Until either side ends."""
    server = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", _SERVER, str(directory)),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        env=_environment(),
        cwd="/",
    )
    stack.push_async_callback(_ended, server)
    if server.stdin is None or server.stdout is None:
        raise OSError("There are no pipes.")
    tasks = [
        asyncio.create_task(_hand_on(process.stdout, server.stdin)),
        asyncio.create_task(_hand_on(server.stdout, process.stdin)),
    ]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


async def _hand_on(source: Any, sink: Any) -> None:
    while data := await source.read(_AT_ONCE):
        sink.write(data)
        await sink.drain()


async def _ended(server: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        server.kill()
    await server.wait()


def _environment() -> dict[str, str]:
    """Without the session's tokens: what a machine's root talks to need not have them."""
    secret = ("JUPYTERHUB_", "JPY_", "VMSHARE_")
    return {name: value for name, value in os.environ.items() if not name.startswith(secret)}


async def _why(link: Link, said: _Said) -> VMShareError:
    if not link.is_open:
        return await link.why()
    if (refusal := refusal_in(said.kept)) is not None:
        return refusal
    if b"vmshare_folders" in said.kept:  # Python's own words
        return WayFailed(_NOT_THERE)
    return WayFailed(_BROKE)


class _Said:
    """The end of what came on stderr."""

    def __init__(self) -> None:
        self.kept = b""

    async def listen(self, reader: Any) -> None:
        # A link that breaks ends this with an error of its own, which says nothing new.
        with contextlib.suppress(OSError, asyncssh.Error):
            while chunk := await reader.read(_AT_ONCE):
                self.kept = (self.kept + chunk)[-_KEPT:]
