"""Wire models of what lies in a folder. Paths are relative, with ``/`` between parts."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, Timestamp, Told
from jupyterhub_vmshare.words import EntryOrder


class EntryKind(StrEnum):
    """What an entry is. Anything that is neither file nor directory is ``other``."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"


class PathAsked(Asked):
    """A place in a folder."""

    path: str = Field(max_length=4096)


class EntriesAsked(Asked):
    """Which entries of which directory."""

    path: str = Field("", max_length=4096, description="A directory; left out: the top.")
    q: str = Field("", max_length=255, description="Only names with this in them.")
    order: EntryOrder = Field(
        EntryOrder.NAME,
        description="What they are sorted by; directories come first in any case, names are "
        "compared without regard to case, and what is equally large or old goes by name.",
    )
    descending: bool = Field(
        False, description="The other way round: the largest, the newest, or the last name first."
    )
    after: str | None = Field(
        None, max_length=1000, description="The `next` of the page before, in the same order."
    )
    limit: int = Field(200, ge=1, le=1000)


class UploadAsked(Asked):
    """Where an upload goes."""

    path: str = Field(max_length=4096)
    overwrite: bool = Field(False, description="Replace a file that is there.")


class EntryView(Told):
    """A file or directory in a folder."""

    name: str
    path: str
    kind: EntryKind
    size: int | None = Field(None, description="Bytes; null for directories.")
    modified_at: Timestamp


class EntriesPage(Page):
    """Entries of one directory: directories first, each in the order asked for."""

    path: str
    items: list[EntryView]


class NewDirectory(Asked):
    """A directory to make; its parent must be there."""

    path: str = Field(max_length=4096)


class Move(Asked):
    """A file or directory's new path inside the same folder; never over something."""

    source: str = Field(max_length=4096)
    target: str = Field(max_length=4096)
