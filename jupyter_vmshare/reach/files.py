"""The files of a machine by SFTP, as the account of whoever asks.

A path is the machine's: absolute, or from the home. It names nothing on this computer.
"""

from __future__ import annotations

import posixpath
import secrets
import stat
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final, Literal

import asyncssh

from jupyter_vmshare.client.errors import (
    BadInput,
    Conflict,
    NameTaken,
    NotAllowed,
    NotFound,
    StoreFull,
    VMShareError,
)
from jupyter_vmshare.reach.failures import NotEmpty

CHUNK: Final = 1 << 18
DEEPEST: Final = 100
_FORBIDS: Final = "You may not "
Kind = Literal["file", "directory", "link", "other"]
Write = Callable[[bytes], Awaitable[None]]
Why = Callable[[], Awaitable[VMShareError]]


@dataclass(frozen=True, slots=True)
class Entry:
    """What lies at a path. Of a link: ``leads_to``, as far as it leads anywhere."""

    name: str
    path: str
    kind: Kind
    size: int | None
    modified_at: datetime | None
    mode: str
    """As ``ls`` writes it: ``rw-r--r--``."""
    leads_to: Kind | None = None

    @property
    def is_directory(self) -> bool:
        """Also where it is a link to one."""
        return "directory" in (self.kind, self.leads_to)


