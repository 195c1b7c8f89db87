"""Fixtures that every room's tests share. Each lives in a file of ``tests/fixtures``."""

from __future__ import annotations

import pytest

pytest_plugins = [
    "pytest_jupyter.jupyter_server",
    # Each after those that it imports, so that pytest explains their assertions too.
    "tests.fixtures.world",
    "tests.fixtures.postgres",
    "tests.fixtures.service",
    "tests.fixtures.api",
    "tests.fixtures.real_hub",
    "tests.fixtures.mounted_hub",
    "tests.fixtures.cloud_site",
    "tests.fixtures.virtual_machines",
]


def pytest_addoption(parser: pytest.Parser) -> None:
    """What the documentation's pictures are made with."""
    parser.addoption(
        "--save-screenshots",
        action="store_true",
        help="journeys save the documentation's pictures into docs/images",
    )
