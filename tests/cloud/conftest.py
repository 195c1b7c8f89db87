"""The adapter under test."""

from __future__ import annotations

from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.cloud.adapters import ADAPTERS, Make
from tests.cloud.bench import Bench


@pytest_asyncio.fixture(params=ADAPTERS)
async def bench(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[Bench]:
    """One adapter after the other."""
    make: Make = request.param
    async with make(tmp_path) as found:
        await found.cloud.start()
        yield found
        await found.cloud.close()
