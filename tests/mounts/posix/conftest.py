"""The same calls on the disk and in a mount of it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fixtures.guard_binary import missing

HERE = Path(__file__).parent


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What needs a mount carries its marker, and skips with a reason where there can't be one."""
    lacking = missing()
    for item in items:
        if item.path.parent == HERE and "played" in getattr(item, "fixturenames", ()):
            item.add_marker("mounts")
            item.add_marker("slow")
            if lacking:
                item.add_marker(pytest.mark.skip(reason=lacking))
