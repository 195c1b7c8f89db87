"""The way in as people have it: a service, a relay of its own process, a real sandbox."""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import httpx2

from jupyterhub_vmshare.db.tables import machines
from jupyterhub_vmshare.relay.relay_keys import RelayKeys, relay_key_of
from jupyterhub_vmshare.relay.sealing import Sealing, new_key
from jupyterhub_vmshare.relay.ways import RelayAddress
from tests.fakes.hub import fake_hub
from tests.fixtures.api import Api, Json
from tests.fixtures.hub_process import ROOT
from tests.fixtures.sandboxes import KeeperProcess
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld
from tests.relay.entrance import PATIENCE, Entrance
from tests.relay.scene import FAST, RealClock

_SECRET = b"a secret of the service"


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
    port: int = field(default_factory=free_port)
    health: int = field(default_factory=free_port)
    process: subprocess.Popen[bytes] | None = None

    async def start(self) -> None:
        """Returns when it takes people."""
        words = [
            *(sys.executable, "-m", "jupyterhub_vmshare", "relay", f"--service={self.service}"),
            *("--allow-http", "--host=127.0.0.1", f"--port={self.port}"),
            f"--health=127.0.0.1:{self.health}",
            *self.options,
        ]
        environment = {**os.environ, "VMSHARE_RELAY_KEY": relay_key_of(_SECRET, "relay")}
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
            async with httpx2.AsyncClient(trust_env=False) as client:
                answer = await client.get(f"http://127.0.0.1:{self.health}/", timeout=5)
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            return answer.status_code == 200
        return False

    def signal(self, number: signal.Signals) -> None:
        """Stop it, let it go on, or kill it."""
        assert self.process is not None
        self.process.send_signal(number)

    def kill(self) -> None:
        """It dies at once."""
        if self.process is not None:
            self.process.kill()
            self.process.wait(PATIENCE)


@dataclass
class Live(Entrance):
    """What tests play on."""

    running: RunningService
    api: Api
    keeper: KeeperProcess
    relay: RelayProcess
    where: Path
    id: str = ""

    @property
    def port(self) -> int:
        """The relay's."""
        return self.relay.port

    async def make(self, name: str, *, by: str = "ana", drive_gib: int = 0) -> str:
        """A machine of somebody's that runs and has a way in."""
        asked = {"name": name, "size": "small", "image": "debian", "drive_gib": drive_gib}
        made = str((await self.api(by).ask("POST", "/machines", asked))["id"])
        await self.state_is("running", machine=made, by=by)
        async with asyncio.timeout(PATIENCE):
            while not (await self.row(made)).host_keys:
                await asyncio.sleep(0.05)
            # It may run before its drive is there.
            while (
                drive_gib
                and (await self.inside("mountpoint", "-q", "/srv/shared", machine=made)).returncode
            ):
                await asyncio.sleep(0.05)
        return made

    async def state_is(self, state: str, *, machine: str = "", by: str = "ana") -> None:
        """Wait until a machine is in a state."""
        async with asyncio.timeout(2 * PATIENCE):
            while (await self.seen(machine or self.id, by))["state"] != state:
                await asyncio.sleep(0.05)

    async def seen(self, machine: str, by: str = "ana") -> Json:
        """As the API shows it."""
        return await self.api(by).ask("GET", f"/machines/{machine}")

    async def row(self, machine: str) -> Any:
        """As the database has it."""
        async with self.running.service.db.read() as conn:
            return (await conn.execute(machines.select().where(machines.c.id == machine))).one()

    async def give(self, person: str, what: str = "users", **more: Any) -> str:
        """An invitation that is accepted; the grant."""
        asked = {"grants": [{"receiver": person, **more}]}
        told = await self.api("ana").ask("POST", f"/machines/{self.id}/{what}", asked)
        [result] = told["results"]
        assert result["grant"], told
        grant = str(result["grant"]["id"])
        await self.api(person).accept(grant)
        return grant

    async def revoke(self, grant: str) -> Json:
        """The service's answer."""
        return await self.api("ana").ask("DELETE", f"/grants/{grant}")

    async def inside(self, *command: str, machine: str = "") -> subprocess.CompletedProcess[str]:
        """A command on a machine as its root, by the host's means."""
        pid = self.keeper.pid((await self.row(machine or self.id)).cloud_id)
        words = ["nsenter", "-t", str(pid), "-U", "-m", "-p", "-n", "-S", "0", "-G", "0", *command]
        return await asyncio.to_thread(
            subprocess.run, words, capture_output=True, text=True, check=False, timeout=PATIENCE
        )

    async def of(self, uid: int, *, machine: str = "") -> list[str]:
        """The command lines of somebody's processes there, whether they run or are stopped."""
        told = await self.inside("ps", "-o", "args=", "-u", str(uid), machine=machine)
        return told.stdout.split("\n")[:-1]

    async def nothing_of(self, uid: int) -> None:
        """Wait until nothing runs as that account."""
        async with asyncio.timeout(PATIENCE):
            while await self.of(uid):
                await asyncio.sleep(0.05)

    async def until_there(self, uid: int, *programs: str) -> None:
        """Wait until all of these run."""
        async with asyncio.timeout(PATIENCE):
            while True:
                there = "\n".join(await self.of(uid))
                if all(program in there for program in programs):
                    return
                await asyncio.sleep(0.05)

    async def eventually(self, conn: asyncssh.SSHClientConnection, command: str, said: str) -> None:
        """Wait until a command there says that."""
        async with asyncio.timeout(2 * PATIENCE):
            while (await conn.run(command, stdin=asyncssh.DEVNULL)).stdout != said:
                await asyncio.sleep(0.1)


@asynccontextmanager
async def live(where: Path, *, relay_options: tuple[str, ...] = ()) -> AsyncIterator[Live]:
    """Everything, with ana's machine on it."""
    world = SmallWorld()
    keeper = KeeperProcess(where / "keeper")
    keeper.where.mkdir()
    async with AsyncExitStack() as stack:
        stack.callback(keeper.stop)
        await asyncio.to_thread(keeper.start)
        hub = await stack.enter_async_context(fake_hub())
        world.move_into(hub)
        running = await stack.enter_async_context(
            running_service(
                where,
                f"sqlite:///{where / 'db.sqlite'}",
                hub,
                world,
                clock=RealClock(),
                cloud=keeper.cloud(),
                pace=FAST,
                sealing=Sealing.of(new_key(), "the test"),
                relays=RelayKeys((_SECRET,), ("relay",)),
                cut_within=PATIENCE,
            )
        )
        url = running.url + running.service.settings.prefix
        relay = RelayProcess(url, where / "relay.log", relay_options)
        running.service.ways.address = RelayAddress("127.0.0.1", relay.port)
        stack.callback(relay.kill)
        await relay.start()
        found = Live(running, Api(running, stack), keeper, relay, where)
        found.id = await found.make("gpu-box", drive_gib=1)
        yield found
