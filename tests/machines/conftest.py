"""A service with a cloud in memory, and what people do with machines most."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from jupyterhub_vmshare.machines import drives, life
from jupyterhub_vmshare.policy import model as policy
from jupyterhub_vmshare.reconcile.pace import Pace
from jupyterhub_vmshare.relay.sealing import Sealing, new_key
from jupyterhub_vmshare.relay.ways import RelayAddress
from jupyterhub_vmshare.sharing import inviting
from jupyterhub_vmshare.sharing.model import Grant
from tests.fakes.cloud import FakeCloud
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api, Json, Person
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld

FAST = Pace(poll=0.01, poll_most=0.05, again=0.01, again_most=0.05, sweep=0.2, grace=0.5)
"""Nothing here waits for a real cloud."""

PATIENCE = 30.0


@pytest.fixture
def cloud() -> FakeCloud:
    """A cloud in which every order comes true at once, unless a test says otherwise."""
    return FakeCloud()


@pytest_asyncio.fixture
async def service(
    tmp_path: Path, database_url: str, hub: FakeHub, small_world: SmallWorld, cloud: FakeCloud
) -> AsyncIterator[RunningService]:
    """A service that offers machines."""
    async with running_service(
        tmp_path,
        database_url,
        hub,
        small_world,
        cloud=cloud,
        pace=FAST,
        sealing=Sealing.of(new_key(), "the tests"),
        relay_address=RelayAddress("relay.example.org"),
    ) as running:
        yield running


@pytest_asyncio.fixture
async def lab(service: RunningService) -> AsyncIterator[Lab]:
    """The people of the small world, and what they do with machines."""
    async with AsyncExitStack() as stack:
        yield Lab(Api(service, stack))


class Lab:
    """What people do with machines, and what tests wait for."""

    def __init__(self, api: Api) -> None:
        self.api = api

    def __call__(self, name: str) -> Person:
        """A person, in their panel."""
        return self.api(name)

    async def make(self, name: str = "gpu-box", *, by: str = "ana", **more: Any) -> Json:
        """A machine that runs."""
        made = await self.ask_for(name, by=by, **more)
        return await self.until(f"/machines/{made['id']}", is_(state="running"), by=by)

    async def ask_for(self, name: str = "gpu-box", *, by: str = "ana", **more: Any) -> Json:
        """A machine that is only asked for."""
        asked = {"name": name, "size": "small", "image": "debian", "drive_gib": 0} | more
        return await self.api(by).ask("POST", "/machines", asked)

    async def make_drive(self, name: str = "data", *, by: str = "ana", size_gib: int = 5) -> Json:
        """A drive that is ready."""
        made = await self.ask_for_drive(name, by=by, size_gib=size_gib)
        return await self.until(f"/drives/{made['id']}", is_(state="ready"), by=by)

    async def ask_for_drive(
        self, name: str = "data", *, by: str = "ana", size_gib: int = 5
    ) -> Json:
        """A drive that is only asked for."""
        return await self.api(by).ask("POST", "/drives", {"name": name, "size_gib": size_gib})

    async def give(self, thing: str, level: str, to: str, *, by: str = "ana", **more: Any) -> str:
        """Invites somebody; the grant's id. Co-ownership: as the page of the service does."""
        if level == "co_own":
            return await self._co_own(thing, to, by)
        paths = {"use": "machines/{}/users", "manage": "machines/{}/managers"}
        path = paths.get(level, "drives/{}/grants").format(thing)
        one = {"receiver": to, **more} | ({} if level in paths else {"level": level})
        told = await self.api(by).ask("POST", f"/{path}", {"grants": [one]})
        assert told["results"][0]["grant"], told
        return str(told["results"][0]["grant"]["id"])

    async def _co_own(self, thing: str, to: str, by: str) -> str:
        service = self.api.running.service
        teams = {name: await service.membership.teams_of(name) for name in (by, to)}
        wanted = [inviting.Wanted(to, "co_own", confirmed=True)]
        async with service.db.write() as tx:
            giver = policy.Person(by, teams=teams[by])
            [made] = await inviting.invite(tx, giver, thing, wanted, {to: teams[to]})
        assert isinstance(made, Grant), made
        return made.id

    async def delete(self, thing: str, *, by: str = "ana") -> None:
        """Deletes a machine or a drive for ever, as the page of the service does."""
        verb = drives.delete if thing.startswith("drv_") else life.delete
        async with self.api.running.service.db.write() as tx:
            await verb(tx, policy.Person(by), thing)

    async def until(self, path: str, is_so: Callable[[Json], bool], *, by: str = "ana") -> Json:
        """What is told at a path once it is so."""
        told: Json = {}
        try:
            async with asyncio.timeout(PATIENCE):
                while not is_so(told := await self.api(by).ask("GET", path)):
                    await asyncio.sleep(0.01)
        except TimeoutError:
            raise AssertionError(f"never came true at {path}: {told}") from None
        return told

    async def until_gone(self, path: str, *, by: str = "ana") -> None:
        """Until nothing is there any more."""
        async with asyncio.timeout(PATIENCE):
            while (await self.api(by).get(path)).status_code != 404:
                await asyncio.sleep(0.01)


def is_(**wanted: Any) -> Callable[[Json], bool]:
    """All of these are told so."""
    return lambda told: all(told.get(name) == value for name, value in wanted.items())


def on(machine: str, state: str = "attached") -> Callable[[Json], bool]:
    """The drive is on that machine."""
    return lambda told: any(
        (one["machine_id"], one["state"]) == (machine, state) for one in told["machines"]
    )
