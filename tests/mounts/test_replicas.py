"""Two services on one database: one gives the node's orders, either answers what was cut."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio

from jupyterhub_vmshare.mounts.messages import SetSession
from tests.fakes.hub import FakeHub
from tests.fakes.mount_agent import FakeAgent
from tests.fixtures.api import Api
from tests.fixtures.service import ScriptedClock, running_service
from tests.fixtures.world import SmallWorld
from tests.mounts.conftest import PATIENCE, Stage, until
from tests.mounts.test_through_the_guard import RealClock

pytestmark = [pytest.mark.asyncio, pytest.mark.postgres, pytest.mark.postgres_all]


@pytest_asyncio.fixture
async def replicas(
    tmp_path: Path, postgres_url: str, hub: FakeHub, small_world: SmallWorld, agent: FakeAgent
) -> AsyncIterator[list[Stage]]:
    clock: ScriptedClock = RealClock()  # leases run by it
    async with AsyncExitStack() as stack:
        made = []
        for _ in range(2):
            more: dict[str, Any] = {"agent_socket": str(agent.address), "clock": clock}
            more["cut_within"] = PATIENCE
            running = await stack.enter_async_context(
                running_service(tmp_path, postgres_url, hub, small_world, **more)
            )
            made.append(Stage(running, Api(running, stack), agent))
        yield made


async def test_whichever_is_asked_a_revoke_says_what_was_cut(
    replicas: list[Stage], agent: FakeAgent
) -> None:
    agent.open_files = 2
    for number, stage in enumerate(replicas):
        folder = await stage.share("ana", f"tests {number}", "edit", "ben")
        session = await stage.session("ben")
        await stage.has(session, **{f"tests {number}": "edit"})
        told = await stage.api("ana").ask("DELETE", f"/folders/{folder}/grants")
        cut = (told["sessions_cut"], told["descriptors_cut"], told["unconfirmed"])
        assert cut == (1, 2, 0), told
        assert agent.levels(session) == {}
    # Nobody sent an older list after a newer one.
    lists = [(o.session.id, o.session.version) for o in agent.orders if isinstance(o, SetSession)]
    assert lists == sorted(lists)


async def test_the_other_one_goes_on_when_one_dies(replicas: list[Stage], agent: FakeAgent) -> None:
    first, second = replicas
    session = await second.session("ben")
    await first.running.service.stop()
    await second.share("ana", "tests", "edit", "ben")
    await second.has(session, tests="edit")


async def test_one_that_was_cut_off_gives_no_orders_any_more(
    replicas: list[Stage], agent: FakeAgent
) -> None:
    """Its lease is taken from it: what it still writes is rolled back, and it stands back."""
    first, second = replicas
    session = await second.session("ben")
    for stage in (first, second):
        worker = stage.running.service.mounts._worker
        assert worker is not None
        worker._leases.alone = True  # takes the lease from whoever has it
        worker._lose()
        worker.wake()
        await until(partial(getattr, worker, "_lease"))
        worker._leases.alone = False
    await first.share("ana", "tests", "edit", "ben")
    await first.has(session, tests="edit")
    folder = await second.share("ana", "other", "view", "ben")
    await first.has(session, tests="edit", other="view")
    told = await first.api("ana").ask("DELETE", f"/folders/{folder}/grants")
    assert (told["sessions_cut"], told["unconfirmed"]) == (1, 0)
