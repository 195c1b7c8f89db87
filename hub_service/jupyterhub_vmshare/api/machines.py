"""Machines: the caller's list, making, starting, stopping, changing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, fields

from jupyterhub_vmshare.api.contract.machines import (
    CloudView,
    ConsoleLog,
    DiskSource,
    IdlePolicy,
    KeepOn,
    MachineRename,
    MachinesAsked,
    MachinesPage,
    MachineView,
    NewMachine,
    NextMachine,
    OfferedImage,
    OfferedSize,
    Reboot,
    SizeChoice,
)
from jupyterhub_vmshare.api.grants import SharingRoute, wanted
from jupyterhub_vmshare.api.machine_views import machine_view
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.cloud.port import Capabilities
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import BadInput, VMShareError
from jupyterhub_vmshare.machines import (
    drives,
    gates,
    idle,
    life,
    listing,
    model,
    places,
    snapshots,
    things,
)
from jupyterhub_vmshare.machines.life import Source
from jupyterhub_vmshare.machines.names import name_for_drive
from jupyterhub_vmshare.machines.offer import NO_CLOUD, Offer
from jupyterhub_vmshare.sharing import inviting
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.model import Grant
from jupyterhub_vmshare.sharing.teams import hold_still


class MachineRoute(Route):
    """What routes about machines have in common."""

    @property
    def can(self) -> Capabilities:
        """What the site's cloud can do. Raises ``NoCloud``."""
        return self.rooms.machines.offers.demand()

    async def seen(self, tx: Transaction, machine_id: str) -> MachineView:
        """The machine as the caller sees it after the change."""
        person, can = self.caller.person(), self.rooms.machines.offers.can
        found = await listing.one_machine(tx.conn, person, machine_id, tx.at)
        return machine_view(found, can, self.rooms.cutting.on(machine_id))

    async def source(
        self, asked: DiskSource, size: str | None, offer: Offer, within: str | None = None
    ) -> Source:
        """What a system disk is made from, if it fits on the size's; ``within``: in a project."""
        if asked.image is not None:
            image = offer.image(asked.image)
            if size is not None:
                offer.fitting(size, image.disk_gib)
            return Source(image.name, image=image.id)
        db, wanted = self.rooms.db, asked.snapshot_id or ""
        async with db.read() as conn:
            snapshot = await snapshots.usable(conn, self.asker, wanted, within, db.clock())
        if size is not None:
            offer.fitting(size, snapshot.disk_gib)
        return Source(snapshot.name, snapshot_id=snapshot.id)


class MachineMaking(MachineRoute, SharingRoute):
    """What making a machine is, wherever it is made."""

    async def make_machine(self, project_id: str | None) -> None:
        """Make a machine, with a drive, for the caller or in a project; and answer with it."""
        asked, person, room = self.body(NewMachine), self.caller.person(), self.rooms.machines
        offer, can = await room.offers.now(), self.can
        source = await self.source(asked, asked.size, offer, project_id)
        drive_gib = room.rules.drive_gib if asked.drive_gib is None else asked.drive_gib
        demand_drive_size(drive_gib, room.rules.most_drive_gib)
        invited = [wanted(one, one.level) for one in asked.grants]
        there = await self.known(invited)
        async with self.once() as tx:
            await hold_still(tx)
            made_in = ("machine.create", *(["drive.create"] if drive_gib else []))
            within = None
            if project_id is not None:
                within = await places.place(tx, self.asker, project_id, *made_in)
            idle_minutes = room.rules.idle_minutes
            machine_id = await life.create(
                *(tx, person, asked.name, source, offer.size(asked.size)),
                idle_minutes=idle_minutes,
                within=within,
            )
            if invited:
                _demand_all(await inviting.invite(tx, person, machine_id, invited, there))
            machine = await model.machine(tx.conn, machine_id)
            if drive_gib:
                name = await name_for_drive(tx, person.name, machine.name)
                drive = await drives.create(tx, person, name, drive_gib, within=within)
                await drives.put_on(tx, person, drive, machine, can, read_only=False)
            self.keep(201, await self.seen(tx, machine_id))


class Cloud(MachineRoute):
    """What this site offers."""

    path = "/cloud"

    @operation("service.create_machine", gives=CloudView)
    async def get(self) -> None:
        """What machines can be made from here, and how large; or why there are none."""
        room = self.rooms.machines
        if room.offers.can is None:
            self.reply(200, CloudView(offered=False, because=NO_CLOUD))
            return
        offer, can = await room.offers.now(), room.offers.can
        self.reply(
            200,
            CloudView(
                offered=True,
                images=[OfferedImage(**asdict(image)) for image in offer.images],
                sizes=[OfferedSize(**asdict(size)) for size in offer.sizes],
                drive_gib=room.rules.drive_gib,
                can=[field.name for field in fields(can) if getattr(can, field.name)],
            ),
        )


