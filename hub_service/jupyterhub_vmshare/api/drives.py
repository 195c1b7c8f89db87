"""Drives: the caller's list, making, cloning, extending, and which machines they are on."""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.drives import (
    DriveRename,
    DrivesAsked,
    DriveSize,
    DrivesPage,
    DriveView,
    NewDrive,
    NewDriveClone,
    Opened,
)
from jupyterhub_vmshare.api.machine_views import drive_view
from jupyterhub_vmshare.api.machines import MachineRoute, demand_drive_size
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.machines import drives, listing, opening, places, things


class DriveRoute(MachineRoute):
    """What routes about drives have in common."""

    async def drive(self, tx: Transaction, drive_id: str) -> DriveView:
        """The drive as the caller sees it after the change."""
        person, can = self.caller.person(), self.rooms.machines.offers.can
        return drive_view(await listing.one_drive(tx.conn, person, drive_id, tx.at), can)

    async def make_drive(self, project_id: str | None) -> None:
        """Make a drive, for the caller or in a project; and answer with it."""
        asked, person = self.body(NewDrive), self.caller.person()
        self.rooms.machines.offers.demand()
        demand_drive_size(asked.size_gib, self.rooms.machines.rules.most_drive_gib)
        async with self.once() as tx:
            within = None
            if project_id is not None:
                within = await places.place(tx, self.asker, project_id, "drive.create")
            made = await drives.create(tx, person, asked.name, asked.size_gib, within=within)
            self.keep(201, await self.drive(tx, made.id))

    async def attach(self, drive_id: str, machine_id: str, *, read_only: bool) -> None:
        """Want a drive on a machine, and answer with it."""
        async with self.rooms.db.write() as tx:
            person = self.caller.person()
            await drives.attach(tx, person, drive_id, machine_id, self.can, read_only=read_only)
            told = await self.drive(tx, drive_id)
        self.reply(202, told)


class Drives(DriveRoute):
    """All drives of the caller."""

    path = "/drives"

    @operation("drive.see_in_list", query=DrivesAsked, gives=DrivesPage)
    async def get(self) -> None:
        """The caller's own drives and those shared with them, the newest first."""
        asked, db = self.query(DrivesAsked), self.rooms.db
        async with db.read() as conn:
            found = await listing.drives_of(
                conn, self.caller.person(), db.clock(), after=asked.after, limit=asked.limit + 1
            )
        can = self.rooms.machines.offers.can
        items = [drive_view(drive, can) for drive in found[: asked.limit]]
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, DrivesPage(items=items, next=following))

    @operation("service.create_machine", takes=NewDrive, gives=DriveView, status=201, once=True)
    async def post(self) -> None:
        """Make a drive of one's own; it can be attached once it is ready."""
        await self.make_drive(None)


class Drive(DriveRoute):
    """One drive."""

    path = "/drives/{drive_id}"

    @operation("drive.see_in_list", gives=DriveView)
    async def get(self, drive_id: str) -> None:
        """One drive, and what the caller may do with it."""
        db = self.rooms.db
        async with db.read() as conn:
            found = await listing.one_drive(conn, self.caller.person(), drive_id, db.clock())
        self.reply(200, drive_view(found, self.rooms.machines.offers.can))

    @operation("drive.rename", takes=DriveRename, gives=DriveView, versioned="needed")
    async def patch(self, drive_id: str) -> None:
        """Rename a drive for everybody."""
        asked, version = self.body(DriveRename), self.expected_version()
        async with self.rooms.db.write() as tx:
            await things.rename(tx, self.caller.person(), drive_id, version, asked.name)
            told = await self.drive(tx, drive_id)
        self.reply(200, told)


class SizeOfDrive(DriveRoute):
    """A drive's size."""

    path = "/drives/{drive_id}/size"

    @operation("drive.extend", takes=DriveSize, gives=DriveView, status=202)
    async def put(self, drive_id: str) -> None:
        """Have a drive larger, while it is attached where the cloud can."""
        asked = self.body(DriveSize)
        most = self.rooms.machines.rules.most_drive_gib
        async with self.rooms.db.write() as tx:
            person = self.caller.person()
            await drives.extend(tx, person, drive_id, self.can, asked.size_gib)
            demand_drive_size(asked.size_gib, most)
            told = await self.drive(tx, drive_id)
        self.reply(202, told)


class DriveClones(DriveRoute):
    """Copies of a drive."""

    path = "/drives/{drive_id}/clones"

    @operation("drive.clone", takes=NewDriveClone, gives=DriveView, status=201, once=True)
    async def post(self, drive_id: str) -> None:
        """Make a copy of a drive as a drive of one's own; it is there once it is ready."""
        asked = self.body(NewDriveClone)
        async with self.once() as tx:
            person = self.caller.person()
            made = await drives.clone(tx, person, drive_id, self.can, asked.name)
            self.keep(201, await self.drive(tx, made.id))


class DriveOpened(DriveRoute):
    """Whether a drive is open to the project in which it is."""

    path = "/drives/{drive_id}/opened"

    @operation("drive.open_to_project", takes=Opened, gives=DriveView)
    async def put(self, drive_id: str) -> None:
        """Let members of its project attach it there; closed, it is taken off where they did."""
        asked = self.body(Opened)
        async with self.rooms.db.write() as tx:
            await opening.open_drive(tx, self.caller.person(), drive_id, asked.opened)
            told = await self.drive(tx, drive_id)
        self.reply(200, told)


class DriveWriter(DriveRoute):
    """The one machine that writes to a drive."""

    path = "/drives/{drive_id}/writer/{machine_id}"

    @operation("drive.attach_read_write", gives=DriveView, status=202)
    async def put(self, drive_id: str, machine_id: str) -> None:
        """Attach a drive to one machine, to read and write."""
        await self.attach(drive_id, machine_id, read_only=False)


class DriveReader(DriveRoute):
    """A machine that reads a drive."""

    path = "/drives/{drive_id}/readers/{machine_id}"

    @operation("drive.attach_read_only", gives=DriveView, status=202)
    async def put(self, drive_id: str, machine_id: str) -> None:
        """Attach a drive to a machine to read; it can be on several so."""
        await self.attach(drive_id, machine_id, read_only=True)


class DriveMachine(DriveRoute):
    """A machine that a drive is on."""

    path = "/drives/{drive_id}/machines/{machine_id}"

    @operation("drive.detach", gives=DriveView, status=202)
    async def delete(self, drive_id: str, machine_id: str) -> None:
        """Have a drive off a machine, whosever the machine is."""
        async with self.rooms.db.write() as tx:
            await drives.detach(tx, self.caller.person(), drive_id, machine_id, self.can)
            told = await self.drive(tx, drive_id)
        self.reply(202, told)


ROUTES = (
    Drives,
    Drive,
    SizeOfDrive,
    DriveClones,
    DriveOpened,
    DriveWriter,
    DriveReader,
    DriveMachine,
)
