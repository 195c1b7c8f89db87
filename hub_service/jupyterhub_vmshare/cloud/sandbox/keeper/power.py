"""Starting and ending a machine's processes."""

from __future__ import annotations

import fcntl
import json
import logging
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path
from typing import IO, Final, cast

from jupyterhub_vmshare.cloud.sandbox.keeper import disks, kernel, loops
from jupyterhub_vmshare.cloud.sandbox.keeper.boot import IDS, Boot, socket_of
from jupyterhub_vmshare.cloud.sandbox.keeper.disks import Trouble
from jupyterhub_vmshare.cloud.sandbox.keeper.holdings import Holdings
from jupyterhub_vmshare.cloud.sandbox.keeper.images import Images
from jupyterhub_vmshare.cloud.sandbox.keeper.limits import Limits
from jupyterhub_vmshare.cloud.sandbox.keeper.processes import Process
from jupyterhub_vmshare.cloud.sandbox.keeper.records import Record
from jupyterhub_vmshare.steps import reached

_log = logging.getLogger("vmshare.sandboxes")
_FIRST_ID: Final = 1 << 20
_START_PATIENCE, _KILL_PATIENCE, _TIDY_PATIENCE = 60.0, 10.0, 10.0
_HOST_KEY: Final = "etc/vmshare/ssh_host_ed25519_key.pub"
# Before this is there, a key may be that of the machine whose disk was copied.
_READY: Final = "run/vmshare.ready"
_KEY_PATTERN: Final = re.compile(r"ssh-ed25519 [A-Za-z0-9+/=]{68,80}")
_INSIDE: Final = Path(__file__).parent.parent / "inside" / "init.py"
_FROM_RELAY: Final = ("vmshare_machine.py", "vmshare_drives.py", "sshd_config")
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

    def process(self, machine: str) -> Process | None:
        """A machine's first process, if it runs."""
        path = self._holdings.machines.place(machine) / "process.json"
        with suppress(OSError, ValueError):
            told = json.loads(path.read_text())
            found = Process.parse(told)
            if told["ready"] and found.lives():
                return found
        return None

    def start(self, machine: str) -> None:
        """Have it run; it returns when its first process does."""
        if self._runs_soon(machine):
            return
        self._end_half(machine)
        for path in self._written(machine):
            if not loops.wait_until_free(path, _TIDY_PATIENCE):
                raise Trouble("A disk of the machine is still in use on the host.")
            if not path.exists():
                raise Trouble("The machine has no disk any more.")
        for path in (*self._written(machine), *self._only_read(machine)):
            if not loops.over(path):  # else others read it, who had it checked
                disks.make_fit(path)
        reached("sandboxes.start.checked")
        self._shim(self._boot(machine))
        reached("sandboxes.start.running")

    def stop(self, machine: str, *, hard: bool = False) -> None:
        """Have it not run, in order where it listens within its time."""
        process = self.process(machine)
        if process is not None and not hard:
            process.end(signal.SIGTERM, self._patience)
            reached("sandboxes.stop.asked")
        if process is not None and not process.end(signal.SIGKILL, _KILL_PATIENCE):
            raise Trouble("The machine's processes do not end.")
        self._end_half(machine)
        reached("sandboxes.stop.ended")
        for path in self._written(machine):
            loops.wait_until_free(path, _TIDY_PATIENCE)
        self._wait_for_shim(machine)
        self._limits.remove(machine)

    def _wait_for_shim(self, machine: str) -> None:
        """Its last act is to remove what is left of a start. One that hangs is not waited for."""
        deadline = time.monotonic() + _TIDY_PATIENCE
        while self._has_shim(machine) and time.monotonic() < deadline:
            time.sleep(0.01)

    def _runs_soon(self, machine: str) -> bool:
        """Whether it runs, or does so in a moment: an earlier keeper may just have started it."""
        deadline = time.monotonic() + _START_PATIENCE
        while self.process(machine) is None:
            if not self._has_shim(machine):
                # A shim that was killed may have left a machine that runs.
                return self.process(machine) is not None
            if time.monotonic() > deadline:
                raise Trouble("An earlier start of the machine hangs.")
            time.sleep(0.02)
        return True

    def _has_shim(self, machine: str) -> bool:
        path = self._holdings.machines.place(machine) / "shim.lock"
        with path.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def _end_half(self, machine: str) -> None:
        """A first process whose shim died before it was ready is nobody's: it ends."""
        path = self._holdings.machines.place(machine) / "process.json"
        if not self._has_shim(machine):
            with suppress(OSError, ValueError):
                told = json.loads(path.read_text())
                if not told["ready"]:
                    Process.parse(told).end(signal.SIGKILL, _KILL_PATIENCE)

    def resize(self, machine: str, size: Record) -> None:
        """Hold a machine that runs to another size."""
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

    def new_base(self) -> int:
        """The host's id that a new machine's root is; nobody else's."""
        taken = {record["base"] for _, record in self._holdings.machines.all()}
        return next(base for base in range(_FIRST_ID, 1 << 32, IDS) if base not in taken)

    def console(self, machine: str, most_bytes: int) -> str:
        """The end of what it said."""
        place = self._holdings.machines.place(machine)
        told = b""
        for name in ("console.old", "console.log"):
            with suppress(FileNotFoundError):
                told += (place / name).read_bytes()
        return told[-most_bytes:].decode(errors="replace") if most_bytes else ""

    def _written(self, machine: str) -> list[Path]:
        """The files that nobody else may have in use."""
        drives = self._holdings.mounted_on(machine)
        written = [Path(drive.path) for drive in drives if not drive.read_only]
        return [self._holdings.disk(machine), *written]

    def _only_read(self, machine: str) -> list[Path]:
        drives = self._holdings.mounted_on(machine)
        return [Path(drive.path) for drive in drives if drive.read_only]

    def _boot(self, machine: str) -> Boot:
        record = self._holdings.machine(machine)
        size, seed = record["size"], record["seed"]
        groups = self._limits.set(machine, size["processors"], size["memory_mib"])
        return Boot(
            machine=machine,
            place=str(self._holdings.machines.place(machine)),
            image=self._images.tree(record["image"]),
            base=record["base"],
            run=str(self._run),
            relay_uid=self._relay_uid,
            hostname=seed["hostname"],
            groups=tuple(groups),
            memory_mib=size["memory_mib"],
            files=_told(seed, record["disk"]),
            drives=self._holdings.mounted_on(machine),
        )

    def _shim(self, boot: Boot) -> None:
        shim = subprocess.Popen(
            [sys.executable, "-I", "-m", f"{__package__}.shim"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        told = cast(IO[bytes], shim.stdin)  # it was asked for as a pipe
        with suppress(BrokenPipeError):
            told.write(boot.text().encode())
            told.close()
        reached("sandboxes.start.told")
        said = _answer_of(shim)
        if said is None:
            shim.kill()
            shim.wait(_KILL_PATIENCE)
            self._end_half(boot.machine)
            raise Trouble("The machine did not start in time.")
        if said["because"] is not None:
            _log.error("%s did not start: %s", boot.machine, said["because"])
            raise Trouble(f"The machine did not start: {said['because']}")


def _answer_of(shim: subprocess.Popen[bytes]) -> Record | None:
    """What a shim says before its patience ends. It is not waited for: it stays."""
    deadline = time.monotonic() + _START_PATIENCE
    output = shim.stdout
    if output is None:
        return None
    os.set_blocking(output.fileno(), False)
    told = b""
    while time.monotonic() < deadline:
        more = output.read()
        told += more or b""
        if more == b"":
            output.close()
            return json.loads(told) if told else {"because": "It was ended while it started."}
        time.sleep(0.005)
    return None


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


def forget_files(place: Path) -> None:
    """Remove what a start leaves, of a machine that will begin anew."""
    for name in ("console.log", "console.old"):
        (place / name).unlink(missing_ok=True)


def remove_socket(run: Path, machine: str) -> None:
    """A machine that is gone has no door."""
    socket_of(run, machine).unlink(missing_ok=True)


def programs_missing() -> list[str]:
    """What the host lacks to keep sandboxes."""
    return [name for name in ("mkfs.ext4", "e2fsck", "resize2fs", "cp") if not shutil.which(name)]
