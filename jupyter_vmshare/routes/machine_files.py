"""The files of a machine, for the panel: ``vmshare/machines/<id>/…``, by SFTP through the relay.

The visitor's own token asks for the certificate, so they reach what they may reach, and nobody
else's files. Paths are the machine's; none of them ever names anything on this server. Who may use
a route is said twice: by this server's authorizer, as everywhere, and by the relay, which holds
each request to its tick (files, upload, download).
"""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar, cast
from urllib.parse import quote

from pydantic import BaseModel, ValidationError
from tornado.http1connection import HTTP1Connection
from tornado.iostream import StreamClosedError

from jupyter_vmshare.client.errors import BadInput, NotAllowed, VMShareError
from jupyter_vmshare.reach.files import Entry, Files
from jupyter_vmshare.routes.base import Refused, Route, allowed
from jupyter_vmshare.routes.machine_entries import (
    MachineEntriesPage,
    MachineEntryView,
    page_of,
    range_of,
)
from jupyter_vmshare.routes.machine_names import named, readable, shown
from jupyter_vmshare.routes.machine_problems import refused
from jupyterhub_vmshare.api.contract.files import EntriesAsked, Move, NewDirectory

ID: Final = r"(mch_[0-9a-hjkmnp-tv-z]{26})"
_PATH_LONGEST: Final = 4096
M = TypeVar("M", bound=BaseModel)


class MachineFiles(Route):
    """What these routes have in common."""

    @contextlib.asynccontextmanager
    async def files(self, machine_id: str) -> AsyncIterator[Files]:
        """The machine's, as the visitor; what goes wrong is answered as a problem."""
        visitor = self.visitor()
        if self.gateway.address is None:
            raise Refused(503, "service-absent", self.gateway.because)
        try:
            async with self.gateway.links.files(visitor.token, machine_id) as files:
                yield files
        except VMShareError as error:
            raise refused(error) from None

    def path(self) -> str:
        """The query's."""
        found = self.query("path")
        if found is None or len(found) > _PATH_LONGEST:
            raise Refused(400, "malformed", "Say which path on the machine.")
        return named(found)

    def query(self, name: str) -> str | None:
        """What the query says, to the letter: tornado's own way trims and mends it."""
        found = self.request.query_arguments.get(name)
        try:
            return found[-1].decode() if found else None
        except UnicodeDecodeError:
            raise Refused(400, "malformed", f"{name} is no text.") from None

    def flag(self, name: str) -> bool:
        """A yes or no of the query's."""
        return self.query(name) == "true"

    def asked(self, model: type[M], given: Any = None) -> M:
        """The query or the body, as it has to be."""
        try:
            if given is not None:
                return model.model_validate(given)
            return model.model_validate_json(self.request.body)
        except ValidationError as error:
            where = ", ".join(".".join(map(str, each["loc"])) for each in error.errors())
            raise Refused(400, "malformed", f"This is not as it is asked here: {where}.") from None

    def reply(self, model: BaseModel, status: int = 200) -> None:
        """Answer with it."""
        self.set_status(status)
        self.set_header("Cache-Control", "no-store")
        self.finish(model.model_dump_json())


class MachineEntries(MachineFiles):
    """``GET …/entries``: a directory."""

    @allowed("read")
    async def get(self, machine_id: str) -> None:
        """One page of what lies in it: directories first, then by name."""
        given = {name: self.query(name) for name in EntriesAsked.model_fields}
        told = {name: value for name, value in given.items() if value is not None}
        asked = self.asked(EntriesAsked, told)
        path = named(asked.path)
        async with self.files(machine_id) as files:
            async with contextlib.aclosing(files.entries(path)) as entries:
                items, after = await page_of(entries, asked.q, asked.after, asked.limit)
            whole, home = shown(await files.at(path)), shown(await files.home())
        views = [MachineEntryView.of(entry) for entry in items]
        self.reply(MachineEntriesPage(path=whole, home=home, items=views, next=after))


