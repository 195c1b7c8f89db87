"""The service's process is killed while it has real machines made, changed and deleted.

In each named step of each verb SIGKILL ends it, and another one takes over from the database: all
comes true, of everything there is exactly one, and a machine that nobody touches never blinks.
The reconciler alone is killed in many more steps, in memory: ``tests/reconcile``.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncssh
import httpx2
import pytest
import pytest_asyncio

from jupyterhub_vmshare.cloud.kept import KeptCloud
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.machines import drives, life
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.relay.sealing import new_key
from tests.crashes.process import PREFIX, Victim
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Json
from tests.fixtures.sandboxes import IMAGE, KeeperProcess, missing_for_sandboxes
from tests.fixtures.world import SmallWorld
from tests.relay.relay_process import RelayProcess, free_port
from tests.relay.scene import SECRET

pytestmark = [pytest.mark.asyncio, pytest.mark.machines]

PATIENCE = 60.0
BOX = {"size": "small", "image": IMAGE, "drive_gib": 0}


@dataclass
class Works:
    """A keeper with a machine that nobody touches, and a service that is killed beside it."""

    keeper: KeeperProcess
    cloud: KeptCloud
    victim: Victim
    client: httpx2.AsyncClient
    db: Database
    relay_port: int
    beside: int = 0
    there: dict[str, set[str]] = field(
        default_factory=lambda: {"machines": set(), "drives": set(), "snapshots": set()}
    )
    """The ids of what should be there."""

    async def ask(self, method: str, path: str, body: Json | None = None) -> Json:
        key = uuid.uuid5(uuid.NAMESPACE_URL, f"{method} {path} {body}")
        answer = await self.client.request(
            method, self.victim.api_url + path, json=body, headers={"Idempotency-Key": str(key)}
        )
        assert answer.is_success, answer.text
        return dict(answer.json())

    async def until(self, path: str, **wanted: Any) -> Json:
        """What is told there once all of it is so."""
        told: Json = {}
        async with asyncio.timeout(PATIENCE):
            while any(told.get(name) != value for name, value in wanted.items()) or not told:
                await asyncio.sleep(0.05)
                told = await self.ask("GET", path)
        return told

    async def killed(self, step: str, act: Callable[[], Awaitable[Any]]) -> Any:
        """What an act came to, after which the service dies at a step, and is followed by one."""
        await self.victim.stop()
        await self.victim.start(step)
        is_answered, told = True, None
        try:
            told = await act()
        except httpx2.TransportError:
            is_answered = False
        await self.victim.died(PATIENCE)
        assert self.beside in self.pids()
        await self.victim.start()
        # It may have died before it answered: people ask again then, with the same key.
        return told if is_answered else await act()

    def pids(self) -> list[int]:
        """The first processes of all machines."""
        return self.keeper.machine_pids()

    async def is_whole(self) -> None:
        """One of each that is wanted, and nothing else."""
        async with asyncio.timeout(PATIENCE):
            while await self._marks() != {k: sorted(v) for k, v in self.there.items()}:
                await asyncio.sleep(0.1)
        assert self.beside in self.pids()

    async def _marks(self) -> dict[str, list[str]]:
        cloud = self.cloud
        return {
            "machines": sorted(seen.mark for seen in await cloud.machines()),
            "drives": sorted(seen.mark for seen in await cloud.drives()),
            "snapshots": sorted(seen.mark for seen in await cloud.snapshots()),
        }


@pytest_asyncio.fixture
async def works(tmp_path: Path, hub: FakeHub, small_world: SmallWorld) -> AsyncIterator[Works]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    small_world.move_into(hub)
    keeper, url = KeeperProcess(tmp_path), f"sqlite:///{tmp_path}/vmshare.sqlite"
    port = free_port()
    told = {"key": new_key(), "secret": SECRET.decode(), "port": port}
    victim = Victim(tmp_path, url, hub, sandboxes=str(keeper.socket), way_in=told)
    header = {"Authorization": f"token {hub.own_token('ana')}"}
    db = Database(url)
    async with httpx2.AsyncClient(headers=header, timeout=PATIENCE) as client:
        try:
            keeper.start()
            await victim.start()
            yield Works(keeper, keeper.cloud(), victim, client, db, port)
        finally:
            await victim.close()
            await db.close()
            keeper.stop()


@pytest.mark.timeout(600)
@pytest.mark.parametrize("when", ["marked", "ordered", "recorded"])
async def test_the_service_dies_in_each_step(works: Works, when: str) -> None:
    beside = await works.ask("POST", "/machines", {"name": "beside", **BOX})
    await works.until(f"/machines/{beside['id']}", state="running")
    [works.beside] = works.pids()
    works.there["machines"].add(beside["id"])
    box, drive = await made(works, when)
    await changed(works, when, box, drive)
    await gone(works, when, box, drive)
    assert (await works.ask("GET", f"/machines/{beside['id']}"))["state"] == "running"


@pytest.mark.scenario("V7")
async def test_a_link_does_not_blink_when_the_service_is_killed(
    works: Works, tmp_path: Path
) -> None:
    """In the middle of making another machine; then the next one can cut it."""
    box = (await works.ask("POST", "/machines", {"name": "beside", **BOX}))["id"]
    await works.until(f"/machines/{box}", state="running")
    [works.beside] = works.pids()
    relay = RelayProcess(works.victim.url + PREFIX, tmp_path / "relay.log", port=works.relay_port)
    try:
        await relay.start()
        async with await entered(works, box) as conn:
            cats = await conn.create_process("cat")
            await _echo(cats, "here")
            new = {"name": "box", **BOX}
            await works.killed(
                "machines.create.ordered", lambda: works.ask("POST", "/machines", new)
            )
            await _echo(cats, "still here")
            works.victim.kill()
            await _echo(cats, "without any service")
            assert (await conn.run("echo new", stdin=asyncssh.DEVNULL)).stdout == "new\n"
            await works.victim.died(PATIENCE)
            await works.victim.start()
            async with asyncio.timeout(PATIENCE):
                while not await relay.is_well():
                    await asyncio.sleep(0.05)
            await _echo(cats, "and with the next one")
            await works.ask("POST", f"/machines/{box}/stop")
            await works.until(f"/machines/{box}", state="stopped")
            async with asyncio.timeout(PATIENCE):
                await conn.wait_closed()
    finally:
        relay.kill()


async def entered(works: Works, box: str) -> asyncssh.SSHClientConnection:
    """Ana's connection, as the command line makes it."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = key.export_public_key().decode().strip()
    told = await works.ask("POST", f"/machines/{box}/certificates", {"public_key": line})
    shown = (key, asyncssh.import_certificate(told["certificate"]))
    return await asyncssh.connect(
        told["host"],
        told["port"],
        username=told["user"],
        client_keys=[shown],
        known_hosts=None,
        config=None,
        agent_path=None,
    )


