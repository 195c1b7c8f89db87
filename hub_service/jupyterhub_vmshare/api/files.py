"""What lies in a folder: listing, reading, uploading, moving, deleting."""

from __future__ import annotations

import asyncio
import re
from contextlib import suppress
from typing import Any

from jupyterhub_vmshare.api.contract.files import (
    EntriesAsked,
    EntriesPage,
    EntryKind,
    EntryView,
    Move,
    NewDirectory,
    PathAsked,
    UploadAsked,
)
from jupyterhub_vmshare.api.idempotency import key_of
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.api.sending import describe, send
from jupyterhub_vmshare.api.unfinished import begun
from jupyterhub_vmshare.errors import (
    ChangedMeanwhile,
    Forbidden,
    HubUnreachable,
    RangeUnsatisfiable,
    TooLarge,
    VMShareError,
)
from jupyterhub_vmshare.folders.names import new_place
from jupyterhub_vmshare.people.credentials import SHARED_UNKNOWN
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.storage.port import (
    Entry,
    EntryExists,
    FolderStore,
    PageWanted,
    Parts,
    Writing,
    parse_path,
)


class FilesRoute(Route):
    """What routes to a folder's content have in common."""

    @property
    def store(self) -> FolderStore:
        """The store."""
        found: FolderStore = self.rooms.folders.store
        return found

    async def permit(self, action: str, folder_id: str) -> str:
        """The folder's name; raises unless the caller may do this in it now."""
        db = self.rooms.db
        async with db.read() as conn:
            thing = await permitted(conn, self.caller.person(), action, folder_id, db.clock())
        return thing.name

    async def permit_still(self, action: str, folder_id: str) -> None:
        """The same some time later: credential and teams may be others by now, too."""
        # A hub that restarts ends no transfer; the grants are known without it.
        with suppress(HubUnreachable):
            await self._look_again()
        await self.permit(action, folder_id)

    async def _look_again(self) -> None:
        caller = await self.rooms.identity.caller(self)
        if caller.name != self.caller.name:
            raise Forbidden("Somebody else is signed in by now.", rule="credential.changed")
        if caller.because == SHARED_UNKNOWN:
            raise HubUnreachable(SHARED_UNKNOWN)
        self.caller = caller
        if self.operation is not None:
            self._refuse_read_only(self.operation)

    def tell(self, folder_id: str, *places: Parts) -> None:
        """Have everybody with access told that something changed there."""
        self.rooms.folders.changes.note(folder_id, places, self.caller.name)


class Entries(FilesRoute):
    """Directories."""

    path = "/folders/{folder_id}/entries"

    @operation("folder.list_files", query=EntriesAsked, gives=EntriesPage)
    async def get(self, folder_id: str) -> None:
        """What is in a directory: directories first, by name, size or time."""
        asked = self.query(EntriesAsked)
        await self.permit("list_files", folder_id)
        at = parse_path(asked.path)
        page = await self.store.page(folder_id, at, wanted(asked))
        items = [view(entry, (*at, entry.name)) for entry in page.items]
        self.reply(200, EntriesPage(path=asked.path, items=items, next=page.next))


class OneEntry(FilesRoute):
    """One file or directory."""

    path = "/folders/{folder_id}/entry"

    @operation("folder.list_files", query=PathAsked, gives=EntryView)
    async def get(self, folder_id: str) -> None:
        """What lies at a path."""
        asked = self.query(PathAsked)
        await self.permit("list_files", folder_id)
        at = parse_path(asked.path)
        self.reply(200, view(await self.store.stat(folder_id, at), at))


class Sending(FilesRoute):
    """What the two ways to a file's bytes have in common."""

    _size = 0

    async def send_file(
        self, folder_id: str, action: str, kind: str, *, tree: str | None = None
    ) -> None:
        """Send a file, or the range of it that was asked for; ``tree``: of a snapshot."""
        asked = self.query(PathAsked)
        await self.permit(action, folder_id)
        reading = await self.store.open(tree or folder_id, parse_path(asked.path))
        try:
            self._size = reading.entry.size or 0
            start, end = describe(self, reading.entry, kind)
            await send(self, reading, start, end, lambda: self.permit_still(action, folder_id))
        finally:
            await reading.close()

    def write_error(self, status_code: int, **kwargs: Any) -> None:
        """A range outside the file is told how long the file is."""
        error = kwargs.get("exc_info", (None, None, None))[1]
        if isinstance(error, RangeUnsatisfiable):
            self.set_header("Content-Range", f"bytes */{self._size}")
        super().write_error(status_code, **kwargs)


class Download(Sending):
    """A file to keep."""

    path = "/folders/{folder_id}/download"

    @operation("folder.download", query=PathAsked, raw_out="*/*", status=(200, 206))
    async def get(self, folder_id: str) -> None:
        """A file's bytes, or a range of them, as an attachment."""
        await self.send_file(folder_id, "download", "attachment")


