"""Machines, drives and snapshots as they go over the wire."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from jupyterhub_vmshare.api.contract.drives import DriveView, OnMachine
from jupyterhub_vmshare.api.contract.machines import (
    AttachedDrive,
    AttachmentState,
    DesiredPower,
    MachineSnapshotView,
    MachineState,
    MachineView,
    StoredState,
)
from jupyterhub_vmshare.cloud.port import Capabilities
from jupyterhub_vmshare.machines import gates
from jupyterhub_vmshare.machines.idle import stops_at
from jupyterhub_vmshare.machines.life import shown_state
from jupyterhub_vmshare.machines.listing import Seen
from jupyterhub_vmshare.machines.model import (
    Attachment,
    Desired,
    Drive,
    Machine,
    Row,
    Snapshot,
    State,
)


def machine_view(
    seen: Seen[Machine], can: Capabilities | None, on: Collection[str] = ()
) -> MachineView:
    """A machine; ``can`` is None where no cloud is set up, ``on`` are the people on it."""
    machine = seen.row
    basis = {
        "id": machine.id,
        "name": machine.name,
        "owner": machine.owner,
        "project_id": machine.within_id,
        "project": machine.project_name,
        "tagged": machine.tagged,
        "level": seen.level,
        "ends_at": seen.ends_at,
        "created_at": seen.created_at,
        "version": seen.version,
    }
    if seen.is_invitation:
        return MachineView(**basis, actions=list(seen.actions))
    return MachineView(
        **basis,
        state=MachineState(shown_state(machine)),
        desired=DesiredPower(machine.desired.value),
        step=None if machine.settled else machine.doing,
        because=machine.because,
        retry_at=machine.retry_at,
        size=machine.size,
        image=machine.image,
        made_from=machine.made_from,
        drives=[
            AttachedDrive(drive_id=each.other_id, drive_name=each.other_name or "",
                          **_attached(each.attachment))
            for each in seen.attachments
        ],
        on=sorted(on) if "see_people" in seen.actions else [],
        idle_minutes=machine.idle_minutes,
        keep_on_until=machine.keep_on_until,
        stops_at=stops_at(machine) if machine.desired is Desired.RUNNING else None,
        shared_with=seen.shared_with,
        actions=list(gates.offered(seen.actions, machine, can)),
    )  # fmt: skip


def drive_view(seen: Seen[Drive], can: Capabilities | None) -> DriveView:
    """A drive; ``can`` is None where no cloud is set up."""
    drive = seen.row
    basis = {
        "id": drive.id,
        "name": drive.name,
        "owner": drive.owner,
        "project_id": drive.within_id,
        "project": drive.project_name,
        "tagged": drive.tagged,
        "level": seen.level,
        "ends_at": seen.ends_at,
        "created_at": seen.created_at,
        "version": seen.version,
    }
    if seen.is_invitation:
        return DriveView(**basis, actions=list(seen.actions))
    return DriveView(
        **basis,
        state=StoredState.CHANGING if _grows(drive) else _stored(drive, drive.state),
        because=drive.because,
        retry_at=drive.retry_at,
        size_gib=drive.size_gib,
        opened=drive.opened,
        machines=[
            OnMachine(machine_id=on.other_id, machine_name=on.other_name or "",
                      **_attached(on.attachment))
            for on in seen.attachments
        ],
        shared_with=seen.shared_with,
        actions=list(gates.offered_of_drive(seen.actions, drive, can, bool(seen.attachments))),
    )  # fmt: skip


def snapshot_view(snapshot: Snapshot, actions: Sequence[str]) -> MachineSnapshotView:
    """A snapshot, and what the caller may do with it."""
    return MachineSnapshotView(
        id=snapshot.id,
        name=snapshot.name,
        machine_id=snapshot.machine_id,
        machine_name=snapshot.machine_name,
        owner=snapshot.owner,
        state=_stored(snapshot, snapshot.state),
        because=snapshot.because,
        disk_gib=snapshot.disk_gib,
        created_at=snapshot.created_at,
        project_id=snapshot.project_id,
        opened=snapshot.opened,
        actions=list(actions),
    )


def _attached(attachment: Attachment) -> dict[str, object]:
    if attachment.settled and attachment.because is not None:
        state = AttachmentState.FAILED
    elif attachment.desired is Desired.DETACHED:
        state = AttachmentState.DETACHING
    elif attachment.state is State.ATTACHED:
        state = AttachmentState.ATTACHED
    else:
        state = AttachmentState.ATTACHING
    told = {"read_only": attachment.read_only, "state": state}
    return {**told, "because": attachment.because}


def _grows(drive: Drive) -> bool:
    is_wanted = drive.desired is not Desired.DELETED and not drive.settled
    return is_wanted and drive.size_seen is not None and drive.size_seen < drive.size_gib


def _stored(row: Row, state: State) -> StoredState:
    if row.desired is Desired.DELETED:
        return StoredState.DELETING
    if not row.made and not row.settled:
        return StoredState.MAKING
    return StoredState.FAILED if state is State.NONE else StoredState(state.value)
