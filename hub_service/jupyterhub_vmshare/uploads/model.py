"""One upload, and what can be wrong with what is sent to it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Any, Self

import sqlalchemy as sa

from jupyterhub_vmshare.errors import BadInput, Conflict, NotFound, TooLarge, VMShareError
from jupyterhub_vmshare.storage.port import Parts, Target, parse_path


class WrongOffset(Conflict):
    """The client and we disagree about how much has come."""

    code = "wrong-offset"

    def __init__(self, received: int) -> None:
        super().__init__(f"{received} bytes of this upload have come; go on from there.")


class ChecksumMismatch(VMShareError):
    """The bytes are not those that the client says it sent."""

    status, code = 460, "checksum-mismatch"

    def __init__(self) -> None:
        super().__init__(
            "These bytes changed on their way here. None of them was kept; send again."
        )


class TakenOver(Conflict):
    """A later request went on with the upload, so this one is at its end."""

    code = "taken-over"

    def __init__(self) -> None:
        super().__init__("Another request went on with this upload meanwhile.")


class TooManyUploads(Conflict):
    """So many uploads of one person are unfinished that something must be wrong."""

    code = "too-many-uploads"


class NotJoinable(BadInput):
    """Parts that are no parts, not complete, or not there."""

    code = "not-joinable"


class UploadGone(NotFound):
    """Not there, not this person's, or not kept any longer."""

    def __init__(self) -> None:
        super().__init__("There is no such upload here (any more). Begin it again.")


class MoreThanAnnounced(TooLarge):
    """More bytes than the upload has."""

    def __init__(self, length: int) -> None:
        super().__init__(f"This upload has {length} bytes, and more were sent.")


class UploadKind(StrEnum):
    """What an upload's bytes become."""

    FILE = "file"
    PART = "part"
    """Nothing by itself: a file is joined from it and others."""
    JOINED = "joined"


class UploadState(StrEnum):
    """How far an upload is."""

    OPEN = "open"
    WHOLE = "whole"
    """All bytes are on the disk. A file among them is about to get its name, or was refused it."""
    PUBLISHED = "published"


@dataclass(frozen=True, slots=True)
class NewUpload:
    """What a client asks for. ``place`` is None for a part."""

    place: Parts | None
    length: int
    overwrite: bool = False
    tag: str | None = None
    metadata: str = ""


@dataclass(frozen=True, slots=True)
class Upload:
    """A row of ``uploads``."""

    id: str
    person: str
    folder_id: str
    kind: UploadKind
    state: UploadState
    place: Parts | None
    overwrite: bool
    tag: str | None
    length: int
    received: int
    metadata: str
    joined_from: tuple[str, ...] | None
    created_at: datetime
    expires_at: datetime

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Self:
        """The upload of a row."""
        return cls(
            id=row.id,
            person=row.person,
            folder_id=row.thing_id,
            kind=UploadKind(row.kind),
            state=UploadState(row.state),
            place=None if row.path is None else parse_path(row.path),
            overwrite=row.overwrite,
            tag=row.tag,
            length=row.length,
            received=row.received,
            metadata=row.metadata,
            joined_from=None if row.joined_from is None else tuple(row.joined_from),
            created_at=row.created_at,
            expires_at=row.expires_at,
        )

    @property
    def target(self) -> Target:
        """Where it goes. Only for what goes somewhere."""
        if self.place is None:
            raise TypeError("a part goes nowhere by itself")
        return Target(self.folder_id, self.place, self.overwrite, self.tag)
