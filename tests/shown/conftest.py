"""A hub with mounts, and a real sandbox that people of it are on."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fixtures.cloud_site import sandboxes
from tests.fixtures.sandboxes import KeeperProcess, missing_for_sandboxes
from tests.fixtures.showing_site import Site, shown_on
from tests.fixtures.world import SmallWorld


@pytest.fixture(scope="module")
def site(small_world: SmallWorld, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    keeper = KeeperProcess(tmp_path_factory.mktemp("keeper"))
    config = "c.JupyterHub.allow_named_servers = True\n"
    with shown_on(small_world, keeper, sandboxes, config=config) as made:
        made.make_machine()
        yield made
