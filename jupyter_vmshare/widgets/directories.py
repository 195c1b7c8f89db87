"""Local directories on their way into a folder, for notebooks and the command line."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import files as calls
from jupyter_vmshare.client.errors import Conflict, VMShareError
from jupyter_vmshare.client.transfer import Progress
from jupyter_vmshare.client.twins import twin
from jupyter_vmshare.widgets.files import FileVerbs
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.files import EntryView


@dataclass(frozen=True, slots=True)
class Uploaded:
    """What became of one file or directory: ``entry`` in the folder, or why it is not there."""

    path: str
    entry: EntryView | None = None
    because: str | None = None


class UploadedTable(Table[Uploaded]):
    """What became of each."""

    heads = ("Path", "Result")
    empty = "There was nothing to upload."

    @property
    def failed(self) -> dict[str, str]:
        """Why each of those that are not there is not."""
        return {one.path: one.because for one in self if one.because is not None}

    def row(self, item: Uploaded) -> tuple[str, ...]:
        """Path, and what became of it."""
        return item.path, item.because or "uploaded"


class DirectoryVerbs(FileVerbs):
    """Methods on whole directories."""

    @twin
    def upload_directory(
        self,
        local: str | os.PathLike[str],
        path: str | None = None,
        *,
        overwrite: bool = False,
        progress: Progress | None = None,
    ) -> Steps[UploadedTable]:
        """Copy a local directory into the folder, with all that is in it.

        Directories that are there already are filled. Links are not followed, and left out; what
        is refused does not keep the rest from coming.

        Args:
            local: The directory.
            path: Its new path; by default its own name, at the top. ``/``: what is in it comes to
                the top.
            overwrite: Replace files that are there.
            progress: Called with the bytes so far and the size, of each file.

        Raises:
            NotADirectoryError: ``local`` is none.
        """
        top = Path(local)
        if not top.is_dir():
            raise NotADirectoryError(f"{local} is no directory.")
        target = (top.resolve().name if path is None else path).strip("/")
        told = UploadedTable(title=f"Uploading {top.name}")
        for found, there in _walked(top, target):
            try:
                entry = yield from self._one(found, there, overwrite, progress)
            except (VMShareError, OSError) as error:
                told.append(Uploaded(there, because=str(error)))
            else:
                told.append(Uploaded(there, entry))
        return told

    def _one(
        self, found: Path, there: str, overwrite: bool, progress: Progress | None
    ) -> Steps[EntryView | None]:
        if not found.is_dir():
            return (yield from self._sent(found, there, overwrite, progress))
        try:
            entry: EntryView = yield calls.make_directory(self.id, there)
        except Conflict:
            return None  # what is in it tells whether this is a directory
        return entry


def _walked(top: Path, target: str) -> Iterator[tuple[Path, str]]:
    """Each directory before what is in it, with their paths in the folder."""
    if target:
        yield top, target
    for name in sorted(os.listdir(top)):
        found, there = top / name, f"{target}/{name}".lstrip("/")
        if found.is_symlink():
            continue
        if found.is_dir():
            yield from _walked(found, there)
        elif found.is_file():
            yield found, there
