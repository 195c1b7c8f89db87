"""The service is killed in each named step of its mounts, while people share and servers start.

What the node has in the end is what the grants say, and no session that has ended is left.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import httpx2
import pytest
import pytest_asyncio

from jupyterhub_vmshare.people.hook import hook_secret
from tests.crashes.process import Victim
from tests.crashes.test_crashes import MOUNT_STEPS
from tests.fakes.hub import FakeHub
from tests.fakes.mount_agent import FakeAgent

pytestmark = [pytest.mark.asyncio, pytest.mark.timeout(180)]


class Traffic:
    """ana shares folders with ben and takes them back; ben's servers come and go."""

    def __init__(self, victim: Victim, hub: FakeHub) -> None:
        self.victim = victim
        tokens = {
            "ana": hub.visitor_token("ana"),
            "ben": hub.visitor_token("ben"),
            "hub": hook_secret(hub.service_token),
        }
        self.clients = {
            name: httpx2.AsyncClient(
                base_url=victim.api_url, headers={"Authorization": f"Bearer {token}"}, timeout=30
            )
            for name, token in tokens.items()
        }

    async def ask(self, who: str, method: str, path: str, json: Any = None) -> Any:
        more = {} if json is None else {"json": json}
        answer = await self.clients[who].request(method, path, **more)
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    async def go_on(self) -> None:
        """Until the service dies."""
        with suppress(httpx2.TransportError):
            for number in itertools.count():
                await self._one_round(number)

    async def _one_round(self, number: int) -> None:
        server = {"person": "ben", "server_name": f"s{number % 3}"}
        await self.ask("hub", "POST", "/hub/sessions", {**server, "uid": 1001, "gid": 1001})
        folder = (await self.ask("ana", "POST", "/folders", {"name": f"f{number} {id(self)}"}))[
            "id"
        ]
        asked = {"grants": [{"receiver": "ben", "level": "edit"}]}
        told = await self.ask("ana", "POST", f"/folders/{folder}/grants", asked)
        grant = told["results"][0]["grant"]["id"]
        await self.ask("ben", "POST", f"/invitations/{grant}/accept")
        if number % 2:
            await self.ask("ana", "DELETE", f"/grants/{grant}")
            await self.ask("hub", "DELETE", "/hub/sessions", server)

    async def wanted(self) -> tuple[dict[str, str], set[str]]:
        """What every session of ben's should have, and which sessions there are."""
        page = await self.ask("ben", "GET", "/folders?limit=200")
        levels = {folder["label"]: folder["level"] for folder in page["items"]}
        sessions = (await self.ask("ben", "GET", "/sessions"))["items"]
        # One whose hook was never answered was started without a view, or not at all.
        return levels, {s["id"] for s in sessions if s["mounts_available"]}

    async def close(self) -> None:
        for client in self.clients.values():
            await client.aclose()


@pytest_asyncio.fixture
async def traffic(
    tmp_path: Path, database_url: str, hub: FakeHub, agent: FakeAgent
) -> AsyncIterator[Traffic]:
    victim = Victim(tmp_path, database_url, hub, agent_socket=str(agent.address))
    running = Traffic(victim, hub)
    yield running
    await running.close()
    await victim.close()


@pytest.mark.scenario("M6")
@pytest.mark.parametrize("times", [1, pytest.param(4, marks=pytest.mark.slow)])
@pytest.mark.parametrize("step", MOUNT_STEPS)
async def test_killed_at(traffic: Traffic, agent: FakeAgent, step: str, times: int) -> None:
    if step == "mounts.kept":
        times = 1  # it is reached once in a life
        await traffic.victim.start("mounts.observed", 2)
        await traffic.go_on()
        await traffic.victim.died(60)
    await traffic.victim.start(step, times)
    await traffic.go_on()
    await traffic.victim.died(60)
    await traffic.victim.start()
    async with asyncio.timeout(60):
        while True:
            levels, sessions = await traffic.wanted()
            if set(agent.has) == sessions and all(agent.levels(s) == levels for s in sessions):
                break
            await asyncio.sleep(0.1)
    # And it goes on: what is shared now is there at once.
    await traffic._one_round(100)
    levels, sessions = await traffic.wanted()
    assert sessions
    async with asyncio.timeout(30):
        while any(agent.levels(session) != levels for session in sessions):
            await asyncio.sleep(0.05)
