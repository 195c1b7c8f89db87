"""A hub with mounts, and real sandboxes that people of it are on."""

from __future__ import annotations

import asyncio
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import httpx2
import pytest

from deploy.demo.people import SERVICE_ACCOUNT
from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.reach import Done, Link, LinkCut, open_link, run
from jupyterhub_vmshare.relay.sealing import new_key
from tests.fixtures.cloud_site import KEEPER, sandboxes
from tests.fixtures.hub_process import ROOT, free_port
from tests.fixtures.mounted_hub import MountedHub, eventually, running_with_mounts
from tests.fixtures.real_hub import PREFIX
from tests.fixtures.sandboxes import KeeperProcess, missing_for_sandboxes
from tests.fixtures.world import SmallWorld

WITHIN = 30.0


@dataclass
class Site:
    """The hub with its sessions, and a machine of ana's that ben may use."""

    hub: MountedHub
    keeper: KeeperProcess
    machine: str = ""
    loop: asyncio.AbstractEventLoop = field(default_factory=asyncio.new_event_loop)
    _links: dict[str, tuple[AsyncClient, Link]] = field(default_factory=dict)

    def make_machine(self, name: str = "gpu-box") -> str:
        """One of ana's that runs and that she can enter."""
        asked = {"name": name, "size": "small", "image": "debian", "drive_gib": 0}
        with self.hub.person("ana") as ana:
            self.machine = ana.post("/machines", json=asked).raise_for_status().json()["id"]
        self.wait_for("running")
        return self.machine

    def wait_for(self, state: str) -> None:
        """Until the machine is in a state."""

        def seen() -> Any:
            with self.hub.person("ana") as ana:
                return ana.get(f"/machines/{self.machine}").json()["state"]

        eventually(seen, lambda found: found == state, WITHIN)

    def let_in(self, person: str) -> str:
        """They may use it; the grant."""
        asked = {"grants": [{"receiver": person}]}
        with self.hub.person("ana") as ana:
            told = ana.post(f"/machines/{self.machine}/users", json=asked).raise_for_status()
        grant = str(told.json()["results"][0]["grant"]["id"])
        self.hub.accept(grant, person)
        return grant

    def choose(self, person: str, folder: str, *, acknowledged: bool = True) -> httpx2.Response:
        """Have a folder on the machine."""
        with self.hub.person(person) as client:
            path = f"/folders/{folder}/machines/{self.machine}"
            return client.put(path, json={"acknowledged": acknowledged})

    def unchoose(self, person: str, folder: str) -> None:
        """Have it there no more."""
        with self.hub.person(person) as client:
            client.delete(f"/folders/{folder}/machines/{self.machine}").raise_for_status()

    def on_machine(self, person: str, command: str) -> Done:
        """A command of somebody's there."""
        try:
            return self.loop.run_until_complete(self._on_machine(person, command))
        except LinkCut:  # nobody has looked at it since it was cut
            self.loop.run_until_complete(self._left(person))
            return self.loop.run_until_complete(self._on_machine(person, command))

    async def _on_machine(self, person: str, command: str) -> Done:
        if person in self._links and not self._links[person][1].is_open:
            await self._left(person)
        if person not in self._links:
            token = self.hub.hub.process.token_for(person, ["custom:vmshare:use"])
            client = AsyncClient(f"{self.hub.hub.url}{PREFIX}", token)
            self._links[person] = client, await self._entered(client)
        return await run(self._links[person][1], command, within=WITHIN)

    async def _entered(self, client: AsyncClient) -> Link:
        until = time.monotonic() + WITHIN
        while True:
            link = await open_link(client, self.machine)
            done = await run(link, "true")
            if done.ok:
                return link
            assert time.monotonic() < until, done
            await link.close()
            await asyncio.sleep(0.2)

    async def _left(self, person: str) -> None:
        client, link = self._links.pop(person)
        await link.close()
        await client.close()

    def leave(self) -> None:
        """Close what is open to the machine."""
        for person in list(self._links):
            self.loop.run_until_complete(self._left(person))

    def inside(self, *command: str) -> subprocess.CompletedProcess[str]:
        """A command as the machine's root, by the host's means."""
        [pid] = self.keeper.machine_pids()
        words = ["nsenter", "-t", str(pid), "-U", "-m", "-p", "-n", "-S", "0", "-G", "0", *command]
        return subprocess.run(words, capture_output=True, text=True, check=False, timeout=WITHIN)

    def mounted(self) -> list[str]:
        """Where programs' file systems are mounted on the machine, by anybody."""
        lines = self.inside("cat", "/proc/self/mountinfo").stdout.splitlines()
        return [line.split()[4] for line in lines if " - fuse" in line]

    def until_mounted(self, *places: str) -> None:
        """Until exactly these are."""
        eventually(self.mounted, lambda found: sorted(found) == sorted(places), WITHIN)

    def standing(self, person: str) -> Any:
        """What the person's notebook server says of it."""
        client = self.hub.kernel(person).client
        return client.get("/vmshare/shown").raise_for_status().json()["shown"]


@pytest.fixture(scope="module")
def site(small_world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    keeper = KeeperProcess(tmp_path_factory.mktemp("keeper"))
    told = {
        "VMSHARE_CLOUD": f"{sandboxes.__module__}:{sandboxes.__name__}",
        "PYTHONPATH": str(ROOT),
        KEEPER: str(keeper.socket),
        "VMSHARE_SEALING_KEY": new_key(),
    }
    relay = f"127.0.0.1:{free_port()}"
    # The account is made with the hub; the keeper is asked for nothing before that.
    with running_with_mounts(small_world, environment=told, relay=relay) as hub:
        keeper.options = (*keeper.options, f"--service-user={SERVICE_ACCOUNT}")
        try:
            keeper.start()
            made = Site(hub, keeper)
            made.make_machine()
            yield made
            made.leave()
        finally:
            keeper.stop()
