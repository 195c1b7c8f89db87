"""Pages by name, size and time against a model: in order, whole, right while files change."""

from __future__ import annotations

import os
import tempfile
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.storage.port import Entry, EntryKind, PageWanted
from jupyterhub_vmshare.storage.posix import listing
from jupyterhub_vmshare.storage.posix.listing import Listings, Row
from jupyterhub_vmshare.words import EntryOrder

ORDERS = [(order, descending) for order in EntryOrder for descending in (False, True)]
NO_TEXT = "caf\udce9"
NAMES = st.sampled_from(["a", "A", "b", "B", "ba", "10", "9", "émile", "zz", "x" * 255, NO_TEXT])
SIZES = st.sampled_from([0, 1, 9, 10, 1 << 30])
TIMES = st.sampled_from([-1_000_000_000, 0, 1, 1_000, 2_000, 1_800_000_000_000_000_000])


@dataclass(frozen=True)
class Lying:
    """What lies in the model's directory under a name."""

    kind: EntryKind
    size: int
    modified_ns: int

    def put(self, where: Path) -> None:
        """Make it, or make what is there like it."""
        if self.kind is EntryKind.DIRECTORY:
            where.mkdir(exist_ok=True)
        elif self.kind is EntryKind.LINK:
            where.symlink_to("nowhere")
        else:
            where.touch()
            os.truncate(where, self.size)
        os.utime(where, ns=(0, self.modified_ns), follow_symlinks=False)


FILES = st.builds(Lying, st.just(EntryKind.FILE), SIZES, TIMES)
LYING = st.builds(Lying, st.sampled_from(list(EntryKind)[:3]), SIZES, TIMES)


@contextmanager
def directory_of(content: dict[str, Lying], *, kept: bool) -> Iterator[tuple[Path, int]]:
    """A directory, open; ``kept``: that has not changed for a while."""
    with tempfile.TemporaryDirectory() as name, pytest.MonkeyPatch.context() as patch:
        patch.setattr(listing, "MOST_OF_ONE", listing.MOST_OF_ONE if kept else 2)
        for each, lying in content.items():
            lying.put(Path(name) / each)
        os.utime(name, ns=(0, time.time_ns() - 60_000_000_000))
        opened = os.open(name, os.O_RDONLY)
        try:
            yield Path(name), opened
        finally:
            os.close(opened)


def in_order(content: dict[str, Lying], order: EntryOrder, descending: bool) -> list[str]:
    """The model: directories first, by what is shown, what is equal by name."""

    def value(name: str) -> int:
        lying = content[name]
        if order is EntryOrder.MODIFIED:
            return lying.modified_ns // 1000
        shows_size = lying.kind is EntryKind.FILE and name != NO_TEXT
        return lying.size if order is EntryOrder.SIZE and shows_size else 0

    names = sorted(content, key=lambda name: (name.casefold(), name))
    names.sort(key=value, reverse=descending)
    if descending and order is EntryOrder.NAME:
        names.reverse()
    return sorted(names, key=lambda name: content[name].kind is not EntryKind.DIRECTORY)


def shown(names: list[str]) -> list[str]:
    return [name.replace(NO_TEXT, "caf\ufffd") for name in names]


def pages(opened: int, limit: int, order: EntryOrder, descending: bool) -> Iterator[list[Entry]]:
    listings, after = Listings(), None
    for _ in range(99):
        page = listings.page(opened, PageWanted(limit, after, order=order, descending=descending))
        assert len(page.items) <= limit
        yield list(page.items)
        after = page.next
        if after is None:
            return
    raise AssertionError("The pages have no end.")


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "too many to keep"])
@settings(deadline=None, max_examples=40)
@given(
    content=st.dictionaries(NAMES, LYING, max_size=9),
    limit=st.integers(1, 5),
    how=st.sampled_from(ORDERS),
)
def test_pages_follow_the_order_asked_for(
    kept: bool, content: dict[str, Lying], limit: int, how: tuple[EntryOrder, bool]
) -> None:
    with directory_of(content, kept=kept) as (_, opened):
        found = [entry for page in pages(opened, limit, *how) for entry in page]
    assert [entry.name for entry in found] == shown(in_order(content, *how))


