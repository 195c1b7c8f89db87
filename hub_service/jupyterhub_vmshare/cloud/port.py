"""The compute port: machines, drives and snapshots as the rest of the service sees them.

An order returns once the cloud has *accepted* it; what came of it is *observed* later, by asking
for the thing again. Whatever is made carries a mark, the id of our row, so that it is found again
after a crash and never made twice. Adapters keep nothing that they could not ask the cloud for.

Sizes of disks are in GiB, of memory in MiB. Ids are the cloud's own, and mean nothing to us.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from typing import Protocol

from jupyterhub_vmshare.errors import Conflict, VMShareError


class CloudUnreachable(VMShareError):
    """The cloud does not answer. Whether it obeyed is not known: look, then ask again."""

    status, code = 503, "cloud-unreachable"


class CloudBusy(VMShareError):
    """The cloud is at work on this very thing; the same order will do in a moment."""

    status, code = 503, "cloud-busy"


class CloudRefused(Conflict):
    """The cloud said no, and will say so again. The message says what a person can do."""

    code = "cloud-refused"


class CloudFull(CloudRefused):
    """The cloud has no room, or its quota for this installation is used up."""

    code = "cloud-full"


class CloudMissing(VMShareError):
    """The cloud does not have it (any more). For an order to delete, that is as good as done."""

    status, code = 404, "cloud-missing"


@dataclass(frozen=True, slots=True)
class Capabilities:
    """What an adapter can do. What it can't is never offered, and never ordered."""

    reboot_hard: bool
    resize: bool
    resize_running: bool
    """Otherwise a machine has to be stopped first."""
    rebuild: bool
    snapshot: bool
    snapshot_running: bool
    attach_running: bool
    attach_read_only: bool
    attach_to_many: bool
    """A drive may be attached read-only to several machines at once."""
    extend_drive: bool
    extend_attached: bool
    clone_drive: bool
    console_log: bool
    arrives_mounted: bool
    """An attached drive is a mounted file system already, and no device that the machine mounts."""
    limits: bool
    """A size's processors and memory are enforced."""


@dataclass(frozen=True, slots=True)
class Image:
    """Software that a machine can start from."""

    id: str
    name: str
    description: str
    disk_gib: int
    """The smallest system disk that it fits on."""


@dataclass(frozen=True, slots=True)
class Size:
    """What a machine can be as large as."""

    id: str
    name: str
    processors: int
    memory_mib: int
    disk_gib: int


@dataclass(frozen=True, slots=True)
class Seed:
    """What a new machine is told, and everybody on it may read: it holds no secret.

    Attributes:
        hostname: A host name that needs no quoting anywhere (``[a-z0-9-]``).
        machine_id: Which machine the certificates for it name.
        authorities: Public keys, as OpenSSH writes them, whose certificates it takes.
    """

    hostname: str
    machine_id: str
    authorities: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class MachineWanted:
    """A machine to be made, from an image or from a snapshot (one of the two)."""

    mark: str
    size: str
    seed: Seed
    image: str | None = None
    snapshot: str | None = None


@dataclass(frozen=True, slots=True)
class DriveWanted:
    """A drive to be made, empty or as a copy of ``clone_of`` (the cloud's id of a drive)."""

    mark: str
    size_gib: int
    clone_of: str | None = None


class Power(StrEnum):
    """What a machine is doing."""

    CHANGING = "changing"
    """Being made, started, stopped, resized, rebuilt or copied: look again."""
    RUNNING = "running"
    STOPPED = "stopped"
    FAILED = "failed"
    """It will not go on by itself; ``because`` says why, as far as the cloud does."""


class Settled(StrEnum):
    """Where a drive or a snapshot is."""

    CHANGING = "changing"
    READY = "ready"
    FAILED = "failed"


@dataclass(frozen=True, slots=True)
class Address:
    """Where the relay reaches a machine's SSH server."""

    unix_path: str | None = None
    """A socket on the relay's host; otherwise ``host`` and ``port``."""
    host: str | None = None
    port: int = 22
    source: str | None = None
    """From which address the machine sees the relay come; None: not known."""


@dataclass(frozen=True, slots=True)
class SeenAttachment:
    """A drive on a machine, as the cloud has it."""

    drive: str
    read_only: bool
    settled: bool
    """False: it is still coming or going."""


