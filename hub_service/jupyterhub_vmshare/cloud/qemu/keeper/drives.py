"""What is done with drives of virtual machines: plugged in, grown, copied and taken out."""

from __future__ import annotations

import logging
from collections.abc import Callable
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.cloud.keeper import files
from jupyterhub_vmshare.cloud.keeper.files import GIB
from jupyterhub_vmshare.cloud.keeper.holdings import Holdings, tag_of
from jupyterhub_vmshare.cloud.qemu.keeper import copying
from jupyterhub_vmshare.cloud.qemu.keeper.agent import Agent, NoAnswer
from jupyterhub_vmshare.cloud.qemu.keeper.boot import channel_of
from jupyterhub_vmshare.cloud.qemu.keeper.monitor import Monitor, talk
from jupyterhub_vmshare.steps import reached

_log = logging.getLogger("vmshare.keeper")
_TO_LEAVE: Final = 60.0
_BEGIN: Final = "/usr/local/sbin/vmshare-begin"


class Drives:
    """Drives in QEMU's own words."""

    def __init__(self, holdings: Holdings, run: Path) -> None:
        self._holdings = holdings
        self._run = run

    async def put(self, monitor: Monitor, drive: str, machine: str) -> None:
        """Have a drive be a disk of a machine."""
        record = self._holdings.drive(drive)
        read_only = record["attached"][machine]
        await monitor.add_file(
            drive, self._holdings.drive_file(drive), {"driver": "raw"}, read_only=read_only
        )
        if device_of(drive) in await monitor.devices():
            return
        try:
            await monitor.ask(
                "device_add",
                driver="scsi-hd",
                bus="drives.0",
                id=device_of(drive),
                drive=drive,
                serial=tag_of(record),
            )
        except BaseException:
            await monitor.remove_node(drive)  # it is nobody's, and can go elsewhere
            raise

    async def take(self, monitor: Monitor, drive: str) -> None:
        """Have it be none any more."""
        await monitor.remove_device(device_of(drive))
        await monitor.remove_node(drive)


class Hands:
    """The hands of virtual machines.

    Args:
        holdings: What there is.
        runs: Whether a machine runs.
        run: The keeper's run directory.
    """

    def __init__(self, holdings: Holdings, runs: Callable[[str], bool], run: Path) -> None:
        self._holdings = holdings
        self._runs = runs
        self._run = run
        self._drives = Drives(holdings, run)

    def copy_drive(self, source: str, path: Path) -> None:
        of, record = self._holdings.drive_file(source), self._holdings.drive(source)
        writers = [
            machine
            for machine, read_only in record["attached"].items()
            if not read_only and self._runs(machine)
        ]
        if not writers:
            files.copy(of, path)
            return
        beside = path.with_name(f".{path.name}.new")
        beside.unlink(missing_ok=True)
        files.grow_file(beside, record["size_gib"])
        copying.copy(self._run, writers[0], source, beside, {"driver": "raw"})
        beside.replace(path)

    def extend(self, drive: str, size_gib: int) -> None:
        files.grow_file(self._holdings.drive_file(drive), size_gib)
        for machine, read_only in self._holdings.drive(drive)["attached"].items():
            # Who only reads it can't grow what is on it: it is larger there after a restart.
            if self._runs(machine) and not read_only:
                talk(
                    self._monitor(machine),
                    lambda monitor: monitor.ask(
                        "block_resize", node_name=drive, size=size_gib * GIB
                    ),
                )

    def wait_until_free(self, drive: str) -> None:
        return None  # QEMU lets go before a drive counts as detached

    def attach(self, drive: str, machine: str) -> None:
        if self._runs(machine):
            reached("keeper.attach.checked")
            talk(self._monitor(machine), lambda monitor: self._drives.put(monitor, drive, machine))

    def detach(self, drive: str, machine: str) -> None:
        if not self._runs(machine):
            return
        label = tag_of(self._holdings.drive(drive))
        try:
            with Agent(channel_of(self._run, machine, "aga")) as agent:
                agent.run(_BEGIN, "leave", label, patience=_TO_LEAVE)
        except NoAnswer as error:
            _log.warning("%s is not asked to let go of %s: %s", machine, drive, error)
        talk(self._monitor(machine), lambda monitor: self._drives.take(monitor, drive))

    def _monitor(self, machine: str) -> Path:
        return channel_of(self._run, machine, "mon")


def device_of(drive: str) -> str:
    """What QEMU calls it as a device."""
    return f"dev-{drive}"
