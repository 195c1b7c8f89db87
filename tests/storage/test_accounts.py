"""What an owner's trees hold together: counted once, never over its limit, and mended."""

from __future__ import annotations

import multiprocessing
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
import pytest_asyncio

from jupyterhub_vmshare.errors import QuotaExceeded
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.storage.port import Part, Target
from jupyterhub_vmshare.storage.posix import PosixStore
from jupyterhub_vmshare.storage.posix.accounts import Accounts

Work = Callable[[PosixStore, str], Awaitable[None]]


@pytest.fixture
def account() -> str:
    return new_id("acc")


@pytest_asyncio.fixture
async def counted(store: PosixStore, folder: str, account: str) -> str:
    """A folder whose account may hold 1,000 bytes."""
    await store.set_limit(account, 1000)
    await store.charge(folder, account)
    return folder


async def put(
    store: PosixStore, folder: str, name: str, size: int, *, overwrite: bool = False
) -> None:
    at = tuple(name.split("/"))
    writing = await store.receive(folder, at, overwrite=overwrite, size=size)
    try:
        await writing.write(b"x" * size)
        await writing.settle()
        await writing.publish()
    finally:
        await writing.abandon()


async def nothing(store: PosixStore, folder: str) -> None:
    pass


async def one_file(store: PosixStore, folder: str) -> None:
    await put(store, folder, "a", 600)


async def replaced_by_less(store: PosixStore, folder: str) -> None:
    await put(store, folder, "a", 600)
    await put(store, folder, "a", 200, overwrite=True)


async def replaced_by_more(store: PosixStore, folder: str) -> None:
    await put(store, folder, "a", 600)
    await put(store, folder, "a", 1000, overwrite=True)


async def removed(store: PosixStore, folder: str) -> None:
    await put(store, folder, "a", 600)
    await store.remove(folder, ("a",))


async def moved(store: PosixStore, folder: str) -> None:
    await put(store, folder, "a", 600)
    await store.move(folder, ("a",), ("b",))


async def given_up(store: PosixStore, folder: str) -> None:
    writing = await store.receive(folder, ("a",), overwrite=False)
    await writing.write(b"x" * 600)
    await writing.settle()
    await writing.abandon()


async def refused(store: PosixStore, folder: str) -> None:
    await put(store, folder, "a", 300)
    writing = await store.receive(folder, ("b",), overwrite=False)
    await writing.write(b"x" * 900)
    with pytest.raises(QuotaExceeded):
        await writing.settle()
    await writing.abandon()


async def a_part(store: PosixStore, folder: str, upload: str) -> Part:
    part = await store.uploads.hold(folder, upload, create=True)
    assert part is not None
    return part


async def in_parts(store: PosixStore, folder: str) -> None:
    """Written, let go of, taken up again at an earlier place, given up and published."""
    upload = new_id("upl")
    part = await a_part(store, folder, upload)
    await part.write(b"x" * 600)
    await part.settle()
    await part.release()
    assert await used(store, folder) == 600
    part = await a_part(store, folder, upload)
    assert await part.rewind(200)
    await part.write(b"x" * 300)
    await part.settle()
    await part.publish_at(Target(folder, ("a",)))
    other = await a_part(store, folder, new_id("upl"))
    await other.write(b"x" * 400)
    await other.settle()
    await other.discard()


async def joined(store: PosixStore, folder: str) -> None:
    whole, part = [await a_part(store, folder, new_id("upl")) for _ in range(2)]
    await part.write(b"x" * 300)
    await part.settle()
    await whole.append(part)
    await whole.settle()
    await part.discard()
    await whole.publish_at(Target(folder, ("a",)))


async def removed_with_all(store: PosixStore, folder: str) -> None:
    await put(store, folder, "kept", 100)
    await store.make_directory(folder, ("d",))
    await store.make_directory(folder, ("d", "e"))
    for place in (("d", "a"), ("d", "e", "b")):
        writing = await store.receive(folder, place, overwrite=False)
        await writing.write(b"x" * 300)
        await writing.settle()
        await writing.publish()
    await store.remove(folder, ("d",), recursive=True)


async def used(store: PosixStore, folder: str) -> int:
    account = store._charge(folder).account
    assert account is not None
    return (await store.usage(account)).used


