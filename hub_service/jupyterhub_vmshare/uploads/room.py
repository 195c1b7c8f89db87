"""Uploads that can be resumed: begun, received, published, given up, forgotten.

A row says how many bytes are on the disk; the bytes lie in a part beside the folders' trees, until
the last one has come and the file gets its name, all at once. Both outlive every crash. Whoever
uploads must be allowed to at the beginning, at each request, while bytes come, and at the end.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace
from datetime import timedelta
from typing import Final

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.errors import NotFound, TooLarge
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.storage.port import Entry, FolderStore, Kept, Part, UploadBusy
from jupyterhub_vmshare.uploads import rows
from jupyterhub_vmshare.uploads.model import (
    NewUpload,
    NotJoinable,
    TooManyUploads,
    Upload,
    UploadGone,
    UploadKind,
    UploadState,
    WrongOffset,
)
from jupyterhub_vmshare.uploads.receipt import Check, Checksum, Receipt

KEPT: Final = timedelta(days=1)
"""Since the last byte came."""


MOST_UNFINISHED: Final = 2000
"""Of one person. Each takes a row and a file, even if not a byte comes."""


class Uploads:
    """All uploads of a service.

    Args:
        db: The database.
        store: The started store.
        most: The most bytes of one file; None: no limit but the store's.
        kept: How long an upload waits for its next byte.
    """

    def __init__(
        self, db: Database, store: FolderStore, *, most: int | None = None, kept: timedelta = KEPT
    ) -> None:
        self._db = db
        self._store = store
        self.most = most
        self.most_unfinished = MOST_UNFINISHED
        self._kept = kept
        self._running: dict[str, Receipt] = {}

    async def stop(self) -> None:
        """Settle what is coming; clients go on with it later."""
        for upload_id in list(self._running):
            await self._take_over(upload_id)

    # --- beginning ---

    async def begin(self, person: str, folder_id: str, asked: NewUpload) -> Upload:
        """A new upload of no bytes yet; refused early where publishing would be refused anyway."""
        self.check_size(asked.length)
        kind = UploadKind.PART if asked.place is None else UploadKind.FILE
        upload = self._upload(person, folder_id, asked, kind)
        if kind is UploadKind.FILE:
            await self._store.check_target(upload.target, asked.length)
        await self._insert(upload)
        return upload

    async def join(
        self, person: str, folder_id: str, asked: NewUpload, parts: Sequence[str], check: Check
    ) -> tuple[Upload, Entry | None]:
        """A file of these parts, one after the other. Asked for again, it is the same one."""
        async with self._db.read() as conn:
            made = await rows.joined_from(conn, person, folder_id, parts, self._db.clock())
        if made is not None and made.state is UploadState.PUBLISHED:
            return made, None
        sources = [await self._whole_part(person, folder_id, part) for part in parts]
        length = sum(source.length for source in sources)
        self.check_size(length)
        upload = self._upload(
            person, folder_id, replace(asked, length=length), UploadKind.JOINED, tuple(parts)
        )
        await self._store.check_target(upload.target)
        if made is None:
            await self._insert(upload)
        else:
            upload = made
        return await self._join(upload, sources, check)

    async def _whole_part(self, person: str, folder_id: str, upload_id: str) -> Upload:
        try:
            part = await self.find(person, folder_id, upload_id)
        except NotFound:
            raise NotJoinable("A part of this is not there (any more). Upload it again.") from None
        if part.kind is not UploadKind.PART or part.state is not UploadState.WHOLE:
            raise NotJoinable("Only parts of which all bytes have come can be joined.")
        return part

    def _upload(
        self,
        person: str,
        folder_id: str,
        asked: NewUpload,
        kind: UploadKind,
        parts: tuple[str, ...] | None = None,
    ) -> Upload:
        now = self._db.clock()
        return Upload(
            id=new_id("upl"),
            person=person,
            folder_id=folder_id,
            kind=kind,
            state=UploadState.OPEN,
            place=asked.place,
            overwrite=asked.overwrite,
            tag=asked.tag,
            length=asked.length,
            received=0,
            metadata=asked.metadata,
            joined_from=parts,
            created_at=now,
            expires_at=now + self._kept,
        )

    async def _insert(self, upload: Upload) -> None:
        async with self._db.write() as tx:
            if await rows.count_unfinished(tx.conn, upload.person) >= self.most_unfinished:
                raise TooManyUploads(
                    f"You have {self.most_unfinished} unfinished uploads. Finish some, or give"
                    " them up; what waits for a day is forgotten."
                )
            await rows.insert(tx, upload)

    def check_size(self, size: int) -> None:
        """Raises ``TooLarge`` for what is not taken here."""
        if self.most is not None and size > self.most:
            raise TooLarge(f"The file is larger than the {self.most} bytes that are taken here.")

    # --- looking ---

    async def find(self, person: str, folder_id: str, upload_id: str) -> Upload:
        """This person's upload. Raises ``UploadGone``."""
        async with self._db.read() as conn:
            return await rows.find(conn, person, folder_id, upload_id, self._db.clock())

    async def unfinished(
        self, person: str, folder_id: str, after: str, limit: int
    ) -> Sequence[Upload]:
        """What this person could go on with."""
        async with self._db.read() as conn:
            return await rows.unfinished(conn, person, folder_id, self._db.clock(), after, limit)

    async def settled(self, upload: Upload) -> Upload:
        """The upload as it stands when nobody writes it any more: a request that does is ended."""
        await self._take_over(upload.id)
        return await self.find(upload.person, upload.folder_id, upload.id)

    # --- receiving ---

    async def receive(
        self, upload: Upload, offset: int, check: Check, checksum: Checksum | None
    ) -> Receipt:
        """Take bytes from ``offset`` on.

        Raises:
            WrongOffset: another number of bytes has come.
            UploadBusy: another service writes it.
        """
        part = await self._held(upload)
        try:
            upload = await self.find(upload.person, upload.folder_id, upload.id)
            if offset != upload.received:
                raise WrongOffset(upload.received)
            if not await part.rewind(offset):
                raise UploadGone
        except BaseException:
            await part.release()
            raise
        receipt = Receipt(upload, part, self._record, check, checksum)
        self._running[upload.id] = receipt
        return receipt

    async def _held(self, upload: Upload) -> Part:
        """The upload's part, once whoever holds it has let go; not for long."""
        until = time.monotonic() + _PATIENCE
        while True:
            await self._take_over(upload.id)
            try:
                return await self._hold(upload)
            except UploadBusy:
                if time.monotonic() >= until:
                    raise
            await asyncio.sleep(0.05)

    async def _hold(self, upload: Upload) -> Part:
        is_new = upload.state is UploadState.OPEN and upload.received == 0
        part = await self._store.uploads.hold(upload.folder_id, upload.id, create=is_new)
        if part is None:
            raise UploadGone
        return part

    async def _take_over(self, upload_id: str) -> None:
        running = self._running.get(upload_id)
        if running is not None:
            await self.let_go(running)

    async def let_go(self, receipt: Receipt) -> None:
        """Settle what came, and let others go on."""
        try:
            await receipt.close()
        finally:
            if self._running.get(receipt.upload.id) is receipt:
                del self._running[receipt.upload.id]

    async def _record(self, upload: Upload, received: int) -> Upload:
        state = UploadState.WHOLE if received == upload.length else UploadState.OPEN
        async with self._db.write() as tx:
            found = await rows.change(
                tx, upload.id, received=received, state=state, expires_at=tx.at + self._kept
            )
        reached("uploads.recorded")
        return found

    # --- publishing ---

    async def finish(self, receipt: Receipt, check: Check) -> tuple[Upload, Entry | None]:
        """The end of a request: its bytes are on the disk, and the file has its name if whole."""

        async def then(upload: Upload, part: Part) -> tuple[Upload, Entry | None]:
            if upload.state is UploadState.OPEN and upload.length == 0:
                await part.settle()
                upload = await self._record(upload, 0)
            if upload.state is not UploadState.WHOLE or upload.kind is UploadKind.PART:
                return upload, None
            return await self._publish(upload, part, check)

        return await receipt.finish(then)

    async def published(self, upload: Upload, check: Check) -> tuple[Upload, Entry | None]:
        """Publish what is whole and was not published: an answer was lost, or it was refused."""
        if upload.state is not UploadState.WHOLE or upload.kind is UploadKind.PART:
            return upload, None
        part = await self._store.uploads.hold(upload.folder_id, upload.id, create=False)
        if part is None:
            # Nothing but publishing takes a whole file's part away, and leaves its row.
            return await self._say_published(upload), None
        try:
            return await self._publish(upload, part, check)
        finally:
            await part.release()

    async def _publish(self, upload: Upload, part: Part, check: Check) -> tuple[Upload, Entry]:
        # Whoever lost their access while the bytes came leaves nothing behind.
        await check()
        entry, _ = await part.publish_at(upload.target)
        reached("uploads.published")
        return await self._say_published(upload), entry

    async def _say_published(self, upload: Upload) -> Upload:
        async with self._db.write() as tx:
            return await rows.change(tx, upload.id, state=UploadState.PUBLISHED)

    async def _join(
        self, upload: Upload, sources: Sequence[Upload], check: Check
    ) -> tuple[Upload, Entry | None]:
        async with self._holding(upload) as part:
            # What an earlier attempt left of it is no better than nothing.
            await part.rewind(0)
            for source in sources:
                async with self._holding(source) as piece:
                    await part.append(piece)
            await part.settle()
            upload = await self._record(upload, upload.length)
            upload, entry = await self._publish(upload, part, check)
        await self._drop(sources)
        return upload, entry

    @asynccontextmanager
    async def _holding(self, upload: Upload) -> AsyncIterator[Part]:
        part = await self._store.uploads.hold(
            upload.folder_id, upload.id, create=upload.kind is UploadKind.JOINED
        )
        if part is None:
            raise UploadGone
        try:
            yield part
        finally:
            await part.release()

    # --- the end ---

    async def give_up(self, upload: Upload) -> None:
        """Forget an upload; a file that was published stays."""
        await self._take_over(upload.id)
        await self._drop([upload])

    async def _drop(self, uploads: Sequence[Upload]) -> None:
        # The row first: bytes without a row are swept, a row without its bytes would be a lie.
        async with self._db.write() as tx:
            await rows.remove(tx, [upload.id for upload in uploads])
        reached("uploads.forgotten")
        for upload in uploads:
            await self._discard(upload.folder_id, upload.id)

    async def _discard(self, folder_id: str, upload_id: str) -> None:
        with suppress(UploadBusy):  # the sweep comes again
            part = await self._store.uploads.hold(folder_id, upload_id, create=False)
            if part is not None:
                await part.discard()

    async def keep_tidy(self) -> None:
        """One turn of a worker: forget what is not kept any longer, then rest."""
        await self.sweep()
        await asyncio.sleep(_SWEEP_EVERY)

    async def sweep(self) -> None:
        """Forget what has expired, and remove bytes whose upload is forgotten."""
        while True:
            async with self._db.read() as conn:
                due = await rows.expired(conn, self._db.clock(), 100)
            due = [upload for upload in due if upload.id not in self._running]
            if not due:
                break
            await self._drop(due)
        async for batch in self._store.uploads.parts():
            await self._sweep([kept for kept in batch if kept.age > _HALF_MADE])

    async def _sweep(self, found: Sequence[Kept]) -> None:
        async with self._db.read() as conn:
            known = await rows.known(conn, [kept.upload_id for kept in found])
        for kept in found:
            if kept.upload_id not in known:
                await self._discard(kept.folder_id, kept.upload_id)


_SWEEP_EVERY = 600.0
# Seconds: a request that is just beginning can't be ended yet, one that is ending soon has.
_PATIENCE = 3.0
# Since it was written last: whoever forgot its row is done with it by then.
_HALF_MADE = timedelta(minutes=10)
