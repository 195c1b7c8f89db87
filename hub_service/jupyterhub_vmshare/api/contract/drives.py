"""Wire models of drives."""

from __future__ import annotations

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, Told
from jupyterhub_vmshare.api.contract.machines import AttachmentState, StoredState
from jupyterhub_vmshare.api.contract.things import ThingInCloud

DRIVE_ID = "^drv_[0-9a-hjkmnp-tv-z]{26}$"


class NewDrive(Asked):
    """A drive to make."""

    name: str = Field(max_length=1000)
    size_gib: int = Field(strict=True, ge=1, le=1_000_000)


class DriveRename(Asked):
    """The new name, for everybody."""

    name: str = Field(max_length=1000)


class DriveSize(Asked):
    """How large it is to be; drives only get larger."""

    size_gib: int = Field(strict=True, ge=1, le=1_000_000)


class NewDriveClone(Asked):
    """The name of the caller's own copy."""

    name: str = Field(max_length=1000)


class Opened(Asked):
    """Whether members of the project in which it is may use it there."""

    opened: bool


class DrivesAsked(Asked):
    """Which of the caller's drives."""

    after: str | None = Field(None, pattern=DRIVE_ID)
    limit: int = Field(100, ge=1, le=200)


class OnMachine(Told):
    """A machine that a drive is on, as somebody sees it who may see the machine."""

    machine_id: str
    machine_name: str
    read_only: bool
    state: AttachmentState
    because: str | None = None


class DriveView(ThingInCloud):
    """A drive as the caller sees it; ``actions`` is what they may do with it now.

    Of an invitation's drive only name, owner and level are told.
    """

    state: StoredState | None = None
    size_gib: int | None = Field(None, description="How large it is, or is to be.")
    machines: list[OnMachine] = Field(default_factory=list)
    opened: bool = Field(
        False, description="Members of its project may attach it to machines of theirs there."
    )


class DrivesPage(Page):
    """Drives, the newest first."""

    items: list[DriveView]
