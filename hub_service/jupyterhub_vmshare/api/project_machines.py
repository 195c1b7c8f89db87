"""Machines, drives and snapshots in a project: what the caller sees of them, and making them."""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.drives import DrivesAsked, DrivesPage, DriveView, NewDrive
from jupyterhub_vmshare.api.contract.machines import (
    MachinesAsked,
    MachineSnapshotsAsked,
    MachineSnapshotsPage,
    MachinesPage,
    MachineView,
    NewMachine,
)
from jupyterhub_vmshare.api.contract.projects import ProjectMeter, ProjectMeters
from jupyterhub_vmshare.api.drives import DriveRoute
from jupyterhub_vmshare.api.machine_snapshots import SnapshotRoute
from jupyterhub_vmshare.api.machine_views import drive_view, machine_view
from jupyterhub_vmshare.api.machines import MachineMaking
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.projects import ProjectRoute
from jupyterhub_vmshare.db.projects import owner_of
from jupyterhub_vmshare.machines import listing, places, quota
from jupyterhub_vmshare.projects.model import QUOTAS
from jupyterhub_vmshare.projects.standing import project_of


class ProjectMachines(MachineMaking):
    """The machines in a project."""

    path = "/projects/{project_id}/machines"

    @operation("project.machine.list", query=MachinesAsked, gives=MachinesPage)
    async def get(self, project_id: str) -> None:
        """A member's own and those shared with them; administrators see all, on the pages."""
        asked, db = self.query(MachinesAsked), self.rooms.db
        person, at = self.caller.person(), db.clock()
        async with db.read() as conn:
            await places.permitted_in(conn, self.asker, project_id, "machine.list", at)
            found = await listing.machines_of(
                *(conn, person, at),
                after=asked.after,
                limit=asked.limit + 1,
                within=project_id,
            )
        can, on = self.rooms.machines.offers.can, self.rooms.cutting.on
        items = [machine_view(each, can, on(each.row.id)) for each in found[: asked.limit]]
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, MachinesPage(items=items, next=following))

    @operation("project.machine.create", takes=NewMachine, gives=MachineView, status=201, once=True)
    async def post(self, project_id: str) -> None:
        """Make a machine in a project, with a drive; it is the caller's as long as they are in."""
        self.body(NewMachine)
        db = self.rooms.db
        async with db.read() as conn:
            at = db.clock()
            await places.permitted_in(conn, self.asker, project_id, "machine.create", at)
        await self.make_machine(project_id)


class ProjectDrives(DriveRoute):
    """The drives in a project."""

    path = "/projects/{project_id}/drives"

    @operation("project.drive.list", query=DrivesAsked, gives=DrivesPage)
    async def get(self, project_id: str) -> None:
        """All drives in a project, the newest first."""
        asked, db = self.query(DrivesAsked), self.rooms.db
        person, at = self.caller.person(), db.clock()
        async with db.read() as conn:
            await places.permitted_in(conn, self.asker, project_id, "drive.list", at)
            found = await listing.drives_of(
                *(conn, person, at),
                after=asked.after,
                limit=asked.limit + 1,
                within=project_id,
            )
        can = self.rooms.machines.offers.can
        items = [drive_view(drive, can) for drive in found[: asked.limit]]
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, DrivesPage(items=items, next=following))

    @operation("project.drive.create", takes=NewDrive, gives=DriveView, status=201, once=True)
    async def post(self, project_id: str) -> None:
        """Make a drive in a project; it is the caller's as long as they are in it."""
        self.body(NewDrive)
        db = self.rooms.db
        async with db.read() as conn:
            at = db.clock()
            await places.permitted_in(conn, self.asker, project_id, "drive.create", at)
        await self.make_drive(project_id)


class ProjectSnapshots(SnapshotRoute):
    """The snapshots of machines in a project."""

    path = "/projects/{project_id}/machine-snapshots"

    @operation("project.snapshot.list", query=MachineSnapshotsAsked, gives=MachineSnapshotsPage)
    async def get(self, project_id: str) -> None:
        """All snapshots of machines in a project, the newest first."""
        self.query(MachineSnapshotsAsked)
        db = self.rooms.db
        async with db.read() as conn:
            await places.permitted_in(conn, self.asker, project_id, "snapshot.list", db.clock())
        await self.page_of_snapshots(project_id)


class MetersOfProject(ProjectRoute):
    """What a project holds, and may hold."""

    path = "/projects/{project_id}/meters"

    @operation("project.drive.list", gives=ProjectMeters)
    async def get(self, project_id: str) -> None:
        """How much is used and left of each part of a project's quota; for its members."""
        db = self.rooms.db
        async with db.read() as conn:
            await places.permitted_in(conn, self.asker, project_id, "drive.list", db.clock())
            limits = (await project_of(conn, project_id)).quota
            used = dict((await quota.used(conn, project_id)).by_name())
        standing = await self.rooms.folders.quota.standing(owner_of(project_id))
        used["folder_gib"] = -(-standing.usage.used // 2**30)
        meters = [_meter(name, used[name], limits.get(name)) for name in QUOTAS]
        self.reply(200, ProjectMeters(meters=meters))


def _meter(name: str, used: int, limit: int | None) -> ProjectMeter:
    left = None if limit is None else max(0, limit - used)
    return ProjectMeter(name=name, used=used, limit=limit, left=left)


ROUTES = (ProjectMachines, ProjectDrives, ProjectSnapshots, MetersOfProject)
