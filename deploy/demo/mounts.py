"""The share-agent beside the demonstration: folders in running sessions, where that is possible."""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from deploy.demo.processes import end, ends_with_us, like

ROOT = Path(__file__).parents[2]
_SECONDS = 15.0


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


class Agent:
    """The agent of one demonstration, started again whenever it dies.

    Its directory is in /run: root's alone, and short enough for the path of a socket.
    """

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        name = hashlib.sha256(str(directory).encode()).hexdigest()[:12]
        self.run_dir = Path(f"/run/vmshare-demo-{name}")
        self._ending = threading.Event()
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def socket(self) -> Path:
        """Where the service finds it."""
        return self.run_dir / "agent.sock"

    @contextlib.contextmanager
    def running(self, log: Path) -> Iterator[None]:
        """On leaving, agent and guard have ended and nothing is mounted any more."""
        # What a demonstration left behind that was killed.
        self._clean()
        supervisor = threading.Thread(target=self._supervise, args=(log,), daemon=True)
        supervisor.start()
        try:
            yield
        finally:
            self._ending.set()
            if self._process is not None:
                end({self._process.pid}, signal.SIGINT, _SECONDS)
            supervisor.join(_SECONDS)
            self._clean()

    def _supervise(self, log: Path) -> None:
        while not self._ending.is_set():
            with log.open("ab") as out:
                self._process = subprocess.Popen(
                    self._words(),
                    stdout=out,
                    stderr=out,
                    start_new_session=True,
                    preexec_fn=ends_with_us(signal.SIGINT),
                )
            self._process.wait()
            self._ending.wait(0.5)

    def _words(self) -> list[str]:
        return [
            *(sys.executable, "-m", "jupyterhub_vmshare", "agent"),
            f"--run={self.run_dir}",
            f"--store={self._directory / 'service/data/store'}",
            f"--guard={guard()}",
            f"--guard-state={self._directory / 'guard'}",
        ]

    def _clean(self) -> None:
        end(like(f"--run={self.run_dir}"), signal.SIGINT, _SECONDS)
        end(like(str(self.run_dir / "guard.sock")), signal.SIGKILL, _SECONDS)
        for place in reversed(self._mounted()):
            subprocess.run(["umount", "--lazy", place], check=False)
        shutil.rmtree(self.run_dir, ignore_errors=True)

    def _mounted(self) -> list[str]:
        lines = Path("/proc/self/mountinfo").read_text().splitlines()
        places = [line.split()[4] for line in lines]
        return [place for place in places if place.startswith(f"{self.run_dir}/")]
