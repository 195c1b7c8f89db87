"""Every adapter of the cloud port, by the name that tests call it. A new one is one line here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.cloud.bench import Bench
from tests.fakes.cloud import FakeCloud
from tests.fixtures.sandboxes import IMAGE, KeeperProcess, missing_for_sandboxes
from tests.fixtures.virtual_machines import VirtualKeeper, missing_for_virtual_machines


@asynccontextmanager
async def _fake(where: Path) -> AsyncIterator[Bench]:
    yield Bench(FakeCloud(), "debian", "small", "large", patience=5)


@asynccontextmanager
async def _sandboxes(where: Path) -> AsyncIterator[Bench]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    keeper = KeeperProcess(where)
    try:
        keeper.start()
        yield Bench(keeper.cloud(), IMAGE, "small", "large", patience=60)
    finally:
        keeper.stop()


@asynccontextmanager
async def _virtual_machines(where: Path) -> AsyncIterator[Bench]:
    if (because := missing_for_virtual_machines()) is not None:
        pytest.skip(because)
    # Many are stopped here before they have started; nobody looks into one.
    keeper = VirtualKeeper(where, options=("--patience=3",))
    try:
        keeper.start()
        yield Bench(keeper.cloud(), IMAGE, "small", "large", patience=900)
    finally:
        keeper.stop()


Make = Callable[[Path], AbstractAsyncContextManager[Bench]]
ADAPTERS = [
    pytest.param(_fake, id="the fake"),
    pytest.param(_sandboxes, id="sandboxes", marks=pytest.mark.machines),
    pytest.param(
        _virtual_machines,
        id="virtual machines",
        marks=[pytest.mark.vm, pytest.mark.timeout(1800)],
    ),
]
