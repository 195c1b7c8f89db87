"""Starting and ending a machine's processes."""

from __future__ import annotations

import json
import logging
import os
import re
import shutil
import signal
import stat
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.cloud.keeper import files, kernel
from jupyterhub_vmshare.cloud.keeper.files import GIB, Trouble
from jupyterhub_vmshare.cloud.keeper.holdings import Holdings, tag_of
from jupyterhub_vmshare.cloud.keeper.images import Images
from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.keeper.records import Record
from jupyterhub_vmshare.cloud.keeper.shims import Shims
from jupyterhub_vmshare.cloud.sandbox.keeper import disks, loops
from jupyterhub_vmshare.cloud.sandbox.keeper.boot import Boot, Drive, socket_of
from jupyterhub_vmshare.cloud.sandbox.keeper.limits import Limits
from jupyterhub_vmshare.steps import reached

_log = logging.getLogger("vmshare.sandboxes")
_KILL_PATIENCE, _TIDY_PATIENCE = 10.0, 10.0
_HOST_KEY: Final = "etc/vmshare/ssh_host_ed25519_key.pub"
# Before this is there, a key may be that of the machine whose disk was copied.
_READY: Final = "run/vmshare.ready"
_KEY_PATTERN: Final = re.compile(r"ssh-ed25519 [A-Za-z0-9+/=]{68,80}")
_INSIDE: Final = Path(__file__).parent.parent / "inside" / "init.py"
_FROM_RELAY: Final = (
    "vmshare_machine.py",
    "vmshare_drives.py",
    "vmshare_folders.py",
    "sshd_config",
)
_KERNELS: Final = "vmshare_kernels."
"""Before the names of that package's files: what a machine is told lies in one directory."""


