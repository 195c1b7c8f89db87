"""A local file's way into a folder, gone on with wherever it broke off.

Nothing is remembered here: the service knows what is unfinished, and a fingerprint in it says
whether it is of this very file. So another notebook, or the CLI, goes on as well.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import Any, TypeGuard

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import files, uploads
from jupyter_vmshare.client.errors import BrokenOff, Conflict, ServiceUnreachable
from jupyter_vmshare.client.transfer import Progress, Rest
from jupyterhub_vmshare.api.contract.files import EntryView
from jupyterhub_vmshare.api.contract.uploads import UploadView

LARGE = 16 << 20
"""Bytes from which on a file is sent so; a smaller one is sooner sent again."""

_LOOKED_AT = 64 * 1024
_TRIES = 8
# Somebody else is at it, or was a moment ago: look how far it is, and go on from there.
_GO_ON = frozenset({"wrong-offset", "taken-over", "upload-busy"})


def is_large(local: Any) -> TypeGuard[str | os.PathLike[str]]:
    """Whether this is a local file that is worth going on with."""
    return isinstance(local, (str, os.PathLike)) and Path(local).stat().st_size >= LARGE


def resumable(
    folder_id: str, path: str, local: Path, overwrite: bool, progress: Progress | None = None
) -> Steps[EntryView]:
    """Upload a local file, or the rest of it.

    Raises:
        VMShareError: It was refused, or broke off without getting further several times on end.
    """
    size, fingerprint = local.stat().st_size, fingerprint_of(local)
    metadata = {"path": path, "fingerprint": fingerprint}
    if overwrite:
        metadata["overwrite"] = "true"
    found = yield from uploads.uploads(folder_id).steps()
    upload = next((one for one in found if _is_same(one, size, metadata)), None)
    if upload is None:
        upload = yield uploads.begin(folder_id, size, metadata)
    yield from _send(folder_id, upload, local, progress)
    entry: EntryView = yield files.entry(folder_id, path)
    return entry


def _send(
    folder_id: str, upload: UploadView, local: Path, progress: Progress | None
) -> Steps[None]:
    offset = yield from _offset(folder_id, upload)
    tries = 0
    while offset < upload.length:
        rest = Rest(local, offset, upload.length, progress)
        try:
            offset = yield uploads.append(folder_id, upload.id, offset, rest)
            continue
        except (BrokenOff, ServiceUnreachable, Conflict) as error:
            tries += 1
            if tries > _TRIES or (isinstance(error, Conflict) and error.code not in _GO_ON):
                raise
        before = offset
        # This one waits and asks again by itself while the service can't be reached.
        offset = yield from _offset(folder_id, upload)
        if offset > before:
            tries = 0


def _offset(folder_id: str, upload: UploadView) -> Steps[int]:
    offset: int | None = yield uploads.offset(folder_id, upload.id)
    if offset is None:
        yield uploads.upload(folder_id, upload.id)  # says why, unless only its end was refused
        end = Rest(Path(os.devnull), 0, 0)
        offset = yield uploads.append(folder_id, upload.id, upload.length, end)
    return offset or 0


def _is_same(upload: UploadView, size: int, metadata: dict[str, str]) -> bool:
    return upload.length == size and upload.metadata == metadata


def fingerprint_of(local: Path) -> str:
    """Differs where the file may differ; costs no reading of all of it."""
    status = local.stat()
    with local.open("rb") as file:
        start = file.read(_LOOKED_AT)
        file.seek(max(status.st_size - _LOOKED_AT, 0))
        end = file.read(_LOOKED_AT)
    told = f"{status.st_size} {status.st_mtime_ns} ".encode()
    return hashlib.sha256(told + start + end).hexdigest()
