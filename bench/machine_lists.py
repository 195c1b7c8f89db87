"""The list of somebody's machines, long and short; the cloud is the tests', in memory."""

from __future__ import annotations

import asyncio
import tempfile
import time
from contextlib import AsyncExitStack
from pathlib import Path

from bench.rounds import Report, in_turns
from tests.fakes.cloud import FakeCloud
from tests.fakes.hub import fake_hub
from tests.fixtures.api import Api
from tests.fixtures.service import running_service
from tests.fixtures.world import SmallWorld
from tests.relay.scene import FAST

_FEW, _REQUESTS = 10, 20


async def lists(rounds: int, many: int) -> Report:
    """Milliseconds a request."""
    world = SmallWorld()
    async with AsyncExitStack() as stack:
        where = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="vmshare-bench-")))
        hub = await stack.enter_async_context(fake_hub())
        world.move_into(hub)
        url = f"sqlite:///{where / 'db.sqlite'}"
        running = await stack.enter_async_context(
            running_service(where, url, hub, world, cloud=FakeCloud(), pace=FAST)
        )
        api = Api(running, stack)
        for person, count in (("ana", many), ("dan", _FEW)):
            for number in range(count):
                asked = {"name": f"box-{number}", "size": "small", "image": "debian"}
                await api(person).ask("POST", "/machines", asked | {"drive_gib": 0})
        await _all_run(api, many)

        async def listed(person: str) -> float:
            began = time.perf_counter()
            for _ in range(_REQUESTS):
                await api(person).ask("GET", "/machines?limit=200")
            return (time.perf_counter() - began) * 1000 / _REQUESTS

        few, all_ = f"{_FEW} machines", f"{many} machines"
        sides = {few: lambda: listed("dan"), all_: lambda: listed("ana")}
        report = Report("My machines", "milliseconds")
        report.add(await in_turns(sides, rounds), few)
        return report


async def _all_run(api: Api, many: int) -> None:
    while True:
        told = await api("ana").ask("GET", "/machines?limit=200")
        if sum(each["state"] == "running" for each in told["items"]) >= min(many, 200):
            return
        await asyncio.sleep(0.1)
