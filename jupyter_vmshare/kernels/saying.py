"""A sentence in the output of the cell that ran when its kernel ended.

The kernel can't say it any more. So a socket of our own takes the place of its iopub here, to which
its clients come by themselves when their connections end; and these end when all that the kernel
has published was taken, which a client may do late: it is waited for as long as it goes on.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

from jupyter_client.session import Session

from jupyter_vmshare.kernels.hearing import Cells

_TO_COME: Final = 10.0
"""Seconds; ZeroMQ comes back after a tenth of one, whether anybody reads or not."""
_BETTER_REASON: Final = 1.0
"""Seconds: whose access ends has their processes killed first, and hears then why."""
_TO_TAKE: Final = 30.0
"""Seconds that another kernel waits for clients to take what this one has published."""
_PATIENCE: Final = 600.0
"""Seconds without any progress of those that are behind. Not less: ZeroMQ reads on only when a
client has taken the next 500 messages."""
# ZMTP 3.0: signature, version, mechanism, no server, filler; then the type of the socket.
_GREETING: Final = b"\xff" + bytes(8) + b"\x7f\x03\x00" + b"NULL".ljust(20, b"\0") + bytes(32)
_READY: Final = b"\x05READY\x0bSocket-Type\x00\x00\x00\x03PUB"
_MORE, _LONG, _COMMAND = 1, 2, 4


def _framed(flags: int, data: bytes) -> bytes:
    return bytes([flags | _LONG]) + len(data).to_bytes(8) + data


def message(sentence: str, *, to: dict[str, Any], session: Session) -> bytes:
    """As a kernel publishes what is written to standard error, in the frames of ZeroMQ.

    Args:
        sentence: For the person.
        to: The header of the request in which it is said.
        session: The kernel's own.
    """
    content = {"name": "stderr", "text": f"{sentence}\n"}
    made = session.msg("stream", content=content, parent={"header": to})
    *parts, last = session.serialize(made, ident=b"stream.stderr")
    return b"".join(_framed(_MORE, part) for part in parts) + _framed(0, last)


class Voice:
    """A kernel's iopub, when there is no kernel: everybody who comes is told the same, once.

    Not a socket of ZeroMQ's, since that waits for subscriptions: these come only when a client
    reads, and it may begin to read late.
    """

    def __init__(self, path: Path, told: bytes, changed: Callable[[], None]) -> None:
        self._path, self._told, self._changed = path, told, changed
        self._server: asyncio.Server | None = None
        self._clients: set[asyncio.StreamWriter] = set()
        self.has_told = 0
        """How many clients."""

    async def speak(self) -> None:
        """From now on; who has come stays connected until `close`."""
        self._path.unlink(missing_ok=True)
        self._server = await asyncio.start_unix_server(self._tell, self._path)

    def hush(self) -> None:
        """Nobody else is told."""
        if self._server is not None:
            self._server.close()

    async def _tell(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._clients.add(writer)
        with contextlib.suppress(OSError, asyncio.IncompleteReadError):
            writer.write(_GREETING + _framed(_COMMAND, _READY))
            await reader.readexactly(len(_GREETING))
            # Nothing else may come before the client is ready as well.
            _, size = await reader.readexactly(2)
            await reader.readexactly(size)
            writer.write(self._told)
            self.has_told += 1
            self._changed()
            while await reader.read(1 << 16):
                pass
        self._clients.discard(writer)
        writer.close()

    def close(self) -> None:
        """The place is the kernel's again."""
        self.hush()
        for writer in self._clients:
            writer.close()


