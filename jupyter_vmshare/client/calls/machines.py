"""Machines, their snapshots, and what the site offers."""

from __future__ import annotations

from collections.abc import Sequence

from jupyter_vmshare.client.call import Call, Paged, get, nothing, reads, segment, send
from jupyterhub_vmshare.api.contract.drives import Opened
from jupyterhub_vmshare.api.contract.grants import NewGrant
from jupyterhub_vmshare.api.contract.machines import (
    CloudView,
    ConsoleLog,
    DiskSource,
    IdlePolicy,
    KeepOn,
    MachineRename,
    MachineSnapshotsPage,
    MachineSnapshotView,
    MachinesPage,
    MachineView,
    NewMachine,
    NewMachineSnapshot,
    Reboot,
    SizeChoice,
)
from jupyterhub_vmshare.api.contract.ways import CertificateView, NewCertificate


def cloud() -> Call[CloudView]:
    """What machines can be made from at this site, and how large."""
    return get("cloud", CloudView)


def machines() -> Paged[MachineView]:
    """The machines the caller has, the newest first."""
    return Paged(
        lambda after: get("machines", MachinesPage, after=after), lambda page: list(page.items)
    )


def machine(machine_id: str) -> Call[MachineView]:
    """One machine."""
    return get(_path(machine_id), MachineView)


def create_machine(
    name: str,
    size: str,
    *,
    image: str | None = None,
    snapshot_id: str | None = None,
    drive_gib: int | None = None,
    grants: Sequence[NewGrant] = (),
    project_id: str | None = None,
) -> Call[MachineView]:
    """Make a machine of the caller's own; it is there once its state is ``running``.

    Args:
        name: What to call it.
        size: A size's id, as `cloud` tells them.
        image: An image's id; or else a snapshot's.
        snapshot_id: One that the caller may make machines of.
        drive_gib: Of the drive that comes with it; 0: none, None: as the site says.
        grants: Invitations to use or manage it; where one can't be, nothing is made.
        project_id: Make it in that project; None: for oneself.
    """
    asked = NewMachine(
        name=name,
        size=size,
        image=image,
        snapshot_id=snapshot_id,
        drive_gib=drive_gib,
        grants=list(grants),
    )
    path = "machines" if project_id is None else f"projects/{segment(project_id)}/machines"
    return send("POST", path, reads(MachineView), asked, key=True)


def rename_machine(machine_id: str, name: str, version: int) -> Call[MachineView]:
    """Give it another name, for everybody. ``version`` is that of the `MachineView` seen."""
    asked = MachineRename(name=name)
    return send("PATCH", _path(machine_id), reads(MachineView), asked, version=version)


def start_machine(machine_id: str) -> Call[MachineView]:
    """Have it run; where something failed, have it tried again."""
    return send("POST", _path(machine_id, "start"), reads(MachineView), repeatable=True)


def stop_machine(machine_id: str) -> Call[MachineView]:
    """Have it stop; what is on its disks stays."""
    return send("POST", _path(machine_id, "stop"), reads(MachineView), repeatable=True)


def reboot_machine(machine_id: str, *, hard: bool = False) -> Call[MachineView]:
    """Have it reboot; ``hard``: without asking anybody on it."""
    asked = Reboot(hard=hard)
    return send("POST", _path(machine_id, "reboot"), reads(MachineView), asked, key=True)


def resize_machine(machine_id: str, size: str) -> Call[MachineView]:
    """Have it in another size."""
    asked, path = SizeChoice(size=size), _path(machine_id, "size")
    return send("PUT", path, reads(MachineView), asked, repeatable=True)


def rebuild_machine(
    machine_id: str, *, image: str | None = None, snapshot_id: str | None = None
) -> Call[MachineView]:
    """Have a fresh system disk; drives, people, name and address stay."""
    asked = DiskSource(image=image, snapshot_id=snapshot_id)
    return send("POST", _path(machine_id, "rebuild"), reads(MachineView), asked, key=True)


def console_log(machine_id: str) -> Call[ConsoleLog]:
    """The end of what it wrote to its console."""
    return get(_path(machine_id, "console"), ConsoleLog)


def machine_certificate(machine_id: str, public_key: str) -> Call[CertificateView]:
    """What opens the machine for some minutes to whoever has that key, at the relay."""
    asked = NewCertificate(public_key=public_key)
    return send("POST", f"{_path(machine_id)}/certificates", reads(CertificateView), asked)


def keep_machine_on(machine_id: str, hours: int) -> Call[MachineView]:
    """Keep it on for some hours, though nobody uses it."""
    asked, path = KeepOn(hours=hours), _path(machine_id, "keep-on")
    return send("POST", path, reads(MachineView), asked, repeatable=True)


def set_idle_policy(machine_id: str, minutes: int | None) -> Call[MachineView]:
    """Have it stop after so many minutes without use; None: never."""
    asked, path = IdlePolicy(minutes=minutes), _path(machine_id, "idle-policy")
    return send("PUT", path, reads(MachineView), asked, repeatable=True)


def detach_from_machine(machine_id: str, drive_id: str) -> Call[MachineView]:
    """Have a drive off the caller's machine, whosever the drive is."""
    path = _path(machine_id, "drives", segment(drive_id))
    return send("DELETE", path, reads(MachineView))


def take_machine_snapshot(machine_id: str, name: str) -> Call[MachineSnapshotView]:
    """Store a copy of its system disk, from which machines can be made."""
    asked, path = NewMachineSnapshot(name=name), _path(machine_id, "snapshots")
    return send("POST", path, reads(MachineSnapshotView), asked, key=True)


def machine_snapshots() -> Paged[MachineSnapshotView]:
    """The caller's snapshots, the newest first."""
    return Paged(
        lambda after: get("machine-snapshots", MachineSnapshotsPage, after=after),
        lambda page: list(page.items),
    )


def machine_snapshot(snapshot_id: str) -> Call[MachineSnapshotView]:
    """How far a snapshot is."""
    return get(f"machine-snapshots/{segment(snapshot_id)}", MachineSnapshotView)


def open_machine_snapshot(snapshot_id: str, opened: bool = True) -> Call[MachineSnapshotView]:
    """Let members of its project make machines of one's snapshot there, or no longer."""
    asked, path = Opened(opened=opened), f"machine-snapshots/{segment(snapshot_id)}/opened"
    return send("PUT", path, reads(MachineSnapshotView), asked, repeatable=True)


def delete_machine_snapshot(snapshot_id: str) -> Call[None]:
    """Delete a snapshot; machines that were made from it stay."""
    return send("DELETE", f"machine-snapshots/{segment(snapshot_id)}", nothing)


def _path(machine_id: str, *more: str) -> str:
    return "/".join(("machines", segment(machine_id), *more))
