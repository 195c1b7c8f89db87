"""The way in as people have it: a service, a relay of its own process, a real machine."""

from __future__ import annotations

import asyncio
import subprocess
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, TypeVar

import asyncssh

from jupyterhub_vmshare.db.tables import machines
from jupyterhub_vmshare.machines import drives, life
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.relay.ways import RelayAddress
from tests.fixtures.api import Api, Json
from tests.fixtures.sandboxes import PACKAGES, KeeperProcess
from tests.fixtures.service import RunningService
from tests.fixtures.waiting import within
from tests.relay.entrance import PATIENCE, Entrance
from tests.relay.relay_process import RelayProcess
from tests.relay.scene import serving


@dataclass
class Live(Entrance):
    """What tests play on."""

    running: RunningService
    api: Api
    keeper: KeeperProcess
    relay: RelayProcess
    where: Path
    id: str = ""
    patience: float = PATIENCE
    """Seconds that a machine may take to do what it is asked."""

    @property
    def port(self) -> int:
        """The relay's."""
        return self.relay.port

    async def make(self, name: str, *, by: str = "ana", drive_gib: int = 0) -> str:
        """A machine of somebody's that runs and has a way in."""
        asked = {"name": name, "size": "small", "image": "debian", "drive_gib": drive_gib}
        made = str((await self.api(by).ask("POST", "/machines", asked))["id"])
        await self.state_is("running", machine=made, by=by)
        async with within(self.patience, f"The way into {name}, or its drive,"):
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
        async with within(2 * self.patience, f"A machine's way to {state}"):
            while (await self.seen(machine or self.id, by))["state"] != state:
                await asyncio.sleep(0.05)

    async def seen(self, machine: str, by: str = "ana") -> Json:
        """As the API shows it."""
        return await self.api(by).ask("GET", f"/machines/{machine}")

    async def row(self, machine: str) -> Any:
        """As the database has it."""
        async with self.running.service.db.read() as conn:
            return (await conn.execute(machines.select().where(machines.c.id == machine))).one()

    async def says(self, line: str, *, by: str = "ana") -> str:
        """What somebody sees there."""
        async with await self.enter(by) as conn:
            done = await conn.run(line, stdin=asyncssh.DEVNULL)
        return str(done.stdout).strip()

    async def until_it_says(self, line: str, *wanted: str) -> None:
        """Wait until ana sees one of these there."""
        seen = ""
        async with within(self.patience, f"{wanted} of {line!r}"):
            while seen not in wanted:
                seen = await self.says(line)

    async def until_told(self, path: str, **wanted: Any) -> Json:
        """Wait until the service says so."""
        told: Json = {}
        async with within(self.patience, f"{wanted} at {path}"):
            while any(told.get(name) != value for name, value in wanted.items()):
                told = await self.api("ana").ask("GET", path)
                await asyncio.sleep(0.05)
        return told

    async def delete(self, thing: str, by: str = "ana") -> None:
        """For ever, as the page of the service does, and until the service knows of it no more."""
        verb, path = (
            (life.delete, "machines") if thing.startswith("mch_") else (drives.delete, "drives")
        )
        owner = (await self.api(by).ask("GET", f"/{path}/{thing}"))["owner"]
        async with self.running.service.db.write() as tx:
            await verb(tx, Person(owner), thing)
        async with within(self.patience, f"The end of {thing}"):
            while (await self.api(owner).get(f"/{path}/{thing}")).status_code != 404:
                await asyncio.sleep(0.05)

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
        async with within(self.patience, f"The end of the processes of {uid}"):
            while await self.of(uid):
                await asyncio.sleep(0.05)

    async def until_there(self, uid: int, *programs: str) -> None:
        """Wait until all of these run."""
        async with within(self.patience, f"The beginning of {', '.join(programs)}"):
            while True:
                there = "\n".join(await self.of(uid))
                if all(program in there for program in programs):
                    return
                await asyncio.sleep(0.05)

    async def eventually(self, conn: asyncssh.SSHClientConnection, command: str, said: str) -> None:
        """Wait until a command there says that."""
        async with within(2 * self.patience, f"{said!r} of {command!r}"):
            while (await conn.run(command, stdin=asyncssh.DEVNULL)).stdout != said:
                await asyncio.sleep(0.1)

    async def unused_for(self, minutes: int) -> None:
        """As if so much time had passed."""
        then = datetime.now(UTC) - timedelta(minutes=minutes)
        changed = machines.update().where(machines.c.id == self.id)
        async with self.running.service.db.write() as tx:
            await tx.conn.execute(changed.values(active_at=then, warned_at=None))

    async def is_kept_on(self) -> None:
        """Somebody looked, and saw that it is used."""
        await self.unused_for(55)
        async with within(2 * self.patience, "A look that sees it used"):
            while datetime.now(UTC) - (await self.row(self.id)).active_at > timedelta(minutes=54):
                await self.running.service.telling.ask_for_use()
                await asyncio.sleep(0.3)


Played = TypeVar("Played", bound=Live)


@asynccontextmanager
async def live(
    where: Path,
    *,
    relay_options: tuple[str, ...] = (),
    armed: Path | None = None,
    packages: tuple[str, ...] = PACKAGES,
) -> AsyncIterator[Live]:
    """Everything on sandboxes, with ana's machine. With ``armed`` the relay kills itself there."""
    keeper = KeeperProcess(where / "keeper", packages=packages)
    async with played(Live, keeper, where, relay_options, armed) as found:
        yield found


@asynccontextmanager
async def played(
    kind: type[Played],
    keeper: KeeperProcess,
    where: Path,
    relay_options: tuple[str, ...] = (),
    armed: Path | None = None,
) -> AsyncIterator[Played]:
    """Everything on the machines of a keeper, with ana's machine."""
    keeper.where.mkdir()
    async with AsyncExitStack() as stack:
        stack.callback(keeper.stop)
        await asyncio.to_thread(keeper.start)
        running = await serving(stack, where, keeper.cloud())
        url = running.url + running.service.settings.prefix
        relay = RelayProcess(url, where / "relay.log", relay_options, armed=armed)
        running.service.ways.address = RelayAddress("127.0.0.1", relay.port)
        stack.callback(relay.kill)
        await relay.start()
        found = kind(running, Api(running, stack), keeper, relay, where)
        found.id = await found.make("gpu-box", drive_gib=1)
        yield found