class LastWords:
    """What a kernel's clients hear of its end in the cell that it ended.

    Args:
        path: Of the local socket of its iopub.
        let_go: Ends a client's connection, when all that came for it was taken.
        make_room: Takes nobody else at the local socket.
    """

    def __init__(
        self, path: Path, *, let_go: Callable[[int], None], make_room: Callable[[], None]
    ) -> None:
        self._path, self._let_go, self._make_room = path, let_go, make_room
        self._cells = Cells()
        self._clients: set[int] = set()
        self._changed = asyncio.Event()
        self._progress = 0
        self._whole: set[int] = set()
        self._signed_with = ("", "")
        self._voice: Voice | None = None
        self._saying: asyncio.Task[None] | None = None
        self._because: str | None = None
        self._is_final = False
        self.to_take, self.to_come, self.patience = _TO_TAKE, _TO_COME, _PATIENCE

    def signed_with(self, key: str, scheme: str) -> None:
        """As the kernel's own messages are."""
        self._signed_with = key, scheme

    # --- its clients ---

    def came(self, client: int) -> None:
        """Another connection to iopub."""
        self._clients.add(client)

    def heard(self, client: int, data: bytes) -> None:
        """What is published to it."""
        if client in self._clients:
            self._cells.heard(client, data)

    def whole(self, client: int) -> None:
        """All that was published to it has come here: so it is known which cell runs."""
        if client in self._clients:
            self._whole.add(client)
            self._changed.set()

    def taken(self, client: int) -> None:
        """It goes on."""
        if client in self._clients and self._saying is not None:
            self._progress += 1
            self._changed.set()

    def over(self, client: int) -> None:
        """It is gone, mostly since it has taken all."""
        if client in self._clients:
            self._clients.discard(client)
            self._cells.over(client)
            self._changed.set()

    # --- its end ---

    def died(self, because: str, *, is_final: bool) -> None:
        """Say so, unless there is nothing to say it in; the better reason may come a bit later."""
        self._because = because
        self._is_final = self._is_final or is_final
        self._changed.set()
        if self._saying is None:
            self._saying = asyncio.create_task(self._say(), name="kernel-last-words")

    async def said(self) -> None:
        """Return when it was said, if there is something to say, or soon."""
        if self._saying is not None:
            await asyncio.wait([self._saying], timeout=self.to_take)

    def close(self) -> None:
        """The socket is another kernel's now."""
        if self._saying is not None:
            self._saying.cancel()
            self._saying = None
        if self._voice is not None:
            self._voice.close()
            self._voice = None
        # What still comes for these is of the kernel that has ended.
        self._clients -= self._cells.forget()
        self._whole.clear()
        self._because, self._is_final = None, False

    async def _say(self) -> None:
        clients = set(self._clients)
        await self._until(lambda: self._is_final, _BETTER_REASON)
        await self._while_taken(
            lambda: self._is_final or self._whole or not clients & self._clients
        )
        running, session = self._cells.running, self._cells.session
        if running is None or self._because is None:
            return
        self._make_room()
        # Who has come since waits for a kernel.
        for client in self._clients - clients:
            self._let_go(client)
        key, scheme = self._signed_with
        signed = Session(key=key.encode(), signature_scheme=scheme, session=session)
        told = message(self._because, to=running, session=signed)
        self._voice = voice = Voice(self._path, told, self._changed.set)
        await voice.speak()
        await self._while_taken(lambda: self._is_final or not clients & self._clients)
        # Nothing more comes from the machine, and so no end of it.
        for client in clients & self._clients if self._is_final else ():
            self._let_go(client)
        await self._while_taken(lambda: not clients & self._clients)
        # Some had all before the end itself was heard of.
        to_tell = len(clients | self._whole)
        await self._until(lambda: voice.has_told >= to_tell, self.to_come)
        # Who comes for the first time has heard nothing of what this is about.
        voice.hush()

    async def _while_taken(self, so: Callable[[], object]) -> None:
        """It is so, or nobody has gone on for long."""
        seen = -1

        def has_changed() -> object:
            return so() or seen != self._progress

        while not so() and seen != self._progress:
            seen = self._progress
            await self._until(has_changed, self.patience)

    async def _until(self, so: Callable[[], object], seconds: float) -> None:
        """It is so, or time is over."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not so():
                    self._changed.clear()
                    await self._changed.wait()
