"""Pages of directories: order, filter, cursors, and staying right while things change."""

from __future__ import annotations

import os
import time
from pathlib import Path

import pytest

from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.storage.port import EntryKind, PageWanted
from jupyterhub_vmshare.storage.posix import PosixStore, listing
from jupyterhub_vmshare.storage.posix.listing import Listings


async def _names(store: PosixStore, folder: str, limit: int = 3, matching: str = "") -> list[str]:
    names: list[str] = []
    after = None
    while True:
        page = await store.page(folder, (), PageWanted(limit, matching=matching, after=after))
        assert len(page.items) <= limit
        names += [entry.name for entry in page.items]
        after = page.next
        if after is None:
            return names


def _settle(directory: Path) -> None:
    """Make a directory look unchanged for a while, so that its listing is kept."""
    os.utime(directory, ns=(0, time.time_ns() - 60_000_000_000))


@pytest.fixture
def several(on_disk: Path) -> Path:
    for name in ("beta", "Alpha.txt", "alpha.txt", "Zeta", "10", "9", "émile", "x" * 255):
        (on_disk / name).write_text(name)
    for name in ("zoo", "Bar"):
        (on_disk / name).mkdir()
    return on_disk


@pytest.mark.asyncio
@pytest.mark.parametrize("limit", [1, 2, 3, 9, 10, 11])
async def test_directories_come_first_then_names_without_case(
    store: PosixStore, folder: str, several: Path, limit: int
) -> None:
    assert await _names(store, folder, limit) == [
        *("Bar", "zoo", "10", "9", "Alpha.txt", "alpha.txt", "beta"),
        *("x" * 255, "Zeta", "émile"),
    ]


@pytest.mark.asyncio
async def test_a_filter_finds_any_part_of_a_name_in_any_case(
    store: PosixStore, folder: str, several: Path
) -> None:
    assert await _names(store, folder, 2, "A") == ["Bar", "Alpha.txt", "alpha.txt", "beta", "Zeta"]
    assert await _names(store, folder, 2, "nothing like it") == []


@pytest.mark.asyncio
async def test_a_kept_listing_is_forgotten_when_the_directory_changes(
    store: PosixStore, folder: str, several: Path
) -> None:
    _settle(several)
    before = await _names(store, folder)
    assert await _names(store, folder) == before
    (several / "new").write_text("")
    assert await _names(store, folder) == sorted(
        [*before, "new"], key=lambda name: (name not in ("Bar", "zoo"), name.casefold(), name)
    )
    (several / "new").unlink()
    assert await _names(store, folder) == before


@pytest.mark.parametrize(
    ("age", "fresh"),
    [
        pytest.param(0, True, id="a stamp of this moment may be that of two changes"),
        pytest.param(60_000_000_000, False, id="an old stamp tells that nothing changed"),
    ],
)
def test_a_coarse_clock_hides_no_change(tmp_path: Path, age: int, fresh: bool) -> None:
    """A file system whose clock stands still while the directory changes."""
    stamp = time.time_ns() - age
    listings = Listings(lambda directory: (1, 2, stamp, stamp))
    directory = os.open(tmp_path, os.O_RDONLY)
    assert listings.page(directory, PageWanted(9)).items == ()
    (tmp_path / "new").touch()
    names = [entry.name for entry in listings.page(directory, PageWanted(9)).items]
    os.close(directory)
    assert names == (["new"] if fresh else [])


@pytest.mark.asyncio
async def test_a_file_that_grows_shows_its_size_in_a_kept_listing(
    store: PosixStore, folder: str, several: Path
) -> None:
    _settle(several)
    await _names(store, folder)
    (several / "9").write_text("longer than before")
    page = await store.page(folder, (), PageWanted(99))
    assert {entry.name: entry.size for entry in page.items}["9"] == 18


@pytest.mark.asyncio
async def test_what_vanishes_between_two_pages_is_skipped(
    store: PosixStore, folder: str, several: Path
) -> None:
    first = await store.page(folder, (), PageWanted(3))
    for entry in first.items[1:]:
        path = several / entry.name
        path.rmdir() if path.is_dir() else path.unlink()
    rest = await store.page(folder, (), PageWanted(99, after=first.next))
    assert rest.items[0].name == "9"


@pytest.mark.asyncio
async def test_a_name_that_is_no_text_is_shown_but_not_opened(
    store: PosixStore, folder: str, on_disk: Path
) -> None:
    with open(os.fsencode(on_disk) + b"/caf\xe9", "w"):
        pass
    (on_disk / "zz").write_text("")
    page = await store.page(folder, (), PageWanted(1))
    [entry] = page.items
    assert (entry.name, entry.kind) == ("caf\ufffd", EntryKind.OTHER)
    rest = await store.page(folder, (), PageWanted(9, after=page.next))
    assert [entry.name for entry in rest.items] == ["zz"]


@pytest.mark.asyncio
@pytest.mark.parametrize("cursor", ["", "x", "*", "MQ", "ä", "eHh4"])
async def test_a_made_up_cursor_is_refused(store: PosixStore, folder: str, cursor: str) -> None:
    with pytest.raises(BadInput):
        await store.page(folder, (), PageWanted(1, after=cursor))


@pytest.mark.asyncio
@pytest.mark.parametrize("kept", [True, False], ids=["kept", "too many to keep"])
async def test_a_huge_directory_pages_completely(
    store: PosixStore, folder: str, on_disk: Path, kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if not kept:
        monkeypatch.setattr(listing, "MOST_OF_ONE", 100)
    for number in range(500):
        (on_disk / f"{number:04}").touch()
    assert await _names(store, folder, 70) == [f"{number:04}" for number in range(500)]
    assert await _names(store, folder, 7, "99") == ["0099", "0199", "0299", "0399", "0499"]


@pytest.mark.asyncio
@pytest.mark.scenario("F16")
async def test_20000_entries_page_quickly(store: PosixStore, folder: str, on_disk: Path) -> None:
    for number in range(20_000):
        (on_disk / f"file {number}").touch()
    _settle(on_disk)
    await store.page(folder, (), PageWanted(200))
    begin = time.perf_counter()
    assert len(await _names(store, folder, 200)) == 20_000
    # 100 pages; generous for a busy machine, far less than reading the directory 100 times.
    assert time.perf_counter() - begin < 2
