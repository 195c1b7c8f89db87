"""What is done with drives of sandboxes: mounted on machines, grown, copied and taken off."""

from __future__ import annotations

import os
import re
import signal
from contextlib import suppress
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.cloud.keeper import files
from jupyterhub_vmshare.cloud.keeper.files import Trouble
from jupyterhub_vmshare.cloud.keeper.holdings import Holdings, tag_of
from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.sandbox.keeper import disks, loops, reaching
from jupyterhub_vmshare.cloud.sandbox.keeper.power import Power
from jupyterhub_vmshare.steps import reached

_TRIES: Final = 50


class Hands:
    """The hands of sandboxes: the host mounts drives into the machines' own namespaces."""

    def __init__(self, holdings: Holdings, power: Power) -> None:
        self._holdings = holdings
        self._power = power

    def copy_drive(self, source: str, path: Path) -> None:
        of = self._holdings.drive_file(source)
        written = any(not read for read in self._holdings.drive(source)["attached"].values())
        if not written:
            files.copy(of, path)
            return
        with disks.still(of):
            files.copy(of, path)

    def extend(self, drive: str, size_gib: int) -> None:
        path, attached = self._holdings.drive_file(drive), self._holdings.drive(drive)["attached"]
        if attached and all(attached.values()):
            # Nobody can write to it now: the file system grows when somebody can.
            files.grow_file(path, size_gib)
        elif not disks.grow(path, size_gib):
            for machine in attached:
                self._grow_aside(drive, machine, path)

    def _grow_aside(self, drive: str, machine: str, path: Path) -> None:
        """Grow a drive off its machine for a moment, unless somebody there has a file of it open:
        then it grows when the machine is started the next time."""
        process = self._power.process(machine)
        if process is None or not reaching.take_drive(process, path, lazily=False):
            return
        if not loops.wait_until_free(path, 10):
            raise Trouble("The drive is still in use on the host.")
        self.attach(drive, machine)

    def wait_until_free(self, drive: str) -> None:
        loops.wait_until_free(self._holdings.drive_file(drive), 10)

    def attach(self, drive: str, machine: str) -> None:
        path, record = self._holdings.drive_file(drive), self._holdings.drive(drive)
        process = self._power.process(machine)
        read_only = record["attached"][machine]
        if process is None or reaching.mounted_at(process.pid, path):
            return  # it comes with the next start, or is there already
        if not read_only and not loops.wait_until_free(path, 10):
            raise Trouble("The drive is still in use on the host.")
        if not loops.over(path):
            disks.make_fit(path)
        reached("keeper.attach.checked")
        base = self._holdings.machine(machine)["base"]
        reaching.put_drive(process, base, path, tag_of(record), read_only=read_only)

    def detach(self, drive: str, machine: str) -> None:
        process = self._power.process(machine)
        if process is not None:
            self._take_off(process, self._holdings.drive_file(drive))

    def _take_off(self, process: Process, path: Path) -> None:
        """Take a drive off a machine, with everybody who has something open on it."""
        for turn in range(_TRIES):
            places = reaching.mounted_at(process.pid, path)
            if not places:
                return
            if not reaching.take_drive(process, path, lazily=False):
                _end_users(process, places, path)
            elif turn == _TRIES - 1:
                break
        reaching.take_drive(process, path, lazily=True)
        raise Trouble("The drive is still in use on the machine: stop the machine.")


def _end_users(process: Process, places: list[str], path: Path) -> None:
    """Kill what holds something of a drive open in a machine."""
    devices = {os.makedev(*map(int, number.split(":"))) for number in loops.over(path)}
    namespace = os.stat(f"/proc/{process.pid}/ns/pid").st_ino
    for place in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            pid = int(place.name)
            held = os.pidfd_open(pid)
            try:
                inside = os.stat(place / "ns/pid").st_ino == namespace
                if inside and pid != process.pid and _uses(place, devices):
                    signal.pidfd_send_signal(held, signal.SIGKILL)
            finally:
                os.close(held)


def _uses(place: Path, devices: set[int]) -> bool:
    for link in (place / "cwd", place / "root", place / "exe", *(place / "fd").glob("*")):
        with suppress(OSError):
            if os.stat(link).st_dev in devices:
                return True
    numbers = {f"{os.major(device):02x}:{os.minor(device):02x}" for device in devices}
    with suppress(OSError):
        mapped = (place / "maps").read_text(errors="replace")
        return any(number in numbers for number in re.findall(r" ([0-9a-f]+:[0-9a-f]+) ", mapped))
    return False
