"""A service, a relay and real machines: everything of the way in but a browser and a cloud."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import asyncssh
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.cloud.port import Address, Cloud, MachineWanted, SeenMachine
from jupyterhub_vmshare.db.database import NewEvent
from jupyterhub_vmshare.db.tables import grants
from jupyterhub_vmshare.errors import WrongState
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.reconcile.pace import Pace
from jupyterhub_vmshare.relay.door.limits import Limits
from jupyterhub_vmshare.relay.door.main import Relay, Settings
from jupyterhub_vmshare.relay.door.service import ServiceAddress
from jupyterhub_vmshare.relay.holding import HeldRights
from jupyterhub_vmshare.relay.relay_keys import RelayKeys, relay_key_of
from jupyterhub_vmshare.relay.rights import Right
from jupyterhub_vmshare.relay.sealing import Sealing, new_key
from jupyterhub_vmshare.relay.ways import RelayAddress
from tests.fakes.cloud import FakeCloud
from tests.fakes.hub import fake_hub
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService, ScriptedClock, running_service
from tests.fixtures.world import SmallWorld
from tests.relay.entrance import PATIENCE, Entrance
from tests.relay.machine import Machine

FAST = Pace(poll=0.01, poll_most=0.05, again=0.01, again_most=0.05, sweep=0.2, grace=0.5)
SECRET = b"a secret of the service"
_LIMITS = Limits(keepalive=5.0, login=6.0, at_the_door=20, links_of_one=4)


class RealClock(ScriptedClock):
    """sshd does not listen to a scripted one."""

    def __call__(self) -> datetime:
        return datetime.now(UTC)


@dataclass
class SshCloud(FakeCloud):
    """The cloud in memory, with a real SSH server for each machine."""

    real: dict[str, Machine] = field(default_factory=dict)

    async def create_machine(self, wanted: MachineWanted) -> str:
        made = Machine(wanted.seed.machine_id, list(wanted.seed.authorities))
        await asyncio.to_thread(made.start)
        name = await super().create_machine(wanted)
        self.real[name] = made
        return name

    def _as_seen(self, machine: str) -> SeenMachine:
        address = Address(unix_path=str(self.real[machine].socket))
        return replace(super()._as_seen(machine), address=address)

    async def host_keys(self, machine: str) -> Sequence[str]:
        return [await asyncio.to_thread(lambda: self.real[machine].host_key)]

    def stop(self) -> None:
        """All of them, with everything on them."""
        for machine in self.real.values():
            machine.stop()


class TickedRights(HeldRights):
    """The real rights, with the ticks that a test clears."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.without: dict[str, frozenset[str]] = {}

    async def right(
        self, conn: AsyncConnection, person: str, machine_id: str, at: datetime
    ) -> Right:
        found = await super().right(conn, person, machine_id, at)
        cleared = self.without.get(person, frozenset())
        later = tuple((when, left - cleared) for when, left in found.later)
        return replace(found, allowed=found.allowed - cleared, later=later, sudo=not cleared)


