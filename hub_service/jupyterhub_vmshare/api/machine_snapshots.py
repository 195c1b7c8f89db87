"""Snapshots of machines' system disks."""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.api.contract.drives import Opened
from jupyterhub_vmshare.api.contract.machines import (
    MachineSnapshotsAsked,
    MachineSnapshotsPage,
    MachineSnapshotView,
    NewMachineSnapshot,
)
from jupyterhub_vmshare.api.machine_views import snapshot_view
from jupyterhub_vmshare.api.machines import MachineRoute
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.machines import opening, snapshots
from jupyterhub_vmshare.machines.model import Snapshot


class SnapshotRoute(MachineRoute):
    """What routes about snapshots have in common."""

    async def snapshots_seen(
        self, conn: AsyncConnection, found: Sequence[Snapshot]
    ) -> list[MachineSnapshotView]:
        """Snapshots, with what the caller may do with each."""
        may = await snapshots.actions(conn, self.asker, found, self.rooms.db.clock())
        return [snapshot_view(one, each) for one, each in zip(found, may, strict=True)]

    async def page_of_snapshots(self, within: str | None) -> None:
        """Answer with a page of what the caller may see; ``within``: in one project."""
        asked, db, person = self.query(MachineSnapshotsAsked), self.rooms.db, self.caller.name
        async with db.read() as conn:
            found = await snapshots.page(
                *(conn, person, db.clock()),
                after=asked.after,
                limit=asked.limit + 1,
                within=within,
            )
            items = await self.snapshots_seen(conn, found[: asked.limit])
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, MachineSnapshotsPage(items=items, next=following))


class SnapshotsOfMachine(SnapshotRoute):
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
            [view] = await self.snapshots_seen(tx.conn, [taken])
            self.keep(202, view)


class MachineSnapshots(SnapshotRoute):
    """The caller's snapshots, and those in their projects."""

    path = "/machine-snapshots"

    @operation("service.create_machine", query=MachineSnapshotsAsked, gives=MachineSnapshotsPage)
    async def get(self) -> None:
        """The caller's snapshots and those in projects of theirs, the newest first."""
        await self.page_of_snapshots(None)


class OneMachineSnapshot(SnapshotRoute):
    """One snapshot."""

    path = "/machine-snapshots/{machine_snapshot_id}"

    @operation("service.create_machine", gives=MachineSnapshotView)
    async def get(self, machine_snapshot_id: str) -> None:
        """How far a snapshot is."""
        db = self.rooms.db
        async with db.read() as conn:
            found = await snapshots.one(conn, self.asker, machine_snapshot_id, db.clock())
            [view] = await self.snapshots_seen(conn, [found])
        self.reply(200, view)

    @operation("service.create_machine", status=204)
    async def delete(self, machine_snapshot_id: str) -> None:
        """Delete a snapshot; machines that were made from it stay."""
        async with self.rooms.db.write() as tx:
            await snapshots.delete(tx, self.asker, machine_snapshot_id)
        self.reply(204)


class MachineSnapshotOpened(SnapshotRoute):
    """Whether a snapshot is open to the project in which it is."""

    path = "/machine-snapshots/{machine_snapshot_id}/opened"

    @operation("service.create_machine", takes=Opened, gives=MachineSnapshotView)
    async def put(self, machine_snapshot_id: str) -> None:
        """Let members of its project make machines of it there, or no longer; for its owner."""
        asked = self.body(Opened)
        async with self.rooms.db.write() as tx:
            changed = await opening.open_snapshot(tx, self.asker, machine_snapshot_id, asked.opened)
            [view] = await self.snapshots_seen(tx.conn, [changed])
        self.reply(200, view)


ROUTES = (SnapshotsOfMachine, MachineSnapshots, OneMachineSnapshot, MachineSnapshotOpened)
