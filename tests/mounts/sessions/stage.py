"""What plays the agent, and starts sessions by what the hub starts them with."""

from __future__ import annotations

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from jupyterhub_vmshare.spawning.wrapping import LAUNCHER

PATIENCE = 20.0
NOBODY = 65534


def missing() -> str | None:
    if os.geteuid() != 0:
        return "Mounting needs root: run the tests as root."
    if not Path("/usr/bin/bwrap").exists():
        return "Bubblewrap is missing: scripts/install.sh test installs it."
    return None


@dataclass
class Stage:
    """An agent's run directory, a home, and a store; the test plays the agent."""

    where: Path

    @property
    def run(self) -> Path:
        return self.where / "run"

    @property
    def home(self) -> Path:
        return self.where / "home"

    @property
    def mount(self) -> Path:
        return self.run / "views/ses_1/m"

    def appear(self, *names: str) -> None:
        """What the agent does when a guard starts to serve the session."""
        call("mount", "-t", "tmpfs", "-o", "nosuid,nodev", "guard", str(self.mount))
        for name in names:
            (self.mount / name).mkdir()
        call("umount", str(self.run / "doors/ses_1/m"))

    def disappear(self) -> None:
        call("umount", "--lazy", str(self.mount))

    def words(self, *options: str, view: bool = True) -> list[str]:
        seen = [f"--view={self.run}/views/ses_1", f"--door={self.run}/doors/ses_1"] if view else []
        hidden = [f"--hide={self.run}", f"--hide={self.where}/store"]
        launcher = ["/usr/bin/python3", "-I", "-S", str(LAUNCHER), "--bwrap=/usr/bin/bwrap"]
        return [*launcher, *seen, *hidden, *options, "--"]

    def start(self, program: str, *options: str, uid: int = NOBODY, **more: bool) -> Program:
        """A session that runs this shell program."""
        return Program(
            subprocess.Popen(
                # Whoever runs the tests may have let signals be ignored (nohup does).
                ["env", "--default-signal", *self.words(*options, **more), "sh", "-c", program],
                env={"HOME": str(self.home), "PATH": os.environ["PATH"], "STORE": str(self.where)},
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                user=uid,
                group=uid,
                extra_groups=[],
                start_new_session=True,
            )
        )


@dataclass
class Program:
    process: subprocess.Popen[str]

    def line(self) -> str:
        assert self.process.stdout is not None
        return self.process.stdout.readline().strip()

    def say(self, words: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(f"{words}\n")
        self.process.stdin.flush()

    def end(self) -> tuple[int, str, str]:
        """Its exit status, and what it said."""
        out, err = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, out.strip(), err.strip()


def call(*words: str) -> None:
    subprocess.run(words, check=True)
