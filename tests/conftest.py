"""Fixtures that every room's tests share. Each lives in a file of ``tests/fixtures``."""

from __future__ import annotations

pytest_plugins = [
    "pytest_jupyter.jupyter_server",
    "tests.fixtures.api",
    "tests.fixtures.postgres",
    "tests.fixtures.service",
    "tests.fixtures.world",
]
