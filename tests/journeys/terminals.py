"""Terminals of people, in which they reach machines beside their browser."""

from __future__ import annotations

import os
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

from tests.fixtures.mounted_hub import eventually
from tests.fixtures.real_hub import PREFIX, RealHub

VMSHARE = (sys.executable, "-m", "jupyter_vmshare.cli")
PATIENCE = 60.0


@dataclass
class Terminals:
    """On a hub whose machines have a way in."""

    hub: RealHub
    where: Path
    _started: list[subprocess.Popen[bytes]] = field(default_factory=list)

    def ssh(self, person: str, machine: str, command: str) -> subprocess.CompletedProcess[str]:
        """A command of theirs on a machine, to its end."""
        return subprocess.run(
            [*VMSHARE, "ssh", machine, command],
            env=self._environment(person),
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
            timeout=PATIENCE,
        )

    def wait_for(self, person: str, machine: str, command: str) -> str:
        """What a command writes, once it can be run: a way in may take a moment to come up."""
        done = eventually(
            lambda: self.ssh(person, machine, command), lambda done: done.returncode == 0, PATIENCE
        )
        return done.stdout

    def stay(self, person: str, machine: str, seconds: int) -> subprocess.Popen[bytes]:
        """A session of theirs that stays; returns when they are there."""
        said = self.where / f"{person}-{len(self._started)}"
        with said.open("wb") as out:
            session = subprocess.Popen(
                [*VMSHARE, "ssh", machine, f"echo here; exec sleep {seconds}"],
                env=self._environment(person),
                stdin=subprocess.PIPE,
                stdout=out,
                stderr=subprocess.STDOUT,
            )
        self._started.append(session)
        eventually(said.read_text, lambda text: "here\n" in text, PATIENCE)
        return session

    def end(self) -> None:
        """All that is left of them."""
        for session in self._started:
            session.kill()
            session.wait(PATIENCE)

    def _environment(self, person: str) -> dict[str, str]:
        home = self.where / f"home-{person}"
        home.mkdir(exist_ok=True)
        return {
            "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
            "HOME": str(home),
            "VMSHARE_SERVICE_URL": f"{self.hub.url}{PREFIX}",
            "JUPYTERHUB_API_TOKEN": self.hub.process.token_for(person, ["custom:vmshare:use"]),
            "JUPYTERHUB_USER": person,
        }