class Machines(MachineMaking):
    """All machines of the caller."""

    path = "/machines"

    @operation("machine.see_in_list", query=MachinesAsked, gives=MachinesPage)
    async def get(self) -> None:
        """The caller's own machines and those shared with them, the newest first."""
        asked, db = self.query(MachinesAsked), self.rooms.db
        async with db.read() as conn:
            found = await listing.machines_of(
                conn, self.caller.person(), db.clock(), after=asked.after, limit=asked.limit + 1
            )
        can = self.rooms.machines.offers.can
        on = self.rooms.cutting.on
        items = [machine_view(each, can, on(each.row.id)) for each in found[: asked.limit]]
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, MachinesPage(items=items, next=following))

    @operation("service.create_machine", takes=NewMachine, gives=MachineView, status=201, once=True)
    async def post(self) -> None:
        """Make a machine of one's own, with a drive; it is there once it runs."""
        await self.make_machine(None)


class Machine(MachineRoute):
    """One machine."""

    path = "/machines/{machine_id}"

    @operation("machine.see_in_list", gives=MachineView)
    async def get(self, machine_id: str) -> None:
        """One machine, and what the caller may do with it."""
        db = self.rooms.db
        async with db.read() as conn:
            found = await listing.one_machine(conn, self.caller.person(), machine_id, db.clock())
        can, on = self.rooms.machines.offers.can, self.rooms.cutting.on(machine_id)
        self.reply(200, machine_view(found, can, on))

    @operation("machine.rename", takes=MachineRename, gives=MachineView, versioned="needed")
    async def patch(self, machine_id: str) -> None:
        """Rename a machine for everybody."""
        asked, version = self.body(MachineRename), self.expected_version()
        async with self.rooms.db.write() as tx:
            await things.rename(tx, self.caller.person(), machine_id, version, asked.name)
            told = await self.seen(tx, machine_id)
        self.reply(200, told)


class MachineStart(MachineRoute):
    """Starting a machine."""

    path = "/machines/{machine_id}/start"

    @operation("machine.start", gives=MachineView, status=202)
    async def post(self, machine_id: str) -> None:
        """Have a machine run; where something failed, have it tried again."""
        async with self.rooms.db.write() as tx:
            await life.start(tx, self.caller.person(), machine_id, self.can)
            told = await self.seen(tx, machine_id)
        self.reply(202, told)


class MachineStop(MachineRoute):
    """Stopping a machine."""

    path = "/machines/{machine_id}/stop"

    @operation("machine.stop", gives=MachineView, status=202)
    async def post(self, machine_id: str) -> None:
        """Have a machine stop; what is on its disks stays."""
        async with self.rooms.db.write() as tx:
            await life.stop(tx, self.caller.person(), machine_id, self.can)
            told = await self.seen(tx, machine_id)
        self.reply(202, told)


class MachineReboot(MachineRoute):
    """Rebooting a machine."""

    path = "/machines/{machine_id}/reboot"

    @operation(
        "machine.reboot", takes=Reboot, optional_body=True, gives=MachineView, status=202, once=True
    )
    async def post(self, machine_id: str) -> None:
        """Have a machine reboot; hard: without asking anybody on it, also while it is stopping."""
        hard = (self.body_or_none(Reboot) or Reboot()).hard
        async with self.once() as tx:
            await life.reboot(tx, self.caller.person(), machine_id, self.can, hard=hard)
            self.keep(202, await self.seen(tx, machine_id))


class MachineSize(MachineRoute):
    """A machine's size."""

    path = "/machines/{machine_id}/size"

    @operation("machine.resize", takes=SizeChoice, gives=MachineView, status=202)
    async def put(self, machine_id: str) -> None:
        """Have a machine in another size."""
        asked, person, db = self.body(SizeChoice), self.caller.person(), self.rooms.db
        async with db.read() as conn:  # who may not is told so, whatever size they name
            await permitted(conn, person, "resize", machine_id, db.clock())
        size = (await self.rooms.machines.offers.now()).size(asked.size)
        async with db.write() as tx:
            await life.resize(tx, person, machine_id, self.can, size)
            told = await self.seen(tx, machine_id)
        self.reply(202, told)


