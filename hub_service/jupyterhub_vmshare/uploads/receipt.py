"""The bytes of one upload as they come in one request.

What is told to a client is on the disk: bytes are settled first, then the row says so, then the
answer goes out. From time to time that happens on the way, too, so that little is sent again after
a crash. A later request on the same upload takes over: a client that comes back after its network
broke must not wait until we have noticed.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final, Protocol, TypeVar

from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.storage.port import Part
from jupyterhub_vmshare.uploads.model import (
    ChecksumMismatch,
    MoreThanAnnounced,
    TakenOver,
    Upload,
)

T = TypeVar("T")

SETTLED_EVERY: Final = 64 << 20
"""Bytes that a crash can cost at most."""

CHECKED_EVERY: Final = 1.0
"""Seconds between two looks at whether the person may still upload."""

Check = Callable[[], Awaitable[None]]
Record = Callable[[Upload, int], Awaitable[Upload]]
"""Writes down that so many bytes are on the disk."""


class Digest(Protocol):
    """A hash of ``hashlib``."""

    def update(self, data: bytes, /) -> None:
        """The next bytes."""

    def digest(self) -> bytes:
        """What all of them come to."""


@dataclass(frozen=True, slots=True)
class Checksum:
    """What the bytes of one request must come to."""

    hash: Digest
    expected: bytes


class Receipt:
    """Takes bytes until `finish`, `pause`, or until another request takes over.

    Args:
        upload: The upload, of which ``upload.received`` bytes are there.
        part: Its part, held, and wound to that place.
        record: Writes down what is on the disk.
        check: Raises when the person may not go on.
        checksum: Then nothing is kept of a request before all of it has come.
    """

    def __init__(
        self, upload: Upload, part: Part, record: Record, check: Check, checksum: Checksum | None
    ) -> None:
        self.upload = upload
        self.part = part
        self._record = record
        self._check = check
        self._checksum = checksum
        self._at = upload.received
        self._checked = time.monotonic()
        self._busy = asyncio.Lock()
        self._over = False

    async def take(self, data: bytes) -> None:
        """The next bytes; no more than two batches of them wait to be written, so that memory
        stays small."""
        async with self._busy:
            self._go_on()
            if self._at + len(data) > self.upload.length:
                raise MoreThanAnnounced(self.upload.length)
            await self._check_now_and_then()
            await self.part.write(data)
            self._at += len(data)
            if self._checksum is not None:
                self._checksum.hash.update(data)
            elif self._at - self.upload.received >= SETTLED_EVERY:
                await self._settle()

    def _go_on(self) -> None:
        if self._over:
            raise TakenOver

    async def _check_now_and_then(self) -> None:
        if time.monotonic() - self._checked >= CHECKED_EVERY:
            await self._check()
            self._checked = time.monotonic()

    async def _settle(self) -> None:
        if self._at > self.upload.received:
            # After a write that was refused, fewer are there than came.
            self._at = min(self._at, await self.part.settle())
            self.upload = await self._record(self.upload, self._at)

    async def finish(self, then: Callable[[Upload, Part], Awaitable[T]]) -> T:
        """What ``then`` makes of the upload, with all bytes of the request on the disk.

        Raises:
            ChecksumMismatch: none of them is.
            TakenOver: another request is ahead of this one.
        """
        async with self._busy:
            self._go_on()
            await self._verify()
            await self._settle()
            return await then(self.upload, self.part)

    async def _verify(self) -> None:
        if self._checksum is None:
            return
        if self._checksum.hash.digest() != self._checksum.expected:
            await self.part.rewind(self.upload.received)
            self._at = self.upload.received
            raise ChecksumMismatch
        self._checksum = None

    async def close(self) -> None:
        """Keep what came, as far as it is known to be right, and let go. May be called twice."""
        async with self._busy:
            if self._over:
                return
            self._over = True
            try:
                if self._checksum is None:
                    await self._settle()
            except VMShareError:
                pass  # there is no room, the upload was given up, or its folder is gone
            finally:
                await self.part.release()