class File(Sending):
    """A file's bytes."""

    path = "/folders/{folder_id}/file"
    _writing: Writing | None = None
    _abandoning: asyncio.Future[None] | None = None
    _received = 0

    @operation("folder.read_file", query=PathAsked, raw_out="*/*", status=(200, 206))
    async def get(self, folder_id: str) -> None:
        """A file's bytes, or a range of them, to look at: plain text, or just bytes."""
        await self.send_file(folder_id, "read_file", "inline")

    async def before_body(self) -> None:
        """Of an upload, everything that can refuse it comes before its first byte."""
        if self.request.method != "PUT":
            return await super().before_body()
        folder_id = self.path_kwargs["folder_id"]
        asked = self.query(UploadAsked)
        await self.permit("upload", folder_id)
        self._check_size(self.body_length)
        self._at = new_place(asked.path)
        self._writing = await self.store.receive(
            folder_id,
            self._at,
            overwrite=asked.overwrite,
            tag=expected_tag(self.request.headers.get("If-Match")),
            size=self.body_length,
        )
        return None

    def _check_size(self, size: int) -> None:
        most = self.rooms.folders.most_upload
        if most is not None and size > most:
            raise TooLarge(f"The file is larger than the {most} bytes that are taken here.")

    async def data_received(self, chunk: bytes) -> None:  # type: ignore[override]
        """Write a piece down before the next one is read from the network."""
        if self._writing is None:
            return super().data_received(chunk)
        self._received += len(chunk)
        try:
            self._check_size(self._received)
            await self._writing.write(chunk)
        except VMShareError as error:
            # The rest is read and dropped, so that the answer arrives.
            self._refusal = error
            await self._abandon()
        return None

    @operation(
        "folder.upload",
        query=UploadAsked,
        gives=EntryView,
        status=(201, 200),
        raw_in="application/octet-stream",
        versioned="taken",
    )
    async def put(self, folder_id: str) -> None:
        """Upload a file, replaced only if asked; with If-Match, only as it was seen."""
        writing = self._writing
        if writing is None:
            raise TypeError("an upload that was neither begun nor refused")
        try:
            await writing.settle()
            reached("files.upload.settled")
            # Whoever lost their access while the bytes came leaves nothing behind.
            await self.permit_still("upload", folder_id)
            entry = await writing.publish()
            reached("files.upload.published")
        finally:
            await self._abandon()
        self.tell(folder_id, self._at)
        self.reply(200 if writing.replaced else 201, view(entry, self._at))
        self.set_header("ETag", f'"{entry.tag}"')

    @operation("folder.delete_file", query=PathAsked, status=204)
    async def delete(self, folder_id: str) -> None:
        """Delete one file, link or empty directory."""
        asked = self.query(PathAsked)
        await self.permit("delete_file", folder_id)
        at = parse_path(asked.path)
        await self.store.remove(folder_id, at)
        self.tell(folder_id, at)
        self.reply(204)

    async def _abandon(self) -> None:
        writing, self._writing = self._writing, None
        if writing is not None:
            await writing.abandon()

    def on_connection_close(self) -> None:
        """The client went: what came of an upload goes too."""
        super().on_connection_close()
        self._abandoning = asyncio.ensure_future(self._abandon())


class Directories(FilesRoute):
    """New directories."""

    path = "/folders/{folder_id}/directories"

    @operation(
        "folder.create_directory", takes=NewDirectory, gives=EntryView, status=201, once=True
    )
    async def post(self, folder_id: str) -> None:
        """Make a directory; its parent must be there."""
        asked = self.body(NewDirectory)
        await self.permit("create_directory", folder_id)
        at = new_place(asked.path)
        key = key_of(self.request, self.caller.name, bytes(self._body))
        async with begun(self.rooms.db, key) as attempt:
            made = view(await self._make(folder_id, at, again=attempt.again), at)
            attempt.keep(201, made)
        self.tell(folder_id, at)
        self.reply(201, made)

    async def _make(self, folder_id: str, at: Parts, *, again: bool) -> Entry:
        try:
            return await self.store.make_directory(folder_id, at)
        except EntryExists:
            entry = await self.store.stat(folder_id, at) if again else None
            if entry is None or entry.kind.value != EntryKind.DIRECTORY.value:
                raise
            # This very request has made it, and was cut off before it could say so.
            return entry


class Moves(FilesRoute):
    """Renaming and moving."""

    path = "/folders/{folder_id}/moves"

    @operation("folder.rename_file", takes=Move, gives=EntryView)
    async def post(self, folder_id: str) -> None:
        """Rename or move a file or directory inside its folder, never over something."""
        asked = self.body(Move)
        await self.permit("rename_file", folder_id)
        source, target = parse_path(asked.source), new_place(asked.target)
        entry = await self.store.move(folder_id, source, target)
        self.tell(folder_id, source, target)
        self.reply(200, view(entry, target))


def expected_tag(given: str | None) -> str | None:
    """What the ETag of the file to replace must still be, from ``If-Match``."""
    if given is None:
        return None
    match = re.fullmatch(r'"([0-9a-f-]{1,100})"', given.strip())
    if match is None:
        raise ChangedMeanwhile("If-Match names no version of this; load it again.")
    return match[1]


def wanted(asked: EntriesAsked) -> PageWanted:
    """What the store is asked for."""
    return PageWanted(asked.limit, asked.after, asked.q, asked.order, asked.descending)


def view(entry: Entry, at: Parts) -> EntryView:
    """An entry as it goes over the wire."""
    return EntryView(
        name=entry.name,
        path="/".join(at),
        kind=EntryKind(entry.kind.value),
        size=entry.size,
        modified_at=entry.modified_at,
    )


ROUTES = (Entries, OneEntry, Download, File, Directories, Moves)