class Power:
    """Machines as processes.

    Args:
        holdings: What there is.
        images: What they begin with.
        limits: What they may use.
        run: The keeper's run directory.
        relay_uid: Who may connect to their SSH servers.
        patience: Seconds that a machine has to stop in order.
    """

    resizes_running = True
    first_base = 1 << 20
    source: str | None = None

    def __init__(
        self,
        holdings: Holdings,
        images: Images,
        limits: Limits,
        *,
        run: Path,
        relay_uid: int,
        patience: float,
    ) -> None:
        self._holdings = holdings
        self._images = images
        self._limits = limits
        self._run = run
        self._relay_uid = relay_uid
        self._patience = patience
        self._shims = Shims(holdings.machines, f"{__package__}.shim")

    def process(self, machine: str) -> Process | None:
        """A machine's first process, if it runs."""
        return self._shims.process(machine)

    def start(self, machine: str) -> None:
        """Have it run; it returns when its first process does."""
        if self._shims.runs_soon(machine):
            return
        self._shims.end_half(machine)
        for path in self._written(machine):
            if not loops.wait_until_free(path, _TIDY_PATIENCE):
                raise Trouble("A disk of the machine is still in use on the host.")
            if not path.exists():
                raise Trouble("The machine has no disk any more.")
        for path in (*self._written(machine), *self._only_read(machine)):
            if not loops.over(path):  # else others read it, who had it checked
                disks.make_fit(path)
        reached("keeper.start.checked")
        self._shims.start(machine, self._boot(machine).text())
        reached("keeper.start.running")

    def stop_in_order(self, machine: str, given_up: Callable[[], bool]) -> float | None:
        process = self.process(machine)
        if process is None:
            return None
        ended = process.end(signal.SIGTERM, 0.0) or process.wait_unless(self._patience, given_up)
        reached("keeper.stop.asked")
        return None if ended else self._patience

    def end(self, machine: str, *, saving: bool) -> None:
        """Its files are the host's: what it wrote is there."""
        process = self.process(machine)
        if process is not None and not process.end(signal.SIGKILL, _KILL_PATIENCE):
            raise Trouble("The machine's processes do not end.")
        self._shims.end_half(machine)
        reached("keeper.stop.ended")
        for path in self._written(machine):
            loops.wait_until_free(path, _TIDY_PATIENCE)
        self._shims.wait_until_tidy(machine)
        self._limits.remove(machine)

    def door(self, machine: str) -> Path:
        return socket_of(self._run, machine)

    def forget(self, machine: str) -> None:
        for name in ("console.log", "console.old"):
            (self._holdings.machines.place(machine) / name).unlink(missing_ok=True)

    def make_disk(self, machine: str) -> None:
        record, disk = self._holdings.machine(machine), self._holdings.disk(machine)
        if disk.exists():
            return
        gib = record["size"]["disk_gib"]
        if record["snapshot"] is None:
            disks.new_disk(disk, gib)
            return
        source = self._holdings.snapshot_file(record["snapshot"])
        if not source.exists():
            raise Trouble("The snapshot that the machine begins with was deleted.")
        files.copy(source, disk)
        disks.grow(disk, gib)

    def copy_disk(self, machine: str, path: Path) -> None:
        disk = self._holdings.disk(machine)
        with disks.still(disk):
            reached("keeper.snapshot.still")
            files.copy(disk, path)

    def resize(self, machine: str, size: Record) -> None:
        """Grow its disk, and hold it to another size if it runs."""
        disk = self._holdings.disk(machine)
        if disk.stat().st_size < size["disk_gib"] * GIB:
            disks.grow(disk, size["disk_gib"])
        reached("keeper.resize.grown")
        if self.process(machine) is not None:
            self._limits.set(machine, size["processors"], size["memory_mib"])

    def host_keys(self, machine: str) -> list[str]:
        """Its public keys, once it has made them; the first that were seen stay."""
        record = self._holdings.machine(machine)
        process = self.process(machine)
        if not record["host_keys"] and process is not None:
            with suppress(OSError):
                record["host_keys"] = _keys_of(process)
                self._holdings.machines.change(machine, host_keys=record["host_keys"])
        return list(record["host_keys"])

    def console(self, machine: str, most_bytes: int) -> str:
        return self._shims.console(machine, most_bytes)

    def _mounted_on(self, machine: str) -> tuple[Drive, ...]:
        """What a machine is started with."""
        return tuple(
            Drive(str(self._holdings.drive_file(name)), tag_of(drive), drive["attached"][machine])
            for name, drive in sorted(self._holdings.drives_of(machine).items())
        )

    def _written(self, machine: str) -> list[Path]:
        """The files that nobody else may have in use."""
        drives = self._mounted_on(machine)
        written = [Path(drive.path) for drive in drives if not drive.read_only]
        return [self._holdings.disk(machine), *written]

    def _only_read(self, machine: str) -> list[Path]:
        return [Path(drive.path) for drive in self._mounted_on(machine) if drive.read_only]

    def _boot(self, machine: str) -> Boot:
        record = self._holdings.machine(machine)
        size, seed = record["size"], record["seed"]
        groups = self._limits.set(machine, size["processors"], size["memory_mib"])
        return Boot(
            machine=machine,
            place=str(self._holdings.machines.place(machine)),
            image=str(self._images.place(record["image"]) / "root"),
            base=record["base"],
            run=str(self._run),
            relay_uid=self._relay_uid,
            hostname=seed["hostname"],
            groups=tuple(groups),
            memory_mib=size["memory_mib"],
            files=_told(seed, record["disk"]),
            drives=self._mounted_on(machine),
        )


def _told(seed: Record, disk: str) -> dict[str, str]:
    """What a machine finds in ``/run/vmshare``. ``disk`` tells a copy from what it is a copy of."""
    relay = _INSIDE.parents[3] / "relay" / "machine"
    files = {name: relay / name for name in _FROM_RELAY if (relay / name).exists()}
    files |= {f"{_KERNELS}{each.name}": each for each in (relay / _KERNELS[:-1]).glob("*.py")}
    return {
        "init.py": _INSIDE.read_text(),
        "seed.json": json.dumps(seed),
        "disk": disk,
        **{name: path.read_text() for name, path in files.items()},
    }


def _keys_of(process: Process) -> list[str]:
    """The host key as it lies in the machine: whoever owns that may have put anything there."""
    root = os.open(f"/proc/{process.pid}/root", os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        if not process.lives():
            return []
        os.close(kernel.within(root, _READY))
        file = kernel.within(root, _HOST_KEY, os.O_RDONLY | os.O_NONBLOCK | os.O_NOCTTY)
        with os.fdopen(file, "rb") as opened:
            if not stat.S_ISREG(os.fstat(file).st_mode):
                return []
            line = opened.read(4096).decode(errors="replace")
    finally:
        os.close(root)
    found = _KEY_PATTERN.match(line)
    return [found[0]] if found and line.endswith("\n") else []


def programs_missing() -> list[str]:
    """What the host lacks to keep sandboxes."""
    return [name for name in ("mkfs.ext4", "e2fsck", "resize2fs", "cp") if not shutil.which(name)]
