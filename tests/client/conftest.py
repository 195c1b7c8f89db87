"""Both colours of the client, a scripted service, and the product's own service in a thread."""

from __future__ import annotations

import asyncio
import inspect
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from jupyter_vmshare.client import AsyncClient, Backoff, Client, Retries
from jupyter_vmshare.widgets.connect import AsyncVMShare, VMShare, connect
from jupyterhub_vmshare.reconcile.pace import Pace
from tests.fakes.cloud import FakeCloud
from tests.fakes.hub import FakeHub, fake_hub
from tests.fakes.vmshare import FakeVMShare
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld

QUICKLY = Pace(poll=0.01, poll_most=0.05)
QUICK = Retries(attempts=4, backoff=Backoff(first=0.01, longest=0.05))


@pytest.fixture
def fake() -> Iterator[FakeVMShare]:
    """A scripted service that asserts that every request was a proper one."""
    with FakeVMShare() as service:
        yield service
        assert service.complaints == []


@dataclass
class Colour:
    """A client in one colour. `do` gives back a method's result, awaited where it must be."""

    client: Any
    run: Callable[[Coroutine[Any, Any, Any]], Any]

    def do(self, act: Callable[[Any], Any]) -> Any:
        result = act(self.client)
        if inspect.iscoroutine(result):
            return self.run(result)
        if hasattr(result, "__aiter__"):
            return self.run(_collected(result))
        return list(result) if hasattr(result, "__next__") else result

    def first(self, act: Callable[[Any], Any], count: int) -> list[Any]:
        """The first few of an endless iterator."""
        result = act(self.client)
        if hasattr(result, "__aiter__"):
            found: list[Any] = self.run(_some(result, count))
            return found
        taken = [next(result) for _ in range(count)]
        result.close()
        return taken


@pytest.fixture(params=["sync", "async"])
def colour(request: pytest.FixtureRequest, fake: FakeVMShare) -> Iterator[Colour]:
    """Each test runs in both colours, against the same script."""
    if request.param == "sync":
        with Client(fake.url, "ana-token", retries=QUICK) as client:
            yield Colour(client, asyncio.run)
        return
    with asyncio.Runner() as runner:
        awaited = AsyncClient(fake.url, "ana-token", retries=QUICK)
        yield Colour(awaited, runner.run)
        runner.run(awaited.close())


class Loop:
    """An event loop in a thread, for what must go on while a test waits."""

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)
        self._thread.start()

    def run(self, what: Coroutine[Any, Any, Any]) -> Any:
        return asyncio.run_coroutine_threadsafe(what, self._loop).result(30)

    def close(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(10)
        self._loop.close()


@dataclass
class Real:
    """The product's own service, and how its people come to it from their notebooks."""

    service: RunningService
    hub: FakeHub
    loop: Loop

    @property
    def url(self) -> str:
        return self.service.api_url.removesuffix("api")

    def token(self, name: str) -> str:
        return self.hub.server_token(name)

    def notebook(self, name: str) -> VMShare:
        return connect(self.url, self.token(name), retries=QUICK)

    def awaited(self, name: str) -> AsyncVMShare:
        return AsyncVMShare(AsyncClient(self.url, self.token(name), retries=QUICK))


@pytest.fixture
def real(tmp_path: Path, small_world: SmallWorld) -> Iterator[Real]:
    """The real service, the real database and the real store, beside a scripted hub."""
    loop, stack = Loop(), AsyncExitStack()

    async def start() -> tuple[RunningService, FakeHub]:
        hub = await stack.enter_async_context(fake_hub())
        small_world.move_into(hub)
        url = f"sqlite:///{tmp_path}/service.sqlite"
        return await stack.enter_async_context(
            running_service(tmp_path, url, hub, small_world, cloud=FakeCloud(), pace=QUICKLY)
        ), hub

    service, hub = loop.run(start())
    yield Real(service, hub, loop)
    loop.run(stack.aclose())
    loop.close()


async def _collected(items: Any) -> list[Any]:
    return [item async for item in items]


async def _some(items: Any, count: int) -> list[Any]:
    found: list[Any] = []
    async for item in items:
        found.append(item)
        if len(found) == count:
            break
    await items.aclose()
    return found