@dataclass
class Stage(Entrance):
    """What tests play on, whatever the relay is."""

    running: RunningService
    api: Api
    cloud: SshCloud
    where: Path
    id: str = ""

    @property
    def machine(self) -> Machine:
        """The one that ana made."""
        return next(each for each in self.cloud.real.values() if each.machine_id == self.id)

    async def make(self, name: str = "gpu-box") -> str:
        """A machine of ana's that runs."""
        ana = self.api("ana")
        asked = {"name": name, "size": "small", "image": "debian", "drive_gib": 0}
        made = await ana.ask("POST", "/machines", asked)
        async with asyncio.timeout(PATIENCE):
            while (await ana.ask("GET", f"/machines/{made['id']}"))["state"] != "running":
                await asyncio.sleep(0.02)
            while not await self._has_a_door(str(made["id"])):
                await asyncio.sleep(0.02)
        return str(made["id"])

    async def _has_a_door(self, machine_id: str) -> bool:
        async with self.running.service.db.read() as conn:
            try:
                return bool(
                    (await self.running.service.ways.rights.door(conn, machine_id)).host_keys
                )
            except WrongState:
                return False

    async def ends(self, grant: str, at: datetime) -> None:
        """It gets an end date, without an event."""
        async with self.running.service.db.write() as tx:
            changed = grants.update().where(grants.c.id == grant)
            await tx.conn.execute(changed.values(ends_at=at))

    async def give(self, person: str, level: str = "co_own") -> str:
        """What an accepted invitation would leave."""
        grant = new_id("gnt")
        async with self.running.service.db.write() as tx:
            values = {
                "id": grant,
                "thing_id": self.id,
                "receiver_kind": "person",
                "receiver": person,
                "giver": "ana",
                "level": level,
                "state": "active",
                "created_at": tx.at,
                "answered_at": tx.at,
            }
            await tx.conn.execute(grants.insert().values(**values))
        return grant

    async def clear(self) -> None:
        """End what a test that failed has left."""
        async with self.running.service.db.write() as tx:
            ended = {"state": "ended", "ended_why": "revoked", "ended_at": tx.at}
            await tx.conn.execute(grants.update().where(grants.c.state == "active").values(**ended))
        await self.running.service.telling.settled([self.id], PATIENCE)

    async def revoke(self, grant: str, person: str) -> None:
        """As a revoke commits it, with its event."""
        async with self.running.service.db.write() as tx:
            ended = {"state": "ended", "ended_why": "revoked", "ended_at": tx.at}
            await tx.conn.execute(grants.update().where(grants.c.id == grant).values(**ended))
            await tx.record(
                NewEvent(
                    "grant.revoked",
                    actor="ana",
                    audience=frozenset({"ana", person}),
                    thing_id=self.id,
                    thing_name="gpu-box",
                    data={
                        "grant_id": grant,
                        "level": "co_own",
                        "receiver": person,
                        "giver": "ana",
                    },
                )
            )
        await self.running.service.telling.settled([self.id], PATIENCE)


@dataclass
class Scene(Stage):
    """With a relay in this very process."""

    relay: Relay = field(kw_only=True)
    rights: TickedRights = field(kw_only=True)

    @property
    def port(self) -> int:
        """The relay's."""
        return self.relay.port

    def new_relay(self) -> Relay:
        """Another one, as after a restart; it has to be started."""
        return _relay(self.running)


def _relay(running: RunningService) -> Relay:
    url = running.url + running.service.settings.prefix
    where = ServiceAddress(url, "relay", relay_key_of(SECRET, "relay"))
    return Relay(Settings(where, host="127.0.0.1", port=0, limits=_LIMITS))


async def serve(way: Scene, conn: asyncssh.SSHClientConnection, port: int) -> None:
    """A program of theirs that listens."""
    command = f"setsid python3 -m http.server --bind 127.0.0.1 {port} >/dev/null 2>&1 &"
    await conn.run(command, stdin=asyncssh.DEVNULL)
    await way.until(lambda: way.machine.order("listener", port=port)["done"]["uids"])


async def serving(stack: AsyncExitStack, where: Path, cloud: Cloud, **more: Any) -> RunningService:
    """A hub with the small world, and a service with a way in, until the stack ends."""
    world = SmallWorld()
    hub = await stack.enter_async_context(fake_hub())
    world.move_into(hub)
    told: dict[str, Any] = {
        "clock": RealClock(),
        "cloud": cloud,
        "pace": FAST,
        "sealing": Sealing.of(new_key(), "the test"),
        "relays": RelayKeys((SECRET,), ("relay*",)),
        "cut_within": PATIENCE,
    }
    url = f"sqlite:///{where / 'db.sqlite'}"
    return await stack.enter_async_context(
        running_service(where, url, hub, world, **{**told, **more})
    )


@asynccontextmanager
async def scene(where: Path) -> AsyncIterator[Scene]:
    """Everything, with ana's machine on it."""
    cloud = SshCloud()
    async with AsyncExitStack() as stack:
        stack.callback(cloud.stop)
        running = await serving(stack, where, cloud, relay_address=RelayAddress("127.0.0.1"))
        rights = TickedRights(running.service.machines)
        running.service.ways.rights = rights
        relay = _relay(running)
        found = Scene(running, Api(running, stack), cloud, where, relay=relay, rights=rights)
        try:
            await relay.start()
            async with asyncio.timeout(PATIENCE):
                port = await relay.listening()
            running.service.ways.address = RelayAddress("127.0.0.1", port)
            found.id = await found.make()
            yield found
        finally:
            await found.relay.stop()
