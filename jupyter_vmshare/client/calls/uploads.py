"""Uploads that can be resumed (tus 1.0), one request at a time."""

from __future__ import annotations

import base64
from collections.abc import Mapping
from dataclasses import replace

from jupyter_vmshare.client.call import (
    Answer,
    Call,
    Paged,
    Source,
    get,
    nothing,
    reads,
    segment,
    send,
)
from jupyter_vmshare.client.errors import ServiceFailed
from jupyterhub_vmshare.api.contract.uploads import UploadsPage, UploadView

_VERSION = {"Tus-Resumable": "1.0.0"}
_REFUSALS = frozenset({403, 404, 409, 412})
_BYTES = {"Content-Type": "application/offset+octet-stream"}


def uploads(folder_id: str) -> Paged[UploadView]:
    """Your unfinished uploads to a folder, the oldest first."""
    return Paged(
        lambda after: get(_path(folder_id), UploadsPage, after=after),
        lambda page: list(page.items),
    )


def begin(folder_id: str, length: int, metadata: Mapping[str, str]) -> Call[UploadView]:
    """A new upload; ``metadata`` says its ``path``, and ``overwrite``."""
    headers = {
        **_VERSION,
        "Upload-Length": str(length),
        "Upload-Metadata": ",".join(
            f"{key} {base64.b64encode(value.encode()).decode()}" for key, value in metadata.items()
        ),
    }
    # Begun twice, the one that nobody goes on with is forgotten after a day.
    return Call("POST", _path(folder_id), reads(UploadView), headers=headers, repeatable=True)


def upload(folder_id: str, upload_id: str) -> Call[UploadView]:
    """One upload of yours."""
    return get(f"{_path(folder_id)}/{segment(upload_id)}", UploadView)


def offset(folder_id: str, upload_id: str) -> Call[int | None]:
    """How many bytes of an upload have come for good; None: it was refused, without a word.

    An answer to HEAD has no body: why it was refused is to be asked otherwise.
    """
    address = f"{_path(folder_id)}/{segment(upload_id)}"
    return Call(
        "HEAD", address, _offset_if_any, headers=_VERSION, repeatable=True, answers=_REFUSALS
    )


def append(folder_id: str, upload_id: str, start: int, source: Source) -> Call[int]:
    """The next bytes; how many have come with them."""
    address = f"{_path(folder_id)}/{segment(upload_id)}"
    headers = {**_VERSION, **_BYTES, "Upload-Offset": str(start)}
    return Call("PATCH", address, _offset, headers=headers, source=source)


def give_up(folder_id: str, upload_id: str) -> Call[None]:
    """Forget an upload and what came of it."""
    call = send("DELETE", f"{_path(folder_id)}/{segment(upload_id)}", nothing, repeatable=True)
    return replace(call, headers=_VERSION)


def _offset(answer: Answer) -> int:
    told = answer.headers.get("upload-offset", "")
    if not told.isdecimal():
        raise ServiceFailed("The VMShare service did not say how much of the upload has come.")
    return int(told)


def _offset_if_any(answer: Answer) -> int | None:
    return None if answer.status in _REFUSALS else _offset(answer)


def _path(folder_id: str) -> str:
    return f"folders/{segment(folder_id)}/uploads"
