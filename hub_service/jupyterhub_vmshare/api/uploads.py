"""Uploads that can be resumed: tus 1.0, and a list of what is unfinished."""

from __future__ import annotations

import asyncio
from email.utils import format_datetime

from jupyterhub_vmshare.api import tus
from jupyterhub_vmshare.api.contract.uploads import (
    UploadKind,
    UploadsAsked,
    UploadsPage,
    UploadState,
    UploadView,
)
from jupyterhub_vmshare.api.files import FilesRoute, expected_tag
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.errors import Malformed, VMShareError
from jupyterhub_vmshare.folders.names import new_place
from jupyterhub_vmshare.storage.port import Entry
from jupyterhub_vmshare.uploads.model import MoreThanAnnounced, NewUpload, Upload
from jupyterhub_vmshare.uploads.receipt import Receipt
from jupyterhub_vmshare.uploads.room import Uploads as Room

_TELLS = ("Upload-Offset", "Upload-Expires")


class TusRoute(FilesRoute):
    """What both routes have in common: who asks, and bytes that come."""

    _receipt: Receipt | None = None
    _closing: asyncio.Future[None] | None = None

    @property
    def uploads(self) -> Room:
        """The room."""
        return self.rooms.uploads

    def set_default_headers(self) -> None:
        super().set_default_headers()
        self.set_header("Tus-Resumable", tus.VERSION)
        self.set_header("Tus-Version", tus.VERSION)

    async def admitted(self, folder_id: str) -> None:
        """Raises unless the caller may upload there now, and this speaks tus."""
        await self.permit("upload", folder_id)
        tus.demand_version(self.request.headers)

    async def begin_receipt(self, upload: Upload, offset: int) -> None:
        """Be ready for bytes, which must say what they are."""
        headers = self.request.headers
        tus.demand_bytes(headers)
        checksum = tus.checksum(headers)
        self._receipt = await self.uploads.receive(
            upload, offset, lambda: self.permit_still("upload", upload.folder_id), checksum
        )
        if "Content-Length" in headers and offset + self.body_length > upload.length:
            await self._let_go()
            raise MoreThanAnnounced(upload.length)

    async def data_received(self, chunk: bytes) -> None:  # type: ignore[override]
        """Write a piece down before the next one is read from the network."""
        if self._receipt is None:
            return super().data_received(chunk)
        try:
            await self._receipt.take(chunk)
        except VMShareError as error:
            # What came stays. The rest is read and dropped, so that the answer arrives.
            self._refusal = error
            await self._let_go()
        return None

    async def finish_receipt(self) -> tuple[Upload, Entry | None]:
        """All bytes of the request have come."""
        receipt = self._receipt
        if receipt is None:
            raise TypeError("bytes that were neither expected nor refused")
        folder_id = receipt.upload.folder_id
        try:
            upload, entry = await self.uploads.finish(
                receipt, lambda: self.permit_still("upload", folder_id)
            )
        finally:
            await self._let_go()
        self.tell_published(upload, entry)
        return upload, entry

    def tell_published(self, upload: Upload, entry: Entry | None) -> None:
        """Have everybody know of a new file."""
        if entry is not None and upload.place is not None:
            self.tell(upload.folder_id, upload.place)
            self.set_header("ETag", f'"{entry.tag}"')

    def describe(self, upload: Upload) -> None:
        """The headers that say how far an upload is."""
        if upload.joined_from is None or upload.received == upload.length:
            self.set_header("Upload-Offset", str(upload.received))
        if upload.state.value != UploadState.PUBLISHED.value:
            expires = format_datetime(upload.expires_at.replace(microsecond=0), usegmt=True)
            self.set_header("Upload-Expires", expires)

    async def _let_go(self) -> None:
        receipt, self._receipt = self._receipt, None
        if receipt is not None:
            await self.uploads.let_go(receipt)

    def on_connection_close(self) -> None:
        """The client went: what came is kept, so that it can go on from there."""
        super().on_connection_close()
        self._closing = asyncio.ensure_future(self._let_go())

    def on_finish(self) -> None:
        """However it ended, the upload is free for the next request."""
        super().on_finish()
        if self._receipt is not None:
            self._closing = asyncio.ensure_future(self._let_go())


