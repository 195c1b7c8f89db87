"""A service with a scripted agent on a real unix socket, and the hub's hook."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from tests.fakes.hub import FakeHub
from tests.fakes.mount_agent import FakeAgent, fake_agent
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService, ScriptedClock, running_service
from tests.fixtures.world import SmallWorld

UIDS = {"ana": 1000, "ben": 1001, "cleo": 1002, "dan": 1003, "eve": 1004}
PATIENCE = 30.0


async def until(true: Callable[[], Any], seconds: float = PATIENCE) -> None:
    """Waits until that holds."""
    async with asyncio.timeout(seconds):
        while not true():
            await asyncio.sleep(0.01)


@dataclass
class Stage:
    """People with an API, sessions, and the agent of their node."""

    running: RunningService
    api: Api
    agent: FakeAgent

    async def session(self, name: str, server_name: str = "") -> str:
        """A notebook server of that person starts; its id here."""
        told = await self.start(name, server_name, wait_seconds=PATIENCE)
        assert told["view"], told
        return str(told["id"])

    async def start(self, name: str, server_name: str = "", **more: Any) -> dict[str, Any]:
        """What the hub is answered, with a view or without."""
        uid = UIDS[name]
        body = {"person": name, "server_name": server_name, "uid": uid, "gid": uid, **more}
        return await self.api.hub_hook.ask("POST", "/hub/sessions", body)

    async def end(self, name: str, server_name: str = "") -> None:
        body = {"person": name, "server_name": server_name}
        answer = await self.api.hub_hook.call("DELETE", "/hub/sessions", json=body)
        assert answer.status_code == 204

    async def share(self, owner: str, name: str, level: str, *people: str, **more: Any) -> str:
        """A folder that these people have accepted."""
        folder = await self.api(owner).make_folder(name)
        for grant, person in zip(
            await self.api(owner).invite(folder, level, *people, **more), people, strict=True
        ):
            await self.api(person).accept(grant)
        return folder

    async def grant_of(self, owner: str, folder: str, person: str) -> dict[str, Any]:
        found = await self.api(owner).ask("GET", f"/folders/{folder}/people")
        (grant,) = [g for g in found["grants"] if g["receiver"]["name"] == person]
        return dict(grant)

    async def sessions(self, name: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = (await self.api(name).ask("GET", "/sessions"))["items"]
        return found

    async def has(self, session: str, **levels: str) -> None:
        """Waits until the session has exactly these directories, at these levels."""
        try:
            await until(lambda: self.agent.levels(session) == levels)
        except TimeoutError:
            pytest.fail(f"{self.agent.levels(session)} instead of {levels}")


@pytest.fixture
def socket_dir() -> Iterator[Path]:
    """A short path: a unix socket's stops at 107 bytes."""
    with tempfile.TemporaryDirectory(prefix="vms") as where:
        yield Path(where)


@pytest_asyncio.fixture
async def agent(socket_dir: Path) -> AsyncIterator[FakeAgent]:
    async with fake_agent(socket_dir) as running:
        yield running


StageMaker = Callable[..., Awaitable[Stage]]


@pytest_asyncio.fixture
async def make_stage(
    tmp_path: Path, database_url: str, hub: FakeHub, small_world: SmallWorld, agent: FakeAgent
) -> AsyncIterator[StageMaker]:
    """Makes a service on the same database each time: a restart, or a replica."""
    async with AsyncExitStack() as stack:

        async def make(clock: ScriptedClock | None = None, **settings: Any) -> Stage:
            told = {"agent_socket": str(agent.address), "cut_within": PATIENCE} | settings
            running = await stack.enter_async_context(
                running_service(tmp_path, database_url, hub, small_world, clock=clock, **told)
            )
            return Stage(running, Api(running, stack), agent)

        yield make


@pytest_asyncio.fixture
async def stage(make_stage: StageMaker) -> Stage:
    return await make_stage()
