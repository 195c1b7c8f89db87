"""Wire models of folders."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Timestamp
from jupyterhub_vmshare.api.contract.grants import InSessions
from jupyterhub_vmshare.api.contract.things import ThingView
from jupyterhub_vmshare.words import ThingState

FolderLevel = Literal["view", "edit", "edit_delete"]

PROJECT_ID = "^prj_[0-9a-hjkmnp-tv-z]{26}$"


class Relation(StrEnum):
    """How the caller stands to a folder."""

    MINE = "mine"
    SHARED_WITH_ME = "shared_with_me"


class ListedState(StrEnum):
    """Which folders a list is of."""

    LIVE = "live"
    TRASHED = "trashed"


class FoldersAsked(Asked):
    """Which of the caller's folders."""

    relation: Relation | None = Field(None, description="Left out: both.")
    state: ListedState = Field(ListedState.LIVE, description="The trash is its owner's alone.")
    q: str = Field("", max_length=255, description="Only labels with this in them.")
    project: str | None = Field(
        None, pattern=PROJECT_ID, description="Only what belongs to this project, by its id."
    )
    after: str | None = Field(None, max_length=1000)
    limit: int = Field(100, ge=1, le=200)


class NewFolder(Asked):
    """A folder to make."""

    name: str = Field(max_length=1000)


class NewProjectFolder(NewFolder):
    """A folder to make for all members of a project."""

    level: FolderLevel = Field(description="What all members have of it.")


class MemberLevel(Asked):
    """A member's own level on a project's folder."""

    level: FolderLevel


class OverrideView(InSessions):
    """A member's own level on a project's folder, in the place of the project's; null: they have
    none any more. And what that reached in running sessions."""

    folder_id: str
    person: PersonName
    level: FolderLevel | None
    set_by: PersonName | None = None
    set_at: Timestamp | None = None


class FolderRename(Asked):
    """The new name, for everybody."""

    name: str = Field(max_length=1000)


class FolderSettings(Asked):
    """What the owner lets others do, beside their levels; what is left out stays as it is."""

    cloneable: bool | None = Field(None, description="May they copy all of it for themselves?")


class FastChoice(Asked):
    """Whether a folder is mounted directly, where levels allow that."""

    fast: bool


class AliasChoice(Asked):
    """A name of the caller's own for a folder; null takes it away."""

    alias: str | None = Field(max_length=1000)


class FolderView(ThingView):
    """A folder as the caller sees it; ``actions`` is what they may do with it now."""

    label: str = Field(description="What to show the caller: their alias, or the name.")
    alias: str | None = None
    relation: Relation
    state: ThingState
    trashed_at: Timestamp | None = Field(None, description="Since when it is in the trash.")
    cloneable: bool = Field(False, description="Whether its owner lets others copy it.")
    fast: bool = Field(
        False,
        description="Whether its owner chose fast mounts: directly in sessions at View and "
        "Edit+Delete, where access to what is open ends with the session.",
    )
    project_id: str | None = Field(
        None, description="The project that it belongs to, whose name `owner` is then."
    )
    deleted_at: Timestamp | None = Field(
        None, description="When the trash will be emptied of it for ever; null: never by itself."
    )


class Trashing(Asked):
    """``force``: also while somebody else has the folder in a running session."""

    force: bool = False


class FolderTrashed(FolderView, InSessions):
    """The folder in the trash, and what that reached in running sessions."""


class FolderFast(FolderView, InSessions):
    """The folder after the choice, and what that reached in running sessions."""


class FoldersPage(Page):
    """Folders, by label."""

    items: list[FolderView]