class Uploads(TusRoute):
    """Where uploads begin."""

    path = "/folders/{folder_id}/uploads"
    _upload: Upload | None = None

    @operation("folder.upload", status=204, changes=False)
    async def options(self, folder_id: str) -> None:
        """What of tus is spoken here."""
        await self.permit("upload", folder_id)
        self.set_header("Tus-Extension", ",".join(tus.EXTENSIONS))
        self.set_header("Tus-Checksum-Algorithm", ",".join(tus.ALGORITHMS))
        if self.uploads.most is not None:
            self.set_header("Tus-Max-Size", str(self.uploads.most))
        self.reply(204)

    @operation("folder.upload", query=UploadsAsked, gives=UploadsPage)
    async def get(self, folder_id: str) -> None:
        """The caller's unfinished uploads to a folder."""
        asked = self.query(UploadsAsked)
        await self.permit("upload", folder_id)
        found = await self.uploads.unfinished(
            self.caller.name, folder_id, asked.after or "", asked.limit + 1
        )
        items = [view(upload) for upload in found[: asked.limit]]
        more = items[-1].id if len(found) > asked.limit else None
        self.reply(200, UploadsPage(items=items, next=more))

    async def before_body(self) -> None:
        """Bytes may come with the beginning: then it is made before the first of them."""
        if self.request.method != "POST":
            return await super().before_body()
        folder_id = self.path_kwargs["folder_id"]
        await self.admitted(folder_id)
        if self.body_length > 0:
            tus.demand_bytes(self.request.headers)
            self._upload = await self._begin(folder_id)
            await self.begin_receipt(self._upload, 0)
        return None

    @operation(
        "folder.upload",
        gives=UploadView,
        status=201,
        raw_in=tus.BYTES,
        optional_body=True,
        versioned="taken",
        headers=(tus.RESUMABLE, tus.LENGTH, tus.METADATA, tus.CONCAT, tus.CHECKSUM),
        tells=("Location", *_TELLS),
        problems=(415, 423, 460),
    )
    async def post(self, folder_id: str) -> None:
        """Begin an upload, or join parts to a file. If-Match: replace only what was seen."""
        joined = tus.concat(self.request.headers)
        if self._receipt is not None:
            upload, _ = await self.finish_receipt()
        elif joined is not None and joined.parts is not None:
            upload = await self._join(folder_id, joined.parts)
        else:
            upload = await self._begin(folder_id)
            if upload.length == 0:
                upload = await self._receive_nothing(upload)
        self.describe(upload)
        self.set_header("Location", f"{self.request.path}/{upload.id}")
        self.reply(201, view(upload))

    async def _begin(self, folder_id: str) -> Upload:
        headers = self.request.headers
        joined = tus.concat(headers)
        if joined is not None and joined.parts is not None:
            raise Malformed("What is joined from parts has no bytes of its own.")
        length = tus.number(headers, "Upload-Length")
        asked = self._asked(length) if joined is None else NewUpload(None, length)
        return await self.uploads.begin(self.caller.name, folder_id, asked)

    async def _receive_nothing(self, upload: Upload) -> Upload:
        # An empty file is complete as soon as it is begun: no client sends anything more.
        self._receipt = await self.uploads.receive(
            upload, 0, lambda: self.permit_still("upload", upload.folder_id), None
        )
        upload, _ = await self.finish_receipt()
        return upload

    async def _join(self, folder_id: str, parts: tuple[str, ...]) -> Upload:
        upload, entry = await self.uploads.join(
            self.caller.name,
            folder_id,
            self._asked(0),
            parts,
            lambda: self.permit_still("upload", folder_id),
        )
        self.tell_published(upload, entry)
        return upload

    def _asked(self, length: int) -> NewUpload:
        told = tus.metadata(self.request.headers)
        path = told.get("path", told.get("filename"))
        if path is None:
            raise Malformed("Upload-Metadata must say the file's path in the folder.")
        return NewUpload(
            place=new_place(path),
            length=length,
            overwrite=told.get("overwrite") == "true",
            tag=expected_tag(self.request.headers.get("If-Match")),
            metadata=self.request.headers.get("Upload-Metadata", ""),
        )