@pytest.mark.parametrize("kept", [True, False], ids=["kept", "too many to keep"])
@settings(deadline=None, max_examples=40)
@given(
    quiet=st.dictionaries(NAMES, LYING, min_size=2, max_size=7),
    restless=st.lists(
        st.tuples(st.sampled_from(["r", "R1", "aa", "zzz"]), st.none() | FILES), max_size=9
    ),
    limit=st.integers(1, 3),
    how=st.sampled_from(ORDERS),
)
def test_what_does_not_change_is_told_once_while_others_come_go_and_grow(
    kept: bool,
    quiet: dict[str, Lying],
    restless: list[tuple[str, Lying | None]],
    limit: int,
    how: tuple[EntryOrder, bool],
) -> None:
    told: list[str] = []
    with directory_of(quiet, kept=kept) as (where, opened):
        for page in pages(opened, limit, *how):
            told += [entry.name for entry in page]
            for name, lying in restless[: len(restless) // 2 + 1]:
                if lying is None:
                    (where / name).unlink(missing_ok=True)
                else:
                    lying.put(where / name)
            restless = restless[1:]
    expected = shown(in_order(quiet, *how))
    assert [name for name in told if name in expected] == expected


@pytest.mark.parametrize(("order", "descending"), ORDERS[1:], ids=lambda part: str(part))
def test_a_cursor_is_good_for_its_own_order_alone(
    tmp_path: Path, order: EntryOrder, descending: bool
) -> None:
    for name in ("a", "b"):
        (tmp_path / name).touch()
    opened = os.open(tmp_path, os.O_RDONLY)
    try:
        first = Listings().page(opened, PageWanted(1, order=order, descending=descending))
        with pytest.raises(BadInput):
            Listings().page(opened, PageWanted(1, first.next))
    finally:
        os.close(opened)


def test_a_file_that_grows_is_placed_by_its_new_size_at_once(tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name).write_text(name)
    os.utime(tmp_path, ns=(0, time.time_ns() - 60_000_000_000))
    opened, listings = os.open(tmp_path, os.O_RDONLY), Listings()
    wanted = PageWanted(9, order=EntryOrder.SIZE, descending=True)
    before = [entry.name for entry in listings.page(opened, wanted).items]
    (tmp_path / "b").write_text("longer")
    after = [entry.name for entry in listings.page(opened, wanted).items]
    os.close(opened)
    assert (before, after) == (["a", "b"], ["b", "a"])


def test_a_filter_holds_in_any_order(tmp_path: Path) -> None:
    for name in ("one.csv", "three.csv", "other.txt"):
        (tmp_path / name).write_text(name)
    opened = os.open(tmp_path, os.O_RDONLY)
    wanted = PageWanted(9, matching="CSV", order=EntryOrder.SIZE, descending=True)
    found = [entry.name for entry in Listings().page(opened, wanted).items]
    os.close(opened)
    assert found == ["three.csv", "one.csv"]


@pytest.mark.parametrize(("order", "descending"), ORDERS[1:], ids=lambda part: str(part))
def test_choosing_a_page_takes_the_room_of_a_page(order: EntryOrder, descending: bool) -> None:
    def many() -> Iterator[Row]:
        for number in range(20_000):
            name = f"{number * 7919 % 20_000:05}"
            yield Row(1, int(name), name, name)

    wanted = PageWanted(50, order=order, descending=descending)
    tracemalloc.start()
    chosen = listing._first_of(many(), None, wanted)
    _, most = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(chosen) == 51
    # All of them take more than 3 MB.
    assert most < 200_000
