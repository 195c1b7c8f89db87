"""Every adapter of the cloud port, by the name that tests call it. A new one is one line here."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from pathlib import Path

import pytest

from tests.cloud.bench import Bench
from tests.fakes.cloud import FakeCloud


@asynccontextmanager
async def _fake(where: Path) -> AsyncIterator[Bench]:
    yield Bench(FakeCloud(), "debian", "small", "large", patience=5)


Make = Callable[[Path], AbstractAsyncContextManager[Bench]]
ADAPTERS = [
    pytest.param(_fake, id="the fake"),
]
