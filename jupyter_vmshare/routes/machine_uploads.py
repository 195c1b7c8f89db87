"""Files onto a machine, and off it: ``PUT`` and ``DELETE vmshare/machines/<id>/file``."""

from __future__ import annotations

import asyncio
import contextlib
from typing import Any, Final, cast

from tornado import web
from tornado.http1connection import HTTP1Connection

from jupyter_vmshare.client.errors import NotAllowed
from jupyter_vmshare.reach.files import Entry, Files, Write
from jupyter_vmshare.routes.base import Refused, allowed, authorise
from jupyter_vmshare.routes.exchange import UNBOUNDED
from jupyter_vmshare.routes.forward import SWALLOWED
from jupyter_vmshare.routes.machine_entries import MachineEntryView
from jupyter_vmshare.routes.machine_files import MachineFiles

_UNREAD: Final = "rw-------"


class BrokenOff(Exception):
    """The browser went away in the middle of its body."""


@web.stream_request_body
class MachineFile(MachineFiles):
    """A file: its body goes on as it comes, and is the file once all of it is there."""

    _writing: contextlib.AsyncExitStack | None = None
    _files: Files
    _write: Write
    _refused: Refused | None = None
    _size = 0
    _replaces = False
    _swallowed = 0
    _ending: asyncio.Future[None] | None = None

    async def prepare(self, **options: Any) -> None:
        """Authenticate and authorise before the body comes, and open the file."""
        await super().prepare(**options)
        if self._finished or self.request.method != "PUT":
            return
        await authorise(self, "write")
        cast(HTTP1Connection, self.request.connection).set_max_body_size(UNBOUNDED)
        self._writing = contextlib.AsyncExitStack()
        try:
            await self._open(self._writing)
        except Refused as error:
            # The browser reads no answer while it sends.
            self._refused, self._writing = error, None

    async def _open(self, stack: contextlib.AsyncExitStack) -> None:
        path, overwrite = self.path(), self.flag("overwrite")
        async with contextlib.AsyncExitStack() as opening:
            self._files = await opening.enter_async_context(self.files(self.path_args[0]))
            self._replaces = overwrite and await self._is_there(path)
            writing = self._files.writing(path, overwrite=overwrite)
            self._write = await opening.enter_async_context(writing)
            stack.push_async_exit(opening.pop_all())

    async def data_received(self, chunk: bytes) -> None:
        """A piece of the body: the next one is read when the machine took this one."""
        if self._finished or self.request.method != "PUT":
            return
        if self._writing is not None and self._refused is None:
            try:
                await self._write(chunk)
                self._size += len(chunk)
            except Exception as error:
                await self._give_up(error)
        else:
            self._swallowed += len(chunk)
            if self._swallowed > SWALLOWED and self._refused is not None:
                told = self._refused
                self.reply_problem(told.status, told.code, told.sentence)

    @allowed("write")
    async def put(self, machine_id: str) -> None:
        """All of it has come."""
        if self._finished:
            return
        stack, self._writing = self._writing, None
        if stack is not None:
            await stack.aclose()
        if self._refused is not None:
            raise self._refused
        async with self.files(machine_id) as files:
            view = await self._written(files)
        self.reply(view, 200 if self._replaces else 201)

    @allowed("write")
    async def delete(self, machine_id: str) -> None:
        """Delete a file, a link, or a directory; with what is in it only if ``recursive``."""
        path, recursive = self.path(), self.flag("recursive")
        async with self.files(machine_id) as files:
            await files.delete(path, recursive=recursive)
        self.set_status(204)
        self.finish()

    def on_connection_close(self) -> None:
        """The browser went away: what came is taken away again."""
        super().on_connection_close()
        if self._writing is not None:
            self._ending = asyncio.ensure_future(self._give_up(BrokenOff()))

    async def _give_up(self, error: Exception) -> None:
        """Leave nothing half behind."""
        stack, self._writing = self._writing, None
        if stack is None:
            return
        try:
            await stack.__aexit__(type(error), error, error.__traceback__)
        except Refused as told:
            self._refused = told
            return
        except BrokenOff:
            return
        if not isinstance(error, BrokenOff):
            self._refused = Refused(500, "internal-error", "The notebook server made a mistake.")

    async def _is_there(self, path: str) -> bool:
        with contextlib.suppress(NotAllowed):
            return await self._files.is_there(path)
        return False

    async def _written(self, files: Files) -> MachineEntryView:
        path = self.path()
        try:
            return MachineEntryView.of(await files.entry(path))
        except NotAllowed:  # they may upload and not look
            whole = await files.at(path)
            name = whole.rpartition("/")[2]
            return MachineEntryView.of(Entry(name, whole, "file", self._size, None, _UNREAD))
