"""One site for all tests of a file: each asks for things of its own."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from jupyterhub_vmshare.db.upgrade import upgrade
from tests.reconcile.site import Site


@pytest_asyncio.fixture(
    scope="module",
    loop_scope="module",
    params=[
        pytest.param("sqlite", id="on SQLite"),
        pytest.param(
            "postgresql",
            id="on PostgreSQL",
            marks=[pytest.mark.postgres, pytest.mark.postgres_all],
        ),
    ],
)
async def site(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Site]:
    """A database and a cloud."""
    url = f"sqlite:///{tmp_path_factory.mktemp('site')}/vmshare.sqlite"
    if request.param == "postgresql":
        url = request.getfixturevalue("postgres").new_database()
    await asyncio.to_thread(upgrade, url)
    found = Site(url)
    yield found
    await found.close()
