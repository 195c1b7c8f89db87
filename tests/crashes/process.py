"""A victim seen from outside: started, killed by itself, started again at the same address."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import sys
from pathlib import Path
from typing import Any

from tests.fakes.hub import FakeHub

ROOT = Path(__file__).resolve().parents[2]
PREFIX = "/services/vmshare/"


class Victim:
    """One address, one database, one store, and one process after the other."""

    def __init__(self, where: Path, db_url: str, hub: FakeHub, **settings: Any) -> None:
        with socket.create_server(("127.0.0.1", 0)) as free:
            self.port = int(free.getsockname()[1])
        self.url = f"http://127.0.0.1:{self.port}"
        self.api_url = f"{self.url}{PREFIX}api"
        self.db_url, self.store, self.log = db_url, where / "store", where / "victim.log"
        self.armed: str | None = None
        """The step at which the running process will end."""
        self._hub, self._more = hub, settings
        self._up, self._dead = asyncio.Event(), asyncio.Event()
        self._pid = self.code = 0
        self._lives: asyncio.subprocess.Process | None = None
        self._reading: asyncio.Task[None] | None = None

    async def start(self, step: str | None = None, times: int = 1) -> None:
        """Start it; returns when it takes requests, or has reached its step before that."""
        self.armed = step
        self._dead.clear()
        lives = self._lives or await self._begin()
        assert lives.stdin is not None
        told = self._settings() | {"step": step, "times": times}
        lives.stdin.write(json.dumps(told).encode() + b"\n")
        waiting = [asyncio.ensure_future(event.wait()) for event in (self._up, self._dead)]
        done, others = await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED, timeout=120)
        for task in others:
            task.cancel()
        assert done, f"neither up nor dead after two minutes; see {self.log}"

    async def _begin(self) -> asyncio.subprocess.Process:
        with self.log.open("ab") as log:
            self._lives = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "tests.crashes.victim"),
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
                stderr=log,
                cwd=ROOT,
            )
        self._reading = asyncio.create_task(self._read(self._lives))
        return self._lives

    async def _read(self, lives: asyncio.subprocess.Process) -> None:
        assert lives.stdout is not None
        async for line in lives.stdout:
            word, _, number = line.decode().strip().partition(" ")
            if word == "alive":
                self._pid = int(number)
            elif word == "ready":
                self._up.set()
            else:
                self._pid, self.code = 0, int(number)
                self._up.clear()
                self._dead.set()

    def _settings(self) -> dict[str, Any]:
        return {
            "db_url": self.db_url,
            "store": str(self.store),
            "hub_api_url": self._hub.api_url,
            "hub_token": self._hub.service_token,
            "hub_host": self._hub.url,
            "address": f"127.0.0.1:{self.port}",
            "teams_every": 2.0,
            **self._more,
        }

    async def up(self) -> None:
        """Wait until it takes requests."""
        await self._up.wait()

    async def died(self, seconds: float) -> None:
        """Wait until it has killed itself."""
        async with asyncio.timeout(seconds):
            await self._dead.wait()
        assert self.code == -signal.SIGKILL, f"ended by itself with {self.code}; see {self.log}"

    async def stop(self) -> None:
        """End it in peace."""
        if self._pid:
            os.kill(self._pid, signal.SIGTERM)
            async with asyncio.timeout(30):
                await self._dead.wait()

    def kill(self) -> None:
        """It dies at once, wherever it is."""
        os.kill(self._pid, signal.SIGKILL)

    async def close(self) -> None:
        """End it in any case, and what starts it."""
        if self._pid:
            os.kill(self._pid, signal.SIGKILL)
        if self._lives is not None and self._lives.stdin is not None:
            self._lives.stdin.close()
            await self._lives.wait()
        if self._reading is not None:
            await self._reading
