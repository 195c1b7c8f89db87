"""A store on a real file system, and the tree of one folder in it."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.storage.posix import PosixStore


@pytest_asyncio.fixture
async def store(tmp_path: Path) -> AsyncIterator[PosixStore]:
    store = PosixStore(tmp_path / "store", threads=4)
    await store.start()
    yield store
    await store.close()


@pytest_asyncio.fixture
async def folder(store: PosixStore) -> str:
    folder_id = new_id("fld")
    await store.create(folder_id)
    return folder_id


@pytest.fixture
def on_disk(tmp_path: Path, folder: str) -> Path:
    """Where the folder's files lie, for planting things behind the store's back."""
    return tmp_path / "store" / folder[-2:] / folder / "files"


@pytest.fixture
def drafts(tmp_path: Path) -> Callable[[], list[str]]:
    return lambda: sorted(path.name for path in (tmp_path / "store" / ".incoming").iterdir())
