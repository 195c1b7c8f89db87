"""Starting and ending virtual machines, and their system disks."""

from __future__ import annotations

import logging
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

from jupyterhub_vmshare.cloud.keeper import files
from jupyterhub_vmshare.cloud.keeper.files import Trouble
from jupyterhub_vmshare.cloud.keeper.holdings import Holdings
from jupyterhub_vmshare.cloud.keeper.images import Images
from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.keeper.records import Record
from jupyterhub_vmshare.cloud.keeper.shims import Shims
from jupyterhub_vmshare.cloud.qemu.keeper import copying, disks, seed, stopping
from jupyterhub_vmshare.cloud.qemu.keeper.boot import CHANNELS, HOST, Boot, channel_of, door_of
from jupyterhub_vmshare.cloud.qemu.keeper.drives import Drives
from jupyterhub_vmshare.cloud.qemu.keeper.monitor import Monitor, talk
from jupyterhub_vmshare.steps import reached

_log = logging.getLogger("vmshare.keeper")


class Power:
    """Machines as processes of QEMU.

    Args:
        holdings: What there is.
        images: What they begin with.
        run: The keeper's run directory.
        relay_uid: Who may connect to their SSH servers.
        patience: Seconds that a machine has to stop in order.
        kvm: Whether the host's processor runs them.
    """

    resizes_running = False
    first_base = 1 << 29
    source: str | None = HOST

    def __init__(
        self,
        holdings: Holdings,
        images: Images,
        *,
        run: Path,
        relay_uid: int,
        patience: float,
    ) -> None:
        self._holdings = holdings
        self._images = images
        self._run = run
        self._relay_uid = relay_uid
        self._patience = patience
        self.kvm = False
        self._shims = Shims(holdings.machines, f"{__package__}.shim")
        self._drives = Drives(holdings, run)

    def process(self, machine: str) -> Process | None:
        return self._shims.process(machine)

    def door(self, machine: str) -> Path:
        return door_of(self._run, machine)

    def start(self, machine: str) -> None:
        if not self._shims.runs_soon(machine):
            self._shims.end_half(machine)
            if not self._holdings.disk(machine).exists():
                raise Trouble("The machine has no disk any more.")
            reached("keeper.start.checked")
        if not self._shims.lives(machine):
            self._shims.start(machine, self._boot(machine).text())
        reached("keeper.start.running")
        talk(self._channel(machine, "mon"), lambda monitor: self._go_on(monitor, machine))
        reached("keeper.start.going")

    async def _go_on(self, monitor: Monitor, machine: str) -> None:
        """It waits before its first instruction, until its drives are there."""
        if not await monitor.runs():
            for drive in self._holdings.drives_of(machine):
                await self._drives.put(monitor, drive, machine)
            await monitor.ask("cont")

    def find_again(self) -> None:
        """Have a shim beside each machine that runs."""
        for machine, _ in self._holdings.machines.all():
            if self.process(machine) is not None and not self._shims.lives(machine):
                try:
                    self._shims.start(machine, self._boot(machine).text())
                except (Trouble, OSError) as error:
                    _log.error("%s has no door: %s", machine, error)

    def stop_in_order(self, machine: str, given_up: Callable[[], bool]) -> float | None:
        process = self.process(machine)
        if process is None:
            return None
        channels = self._channel(machine, "aga"), self._channel(machine, "mon")
        ended = stopping.in_order(process, *channels, self._patience, given_up)
        reached("keeper.stop.asked")
        return None if ended else self._patience

    def end(self, machine: str, *, saving: bool) -> None:
        process = self.process(machine)
        if process is not None:
            stopping.at_once(process, self._channel(machine, "aga") if saving else None)
        self._shims.end_half(machine)
        reached("keeper.stop.ended")
        self._shims.wait_until_tidy(machine)

    def make_disk(self, machine: str) -> None:
        record, disk = self._holdings.machine(machine), self._holdings.disk(machine)
        if disk.exists():
            return
        gib = record["size"]["disk_gib"]
        if record["snapshot"] is None:
            disks.new_overlay(disk, self._images.place(record["image"]) / "disk.raw", gib)
            return
        source = self._holdings.snapshot_file(record["snapshot"])
        if not source.exists():
            raise Trouble("The snapshot that the machine begins with was deleted.")
        files.copy(source, disk)
        disks.grow(disk, gib)

    def copy_disk(self, machine: str, path: Path) -> None:
        disk, record = self._holdings.disk(machine), self._holdings.machine(machine)
        if self.process(machine) is None:
            files.copy(disk, path)
            return
        beside = path.with_name(f".{path.name}.new")
        image = self._images.place(record["image"]) / "disk.raw"
        disks.new_overlay(beside, image, record["size"]["disk_gib"])
        copying.copy(self._run, machine, "disk", beside, {"driver": "qcow2", "backing": None})
        beside.replace(path)

    def resize(self, machine: str, size: Record) -> None:
        if self.process(machine) is None:
            disks.grow(self._holdings.disk(machine), size["disk_gib"])
        reached("keeper.resize.grown")

    def forget(self, machine: str) -> None:
        for name in ("console.log", "console.old", "told"):
            (self._holdings.machines.place(machine) / name).unlink(missing_ok=True)
        for channel in CHANNELS:  # of one whose shim was killed, too
            self._channel(machine, channel).unlink(missing_ok=True)
        shutil.rmtree(self._run / "seed" / machine, ignore_errors=True)

    def host_keys(self, machine: str) -> list[str]:
        record = self._holdings.machine(machine)
        if not record["host_keys"]:
            with suppress(OSError):
                told = self._holdings.machines.place(machine) / "told"
                record["host_keys"] = [told.read_text()]
                self._holdings.machines.change(machine, host_keys=record["host_keys"])
        return list(record["host_keys"])

    def console(self, machine: str, most_bytes: int) -> str:
        return self._shims.console(machine, most_bytes)

    def _boot(self, machine: str) -> Boot:
        record = self._holdings.machine(machine)
        told = self._run / "seed" / machine
        seed.prepare(told, record["seed"], record["disk"])
        return Boot(
            machine=machine,
            place=str(self._holdings.machines.place(machine)),
            image=str(self._images.place(record["image"])),
            base=record["base"],
            run=str(self._run),
            relay_uid=self._relay_uid,
            seed=str(told),
            processors=record["size"]["processors"],
            memory_mib=record["size"]["memory_mib"],
            kvm=self.kvm,
        )

    def _channel(self, machine: str, name: str) -> Path:
        return channel_of(self._run, machine, name)
