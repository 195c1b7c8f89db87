"""Drives, and which machines they are on."""

from __future__ import annotations

from jupyter_vmshare.client.call import Call, Paged, get, reads, segment, send
from jupyterhub_vmshare.api.contract.drives import (
    DriveRename,
    DriveSize,
    DrivesPage,
    DriveView,
    NewDrive,
    NewDriveClone,
    Opened,
)


def drives() -> Paged[DriveView]:
    """The drives the caller has, the newest first."""
    return Paged(
        lambda after: get("drives", DrivesPage, after=after), lambda page: list(page.items)
    )


def drive(drive_id: str) -> Call[DriveView]:
    """One drive."""
    return get(_path(drive_id), DriveView)


def create_drive(name: str, size_gib: int, *, project_id: str | None = None) -> Call[DriveView]:
    """Make a drive of the caller's own, or in a project; it can be attached once its state is
    ``ready``."""
    asked = NewDrive(name=name, size_gib=size_gib)
    path = "drives" if project_id is None else f"projects/{segment(project_id)}/drives"
    return send("POST", path, reads(DriveView), asked, key=True)


def open_drive(drive_id: str, opened: bool = True) -> Call[DriveView]:
    """Let members of its project attach a drive to machines of theirs there, or no longer."""
    asked = Opened(opened=opened)
    return send("PUT", _path(drive_id, "opened"), reads(DriveView), asked, repeatable=True)


def rename_drive(drive_id: str, name: str, version: int) -> Call[DriveView]:
    """Give it another name, for everybody. ``version`` is that of the `DriveView` seen."""
    asked = DriveRename(name=name)
    return send("PATCH", _path(drive_id), reads(DriveView), asked, version=version)


def extend_drive(drive_id: str, size_gib: int) -> Call[DriveView]:
    """Have it larger."""
    asked, path = DriveSize(size_gib=size_gib), _path(drive_id, "size")
    return send("PUT", path, reads(DriveView), asked, repeatable=True)


def clone_drive(drive_id: str, name: str) -> Call[DriveView]:
    """Make a copy of it as a drive of the caller's own."""
    asked, path = NewDriveClone(name=name), _path(drive_id, "clones")
    return send("POST", path, reads(DriveView), asked, key=True)


def attach_drive(drive_id: str, machine_id: str, *, read_only: bool = False) -> Call[DriveView]:
    """Have it on a machine: on one to be written, or on several to be read."""
    way = "readers" if read_only else "writer"
    path = _path(drive_id, way, segment(machine_id))
    return send("PUT", path, reads(DriveView), repeatable=True)


def detach_drive(drive_id: str, machine_id: str) -> Call[DriveView]:
    """Have it off a machine."""
    return send("DELETE", _path(drive_id, "machines", segment(machine_id)), reads(DriveView))


def _path(drive_id: str, *more: str) -> str:
    return "/".join(("drives", segment(drive_id), *more))
