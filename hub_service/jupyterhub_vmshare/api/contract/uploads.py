"""Wire models of uploads that can be resumed. What goes in headers is tus 1.0's own."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, Timestamp, Told


class UploadKind(StrEnum):
    """A file, a part to be joined, or a file that is joined from parts."""

    FILE = "file"
    PART = "part"
    JOINED = "joined"


class UploadState(StrEnum):
    """Bytes are missing; all have come, but the file could not get its name; it has its name."""

    OPEN = "open"
    WHOLE = "whole"
    PUBLISHED = "published"


class UploadsAsked(Asked):
    """Which page of the caller's unfinished uploads."""

    after: str | None = Field(None, pattern=r"^upl_[0-9a-hjkmnp-tv-z]{26}$")
    limit: int = Field(200, ge=1, le=1000)


class UploadView(Told):
    """An upload of the caller's, under way."""

    id: str
    kind: UploadKind
    state: UploadState
    path: str | None = Field(None, description="Where the file goes; null for a part.")
    length: int = Field(description="Bytes of the whole file.")
    offset: int = Field(description="Bytes that have come and are on the disk.")
    overwrite: bool
    metadata: dict[str, str] = Field(description="What the client said of it, decoded.")
    created_at: Timestamp
    expires_at: Timestamp


class UploadsPage(Page):
    """The caller's unfinished uploads to one folder, the oldest first."""

    items: list[UploadView]
