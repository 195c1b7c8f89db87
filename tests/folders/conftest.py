"""A folder with content, and people at every level on it."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from tests.fixtures.api import Api
from tests.fixtures.service import RunningService


@pytest_asyncio.fixture
async def folder(api: Api) -> str:
    """ana's folder: ben may view it, dan edit, cleo edit and delete; eve is invited only."""
    ana = api("ana")
    folder = await ana.make_folder("tests")
    await ana.write(folder, "hello.txt", b"hello, world")
    await ana.ask("POST", f"/folders/{folder}/directories", {"path": "myfolder"})
    for name, level in (("ben", "view"), ("dan", "edit"), ("cleo", "edit_delete")):
        [grant] = await ana.invite(folder, level, name)
        await api(name).accept(grant)
    await ana.invite(folder, "edit_delete", "eve")
    return folder


@pytest.fixture
def tree(service: RunningService, folder: str) -> Path:
    """Where the folder's files lie."""
    return service.service.settings.store / folder[-2:] / folder / "files"