class MachineRebuild(MachineRoute):
    """Replacing a machine's system disk."""

    path = "/machines/{machine_id}/rebuild"

    @operation("machine.rebuild", takes=DiskSource, gives=MachineView, status=202, once=True)
    async def post(self, machine_id: str) -> None:
        """Have a fresh system disk from an image or a snapshot; drives, people and address stay."""
        asked, person, db = self.body(DiskSource), self.caller.person(), self.rooms.db
        async with db.read() as conn:
            await permitted(conn, person, "rebuild", machine_id, db.clock())
            machine = await model.machine(conn, machine_id)
        offer = await self.rooms.machines.offers.now()
        source = await self.source(asked, machine.size, offer, machine.within_id)
        async with self.once() as tx:
            await life.rebuild(tx, person, machine_id, self.can, source)
            self.keep(202, await self.seen(tx, machine_id))


class MachineConsole(MachineRoute):
    """What a machine wrote to its console."""

    path = "/machines/{machine_id}/console"

    @operation("machine.read_console_log", gives=ConsoleLog)
    async def get(self, machine_id: str) -> None:
        """The end of what a machine wrote to its console."""
        db, room = self.rooms.db, self.rooms.machines
        async with db.read() as conn:
            person = self.caller.person()
            await permitted(conn, person, "read_console_log", machine_id, db.clock())
            machine = await model.machine(conn, machine_id)
        gates.demand(gates.machine_blocked("read_console_log", machine, self.can))
        self.reply(200, ConsoleLog(text=await room.console_log(machine)))


class MachineKeepOn(MachineRoute):
    """Putting off the idle stop."""

    path = "/machines/{machine_id}/keep-on"

    @operation("machine.keep_on", takes=KeepOn, gives=MachineView)
    async def post(self, machine_id: str) -> None:
        """Keep a machine on for some hours, though nobody uses it."""
        asked = self.body(KeepOn)
        async with self.rooms.db.write() as tx:
            await idle.keep_on(tx, self.caller.person(), machine_id, self.can, asked.hours)
            told = await self.seen(tx, machine_id)
        self.reply(200, told)


class MachineIdlePolicy(MachineRoute):
    """When a machine stops by itself."""

    path = "/machines/{machine_id}/idle-policy"

    @operation("machine.edit_idle_policy", takes=IdlePolicy, gives=MachineView)
    async def put(self, machine_id: str) -> None:
        """Say after how many minutes without use a machine stops; null: never."""
        asked = self.body(IdlePolicy)
        async with self.rooms.db.write() as tx:
            await idle.set_policy(tx, self.caller.person(), machine_id, asked.minutes)
            told = await self.seen(tx, machine_id)
        self.reply(200, told)


class MachineDrive(MachineRoute):
    """A drive on a machine, from the machine's side."""

    path = "/machines/{machine_id}/drives/{drive_id}"

    @operation("machine.detach_drive", gives=MachineView, status=202)
    async def delete(self, machine_id: str, drive_id: str) -> None:
        """Have a drive off one's machine, whosever the drive is."""
        async with self.rooms.db.write() as tx:
            await drives.detach(
                tx, self.caller.person(), drive_id, machine_id, self.can, of_machine=True
            )
            told = await self.seen(tx, machine_id)
        self.reply(202, told)


class DriveElsewhere(MachineRoute):
    """A machine's drive, taken to another machine."""

    path = "/machines/{machine_id}/drives/{drive_id}/move"

    @operation("machine.use_drive_elsewhere", takes=NextMachine, gives=MachineView, status=202)
    async def post(self, machine_id: str, drive_id: str) -> None:
        """Have a drive of one's machine on another one's, whosever the drive is."""
        asked, person = self.body(NextMachine), self.caller.person()
        async with self.rooms.db.write() as tx:
            await drives.take_elsewhere(
                tx, person, drive_id, machine_id, asked.machine_id, self.can
            )
            told = await self.seen(tx, machine_id)
        self.reply(202, told)


def _demand_all(results: Sequence[Grant | VMShareError]) -> None:
    """A machine is made with all who are invited, or not at all."""
    for result in results:
        if isinstance(result, VMShareError):
            raise result


def demand_drive_size(size_gib: int, most: int | None) -> None:
    """Raise ``BadInput`` for a drive that is larger than the operator lets people make."""
    if most is not None and size_gib > most:
        raise BadInput(f"A drive can have {most} GiB at most at this site.")


ROUTES = (
    Cloud,
    Machines,
    Machine,
    MachineStart,
    MachineStop,
    MachineReboot,
    MachineSize,
    MachineRebuild,
    MachineConsole,
    MachineKeepOn,
    MachineIdlePolicy,
    MachineDrive,
    DriveElsewhere,
)
