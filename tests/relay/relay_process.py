"""The relay as an operator starts it: a process of its own."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx2

from jupyterhub_vmshare.relay.relay_keys import relay_key_of
from tests.fixtures.hub_process import ROOT
from tests.relay.entrance import PATIENCE
from tests.relay.scene import SECRET


def free_port() -> int:
    """One that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@dataclass
class RelayProcess:
    """The relay as an operator starts it; killed and started again, it has the same port."""

    service: str
    log: Path
    options: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    inside: tuple[str, ...] = ()
    """What starts a program in the relay's own network."""
    port: int = field(default_factory=free_port)
    health: int = field(default_factory=free_port)
    name: str = "relay"
    secret: bytes = SECRET
    """What its key is made from."""
    armed: Path | None = None
    """It kills itself at the step that is written there."""
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns when it takes people."""
        if self.armed is None:
            program = ("jupyterhub_vmshare", "relay")
        else:
            self.armed.write_text("")
            program = ("tests.relay.victim", str(self.armed))
        words = [
            *self.inside,
            *(sys.executable, "-m", *program, f"--service={self.service}"),
            *(
                f"--relay-name={self.name}",
                "--allow-http",
                f"--host={self.host}",
                f"--port={self.port}",
            ),
            f"--health={self.host}:{self.health}",
            *self.options,
        ]
        environment = {**os.environ, "VMSHARE_RELAY_KEY": relay_key_of(self.secret, self.name)}
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                words, env=environment, stdout=log, stderr=log, start_new_session=True, cwd=ROOT
            )
        async with asyncio.timeout(PATIENCE):
            while not await self.is_well():
                await asyncio.sleep(0.05)

    @property
    def pid(self) -> int:
        """Of the one that runs."""
        assert self.process is not None
        return self.process.pid

    async def is_well(self) -> bool:
        """It hears the service, and listens."""
        with contextlib.suppress(httpx2.TransportError, OSError):
            status, _ = await self.state()
            _, writer = await asyncio.open_connection(self.host, self.port)
            writer.close()
            return status == 200
        return False

    async def state(self) -> tuple[int, dict[str, Any]]:
        """What it tells of itself."""
        async with httpx2.AsyncClient(trust_env=False) as client:
            answer = await client.get(f"http://{self.host}:{self.health}/", timeout=5)
        return answer.status_code, answer.json()

    def signal(self, number: signal.Signals) -> None:
        """Stop it, let it go on, or kill it."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """It dies at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)

    async def died(self) -> None:
        """Wait until it has killed itself."""
        assert self.process is not None
        code = await asyncio.to_thread(self.process.wait, PATIENCE)
        assert code == -signal.SIGKILL, f"ended by itself with {code}; see {self.log}"
