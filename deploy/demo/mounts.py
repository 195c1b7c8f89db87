"""The share-agent beside the demonstration: folders in running sessions, where that is possible."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from deploy.demo.processes import end, like
from deploy.demo.supervised import SECONDS, Supervised

ROOT = Path(__file__).parents[2]


class MountsRefused(Exception):
    """Nothing can be mounted here; the message says why, for a person."""


def guard() -> str | None:
    """The share-guard: installed, or as ``scripts/install.sh guard`` builds it here."""
    built = ROOT / "build/guard/share-guard"
    beside = shutil.which("share-guard", path=str(Path(sys.executable).parent))
    return beside or (str(built) if built.exists() else shutil.which("share-guard"))


def check() -> None:
    """Whether folders can be mounted here. Raises ``MountsRefused``."""
    if os.geteuid() != 0:
        raise MountsRefused("mounting needs root")
    if not Path("/dev/fuse").exists():
        raise MountsRefused("there is no /dev/fuse on this machine (modprobe fuse)")
    if shutil.which("bwrap") is None:
        raise MountsRefused("bubblewrap is missing (apt-get install bubblewrap)")
    if guard() is None:
        raise MountsRefused("the share guard is not built (scripts/install.sh guard)")


class Agent(Supervised):
    """The agent of one demonstration; once it has ended nothing is mounted any more."""

    ends_by = signal.SIGINT

    def __init__(self, directory: Path) -> None:
        super().__init__(directory)
        self._directory = directory

    @property
    def socket(self) -> Path:
        """Where the service finds it."""
        return self.run_dir / "agent.sock"

    def _words(self) -> list[str]:
        return [
            "agent",
            f"--run={self.run_dir}",
            f"--store={self._directory / 'service/data/store'}",
            f"--guard={guard()}",
            f"--guard-state={self._directory / 'guard'}",
        ]

    def _clean_up(self) -> None:
        end(like(str(self.run_dir / "guard.sock")), signal.SIGKILL, SECONDS)
        for place in reversed(self._mounted()):
            subprocess.run(["umount", "--lazy", place], check=False)

    def _mounted(self) -> list[str]:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        places = [line.split()[4] for line in lines]
        return [place for place in places if place.startswith(f"{self.run_dir}/")]
