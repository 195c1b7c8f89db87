"""Wire models of clones of folders."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, Timestamp, Told


class CloneState(StrEnum):
    """How far a clone is."""

    COPYING = "copying"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class NewClone(Asked):
    """The name of the caller's own copy."""

    name: str = Field(max_length=1000)


class CloneView(Told):
    """One copy of a folder, under way or ended."""

    id: str
    source_id: str
    source_name: str
    folder_id: str = Field(description="The copy's own id: a folder once the state is done.")
    name: str = Field(description="Its name; another than asked for, where that was taken by then.")
    state: CloneState
    files: int = Field(description="How many were copied so far.")
    bytes: int
    because: str | None = Field(None, description="Why it failed, in a sentence.")
    created_at: Timestamp
    ended_at: Timestamp | None = None


class ClonesAsked(Asked):
    """Which of the caller's clones."""

    after: str | None = Field(None, pattern="^cln_[0-9a-hjkmnp-tv-z]{26}$")
    limit: int = Field(50, ge=1, le=200)


class ClonesPage(Page):
    """Clones, the newest first."""

    items: list[CloneView]
