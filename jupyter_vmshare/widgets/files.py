"""What lies in a folder, for notebooks. Paths are relative to the folder, with ``/``."""

from __future__ import annotations

import io
import os
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import IO, Any, TypeVar

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import files as calls
from jupyter_vmshare.client.calls import uploads
from jupyter_vmshare.client.resuming import is_large, resumable
from jupyter_vmshare.client.transfer import (
    Progress,
    Received,
    Sent,
    free_target,
    local_name,
    replacing,
)
from jupyter_vmshare.client.twins import twin
from jupyter_vmshare.widgets.handle import FolderHandle
from jupyter_vmshare.widgets.tables import Entries
from jupyterhub_vmshare.api.contract.batches import (
    MOST_AT_ONCE,
    DeletionResult,
    DeletionResults,
    MoveResult,
    MoveResults,
)
from jupyterhub_vmshare.api.contract.events import EventsPage, EventView
from jupyterhub_vmshare.api.contract.files import EntryView
from jupyterhub_vmshare.api.contract.uploads import UploadView

# A file opened for reading is kept in memory up to this many bytes, then on the local disk.
IN_MEMORY = 16 * 1024 * 1024
# Changes are told once a second, after they have happened.
TOLD_BEFORE, TOLD_AFTER = timedelta(seconds=1), timedelta(seconds=3)
T = TypeVar("T")
Local = str | os.PathLike[str] | bytes | IO[bytes]