async def one_byte_over(store: PosixStore, folder: str) -> None:
    """Nobody said beforehand how long it would be."""
    writing = await store.receive(folder, ("a",), overwrite=False)
    await writing.write(b"x" * 1001)
    with pytest.raises(QuotaExceeded):
        await writing.settle()
    await writing.abandon()


async def directories(store: PosixStore, folder: str) -> None:
    await store.make_directory(folder, ("d",))
    await store.remove(folder, ("d",))


async def retired(store: PosixStore, folder: str) -> None:
    await put(store, folder, "a", 600)
    await store.retire(folder)
    await store.retire(folder)


async def discarded(store: PosixStore, folder: str) -> None:
    assert await store.discard_if_empty(folder)


@pytest.mark.parametrize(
    ("work", "used"),
    [
        pytest.param(nothing, 0, id="nothing"),
        pytest.param(one_file, 600, id="a file"),
        pytest.param(replaced_by_less, 200, id="a file replaced by a smaller one"),
        pytest.param(replaced_by_more, 1000, id="a file replaced by as much as there may be"),
        pytest.param(removed, 0, id="a file removed"),
        pytest.param(moved, 600, id="a file moved"),
        pytest.param(given_up, 0, id="an upload given up"),
        pytest.param(refused, 300, id="an upload refused on its way"),
        pytest.param(in_parts, 500, id="an upload in several goes"),
        pytest.param(joined, 300, id="an upload of parts"),
        pytest.param(removed_with_all, 100, id="a directory removed with all that is in it"),
        pytest.param(one_byte_over, 0, id="one byte more than there may be"),
        pytest.param(directories, 0, id="directories"),
        pytest.param(retired, 0, id="a tree deleted for ever, twice"),
        pytest.param(discarded, 0, id="a tree that never got its row"),
    ],
)
@pytest.mark.asyncio
async def test_each_byte_counts_once(
    store: PosixStore, counted: str, account: str, work: Work, used: int
) -> None:
    await work(store, counted)
    assert (await store.usage(account)).used == used


@pytest.mark.scenario("F17")
@pytest.mark.asyncio
async def test_a_refusal_says_how_much_and_how_much_is_left(
    store: PosixStore, counted: str, account: str
) -> None:
    await put(store, counted, "a", 600)
    with pytest.raises(QuotaExceeded) as refusal:
        await store.receive(counted, ("b",), overwrite=False, size=401)
    assert (refusal.value.asked, refusal.value.left) == (401, 400)
    assert "401 bytes" in refusal.value.message
    assert "400 bytes left" in refusal.value.message
    await put(store, counted, "b", 400)


@pytest.mark.asyncio
async def test_trees_of_one_owner_share_the_limit(
    store: PosixStore, counted: str, account: str
) -> None:
    other, stranger = new_id("fld"), new_id("fld")
    for tree in (other, stranger):
        await store.create(tree)
    await store.charge(other, account)
    await store.charge(stranger, new_id("acc"))
    await put(store, counted, "a", 700)
    with pytest.raises(QuotaExceeded):
        await put(store, other, "a", 301)
    await put(store, other, "a", 300)
    await put(store, stranger, "a", 5000)


@pytest.mark.asyncio
async def test_a_lower_limit_keeps_what_is_there_and_takes_no_more(
    store: PosixStore, counted: str, account: str, on_disk: Path
) -> None:
    await put(store, counted, "a", 600)
    await store.set_limit(account, 100)
    with pytest.raises(QuotaExceeded) as refusal:
        await put(store, counted, "b", 1)
    assert refusal.value.left == 0
    await put(store, counted, "a", 500, overwrite=True)
    assert (on_disk / "a").stat().st_size == 500
    await store.set_limit(account, None)
    await put(store, counted, "b", 10_000)


@pytest.mark.asyncio
async def test_another_account_takes_all_of_a_tree(
    store: PosixStore, counted: str, account: str
) -> None:
    await put(store, counted, "a", 600)
    other = new_id("acc")
    for _ in range(2):  # as after a crash
        await store.charge(counted, other, account)
    assert dict((await store.usage(account)).trees) == {}
    assert dict((await store.usage(other)).trees) == {counted: 600}
    await put(store, counted, "b", 600)
    assert (await store.usage(other)).used == 1200


