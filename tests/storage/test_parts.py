"""Parts of uploads: held by one alone, kept through restarts, gone when they are published."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.storage.port import EntryExists, Target, UploadBusy
from jupyterhub_vmshare.storage.posix import PosixStore

pytestmark = pytest.mark.asyncio


@pytest.fixture
def area(tmp_path: Path) -> Path:
    return tmp_path / "store" / ".uploads"


async def test_a_part_is_held_by_one_alone(store: PosixStore, folder: str, tmp_path: Path) -> None:
    other = PosixStore(tmp_path / "store", threads=2)  # of another service
    await other.start()
    upload = new_id("upl")
    part = await store.uploads.hold(folder, upload, create=True)
    assert part is not None
    for uploads in (store.uploads, other.uploads):
        with pytest.raises(UploadBusy):
            await uploads.hold(folder, upload, create=True)
    await part.release()
    again = await other.uploads.hold(folder, upload, create=False)
    assert again is not None
    await again.release()
    await other.close()


async def test_a_part_is_kept_until_it_is_discarded(
    store: PosixStore, folder: str, area: Path
) -> None:
    upload = new_id("upl")
    assert await store.uploads.hold(folder, upload, create=False) is None
    part = await store.uploads.hold(folder, upload, create=True)
    assert part is not None
    await part.write(b"hello")
    await part.settle()
    await part.release()
    assert [kept.upload_id async for batch in store.uploads.parts() for kept in batch] == [upload]
    part = await store.uploads.hold(folder, upload, create=False)
    assert part is not None
    assert await part.rewind(6) is False
    assert await part.rewind(2) is True
    await part.write(b"y")
    await part.settle()
    assert (area / f"{folder}.{upload}").read_bytes() == b"hey"
    await part.discard()
    assert os.listdir(area) == []


async def test_a_published_part_is_a_file_and_no_part(
    store: PosixStore, folder: str, area: Path, on_disk: Path
) -> None:
    (on_disk / "taken").write_bytes(b"taken")
    part = await store.uploads.hold(folder, new_id("upl"), create=True)
    assert part is not None
    await part.write(b"hello")
    await part.settle()
    with pytest.raises(EntryExists):
        await part.publish_at(Target(folder, ("taken",)))
    entry, replaced = await part.publish_at(Target(folder, ("new",)))
    await part.discard()
    assert (entry.size, replaced, os.listdir(area)) == (5, False, [])
    assert (on_disk / "new").read_bytes() == b"hello"


@pytest.mark.parametrize("upload", ["../x", "", "upl_" + "0" * 25, "upl_" + "0" * 26 + "/x"])
async def test_what_is_no_id_names_no_part(
    store: PosixStore, folder: str, area: Path, upload: str
) -> None:
    assert await store.uploads.hold(folder, upload, create=True) is None
    assert os.listdir(area) == []
