"""A folder of ana's in which dan may edit, and people who speak tus by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
import pytest_asyncio

from tests.fixtures.api import Api
from tests.fixtures.service import RunningService
from tests.uploads.speaking import Tus


@pytest_asyncio.fixture
async def folder(api: Api) -> str:
    """ana's folder, in which dan may edit and ben may look."""
    folder = await api("ana").make_folder("tests")
    for name, level in (("dan", "edit"), ("ben", "view")):
        [grant] = await api("ana").invite(folder, level, name)
        await api(name).accept(grant)
    return folder


@pytest.fixture
def tus(api: Api, folder: str) -> Tus:
    """dan, who uploads."""
    return Tus(api("dan"), folder)


@pytest.fixture
def tree(service: RunningService, folder: str) -> Path:
    """Where the folder's files lie."""
    return service.service.settings.store / folder[-2:] / folder / "files"


@pytest.fixture
def parts(service: RunningService) -> Path:
    """Where parts lie."""
    return service.service.settings.store / ".uploads"
