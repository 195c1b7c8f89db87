"""Wire models of running sessions and the folders in them."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import (
    Asked,
    Page,
    PersonName,
    Problem,
    Timestamp,
    Told,
)
from jupyterhub_vmshare.api.contract.grants import HolderView

_LAST_ID = 2**32 - 2


class NewSession(Asked):
    """A notebook server that the hub is about to start."""

    person: PersonName
    server_name: str = Field("", max_length=255, description="Empty: the person's default server.")
    uid: int = Field(ge=0, le=_LAST_ID, description="The Unix account that its programs run as.")
    gid: int = Field(ge=0, le=_LAST_ID)
    node: str = Field(
        "local",
        min_length=1,
        max_length=253,
        description="Where it runs; `local` is the service's own node.",
    )
    wait_seconds: float = Field(
        1.5, gt=0, le=60, description="After these it is answered without a view."
    )


class EndedSession(Asked):
    """A notebook server that the hub has stopped, or found stopped."""

    person: PersonName
    server_name: str = Field("", max_length=255)


class StartedSession(Told):
    """What the hub's spawner needs to know; a session starts without a view all the same."""

    id: str
    view: str | None = Field(
        description="The directory to bind into the session; null: there are no mounts, and why."
    )
    because: str | None = None


class MountState(StrEnum):
    """Where a folder is on its way into, or out of, a session."""

    WAITING = "waiting"
    """It should be there; the node has not said so yet."""
    MOUNTED = "mounted"
    FAILED = "failed"
    """The node could not; ``because`` says why, and it is tried again."""
    CLOSING = "closing"
    """It should not be there any more; the node has not confirmed yet."""


class MountView(Told):
    """A folder in a session."""

    folder_id: str
    name: str = Field(description="The directory's name, below the session's `shared`.")
    level: str = Field(description="view, edit or edit_delete.")
    read_only: bool
    state: MountState
    because: str | None = None
    until: Timestamp | None = Field(None, description="When this level ends by itself.")
    direct: bool = Field(
        False, description="A fast mount: what is open of it ends with the session alone."
    )
    not_direct: str | None = Field(
        None, description="Why a fast mount that there should be is an ordinary one, in a sentence."
    )


class SessionView(Told):
    """A running session of the caller."""

    id: str
    server_name: str
    started_at: Timestamp
    mounts_available: bool
    because: str | None = Field(
        None, description="Why folders can't appear in it, and what to do, in a sentence."
    )
    mounts: list[MountView]


class SessionsPage(Page):
    """The caller's running sessions, oldest first: all of them, on one page."""

    items: list[SessionView]


class MountChoice(Told):
    """Whether the caller wants a folder in their sessions."""

    folder_id: str
    wanted: bool
    sessions: list[SessionView] = Field(
        description="The caller's running sessions, each with this folder alone."
    )


class HoldersPage(Page):
    """Sessions that hold what was taken from them, as of their nodes' last look: on one page."""

    items: list[HolderView]


class Stopping(Asked):
    """Which of the sessions that hold a folder to stop, with everything that runs in them."""

    sessions: list[str] = Field(min_length=1, max_length=200)


class Stopped(Told):
    """What became of one session: stopped, or a problem."""

    session_id: str
    person: PersonName | None = Field(description="null: it holds nothing (any more).")
    stopped: bool
    problem: Problem | None = None


class StoppedPage(Told):
    """In the order of the request."""

    results: list[Stopped]
