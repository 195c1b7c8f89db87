"""Machines beside the demonstration, where they are possible: of this very host."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

from deploy.demo.people import SERVICE_ACCOUNT
from deploy.demo.supervised import SECONDS, Supervised

IMAGE = "debian"
SANDBOXES, QEMU = "sandboxes", "qemu"
_PROGRAMS = {
    "mmdebstrap": "mmdebstrap",
    "mkfs.ext4": "e2fsprogs",
    "ssh": "openssh-client",
    "ssh-keygen": "openssh-client",
}
_QEMUS = {"qemu-system-x86_64": "qemu-system-x86", "qemu-img": "qemu-utils"}


class MachinesRefused(Exception):
    """No machine can be made here; the message says why, for a person."""


def check(kind: str) -> None:
    """Whether machines of that kind can be kept here. Raises ``MachinesRefused``."""
    if os.geteuid() != 0:
        raise MachinesRefused("keeping them needs root")
    if kind == SANDBOXES and not Path("/dev/loop-control").exists():
        raise MachinesRefused("there are no loop devices on this machine (modprobe loop)")
    for program, package in (_PROGRAMS | (_QEMUS if kind == QEMU else {})).items():
        if shutil.which(program) is None:
            raise MachinesRefused(f"{program} is missing (apt-get install {package})")


def could_be_virtual() -> bool:
    """Whether virtual machines could be kept here."""
    with contextlib.suppress(MachinesRefused):
        check(QEMU)
        return True
    return False


class Keeper(Supervised):
    """The keeper of one demonstration, and an image.

    Once it has ended no machine runs any more; the next run starts those again.
    """

    ends_by = signal.SIGTERM

    def __init__(self, directory: Path, kind: str = SANDBOXES) -> None:
        super().__init__(directory, "-machines")
        self.kind = kind
        self._directory = directory.resolve()
        self.state = self._directory / kind

    @property
    def cloud(self) -> str:
        """What the service calls its adapter."""
        return {SANDBOXES: "sandbox", QEMU: "qemu"}[self.kind]

    @property
    def socket(self) -> Path:
        """Where the service finds it."""
        return self.run_dir / "keeper.sock"

    def prepare(self, log: Path) -> None:
        """An image that machines can start from. Raises ``MachinesRefused``."""
        for other in {SANDBOXES, QEMU} - {self.kind}:
            if (self._directory / other).exists():
                raise MachinesRefused(
                    f"this demonstration has {other}: give it another --directory"
                )
        self.state.mkdir(mode=0o700, exist_ok=True)
        if (self.state / "images" / IMAGE).exists():
            return
        print("== Building an image for machines: once, for a minute or two.", flush=True)
        words = self._words("image", "build", IMAGE, "--describe=Debian, as small as it is.")
        command = [sys.executable, "-m", "jupyterhub_vmshare", *words]
        with log.open("ab") as out:
            built = subprocess.run(command, stdout=out, stderr=out, check=False)
        if built.returncode:
            raise MachinesRefused(f"no image could be built; {log} says why")

    def _words(self, *words: str) -> list[str]:
        service = () if words else (f"--service-user={SERVICE_ACCOUNT}",)
        return [self.kind, *words, *service, f"--state={self.state}", f"--run={self.run_dir}"]

    def _clean_up(self) -> None:
        # A keeper leaves its machines running when it ends.
        for pid in self._machines():
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        deadline = time.monotonic() + SECONDS
        while self._loops() and time.monotonic() < deadline:
            time.sleep(0.05)

    def _machines(self) -> list[int]:
        """Their first processes."""
        found = []
        for told in (self.state / "machines").glob("*/process.json"):
            with contextlib.suppress(OSError, ValueError, KeyError):
                process = json.loads(told.read_text())
                if _started(process["pid"]) == process["started"]:
                    found.append(int(process["pid"]))
        return found

    def _loops(self) -> bool:
        for backing in Path("/sys/block").glob("loop*/loop/backing_file"):
            with contextlib.suppress(OSError):
                if backing.read_text().startswith(f"{self.state}/"):
                    return True
        return False


def _started(pid: int) -> int | None:
    """When a process was started, in ticks: its number may be another one's by now."""
    with contextlib.suppress(OSError):
        fields = Path(f"/proc/{pid}/stat").read_bytes().rpartition(b")")[2].split()
        return None if fields[0] in b"ZX" else int(fields[19])
    return None
