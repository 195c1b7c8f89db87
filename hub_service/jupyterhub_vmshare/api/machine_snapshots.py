"""Snapshots of machines' system disks."""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.machines import (
    MachineSnapshotsAsked,
    MachineSnapshotsPage,
    MachineSnapshotView,
    NewMachineSnapshot,
)
from jupyterhub_vmshare.api.machine_views import snapshot_view
from jupyterhub_vmshare.api.machines import MachineRoute
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.machines import model, snapshots


class SnapshotsOfMachine(MachineRoute):
    """Taking snapshots of one machine."""

    path = "/machines/{machine_id}/snapshots"

    @operation(
        "machine.snapshot",
        takes=NewMachineSnapshot,
        gives=MachineSnapshotView,
        status=202,
        once=True,
    )
    async def post(self, machine_id: str) -> None:
        """Store a copy of a machine's system disk; it belongs to the machine's owner."""
        asked = self.body(NewMachineSnapshot)
        async with self.once() as tx:
            taken = await snapshots.take(tx, self.caller.person(), machine_id, self.can, asked.name)
            self.keep(202, snapshot_view(taken))


class MachineSnapshots(MachineRoute):
    """The caller's snapshots."""

    path = "/machine-snapshots"

    @operation("service.create_machine", query=MachineSnapshotsAsked, gives=MachineSnapshotsPage)
    async def get(self) -> None:
        """The snapshots from which the caller can make machines, the newest first."""
        asked = self.query(MachineSnapshotsAsked)
        async with self.rooms.db.read() as conn:
            found = await snapshots.page(
                conn, self.caller.name, after=asked.after, limit=asked.limit + 1
            )
        items = [snapshot_view(snapshot) for snapshot in found[: asked.limit]]
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, MachineSnapshotsPage(items=items, next=following))


class OneMachineSnapshot(MachineRoute):
    """One snapshot of the caller's."""

    path = "/machine-snapshots/{machine_snapshot_id}"

    @operation("service.create_machine", gives=MachineSnapshotView)
    async def get(self, machine_snapshot_id: str) -> None:
        """How far a snapshot is."""
        async with self.rooms.db.read() as conn:
            found = await model.snapshot(conn, machine_snapshot_id, self.caller.name)
        self.reply(200, snapshot_view(found))

    @operation("service.create_machine", status=204)
    async def delete(self, machine_snapshot_id: str) -> None:
        """Delete a snapshot; machines that were made from it stay."""
        async with self.rooms.db.write() as tx:
            await snapshots.delete(tx, self.caller.name, machine_snapshot_id)
        self.reply(204)


ROUTES = (SnapshotsOfMachine, MachineSnapshots, OneMachineSnapshot)