class MachineEntry(MachineFiles):
    """``GET …/entry``: properties."""

    @allowed("read")
    async def get(self, machine_id: str) -> None:
        """One file, directory or link; links are not followed."""
        path = self.path()
        async with self.files(machine_id) as files:
            entry = await files.entry(path)
        self.reply(MachineEntryView.of(entry))


class MachineDirectories(MachineFiles):
    """``POST …/directories``."""

    @allowed("write")
    async def post(self, machine_id: str) -> None:
        """Make one; its parent must be there."""
        asked = self.asked(NewDirectory)
        async with self.files(machine_id) as files:
            entry = await files.make_directory(named(asked.path))
        self.reply(MachineEntryView.of(entry), 201)


class MachineMoves(MachineFiles):
    """``POST …/moves``."""

    @allowed("write")
    async def post(self, machine_id: str) -> None:
        """Give something another path, never over something else."""
        asked = self.asked(Move)
        async with self.files(machine_id) as files:
            entry = await files.move(named(asked.source), named(asked.target))
        self.reply(MachineEntryView.of(entry))


class MachineDownload(MachineFiles):
    """``GET …/download``: a file's bytes, in constant memory."""

    @allowed("read")
    async def get(self, machine_id: str) -> None:
        """The whole file, or one part of it (``Range``)."""
        path = self.path()
        async with self.files(machine_id) as files:
            entry = await self._file(files, path)
            part = self._part(entry)
            if part is None:
                return
            start, size = part
            async with contextlib.aclosing(files.read(path, start, size)) as chunks:
                # What is refused is refused before the answer begins.
                first = await anext(chunks, b"")
                self._begin(await files.at(path), size)
                try:
                    await self._send(first)
                    async for chunk in chunks:
                        await self._send(chunk)
                except StreamClosedError:
                    return  # the browser went away
                except VMShareError:
                    self._break_off()
                    return
        with contextlib.suppress(StreamClosedError):
            self.finish(set_content_type="application/octet-stream")

    async def _file(self, files: Files, path: str) -> Entry | None:
        """None where they may download and not look."""
        try:
            entry = await files.entry(path, follow=True)
        except NotAllowed:
            return None
        if entry.kind != "file":
            raise BadInput(f"{entry.path} is no file.")
        return entry

    def _part(self, entry: Entry | None) -> tuple[int, int | None] | None:
        """Where to begin, and how much; None: there is no such part, and that is said."""
        if entry is None or entry.size is None:
            return 0, None
        self.set_header("Accept-Ranges", "bytes")
        asked = None if "If-Range" in self.request.headers else self.request.headers.get("Range")
        try:
            part = range_of(asked, entry.size)
        except ValueError:
            self.set_header("Content-Range", f"bytes */{entry.size}")
            self.reply_problem(416, "bad-input", "The file has no such part.")
            return None
        if part is None:
            return 0, entry.size
        start, size = part
        self.set_status(206)
        self.set_header("Content-Range", f"bytes {start}-{start + size - 1}/{entry.size}")
        return part

    def _begin(self, path: str, size: int | None) -> None:
        name = quote(readable(path.rpartition("/")[2]), safe="")
        self.set_header("Content-Type", "application/octet-stream")
        self.set_header("Content-Disposition", f"attachment; filename*=UTF-8''{name}")
        # Whatever somebody put onto a machine is never run as this server's own page.
        self.set_header("X-Content-Type-Options", "nosniff")
        self.set_header("Content-Security-Policy", "sandbox; default-src 'none'")
        self.set_header("Cache-Control", "no-store")
        if size is not None:
            self.set_header("Content-Length", str(size))

    async def _send(self, chunk: bytes) -> None:
        self.write(chunk)
        await self.flush()

    def _break_off(self) -> None:
        """Half an answer must not look like a whole one."""
        cast(HTTP1Connection, self.request.connection).close()