@pytest.mark.asyncio
async def test_a_recount_mends_what_was_missed(
    store: PosixStore, counted: str, account: str, on_disk: Path
) -> None:
    await put(store, counted, "a", 600)
    (on_disk / "deep" / "er").mkdir(parents=True)
    (on_disk / "deep" / "er" / "b").write_bytes(b"x" * 50)
    os.link(on_disk / "a", on_disk / "deep" / "a too")
    (on_disk / "link").symlink_to("a")
    await store.recount(counted)
    assert (await store.usage(account)).used == 650
    (on_disk / "deep" / "er" / "b").unlink()
    await store.recount(counted)
    assert (await store.usage(account)).used == 600


@pytest.mark.asyncio
async def test_a_recount_leaves_uploads_under_way(
    store: PosixStore, counted: str, account: str
) -> None:
    writing = await store.receive(counted, ("a",), overwrite=False)
    await writing.write(b"x" * 600)
    await writing.settle()
    await store.recount(counted)
    assert (await store.usage(account)).used == 600
    await writing.publish()
    assert (await store.usage(account)).used == 600


def test_a_recount_does_not_take_back_what_came_meanwhile(tmp_path: Path, account: str) -> None:
    accounts, tree = opened(tmp_path), new_id("fld")
    accounts.set_limit(account, None)
    accounts.add(account, tree, 100)
    before = accounts.look(account).trees[tree]
    accounts.grow(account, tree, 70)
    accounts.grow(account, tree, -20)
    # The walk saw some of that, or all, or nothing.
    for seen in (100, 120, 150, 170):
        accounts.correct(account, tree, before, seen)
        assert accounts.look(account).used == 150
    accounts.correct(account, tree, before, 1150)
    assert 1000 <= accounts.look(account).used <= 1150


@pytest.mark.asyncio
async def test_what_a_killed_service_was_receiving_is_given_back(
    tmp_path: Path, store: PosixStore, counted: str, account: str
) -> None:
    await put(store, counted, "a", 100)
    writing = await store.receive(counted, ("a",), overwrite=True)
    await writing.write(b"x" * 600)
    await writing.settle()
    assert (await store.usage(account)).used == 600
    # What a killed process leaves: the file, unlocked.
    [draft] = (tmp_path / "store" / ".incoming").iterdir()
    content, name = draft.read_bytes(), draft.name
    draft.unlink()
    draft.write_bytes(content)
    os.utime(draft, (0, 0))
    await store.sweep_drafts()
    assert not (tmp_path / "store" / ".incoming" / name).exists()
    assert (await store.usage(account)).used == 100


def opened(where: Path) -> Accounts:
    return Accounts(os.open(where, os.O_RDONLY | os.O_DIRECTORY))


def _take(where: Path, account: str, tree: str, results: multiprocessing.Queue[int]) -> None:
    accounts, taken = opened(where), 0
    for turn in range(400):
        try:
            accounts.grow(account, tree, 7)
            taken += 7
        except QuotaExceeded:
            if taken and turn % 3 == 0:
                accounts.grow(account, tree, -7)
                taken -= 7
    results.put(taken)


def test_eight_processes_at_once_never_go_over(tmp_path: Path, account: str) -> None:
    accounts, limit = opened(tmp_path), 10_000
    accounts.set_limit(account, limit)
    trees = [new_id("fld") for _ in range(3)]
    for tree in trees:
        accounts.add(account, tree, 0)
    spawning = multiprocessing.get_context("fork")
    results: multiprocessing.Queue[int] = spawning.Queue()
    writers = [
        spawning.Process(target=_take, args=(tmp_path, account, trees[n % 3], results))
        for n in range(8)
    ]
    for writer in writers:
        writer.start()
    seen = []
    while any(writer.is_alive() for writer in writers):
        seen.append(accounts.look(account).used)
        writers[0].join(0.001)
        if sum(not writer.is_alive() for writer in writers) == len(writers):
            break
    taken = sum(results.get(timeout=60) for _ in writers)
    for writer in writers:
        writer.join()
    assert max(seen) <= limit
    assert accounts.look(account).used == taken > limit - 7 * 8
