"""What one session should have, as orders carry it. The standard library alone is imported here."""

from __future__ import annotations

from dataclasses import dataclass

from jupyterhub_vmshare.mounts.fields import BadMessage, Fields
from jupyterhub_vmshare.words import LEVELS, ThingKind

# As `ids.new_id` makes them.
SESSION_ID = r"ses_[0-9a-hjkmnp-tv-z]{26}"
FOLDER_ID = r"fld_[0-9a-hjkmnp-tv-z]{26}"
ACCOUNT_ID = r"acc_[0-9a-hjkmnp-tv-z]{26}"
_LEVELS = LEVELS[ThingKind.FOLDER]
_NAME_BYTES = 255
_LAST_UID = 2**32 - 2


@dataclass(frozen=True, slots=True)
class FolderWanted:
    """One folder as one session should have it.

    ``until`` is the second (Unix time) at which access ends by itself; ``limit`` and ``used`` are
    bytes of the folder's quota, None where there is none. ``direct``: not through the guard, where
    the node can; levels alone hold then, and no more than the guard would give.
    """

    folder: str
    name: str
    level: str
    grant: str
    owner: str
    until: float | None = None
    limit: int | None = None
    used: int | None = None
    direct: bool = False

    @classmethod
    def parse(cls, raw: object) -> FolderWanted:
        fields = Fields(raw, "a folder")
        found = cls(
            folder=fields.text("folder", pattern=FOLDER_ID),
            name=_name(fields),
            level=fields.one_of("level", _LEVELS),
            grant=fields.text("grant"),
            owner=fields.text("owner"),
            until=fields.number_or_none("until"),
            limit=fields.whole_or_none("limit"),
            used=fields.whole_or_none("used"),
            direct=fields.has("direct") and fields.truth("direct"),
        )
        fields.done()
        return found


def _name(fields: Fields) -> str:
    found = fields.text("name", most=_NAME_BYTES)
    if found in ("", ".", "..") or "/" in found:
        fields.refuse("name", "the name of one directory")
    return found


@dataclass(frozen=True, slots=True)
class SessionWanted:
    """The whole of what one session should have. A higher ``version`` is a later list."""

    id: str
    version: int
    person: str
    uid: int
    gid: int
    folders: tuple[FolderWanted, ...] = ()

    @classmethod
    def parse(cls, raw: object) -> SessionWanted:
        fields = Fields(raw, "a session")
        found = cls(
            id=fields.text("id", pattern=SESSION_ID),
            version=fields.whole("version"),
            person=fields.text("person"),
            uid=fields.whole("uid", most=_LAST_UID),
            gid=fields.whole("gid", most=_LAST_UID),
            folders=tuple(FolderWanted.parse(folder) for folder in fields.items("folders")),
        )
        fields.done()
        for key in ("folder", "name"):
            if len({getattr(folder, key) for folder in found.folders}) < len(found.folders):
                raise BadMessage(f"Two folders of a session have the same {key!r}.")
        return found