class Files:
    """What can be done with them.

    Args:
        client: An SFTP client.
        why: Says why the channel, or the link, is gone.
    """

    def __init__(
        self, client: asyncssh.SFTPClient, why: Callable[[], Awaitable[VMShareError]]
    ) -> None:
        self._sftp, self._why = client, why
        self._home: str | None = None

    async def home(self) -> str:
        """The directory that paths begin in."""
        if self._home is None:
            async with self._told("."):
                self._home = str(await self._sftp.realpath("."))
        return self._home

    async def at(self, path: str) -> str:
        """The whole path."""
        if "\0" in path:
            raise BadInput("A path has no such character in it.")
        return posixpath.normpath(posixpath.join(await self.home(), path))

    async def entries(self, path: str = "") -> AsyncGenerator[Entry, None]:
        """What lies in a directory, in no order. Raises `NotFound`, also where it is none."""
        whole = await self.at(path)
        if not (await self.entry(whole, follow=True)).is_directory:
            raise NotFound(f"{whole} is no directory.")
        async with self._told(whole):
            async for found in self._sftp.scandir(whole):
                name = str(found.filename)
                # What answers may be anybody's program there: a name is one name and no way.
                if name not in (".", "..") and "/" not in name:
                    at = posixpath.join(whole, name)
                    yield await self._with_end(_entry(at, found.attrs))

    async def entry(self, path: str, *, follow: bool = False) -> Entry:
        """What lies there. Raises `NotFound`."""
        whole = await self.at(path)
        async with self._told(whole):
            attrs = await (self._sftp.stat if follow else self._sftp.lstat)(whole)
        return await self._with_end(_entry(whole, attrs))

    async def is_there(self, path: str) -> bool:
        """Whether there is anything, be it a link that leads nowhere."""
        with suppress(NotFound):
            await self.entry(path)
            return True
        return False

    async def read(
        self, path: str, start: int = 0, size: int | None = None
    ) -> AsyncGenerator[bytes, None]:
        """A file's bytes, no more than ``size``. Raises `NotFound`."""
        whole = await self.at(path)
        async with self._told(whole), self._sftp.open(whole, "rb") as file:
            left = size
            while left is None or left > 0:
                chunk: Any = await file.read(CHUNK if left is None else min(CHUNK, left), start)
                if not chunk:
                    return
                yield chunk
                start += len(chunk)
                left = None if left is None else left - len(chunk)

    @asynccontextmanager
    async def writing(self, path: str, *, overwrite: bool = False) -> AsyncIterator[Write]:
        """Takes bytes that are the file once all of them are there; nothing half is left behind.

        Raises:
            NameTaken: There is something already, and it is not to be replaced.
        """
        whole = await self.at(path)
        await self._must_take(whole, overwrite)
        part = posixpath.join(posixpath.dirname(whole), f".{secrets.token_hex(8)}.part")
        try:
            async with (
                self._told(whole, room_at=posixpath.dirname(whole)),
                self._sftp.open(part, "xb") as file,
            ):
                yield self._into(file, whole)
            await self._placed(part, whole, overwrite)
        except BaseException:
            with suppress(asyncssh.Error, OSError):
                await self._sftp.remove(part)
            raise

    async def make_directory(self, path: str) -> Entry:
        """A new one. Raises `NameTaken`, or `NotFound` where its parent is not there."""
        whole = await self.at(path)
        async with self._told(whole, taken=whole):
            await self._sftp.mkdir(whole)
        return await self.entry(whole)

    async def move(self, source: str, target: str) -> Entry:
        """Give something another path, never over something else."""
        old, new = await self.at(source), await self.at(target)
        await self.entry(old)
        await self._must_take(new, False)
        async with self._told(new, taken=new):
            await self._sftp.rename(old, new)
        return await self.entry(new)

    async def delete(self, path: str, *, recursive: bool = False) -> None:
        """Delete a file, a link, or a directory; with what is in it only if ``recursive``.

        Links are deleted and never followed.
        """
        whole = await self.at(path)
        found = await self.entry(whole)
        if found.kind != "directory":
            async with self._told(whole):
                await self._sftp.remove(whole)
        else:
            await self._delete_directory(whole, DEEPEST if recursive else 0)

    async def _delete_directory(self, whole: str, depth: int) -> None:
        if depth:
            for found in [each async for each in self.entries(whole)]:
                if found.kind == "directory":
                    await self._delete_directory(found.path, depth - 1)
                else:
                    async with self._told(found.path):
                        await self._sftp.remove(found.path)
        try:
            async with self._told(whole):
                await self._sftp.rmdir(whole)
        except Conflict:
            raise NotEmpty(f"{whole} has something in it, so it was not deleted.") from None

    def _into(self, file: Any, whole: str) -> Write:
        async def write(data: bytes) -> None:
            async with self._told(whole, room_at=posixpath.dirname(whole)):
                await file.write(data)

        return write

    async def _placed(self, part: str, whole: str, overwrite: bool) -> None:
        # OpenSSH's rename links and unlinks, so it never takes something's place; the other does.
        rename = self._sftp.posix_rename if overwrite else self._sftp.rename
        async with self._told(whole, taken=whole):
            await rename(part, whole)

    async def _must_take(self, whole: str, overwrite: bool) -> None:
        try:
            found = await self.entry(whole)
        except NotFound:
            return
        except NotAllowed as refused:
            if refused.message.startswith(_FORBIDS):
                return  # one may upload who may not look; the end of it tells
            raise
        if found.kind == "directory" or not overwrite:
            raise NameTaken(f"There is {whole} on the machine already.")

    async def _with_end(self, entry: Entry) -> Entry:
        """Of a link, what it leads to."""
        if entry.kind != "link":
            return entry
        with suppress(asyncssh.SFTPError):
            end = _entry(entry.path, await self._sftp.stat(entry.path))
            return Entry(**{**_fields(entry), "size": end.size, "leads_to": end.kind})
        return entry

    @asynccontextmanager
    async def _told(
        self, path: str, *, taken: str | None = None, room_at: str | None = None
    ) -> AsyncIterator[None]:
        """What goes wrong with a path, as an error with a sentence."""
        try:
            yield
        except (asyncssh.SFTPNoSuchFile, asyncssh.SFTPNoSuchPath):
            raise NotFound(f"There is no {path} on the machine.") from None
        except asyncssh.SFTPPermissionDenied as error:
            if error.reason.startswith(_FORBIDS):
                raise NotAllowed(error.reason) from None
            raise NotAllowed(f"Your account on the machine may not do that: {path}.") from None
        except (asyncssh.SFTPConnectionLost, asyncssh.SFTPNoConnection):
            raise await self._why() from None
        except asyncssh.SFTPError as error:
            raise await self._failed(path, error, taken, room_at) from None
        except (asyncssh.Error, BrokenPipeError, ConnectionError):
            raise await self._why() from None

    async def _failed(
        self, path: str, error: asyncssh.SFTPError, taken: str | None, room_at: str | None
    ) -> Exception:
        """OpenSSH says no more than "Failure": what it means is looked up."""
        with suppress(asyncssh.Error, OSError):
            if taken is not None and await self._sftp.lexists(taken):
                return NameTaken(f"There is {path} on the machine already.")
            if room_at is not None and not (await self._sftp.statvfs(room_at)).bavail:
                return StoreFull(f"The machine's disk is full, so {path} was not written.")
        return Conflict(f"The machine could not do that with {path} ({error.reason}).")


def _fields(entry: Entry) -> dict[str, Any]:
    return {name: getattr(entry, name) for name in Entry.__slots__}


_KINDS: Final[dict[int, Kind]] = {
    stat.S_IFREG: "file",
    stat.S_IFDIR: "directory",
    stat.S_IFLNK: "link",
}


def _entry(path: str, attrs: Any) -> Entry:
    mode = attrs.permissions or 0
    kind = _KINDS.get(stat.S_IFMT(mode), "other")
    at = None if attrs.mtime is None else datetime.fromtimestamp(attrs.mtime, UTC)
    size = None if kind == "directory" else attrs.size
    name = posixpath.basename(path)
    return Entry(name or "/", path, kind, size, at, stat.filemode(mode)[1:])