@dataclass(frozen=True, slots=True)
class SeenMachine:
    """A machine as the cloud has it."""

    id: str
    mark: str
    power: Power
    because: str | None
    size: str | None
    address: Address | None
    attachments: tuple[SeenAttachment, ...]
    made_from: str | None = None
    """The image or snapshot of its present system disk, where the cloud tells."""
    notice: str | None = None
    """What came of its last order, where that is not all that was ordered: a stop or a reboot in
    order that had to be hard in the end. A sentence for people."""


@dataclass(frozen=True, slots=True)
class SeenDrive:
    """A drive as the cloud has it."""

    id: str
    mark: str
    settled: Settled
    because: str | None
    size_gib: int
    attached_to: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SeenSnapshot:
    """A snapshot as the cloud has it. ``disk_gib``: the smallest disk that it fits on."""

    id: str
    mark: str
    settled: Settled
    because: str | None
    disk_gib: int
    made_at: datetime


class Cloud(Protocol):
    """One cloud, or the part of it that is this installation's.

    Every call raises `CloudUnreachable`; orders raise `CloudBusy`, `CloudRefused` and
    `CloudMissing` too. An order that holds already is accepted. None blocks the event loop.
    """

    name: str
    capabilities: Capabilities

    async def start(self) -> None:
        """Get ready; returns although the cloud may not answer yet."""

    async def close(self) -> None:
        """Let go of connections. Machines go on."""

    async def images(self) -> Sequence[Image]:
        """What machines can start from, by name."""

    async def sizes(self) -> Sequence[Size]:
        """How large machines can be, smallest first."""

    async def machines(self) -> Sequence[SeenMachine]:
        """Every machine that carries a mark of this installation, however many."""

    async def machine(self, machine: str) -> SeenMachine:
        """One machine."""

    async def create_machine(self, wanted: MachineWanted) -> str:
        """Order a machine, and give its id. Look for the mark first: this may make a second one."""

    async def start_machine(self, machine: str) -> None:
        """Order it to run."""

    async def stop_machine(self, machine: str) -> None:
        """Order it to stop, in order where it listens; what it has on its disks stays.

        One that does not end by itself in time is ended, and its ``notice`` says so.
        """

    async def reboot_machine(self, machine: str, *, hard: bool) -> None:
        """Order a reboot; ``hard`` asks nobody on it. Else it is stopped as by `stop_machine`.

        A hard one is taken while a machine stops or reboots, too, and waits for nothing on it.
        """

    async def resize_machine(self, machine: str, size: str) -> None:
        """Order another size."""

    async def rebuild_machine(self, machine: str, wanted: MachineWanted) -> None:
        """Order a fresh system disk; drives, address and mark stay, its host keys do not."""

    async def delete_machine(self, machine: str) -> None:
        """Order its end. Its drives stay, detached."""

    async def console_log(self, machine: str, *, most_bytes: int) -> str:
        """The end of what it wrote to its console."""

    async def host_keys(self, machine: str) -> Sequence[str]:
        """Its SSH host keys, as OpenSSH writes public keys; empty until it has made them.

        They come by a way that is not the network, so that nobody has to trust a first answer.
        """

    async def drives(self) -> Sequence[SeenDrive]:
        """Every drive that carries a mark of this installation, however many."""

    async def drive(self, drive: str) -> SeenDrive:
        """One drive."""

    async def create_drive(self, wanted: DriveWanted) -> str:
        """Order a drive, and give its id. Look for the mark first: this may make a second one."""

    async def extend_drive(self, drive: str, size_gib: int) -> None:
        """Order a drive to be larger."""

    async def delete_drive(self, drive: str) -> None:
        """Order its end; refused while it is attached."""

    async def attach_drive(self, drive: str, machine: str, *, read_only: bool) -> None:
        """Order a drive onto a machine."""

    async def detach_drive(self, drive: str, machine: str) -> None:
        """Order a drive off a machine."""

    async def snapshots(self) -> Sequence[SeenSnapshot]:
        """Every snapshot that carries a mark of this installation, however many."""

    async def snapshot(self, snapshot: str) -> SeenSnapshot:
        """One snapshot."""

    async def create_snapshot(self, machine: str, mark: str) -> str:
        """Order a copy of a machine's system disk, and give its id. Look for the mark first."""

    async def delete_snapshot(self, snapshot: str) -> None:
        """Order its end. Machines that were started from it stay."""
