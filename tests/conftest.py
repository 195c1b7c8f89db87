"""Fixtures that every room's tests share. Each lives in a file of ``tests/fixtures``."""

from __future__ import annotations

pytest_plugins = ["tests.fixtures.postgres"]
