"""Wire models of snapshots of folders."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, Timestamp, Told


class SnapshotState(StrEnum):
    """How far a snapshot is."""

    MAKING = "making"
    DONE = "done"
    FAILED = "failed"


class SnapshotView(Told):
    """One snapshot of a folder."""

    id: str
    folder_id: str
    automatic: bool = Field(description="Made by the folder's policy, and deleted by it.")
    state: SnapshotState
    files: int
    bytes: int = Field(description="What it stores that no snapshot before it does.")
    because: str | None = Field(None, description="Why it failed, in a sentence.")
    created_at: Timestamp
    ended_at: Timestamp | None = None


class SnapshotsAsked(Asked):
    """Which of a folder's snapshots."""

    after: str | None = Field(None, pattern="^snp_[0-9a-hjkmnp-tv-z]{26}$")
    limit: int = Field(100, ge=1, le=200)


class SnapshotsPage(Page):
    """Snapshots, the newest first."""

    items: list[SnapshotView]


class SnapshotPolicyAsked(Asked):
    """How often a folder's snapshots are made by themselves; null: never."""

    every_hours: int | None = Field(ge=1, le=8784)
    keep: int = Field(24, ge=1, le=400, description="How many of those are kept.")


class SnapshotPolicyView(Told):
    """How often a folder's snapshots are made by themselves."""

    every_hours: int | None = None
    keep: int | None = None
    next_at: Timestamp | None = None


class Restoring(Asked):
    """One file of a snapshot to take back."""

    path: str = Field(max_length=4096, description="Its path in the snapshot.")
    target: str | None = Field(
        None, max_length=4096, description="Its path in the folder; left out: the same."
    )
    overwrite: bool = Field(False, description="Whether it may replace what is there.")