class OneUpload(TusRoute):
    """An upload that has begun."""

    path = "/folders/{folder_id}/uploads/{upload_id}"

    async def before_body(self) -> None:
        """Of bytes, everything that can refuse them comes before the first."""
        if self.request.method not in ("PATCH", "POST"):
            return await super().before_body()
        await self.admitted(self.path_kwargs["folder_id"])
        if self._asked_method() == "PATCH":
            await self._before_bytes()
        return None

    def _asked_method(self) -> str:
        """For clients in places where PATCH and DELETE can't be sent."""
        if self.request.method != "POST":
            return self.request.method or ""
        asked = self.request.headers.get("X-HTTP-Method-Override", "")
        if asked not in ("PATCH", "DELETE"):
            raise Malformed("X-HTTP-Method-Override must say PATCH or DELETE here.")
        return asked

    async def _before_bytes(self) -> None:
        headers = self.request.headers
        tus.demand_bytes(headers)
        offset = tus.number(headers, "Upload-Offset")
        upload = await self._found(**self.path_kwargs)
        if upload.joined_from is not None:
            raise JoinedOnly
        await self.begin_receipt(upload, offset)

    async def _found(self, folder_id: str, upload_id: str) -> Upload:
        return await self.uploads.find(self.caller.name, folder_id, upload_id)

    @operation("folder.upload", gives=UploadView)
    async def get(self, folder_id: str, upload_id: str) -> None:
        """How far an upload is. Unlike HEAD it does not end a request that is sending bytes."""
        await self.permit("upload", folder_id)
        self.reply(200, view(await self._found(folder_id, upload_id)))

    @operation(
        "folder.upload",
        headers=(tus.RESUMABLE,),
        tells=(*_TELLS, "Upload-Length", "Upload-Metadata", "Upload-Concat"),
        problems=(412, 413, 423, 507),
    )
    async def head(self, folder_id: str, upload_id: str) -> None:
        """Where to go on. A request that still seems to send bytes is at its end."""
        await self.admitted(folder_id)
        upload = await self.uploads.settled(await self._found(folder_id, upload_id))
        if not self.caller.read_only:
            upload, entry = await self.uploads.published(
                upload, lambda: self.permit_still("upload", folder_id)
            )
            self.tell_published(upload, entry)
        self.describe(upload)
        self.set_header("Upload-Length", str(upload.length))
        if upload.metadata:
            self.set_header("Upload-Metadata", upload.metadata)
        if (concat := self._concat(upload)) is not None:
            self.set_header("Upload-Concat", concat)
        self.reply(200)

    def _concat(self, upload: Upload) -> str | None:
        if upload.joined_from is not None:
            where = self.request.path.rpartition("/")[0]
            return "final;" + " ".join(f"{where}/{part}" for part in upload.joined_from)
        return "partial" if upload.kind.value == UploadKind.PART.value else None

    @operation(
        "folder.upload",
        status=204,
        raw_in=tus.BYTES,
        headers=(tus.RESUMABLE, tus.OFFSET, tus.CHECKSUM),
        tells=_TELLS,
        problems=(415, 423, 460),
    )
    async def patch(self, folder_id: str, upload_id: str) -> None:
        """The next bytes. With the last of them the file is there, all at once."""
        await self._patch()

    async def _patch(self) -> None:
        upload, _ = await self.finish_receipt()
        self.describe(upload)
        self.reply(204)

    @operation("folder.upload", status=204, headers=(tus.RESUMABLE,), problems=(412, 423))
    async def delete(self, folder_id: str, upload_id: str) -> None:
        """Give an upload up. A file that is complete stays."""
        await self.admitted(folder_id)
        await self._delete(folder_id, upload_id)

    async def _delete(self, folder_id: str, upload_id: str) -> None:
        await self.uploads.give_up(await self._found(folder_id, upload_id))
        self.reply(204)

    @operation(
        "folder.upload",
        status=204,
        raw_in=tus.BYTES,
        optional_body=True,
        headers=(tus.RESUMABLE, tus.OVERRIDE, tus.CHECKSUM),
        tells=_TELLS,
        problems=(415, 423, 460),
    )
    async def post(self, folder_id: str, upload_id: str) -> None:
        """PATCH or DELETE, for clients that can't send them."""
        if self._asked_method() == "PATCH":
            await self._patch()
        else:
            await self._delete(folder_id, upload_id)


class JoinedOnly(VMShareError):
    """Bytes for what is joined from parts."""

    status, code = 403, "joined-only"

    def __init__(self) -> None:
        super().__init__("This file is joined from parts; it takes no bytes of its own.")


def view(upload: Upload) -> UploadView:
    """An upload as it goes over the wire."""
    return UploadView(
        id=upload.id,
        kind=UploadKind(upload.kind.value),
        state=UploadState(upload.state.value),
        path=None if upload.place is None else "/".join(upload.place),
        length=upload.length,
        offset=upload.received,
        overwrite=upload.overwrite,
        metadata=tus.decoded(upload.metadata),
        created_at=upload.created_at,
        expires_at=upload.expires_at,
    )


ROUTES = (Uploads, OneUpload)
