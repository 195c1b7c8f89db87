"""The mounts under stress: how long, and by which seed."""

from __future__ import annotations

import os
import random
from pathlib import Path

import pytest

from tests.fixtures.guard_binary import missing

HERE = Path(__file__).parent
MINUTES = float(os.environ.get("VMSHARE_STRESS_MINUTES", "0.2"))
"""`make test-stress` says an hour."""
SPARE_MINUTES = 15
"""For the round that is under way, and for making a history shorter that shows a mistake."""


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a mount carries its marker, and skips with a reason where there can't be one."""
    lacking = missing()
    for item in items:
        if item.path.parent == HERE:
            item.add_marker("mounts")
            item.add_marker("slow")
            item.add_marker(pytest.mark.timeout(60 * (MINUTES + SPARE_MINUTES)))
            if lacking:
                item.add_marker(pytest.mark.skip(reason=lacking))


@pytest.fixture
def seed() -> str:
    """Given back to see something again, else a new one."""
    return os.environ.get("SEED") or str(random.randrange(1 << 32))
