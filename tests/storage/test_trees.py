"""Whole trees: made, found, taken away, and purged at any size."""

from __future__ import annotations

import os
import tracemalloc
from pathlib import Path

import pytest

from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.storage.posix import PosixStore


async def _all(store: PosixStore) -> set[str]:
    return {tree.folder_id async for batch in store.trees() for tree in batch}


@pytest.mark.asyncio
async def test_trees_are_found_again(store: PosixStore, tmp_path: Path) -> None:
    ids = {new_id("fld") for _ in range(30)}
    for folder_id in ids:
        await store.create(folder_id)
        await store.create(folder_id)
    (tmp_path / "store" / "zz").mkdir(exist_ok=True)
    (tmp_path / "store" / "zz" / "not an id").mkdir()
    assert await _all(store) == ids


@pytest.mark.asyncio
async def test_creating_again_keeps_what_is_there(
    store: PosixStore, folder: str, on_disk: Path
) -> None:
    (on_disk / "a").write_text("a")
    await store.create(folder)
    assert (on_disk / "a").read_text() == "a"


@pytest.mark.asyncio
async def test_only_an_empty_tree_is_discarded(
    store: PosixStore, folder: str, on_disk: Path
) -> None:
    (on_disk / "a").write_text("a")
    assert not await store.discard_if_empty(folder)
    assert (on_disk / "a").read_text() == "a"
    (on_disk / "a").unlink()
    assert await store.discard_if_empty(folder)
    assert await store.discard_if_empty(folder), "twice is as good"
    assert await _all(store) == set()


@pytest.mark.asyncio
async def test_a_retired_tree_is_out_of_reach_at_once(
    store: PosixStore, folder: str, on_disk: Path
) -> None:
    (on_disk / "a").write_text("a")
    reading = await store.open(folder, ("a",))
    await store.retire(folder)
    await store.retire(folder)
    with pytest.raises(NotFound):
        await store.stat(folder, ("a",))
    await reading.close()
    assert await _all(store) == set()


@pytest.mark.asyncio
async def test_purging_goes_on_where_a_crash_stopped_it(
    store: PosixStore, folder: str, on_disk: Path, tmp_path: Path
) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "kept").write_text("kept")
    for number in range(30):
        (on_disk / f"d{number}" / "deep").mkdir(parents=True)
        (on_disk / f"d{number}" / "deep" / "f").write_text("f")
        (on_disk / f"d{number}" / "link").symlink_to(outside)
    (on_disk / "d3").chmod(0)
    await store.retire(folder)
    rounds = 0
    while await store.purge(10):
        rounds += 1
        assert rounds < 100
        if rounds % 5 == 0:  # a restart
            await store.close()
            store = PosixStore(tmp_path / "store")
            await store.start()
    assert rounds > 5, "no step takes much more than it was told to"
    assert list((tmp_path / "store" / ".gone").iterdir()) == []
    assert (outside / "kept").read_text() == "kept"
    await store.close()


@pytest.mark.asyncio
async def test_a_wide_directory_is_purged_a_little_at_a_time(
    store: PosixStore, folder: str, on_disk: Path, tmp_path: Path
) -> None:
    for number in range(500):
        (on_disk / f"{number}").touch()
    await store.retire(folder)
    before, more = 500, True
    while more:
        more = await store.purge(100)
        left = sum(path.is_file() for path in (tmp_path / "store" / ".gone").rglob("*"))
        assert before - left <= 100
        before = left
    assert list((tmp_path / "store" / ".gone").iterdir()) == []


@pytest.mark.asyncio
async def test_a_tree_deeper_than_any_path_is_purged_in_constant_memory(
    store: PosixStore, folder: str, on_disk: Path, tmp_path: Path
) -> None:
    here = os.open(on_disk, os.O_RDONLY)
    for _ in range(3000):
        os.mkdir("d" * 100, dir_fd=here)
        below = os.open("d" * 100, os.O_RDONLY, dir_fd=here)
        os.close(here)
        here = below
    os.close(here)
    await store.retire(folder)
    tracemalloc.start()
    while await store.purge(1000):
        pass
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert list((tmp_path / "store" / ".gone").iterdir()) == []
    assert peak < 2_000_000
