"""A service, a relay and machines, with a cable between each two that can swallow everything."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import asyncssh

from jupyterhub_vmshare.cloud.port import Address, MachineWanted, SeenMachine
from jupyterhub_vmshare.relay.accounts import AccountRow
from jupyterhub_vmshare.relay.ways import RelayAddress
from tests.fixtures.api import Api
from tests.relay.cables import Cable, Network, network
from tests.relay.relay_process import RelayProcess
from tests.relay.scene import SshCloud, Stage, serving

SOON = 3.0
"""Seconds that the answer of a revoke waits for machines here."""
LONG = 90.0
"""Seconds: a swallowed connection is given up after twenty, and made again within ten."""


@dataclass
class NetworkCloud(SshCloud):
    """Machines that are reached over a cable: the first ones over one, later ones over another."""

    cables: Sequence[Cable] = ()
    doors: dict[str, tuple[str, asyncio.Server]] = field(default_factory=dict)

    async def create_machine(self, wanted: MachineWanted) -> str:
        name = await super().create_machine(wanted)
        socket = self.real[name].socket
        host = self.cables[min(len(self.doors), len(self.cables) - 1)].here

        async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            inside, out = await asyncio.open_unix_connection(str(socket))
            with contextlib.suppress(OSError):
                await asyncio.wait(
                    [
                        asyncio.create_task(_hand_on(*way))
                        for way in ((reader, out), (inside, writer))
                    ],
                    return_when=asyncio.FIRST_COMPLETED,
                )
            for end in (out, writer):
                end.transport.abort()

        self.doors[name] = host, await asyncio.start_server(carry, host, 0)
        return name

    def _as_seen(self, machine: str) -> SeenMachine:
        seen = super()._as_seen(machine)
        if machine not in self.doors:
            return seen
        host, server = self.doors[machine]
        port = server.sockets[0].getsockname()[1]
        return replace(seen, address=Address(host=host, port=port))


async def _hand_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):
        while data := await reader.read(65536):
            writer.write(data)
            await writer.drain()


@dataclass
class Holes(Stage):
    """A service, a relay and two machines, each at the end of a cable."""

    relay: RelayProcess = field(kw_only=True)
    network: Network = field(kw_only=True)
    second: str = ""

    @property
    def port(self) -> int:
        return self.relay.port

    async def knock(self, **more: Any) -> asyncssh.SSHClientConnection:
        return await asyncssh.connect(
            self.relay.host, self.port, known_hosts=None, config=None, agent_path=None, **more
        )

    async def links(self) -> int:
        """How many the relay has."""
        return int((await self.relay.state())[1]["links"])

    @contextlib.contextmanager
    def at(self, machine: str) -> Any:
        """What is done in the block is done on that machine."""
        own, self.id = self.id, machine
        try:
            yield
        finally:
            self.id = own

    async def rows(self) -> list[AccountRow]:
        """The accounts on the machine, as the service has them."""
        return await self.running.service.ways.accounts_on([self.id])

    async def row(self, person: str) -> AccountRow:
        return next(each for each in await self.rows() if each.person == person)

    async def stop_sharing(self, within: float) -> dict[str, Any]:
        """What the answer says of each person's links there."""
        async with asyncio.timeout(within):
            told = await self.api("ana").ask("DELETE", f"/machines/{self.id}/grants")
        return {each["person"]: each for each in told["links"]}

    async def is_locked(self, *people: str) -> None:
        """Wait until the machine has obeyed."""
        open_yet: list[str] = []
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LONG):
                while open_yet := [
                    each.person
                    for each in await self.rows()
                    if each.person in people and (each.is_open or each.is_to_be_locked)
                ]:
                    await asyncio.sleep(0.05)
        assert open_yet == [], self.relay.log.read_text()

    async def user(self, person: str) -> None:
        """Somebody has accepted an invitation."""
        asked = {"grants": [{"receiver": person}]}
        told = await self.api("ana").ask("POST", f"/machines/{self.id}/users", asked)
        await self.api(person).accept(str(told["results"][0]["grant"]["id"]))


@asynccontextmanager
async def holes(where: Path, *, keepalive: int = 1) -> AsyncIterator[Holes]:
    """All of it, with two machines of ana's. Raises `OSError` where no network can be made."""
    async with AsyncExitStack() as stack:
        made = stack.enter_context(network("people", "service", "first", "second"))
        cables = made.cables
        cloud = NetworkCloud(cables=[cables["first"], cables["second"]])
        stack.callback(cloud.stop)
        running = await serving(stack, where, cloud, address="0.0.0.0:0", cut_within=SOON)
        url = f"http://{cables['service'].here}:{running.service.port}"
        relay = RelayProcess(
            url + running.service.settings.prefix,
            where / "relay.log",
            (f"--RunRelay.keepalive={keepalive}",),
            host=cables["people"].there,
            inside=made.inside,
        )
        running.service.ways.address = RelayAddress(relay.host, relay.port)
        stack.callback(relay.kill)
        await relay.start()
        found = Holes(running, Api(running, stack), cloud, where, relay=relay, network=made)
        found.id = await found.make()
        found.second = await found.make("other-box")
        yield found
