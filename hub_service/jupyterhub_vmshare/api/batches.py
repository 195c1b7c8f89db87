"""Many entries at once: downloaded as one archive, moved, deleted, with a result for each."""

from __future__ import annotations

import time
from urllib.parse import parse_qs

from jupyterhub_vmshare.api.contract.batches import (
    ArchiveAsked,
    DeletionResult,
    DeletionResults,
    ManyDeletions,
    ManyMoves,
    MoveResult,
    MoveResults,
)
from jupyterhub_vmshare.api.contract.files import Move
from jupyterhub_vmshare.api.files import FilesRoute, view
from jupyterhub_vmshare.api.operation import FORM, operation
from jupyterhub_vmshare.api.problems import problem
from jupyterhub_vmshare.api.sending import CHECKED_EVERY, describe_archive, send_archive
from jupyterhub_vmshare.errors import Malformed, VMShareError
from jupyterhub_vmshare.folders.names import new_place
from jupyterhub_vmshare.storage.port import parse_path


class Archive(FilesRoute):
    """Many files as one zip archive."""

    path = "/folders/{folder_id}/archive"

    @operation("folder.download", takes=ArchiveAsked, raw_out="*/*", changes=False, as_form=True)
    async def post(self, folder_id: str) -> None:
        """Files and directories as one zip archive, made while it is sent. Links are left out."""
        asked = self._asked()
        name = await self.permit("download", folder_id)
        places = [parse_path(path) for path in asked.paths]
        archive = await self.store.archive(folder_id, places)
        try:
            describe_archive(self, places[0][-1] if len(places) == 1 and places[0] else name)
            await send_archive(self, archive, lambda: self.permit_still("download", folder_id))
        finally:
            await archive.close()

    def _asked(self) -> ArchiveAsked:
        kind = self.request.headers.get("Content-Type", "").partition(";")[0].strip()
        if kind != FORM:
            return self.body(ArchiveAsked)
        # Only by a form can a browser save what a POST answers without holding it in memory.
        try:
            fields = parse_qs(bytes(self._body).decode("ascii", "replace"), max_num_fields=10)
            (asked,) = fields.get("asked", [])
        except ValueError:
            sentence = "The form's field `asked` must hold the request as JSON, once."
            raise Malformed(sentence) from None
        return self.parsed(ArchiveAsked, asked.encode("utf-8", "replace"))


class BatchRoute(FilesRoute):
    """What both routes have in common."""

    _checked = 0.0

    async def permit_each(self, action: str, folder_id: str) -> None:
        """Before each entry: it may take a while until the last one's turn."""
        if time.monotonic() - self._checked >= CHECKED_EVERY:
            await self.permit_still(action, folder_id)
            self._checked = time.monotonic()


class Relocations(BatchRoute):
    """Renaming and moving many."""

    path = "/folders/{folder_id}/relocations"

    @operation("folder.rename_file", takes=ManyMoves, gives=MoveResults)
    async def post(self, folder_id: str) -> None:
        """Rename or move many files and directories, each by itself, never over something."""
        asked = self.body(ManyMoves)
        await self.permit("rename_file", folder_id)
        results = [await self._moved(folder_id, move) for move in asked.moves]
        self.reply(200, MoveResults(results=results))

    async def _moved(self, folder_id: str, move: Move) -> MoveResult:
        try:
            await self.permit_each("rename_file", folder_id)
            source, target = parse_path(move.source), new_place(move.target)
            entry = await self.store.move(folder_id, source, target)
        except VMShareError as error:
            return MoveResult(source=move.source, problem=problem(error))
        self.tell(folder_id, source, target)
        return MoveResult(source=move.source, entry=view(entry, target))


class Deletions(BatchRoute):
    """Deleting many."""

    path = "/folders/{folder_id}/deletions"

    @operation("folder.delete_file", takes=ManyDeletions, gives=DeletionResults)
    async def post(self, folder_id: str) -> None:
        """Delete many files and directories, each by itself; full directories only if asked."""
        asked = self.body(ManyDeletions)
        await self.permit("delete_file", folder_id)
        results = [await self._deleted(folder_id, path, asked.recursive) for path in asked.paths]
        self.reply(200, DeletionResults(results=results))

    async def _deleted(self, folder_id: str, path: str, recursive: bool) -> DeletionResult:
        try:
            await self.permit_each("delete_file", folder_id)
            at = parse_path(path)
            await self.store.remove(folder_id, at, recursive=recursive)
        except VMShareError as error:
            return DeletionResult(path=path, problem=problem(error))
        self.tell(folder_id, at)
        return DeletionResult(path=path)


ROUTES = (Archive, Relocations, Deletions)