async def _echo(cats: asyncssh.SSHClientProcess[str], word: str) -> None:
    cats.stdin.write(f"{word}\n")
    async with asyncio.timeout(PATIENCE):
        assert await cats.stdout.readline() == f"{word}\n"


async def made(works: Works, when: str) -> tuple[str, str]:
    """A machine and a drive on it."""
    ask, until = works.ask, works.until
    box = (
        await works.killed(
            f"machines.create.{when}", lambda: ask("POST", "/machines", {"name": "box", **BOX})
        )
    )["id"]
    works.there["machines"].add(box)
    await until(f"/machines/{box}", state="running")
    await works.is_whole()
    data = {"name": "data", "size_gib": 1}
    told = await works.killed(f"drives.create.{when}", lambda: ask("POST", "/drives", data))
    drive = told["id"]
    works.there["drives"].add(drive)
    await until(f"/drives/{drive}", state="ready")
    on = f"/drives/{drive}/writer/{box}"
    await works.killed(f"attachments.attach.{when}", lambda: ask("PUT", on))
    await is_on(works, drive, box)
    return str(box), str(drive)


async def is_on(works: Works, drive: str, box: str) -> None:
    """It is on that machine alone, in the cloud as in the answer."""
    async with asyncio.timeout(PATIENCE):
        told: Json = {"machines": []}
        while [(one["machine_id"], one["state"]) for one in told["machines"]] != [
            (box, "attached")
        ]:
            await asyncio.sleep(0.05)
            told = await works.ask("GET", f"/drives/{drive}")
    [seen] = await works.cloud.drives()
    assert len(seen.attached_to) == 1
    await works.is_whole()


async def changed(works: Works, when: str, box: str, drive: str) -> None:
    """Larger, copied, stopped, and anew."""
    ask, path = works.ask, f"/machines/{box}"
    larger = {"size_gib": 2}
    await works.killed(f"drives.extend.{when}", lambda: ask("PUT", f"/drives/{drive}/size", larger))
    await works.until(f"/drives/{drive}", state="ready", size_gib=2)
    [seen] = await works.cloud.drives()
    assert seen.size_gib == 2
    tools = {"name": "tools"}
    taken = await works.killed(
        f"snapshots.create.{when}", lambda: ask("POST", f"{path}/snapshots", tools)
    )
    works.there["snapshots"].add(taken["id"])
    await works.until(f"/machine-snapshots/{taken['id']}", state="ready")
    await works.is_whole()
    await works.killed(f"machines.stop.{when}", lambda: ask("POST", f"{path}/stop"))
    await works.until(path, state="stopped")
    assert works.pids() == [works.beside]
    source = {"image": IMAGE}
    await works.killed(f"machines.rebuild.{when}", lambda: ask("POST", f"{path}/rebuild", source))
    await works.until(path, state="running")
    await is_on(works, drive, box)


async def gone(works: Works, when: str, box: str, drive: str) -> None:
    """The machine first, of which the drive stays; deleted as the page of the service does."""
    verbs: dict[str, Callable[..., Awaitable[None]]] = {
        "machines": life.delete,
        "drives": drives.delete,
    }
    for kind, thing in (("machines", box), ("drives", drive)):
        if kind == "drives":
            await works.until(f"/drives/{drive}", machines=[], state="ready")

        async def delete(kind: str = kind, thing: str = thing) -> None:
            async with works.db.write() as tx:
                await verbs[kind](tx, Person("ana"), thing)

        await works.killed(f"{kind}.delete.{when}", delete)
        works.there[kind].remove(thing)
        await works.is_whole()
