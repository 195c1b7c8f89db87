"""Wire models of machines, their snapshots, and what the site's cloud offers."""

from __future__ import annotations

from enum import StrEnum

from pydantic import Field, model_validator

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Timestamp, Told
from jupyterhub_vmshare.api.contract.grants import NewGrant
from jupyterhub_vmshare.api.contract.things import ThingInCloud

MACHINE_ID = "^mch_[0-9a-hjkmnp-tv-z]{26}$"
SNAPSHOT_ID = "^msn_[0-9a-hjkmnp-tv-z]{26}$"


class MachineState(StrEnum):
    """Where a machine is, as it was seen last."""

    MAKING = "making"
    STARTING = "starting"
    RUNNING = "running"
    STOPPING = "stopping"
    STOPPED = "stopped"
    REBOOTING = "rebooting"
    RESIZING = "resizing"
    REBUILDING = "rebuilding"
    CHANGING = "changing"
    DELETING = "deleting"
    FAILED = "failed"
    MISSING = "missing"


class DesiredPower(StrEnum):
    """What is wanted of a machine."""

    RUNNING = "running"
    STOPPED = "stopped"
    DELETED = "deleted"


class StoredState(StrEnum):
    """Where a drive or a snapshot is, as it was seen last."""

    MAKING = "making"
    CHANGING = "changing"
    READY = "ready"
    DELETING = "deleting"
    FAILED = "failed"
    MISSING = "missing"


class AttachmentState(StrEnum):
    """Where a drive is on its way to a machine, or away."""

    ATTACHING = "attaching"
    ATTACHED = "attached"
    DETACHING = "detaching"
    FAILED = "failed"


class DiskSource(Asked):
    """What a system disk is made from: one of the two."""

    image: str | None = Field(None, min_length=1, max_length=255, description="An image's id.")
    snapshot_id: str | None = Field(None, pattern=SNAPSHOT_ID, description="One of the caller's.")

    @model_validator(mode="after")
    def _one_of_two(self) -> DiskSource:
        if (self.image is None) == (self.snapshot_id is None):
            raise ValueError("name an image or a snapshot, one of the two")
        return self


class NewMachine(DiskSource):
    """A machine to make."""

    name: str = Field(max_length=1000)
    size: str = Field(min_length=1, max_length=255, description="A size's id.")
    drive_gib: int | None = Field(
        None,
        strict=True,
        ge=0,
        le=1_000_000,
        description="Of the drive that comes with it; 0: none, left out: as the site says.",
    )
    grants: list[NewGrant] = Field(
        default_factory=list,
        max_length=200,
        description="Invitations to use or to manage it. One that can't be is refused with all.",
    )


class MachineRename(Asked):
    """The new name, for everybody."""

    name: str = Field(max_length=1000)


class Reboot(Asked):
    """``hard``: asks nobody on it."""

    hard: bool = False


class SizeChoice(Asked):
    """Another size."""

    size: str = Field(min_length=1, max_length=255)


class KeepOn(Asked):
    """Put off the idle stop."""

    hours: int = Field(strict=True, ge=1, le=168)


class IdlePolicy(Asked):
    """After how many minutes without use it stops; null: never."""

    minutes: int | None = Field(strict=True, ge=5, le=100_000)


class NewMachineSnapshot(Asked):
    """A snapshot to take."""

    name: str = Field(max_length=1000)


class NextMachine(Asked):
    """Where a drive is to go."""

    machine_id: str = Field(pattern=MACHINE_ID)


class MachinesAsked(Asked):
    """Which of the caller's machines."""

    after: str | None = Field(None, pattern=MACHINE_ID)
    limit: int = Field(100, ge=1, le=200)


class MachineSnapshotsAsked(Asked):
    """Which of the caller's snapshots."""

    after: str | None = Field(None, pattern=SNAPSHOT_ID)
    limit: int = Field(100, ge=1, le=200)


class AttachedDrive(Told):
    """A drive on a machine, as somebody sees it who may see the drive."""

    drive_id: str
    drive_name: str
    read_only: bool
    state: AttachmentState
    because: str | None = None


class MachineView(ThingInCloud):
    """A machine as the caller sees it; ``actions`` is what they may do with it now.

    Of an invitation's machine only name, owner and level are told.
    """

    state: MachineState | None = None
    desired: DesiredPower | None = None
    step: str | None = Field(None, description="What the service did last to get there.")
    size: str | None = None
    image: str | None = Field(None, description="The id of the image that it was made from.")
    made_from: str | None = Field(None, description="The name of its image or snapshot.")
    drives: list[AttachedDrive] = Field(default_factory=list)
    on: list[PersonName] = Field(
        default_factory=list,
        description="Who is connected to it through the relay, as far as the caller may see who "
        "has it.",
    )
    idle_minutes: int | None = Field(None, description="It stops after so long without use.")
    keep_on_until: Timestamp | None = None
    stops_at: Timestamp | None = Field(None, description="When it stops if nobody uses it.")


class MachinesPage(Page):
    """Machines, the newest first."""

    items: list[MachineView]


class ConsoleLog(Told):
    """The end of what a machine wrote to its console."""

    text: str


class MachineSnapshotView(Told):
    """A stored copy of a machine's system disk."""

    id: str
    name: str
    machine_id: str
    machine_name: str
    owner: PersonName
    state: StoredState
    because: str | None = None
    disk_gib: int | None = Field(None, description="The smallest disk that it fits on.")
    created_at: Timestamp
    project_id: str | None = Field(None, description="The project of its machine.")
    opened: bool = Field(False, description="Members of its project may make machines of it there.")
    actions: list[str] = Field(
        default_factory=list, description="What the caller may do: `use`, `delete`, `open`."
    )


class MachineSnapshotsPage(Page):
    """Snapshots of machines, the newest first."""

    items: list[MachineSnapshotView]


class OfferedImage(Told):
    """Software that machines can be made from."""

    id: str
    name: str
    description: str
    disk_gib: int


class OfferedSize(Told):
    """How large a machine can be."""

    id: str
    name: str
    processors: int
    memory_mib: int
    disk_gib: int


class CloudView(Told):
    """What this site offers."""

    offered: bool = Field(description="Whether machines can be made here.")
    because: str | None = Field(None, description="Why not, in a sentence.")
    images: list[OfferedImage] = Field(default_factory=list)
    sizes: list[OfferedSize] = Field(default_factory=list)
    drive_gib: int | None = Field(None, description="Of the drive that comes with a machine.")
    can: list[str] = Field(
        default_factory=list, description="What the cloud can do, of what not every one can."
    )