class FileVerbs(FolderHandle):
    """Methods on the files of a folder."""

    @twin
    def files(
        self,
        path: str = "",
        q: str | None = None,
        limit: int = 1000,
        *,
        order: str = "name",
        descending: bool = False,
    ) -> Steps[Entries]:
        """A directory's entries, directories first.

        Args:
            path: The directory; the folder itself by default.
            q: Only those with this in their name.
            limit: List no more than these many.
            order: By ``"name"``, ``"size"`` or ``"modified"``.
            descending: The largest, the newest, or the last name first.
        """
        paged = calls.entries(self.id, path, q, order=order, descending=descending)
        found = yield from paged.steps(limit + 1)
        title = f"{self.label}/{path}".rstrip("/")
        return Entries(found[:limit], title, more=len(found) > limit)

    @twin
    def stat(self, path: str) -> Steps[EntryView]:
        """One file or directory."""
        entry: EntryView = yield calls.entry(self.id, path)
        return entry

    @twin
    def changed_by(self, path: str) -> Steps[str | None]:
        """Who changed it last, as far as times tell; None: a program in a session, or nobody knows.

        Whoever changed something at or above it through the service when it was modified.
        """
        entry: EntryView = yield calls.entry(self.id, path)
        since, until = entry.modified_at - TOLD_BEFORE, entry.modified_at + TOLD_AFTER
        page: EventsPage = yield calls.events_page(
            limit=200, thing=self.id, since=since, until=until
        )
        return next((one.actor for one in page.items if _is_about(one, entry)), None)

    @twin
    def read_bytes(self, path: str) -> Steps[bytes]:
        """A whole file."""
        held = io.BytesIO()
        yield calls.download(self.id, path, Received(held))
        return held.getvalue()

    @twin
    def read_text(self, path: str, encoding: str = "utf-8") -> Steps[str]:
        """A whole file, as text."""
        held = io.BytesIO()
        yield calls.download(self.id, path, Received(held))
        return held.getvalue().decode(encoding)

    @twin
    def open(self, path: str, mode: str = "r", encoding: str = "utf-8") -> Steps[IO[Any]]:
        """A file opened for reading (``"r"`` text, ``"rb"`` bytes): a copy, made now.

        To change a file, upload it again.
        """
        if mode not in {"r", "rt", "rb"}:
            raise ValueError("Files here are opened for reading only: use upload() to write.")
        held = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115  (handed out)
        yield calls.download(self.id, path, Received(held))
        held.seek(0)
        return held if mode == "rb" else io.TextIOWrapper(held, encoding=encoding)

    @twin
    def download(
        self,
        path: str,
        to: str | os.PathLike[str] = ".",
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Steps[Path]:
        """Copy a file here; goes on where it broke off. Nothing half is left behind.

        Args:
            path: The file.
            to: A local directory, or the local file's name.
            overwrite: Replace a local file of that name.
            progress: Called with the bytes so far and the size.

        Raises:
            FileExistsError: The local file is there already.
        """
        target = free_target(path, to, overwrite)
        with replacing(target) as file:
            yield calls.download(self.id, path, Received(file, progress))
        return target

    @twin
    def download_zip(
        self,
        paths: Sequence[str] = ("",),
        to: str | os.PathLike[str] = ".",
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Steps[Path]:
        """Copy files and directories here as one zip archive; nothing half is left behind.

        Links are left out, and a note in the archive says so. An archive is made while it is
        sent, so one that broke off begins again.

        Args:
            paths: What is to be in it; by default the whole folder.
            to: A local directory, or the archive's name.
            overwrite: Replace a local file of that name.
            progress: Called with the bytes so far; the size is not known.

        Raises:
            FileExistsError: The local file is there already.
        """
        only = paths[0] if len(paths) == 1 else ""
        target = free_target(f"{local_name(only or self.label)}.zip", to, overwrite)
        with replacing(target) as file:
            yield calls.archive(self.id, paths, Received(file, progress))
        return target

    @twin
    def upload(
        self,
        local: Local,
        path: str | None = None,
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Steps[EntryView]:
        """Copy a local file (or bytes, or an open binary file) into the folder.

        A large local file goes on where it broke off: by itself while the network comes and goes,
        and when this is called again, from another notebook, too.

        Args:
            local: What to copy.
            path: Its new path; with ``/`` at the end, the directory to put it in; by default its
                own name, at the top.
            overwrite: Replace a file that is there.
            progress: Called with the bytes so far and the size.
        """
        target = path or ""
        if not target or target.endswith("/"):
            target += _own_name(local)
        return (yield from self._sent(local, target, overwrite, progress))

    def _sent(
        self, local: Local, target: str, overwrite: bool, progress: Progress | None
    ) -> Steps[EntryView]:
        if is_large(local):
            return (yield from resumable(self.id, target, Path(local), overwrite, progress))
        source = Sent(local, progress)
        entry: EntryView = yield calls.upload(self.id, target, source, overwrite=overwrite)
        return entry

    @twin
    def mkdir(self, path: str) -> Steps[EntryView]:
        """Make a directory."""
        entry: EntryView = yield calls.make_directory(self.id, path)
        return entry

    @twin
    def rename(self, source: str, target: str) -> Steps[EntryView]:
        """Give a file or directory in this folder another path; never over something."""
        entry: EntryView = yield calls.move(self.id, source, target)
        return entry

    @twin
    def rename_many(self, moves: Mapping[str, str]) -> Steps[list[MoveResult]]:
        """Give many files and directories another path, each by itself; never over something.

        Returns:
            One result each, in order: ``entry`` where it is now, or ``problem``.
        """
        results: list[MoveResult] = []
        for some in _in_batches(list(moves.items())):
            told: MoveResults = yield calls.move_many(self.id, dict(some))
            results += told.results
        return results

    @twin
    def delete(self, path: str) -> Steps[None]:
        """Delete a file, a link or an empty directory in this folder."""
        yield calls.delete_file(self.id, path)

    @twin
    def delete_many(
        self, paths: Sequence[str], *, recursive: bool = False
    ) -> Steps[list[DeletionResult]]:
        """Delete many files and directories, each by itself.

        Args:
            paths: What is to go.
            recursive: Directories with all that is in them, at once.

        Returns:
            One result each, in order: ``problem`` says why it is still there.
        """
        results: list[DeletionResult] = []
        for some in _in_batches(list(paths)):
            told: DeletionResults = yield calls.delete_many(self.id, some, recursive=recursive)
            results += told.results
        return results

    @twin
    def unfinished_uploads(self) -> Steps[list[UploadView]]:
        """Your uploads to this folder that broke off; uploading the file again goes on with it."""
        return (yield from uploads.uploads(self.id).steps())

    @twin
    def give_up_upload(self, upload_id: str) -> Steps[None]:
        """Forget an unfinished upload, and what came of it."""
        yield uploads.give_up(self.id, upload_id)


def _in_batches(items: list[T]) -> Iterator[list[T]]:
    return (items[start : start + MOST_AT_ONCE] for start in range(0, len(items), MOST_AT_ONCE))


def _is_about(event: EventView, entry: EntryView) -> bool:
    path = event.data.get("path")
    if event.type != "files.changed" or path is None:
        return False
    return path in {"", entry.path} or entry.path.startswith(f"{path}/")


def _own_name(local: Local) -> str:
    name = "" if isinstance(local, bytes) else local
    if not isinstance(name, (str, os.PathLike)):
        name = getattr(local, "name", "")
    name = Path(name).name if isinstance(name, (str, os.PathLike)) else ""
    if not name:
        raise ValueError("Say what the file is to be called: upload(data, 'name').")
    return name
