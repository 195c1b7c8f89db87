"""A cloud in memory that speaks the whole port, with a clock of its own and scripted failures.

It passes the contract suite of the adapters. Nothing happens by itself: what an order asks for is
there once its delay has passed on the fake's clock, which only `FakeCloud.advance` moves. Delays
are none unless a test says otherwise, so that the next look finds everything done.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from jupyterhub_vmshare.cloud.port import (
    Address,
    CloudMissing,
    CloudRefused,
    DriveWanted,
    Image,
    MachineWanted,
    Power,
    SeenAttachment,
    SeenDrive,
    SeenMachine,
    SeenSnapshot,
    Settled,
    Size,
)
from tests.fakes.cloud_state import BEGAN, IMAGES, SIZES, CloudState, HeldMachine, size_called


@dataclass
class FakeCloud(CloudState):
    """A cloud. Its state, and what a test can do to it, are in `CloudState`."""

    async def start(self) -> None:
        return None

    async def close(self) -> None:
        return None

    async def images(self) -> Sequence[Image]:
        self._look()
        return IMAGES

    async def sizes(self) -> Sequence[Size]:
        self._look()
        return SIZES

    async def machines(self) -> Sequence[SeenMachine]:
        self._look()
        return [self._as_seen(machine) for machine in self._machines]

    async def machine(self, machine: str) -> SeenMachine:
        self._look()
        self._the_machine(machine)
        return self._as_seen(machine)

    async def create_machine(self, wanted: MachineWanted) -> str:
        self._begin("create_machine", wanted.mark)
        made_from, disk_gib = self._disk_of(wanted)
        name = self._new("machine")
        address = Address(unix_path=f"/run/fake/{name}.sock")
        seen = SeenMachine(
            name, wanted.mark, Power.CHANGING, None, wanted.size, address, (), made_from
        )
        self._machines[name] = HeldMachine(seen, disk_gib)
        self._then("create_machine", name, lambda: self._booted(name, fresh=True))
        return name

    async def start_machine(self, machine: str) -> None:
        self._order_machine("start_machine", machine)
        self._power(machine, "start_machine", Power.RUNNING)

    async def stop_machine(self, machine: str) -> None:
        self._order_machine("stop_machine", machine)
        self._power(machine, "stop_machine", Power.STOPPED)

    async def reboot_machine(self, machine: str, *, hard: bool) -> None:
        if hard:
            self._overtake(machine)
        self._order_machine("reboot_machine", machine)
        if self._the_machine(machine).seen.power is not Power.RUNNING and not hard:
            raise CloudRefused("A machine that is stopped can't be rebooted: start it.")
        self._power(machine, "reboot_machine", Power.RUNNING)

    async def resize_machine(self, machine: str, size: str) -> None:
        self._order_machine("resize_machine", machine)
        found = self._the_machine(machine)
        wanted = size_called(size)
        if wanted.disk_gib < found.disk_gib:
            raise CloudRefused("A system disk can't shrink: choose a size with a larger disk.")
        if found.seen.power is Power.RUNNING and not self.capabilities.resize_running:
            raise CloudRefused("Stop the machine first.")
        power = found.seen.power
        found.disk_gib = wanted.disk_gib
        self._change(machine, power=Power.CHANGING)
        self._then("resize_machine", machine, lambda: self._change(machine, power=power, size=size))

    async def rebuild_machine(self, machine: str, wanted: MachineWanted) -> None:
        self._order_machine("rebuild_machine", machine)
        made_from, disk_gib = self._disk_of(wanted)
        self._the_machine(machine).disk_gib = disk_gib
        self._change(machine, power=Power.CHANGING, made_from=made_from)
        self._then("rebuild_machine", machine, lambda: self._booted(machine, fresh=True))

    async def delete_machine(self, machine: str) -> None:
        self._order_machine("delete_machine", machine)
        self._change(machine, power=Power.CHANGING)
        self._then("delete_machine", machine, lambda: self._gone(machine))

    async def console_log(self, machine: str, *, most_bytes: int) -> str:
        self._look()
        return self._the_machine(machine).console[-most_bytes:]

    async def host_keys(self, machine: str) -> Sequence[str]:
        self._look()
        keys = self._the_machine(machine).keys
        return [f"ssh-ed25519 AAAAfake{machine}{keys}"] if keys else []

    async def drives(self) -> Sequence[SeenDrive]:
        self._look()
        return list(self._drives.values())

    async def drive(self, drive: str) -> SeenDrive:
        self._look()
        return self._the_drive(drive)

    async def create_drive(self, wanted: DriveWanted) -> str:
        self._begin("create_drive", wanted.mark)
        if wanted.clone_of is not None:
            source = self._the_drive(wanted.clone_of)
            if wanted.size_gib < source.size_gib:
                raise CloudRefused("A copy can't be smaller than what it is a copy of.")
        name = self._new("drive")
        self._drives[name] = SeenDrive(
            name, wanted.mark, Settled.CHANGING, None, wanted.size_gib, ()
        )
        self._then("create_drive", name, lambda: self._drive(name, settled=Settled.READY))
        return name

    async def extend_drive(self, drive: str, size_gib: int) -> None:
        self._begin("extend_drive", drive)
        found = self._free_drive(drive)
        if size_gib < found.size_gib:
            raise CloudRefused("A drive can't shrink.")
        if found.attached_to and not self.capabilities.extend_attached:
            raise CloudRefused("Detach the drive first.")
        self._drive(drive, settled=Settled.CHANGING)
        ready = Settled.READY
        self._then(
            "extend_drive", drive, lambda: self._drive(drive, settled=ready, size_gib=size_gib)
        )

    async def delete_drive(self, drive: str) -> None:
        self._begin("delete_drive", drive)
        if self._free_drive(drive).attached_to:
            raise CloudRefused("The drive is attached: detach it first.")
        self._drive(drive, settled=Settled.CHANGING)
        self._then("delete_drive", drive, lambda: self._drives.pop(drive, None))

    async def attach_drive(self, drive: str, machine: str, *, read_only: bool) -> None:
        self._begin("attach_drive", drive)
        found, onto = self._free_drive(drive), self._the_machine(machine)
        there = {at.drive: at for at in onto.seen.attachments}
        if drive in there:
            if there[drive].read_only != read_only:
                raise CloudRefused("The drive is attached in another way: detach it first.")
            return
        self._free(machine)
        if found.attached_to and not self._may_share(drive, read_only):
            raise CloudRefused("The drive is on another machine: detach it there first.")
        new = SeenAttachment(drive, read_only, settled=False)
        self._change(machine, attachments=(*onto.seen.attachments, new))
        self._drive(drive, attached_to=(*found.attached_to, machine))
        self._then("attach_drive", machine, lambda: self._attached(drive, machine), drive)

    async def detach_drive(self, drive: str, machine: str) -> None:
        self._begin("detach_drive", drive)
        self._free_drive(drive)
        onto = self._the_machine(machine)
        if all(at.drive != drive for at in onto.seen.attachments):
            return
        self._free(machine)
        self._settle(machine, drive, settled=False)
        self._then("detach_drive", machine, lambda: self._detached(drive, machine), drive)

    async def snapshots(self) -> Sequence[SeenSnapshot]:
        self._look()
        return list(self._snapshots.values())

    async def snapshot(self, snapshot: str) -> SeenSnapshot:
        self._look()
        if snapshot not in self._snapshots:
            raise CloudMissing(f"There is no snapshot {snapshot}.")
        return self._snapshots[snapshot]

    async def create_snapshot(self, machine: str, mark: str) -> str:
        self._begin("create_snapshot", mark)
        self._free(machine)
        of = self._the_machine(machine)
        name = self._new("snapshot")
        made_at = BEGAN + timedelta(seconds=self.now)
        seen = SeenSnapshot(name, mark, Settled.CHANGING, None, of.disk_gib, made_at)
        self._snapshots[name] = seen
        self._then("create_snapshot", name, lambda: self._copied(name), machine)
        return name

    async def delete_snapshot(self, snapshot: str) -> None:
        self._begin("delete_snapshot", snapshot)
        if snapshot not in self._snapshots:
            raise CloudMissing(f"There is no snapshot {snapshot}.")
        self._free(snapshot)
        self._then("delete_snapshot", snapshot, lambda: self._snapshots.pop(snapshot, None))
