"""Files and directories: what is published, what is refused, what a crash leaves."""

from __future__ import annotations

import asyncio
import errno
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from jupyterhub_vmshare.errors import BadInput, ChangedMeanwhile, NotFound, StoreFull
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.storage.port import (
    EntryExists,
    EntryKind,
    NotADirectory,
    NotAFile,
    NotEmpty,
    PageWanted,
    Target,
)
from jupyterhub_vmshare.storage.posix import PosixStore, publishing, tree
from jupyterhub_vmshare.storage.posix import store as posix_store

Drafts = Callable[[], list[str]]


async def put(
    store: PosixStore, folder: str, path: str, data: bytes, overwrite: bool = False
) -> None:
    writing = await store.receive(folder, tuple(path.split("/")), overwrite=overwrite)
    try:
        await writing.write(data)
        await writing.settle()
        await writing.publish()
    finally:
        await writing.abandon()


@pytest.mark.asyncio
async def test_an_upload_is_nowhere_until_it_is_published(
    store: PosixStore, folder: str, on_disk: Path, drafts: Drafts
) -> None:
    writing = await store.receive(folder, ("a",), overwrite=False)
    await writing.write(b"1" * 3_000_000)
    await writing.settle()
    assert list(on_disk.iterdir()) == []
    entry = await writing.publish()
    await writing.abandon()
    assert (entry.name, entry.kind, entry.size) == ("a", EntryKind.FILE, 3_000_000)
    assert (on_disk / "a").stat().st_size == 3_000_000
    assert entry == await store.stat(folder, ("a",))
    assert drafts() == []


@pytest.mark.asyncio
async def test_an_abandoned_upload_leaves_nothing(
    store: PosixStore, folder: str, on_disk: Path, drafts: Drafts
) -> None:
    writing = await store.receive(folder, ("a",), overwrite=False)
    await writing.write(b"data")
    assert len(drafts()) == 1
    await writing.abandon()
    await writing.abandon()
    assert (list(on_disk.iterdir()), drafts()) == ([], [])


@pytest.mark.asyncio
@pytest.mark.parametrize("way", ["renameat2", "portable"])
async def test_of_many_uploads_of_one_name_one_wins_whole(
    store: PosixStore, folder: str, on_disk: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "portable":
        monkeypatch.setattr(tree, "_renameat2", None)
    ways = await asyncio.gather(
        *(put(store, folder, "a", bytes([number]) * 5000) for number in range(20)),
        return_exceptions=True,
    )
    assert sum(way is None for way in ways) == 1
    assert all(way is None or isinstance(way, EntryExists) for way in ways)
    assert len(set((on_disk / "a").read_bytes())) == 1


@pytest.mark.asyncio
async def test_what_came_during_an_upload_is_not_replaced(
    store: PosixStore, folder: str, on_disk: Path
) -> None:
    writing = await store.receive(folder, ("a",), overwrite=False)
    await writing.write(b"late")
    await writing.settle()
    (on_disk / "a").write_text("early")
    with pytest.raises(EntryExists):
        await writing.publish()
    await writing.abandon()
    assert (on_disk / "a").read_text() == "early"


@pytest.mark.asyncio
async def test_replacing_is_whole_and_open_readers_keep_the_old_one(
    store: PosixStore, folder: str
) -> None:
    await put(store, folder, "a", b"old")
    reading = await store.open(folder, ("a",))
    await put(store, folder, "a", b"newer", overwrite=True)
    assert await reading.read(0, 99) == b"old"
    await reading.close()
    assert (await store.stat(folder, ("a",))).tag != reading.entry.tag


@pytest.mark.asyncio
async def test_it_says_whether_something_was_replaced(store: PosixStore, folder: str) -> None:
    for expected in (False, True):
        writing = await store.receive(folder, ("a",), overwrite=True)
        await writing.settle()
        await writing.publish()
        assert writing.replaced is expected


@pytest.mark.asyncio
async def test_what_is_no_file_is_not_replaced_though_it_came_during_the_upload(
    store: PosixStore, folder: str, on_disk: Path, drafts: Drafts
) -> None:
    for name, plant in (("pipe", os.mkfifo), ("link", lambda path: path.symlink_to("x"))):
        writing = await store.receive(folder, (name,), overwrite=True)
        await writing.settle()
        plant(on_disk / name)
        with pytest.raises(EntryExists):
            await writing.publish()
        await writing.abandon()
    assert sorted(path.name for path in on_disk.iterdir()) == ["link", "pipe"]
    assert drafts() == []


@pytest.mark.asyncio
async def test_a_closed_file_is_not_read(store: PosixStore, folder: str) -> None:
    await put(store, folder, "a", b"data")
    reading = await store.open(folder, ("a",))
    assert await reading.read(2, 99) == b"ta"
    assert await reading.read(4, 99) == b""
    await reading.close()
    await reading.close()
    with pytest.raises(ValueError, match="closed"):
        await reading.read(0, 1)


@pytest.mark.asyncio
@pytest.mark.parametrize("way", ["renameat2", "portable"])
async def test_moving_never_replaces(
    store: PosixStore, folder: str, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    if way == "portable":
        monkeypatch.setattr(tree, "_renameat2", None)
    await store.make_directory(folder, ("d",))
    await store.make_directory(folder, ("empty",))
    await put(store, folder, "f", b"f")
    await put(store, folder, "g", b"g")
    for source, target in [("f", "g"), ("d", "empty"), ("d", "f"), ("f", "d"), ("f", "f")]:
        with pytest.raises(EntryExists):
            await store.move(folder, (source,), (target,))
    with pytest.raises(BadInput):
        await store.move(folder, ("d",), ("d", "below"))
    with pytest.raises(NotFound):
        await store.move(folder, ("nothing",), ("x",))
    with pytest.raises(NotFound):
        await store.move(folder, ("f",), ("nothing", "x"))
    assert (await store.move(folder, ("f",), ("d", "f"))).size == 1
    assert (await store.move(folder, ("d",), ("e",))).kind is EntryKind.DIRECTORY
    assert (await store.stat(folder, ("e", "f"))).size == 1


@pytest.mark.asyncio
async def test_what_is_asked_of_the_wrong_kind_is_refused(store: PosixStore, folder: str) -> None:
    await store.make_directory(folder, ("d",))
    await put(store, folder, "d/f", b"f")
    with pytest.raises(NotAFile):
        await store.open(folder, ("d",))
    with pytest.raises(NotAFile):
        await store.open(folder, ())
    with pytest.raises(NotADirectory):
        await store.page(folder, ("d", "f"), PageWanted(1))
    with pytest.raises(EntryExists):
        await store.receive(folder, ("d",), overwrite=True)
    with pytest.raises(NotADirectory):
        await store.receive(folder, ("d", "f", "g"), overwrite=True)
    with pytest.raises(EntryExists):
        await store.make_directory(folder, ("d",))
    with pytest.raises(NotEmpty):
        await store.remove(folder, ("d",))
    with pytest.raises(BadInput):
        await store.remove(folder, ())
    await store.remove(folder, ("d", "f"))
    await store.remove(folder, ("d",))
    with pytest.raises(NotFound):
        await store.remove(folder, ("d",))


@pytest.mark.asyncio
@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT], ids=["no space", "over quota"])
async def test_a_full_store_says_so_and_leaves_nothing(
    store: PosixStore,
    folder: str,
    on_disk: Path,
    drafts: Drafts,
    number: int,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def full(fd: int, buffers: object) -> int:
        raise OSError(number, os.strerror(number))

    writing = await store.receive(folder, ("a",), overwrite=False)
    monkeypatch.setattr(os, "writev", full)
    with pytest.raises(StoreFull):
        # A batch is written while the next one comes.
        await writing.write(b"1" * 2_000_000)
        await writing.write(b"2" * 2_000_000)
    await writing.abandon()
    assert (list(on_disk.iterdir()), drafts()) == ([], [])


@pytest.mark.asyncio
async def test_of_a_batch_that_does_not_fit_nothing_stays_and_of_those_before_all(
    store: PosixStore, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    writev, room = os.writev, [2_500_000]

    def until_full(fd: int, buffers: Sequence[memoryview]) -> int:
        taken = b"".join(buffers)[: min(400_000, room[0])]
        if not taken:
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
        room[0] -= len(taken)
        return writev(fd, [taken])

    part = await store.uploads.hold(folder, new_id("upl"), create=True)
    assert part is not None
    monkeypatch.setattr(os, "writev", until_full)
    with pytest.raises(StoreFull):
        for letter in b"1234":
            for _ in range(100):
                await part.write(bytes([letter]) * 20_000)
        await part.settle()
    monkeypatch.undo()
    there = await part.settle()
    assert 0 < there <= 2_500_000
    await part.write(b"the rest")
    assert await part.settle() == there + len(b"the rest")
    await part.publish_at(Target(folder, ("a",), overwrite=False))
    reading = await store.open(folder, ("a",))
    content = await reading.read(0, 10_000_000)
    await reading.close()
    came = b"".join(bytes([letter]) * 2_000_000 for letter in b"1234")
    assert content == came[:there] + b"the rest"


@pytest.mark.asyncio
async def test_drafts_of_a_crash_are_swept_and_those_of_a_neighbour_are_not(
    tmp_path: Path, drafts: Drafts
) -> None:
    script = (
        "import asyncio, os, signal, sys\n"
        "from jupyterhub_vmshare.storage.posix import PosixStore\n"
        "async def main():\n"
        "    store = PosixStore(sys.argv[1])\n"
        "    await store.start()\n"
        "    await store.create(sys.argv[2])\n"
        "    writing = await store.receive(sys.argv[2], ('a',), overwrite=False)\n"
        "    await writing.write(b'1' * 2000000)\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "asyncio.run(main())\n"
    )
    killed = subprocess.run(
        [sys.executable, "-c", script, str(tmp_path / "store"), new_id("fld")], check=False
    )
    assert killed.returncode == -signal.SIGKILL
    neighbour = PosixStore(tmp_path / "store")
    await neighbour.start()
    assert len(drafts()) == 1, "a young draft is left alone"
    folder = new_id("fld")
    await neighbour.create(folder)
    writing = await neighbour.receive(folder, ("b",), overwrite=False)
    for name in drafts():
        os.utime(tmp_path / "store" / ".incoming" / name, (0, 0))
    again = PosixStore(tmp_path / "store")
    await again.start()
    assert len(drafts()) == 1, "one that somebody writes is left alone however old"
    await writing.settle()
    assert (await writing.publish()).name == "b"
    await writing.abandon()
    await neighbour.close()
    await again.close()


@pytest.mark.asyncio
async def test_a_minute_later_what_nobody_writes_is_swept(
    store: PosixStore, folder: str, tmp_path: Path, drafts: Drafts
) -> None:
    writing = await store.receive(folder, ("a",), overwrite=False)
    [written] = drafts()
    now = time.time()
    for name, age in ((written, 90), ("left", 90), ("young", 30)):
        draft = tmp_path / "store" / ".incoming" / name
        draft.touch()
        os.utime(draft, (now - age, now - age))
    await store.sweep_drafts()
    assert drafts() == sorted([written, "young"])
    await writing.abandon()


@pytest.mark.asyncio
async def test_one_version_is_replaced_once_by_however_many(
    store: PosixStore, folder: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    really = publishing.give_name

    def slowly(*given: Any) -> None:
        time.sleep(0.05)
        really(*given)

    monkeypatch.setattr(posix_store, "give_name", slowly)
    await put(store, folder, "a", b"0")
    tag = (await store.stat(folder, ("a",))).tag
    tries = [await store.receive(folder, ("a",), overwrite=True, tag=tag) for _ in range(4)]
    for writing in tries:
        await writing.write(b"1")
        await writing.settle()
    done = await asyncio.gather(*(one.publish() for one in tries), return_exceptions=True)
    assert sum(isinstance(one, ChangedMeanwhile) for one in done) == 3, done
    for writing in tries:
        await writing.abandon()


@pytest.mark.asyncio
async def test_a_cancelled_request_leaks_no_descriptor(
    store: PosixStore, folder: str, drafts: Drafts
) -> None:
    await put(store, folder, "a", b"1" * 100_000)
    before = len(os.listdir("/proc/self/fd"))

    async def serve() -> None:
        reading = await store.open(folder, ("a",))
        try:
            while True:
                await reading.read(0, 100_000)
        finally:
            await reading.close()

    async def receive() -> None:
        writing = await store.receive(folder, ("b",), overwrite=True)
        try:
            while True:
                await writing.write(b"1" * 1_100_000)
        finally:
            await writing.abandon()

    for number in range(60):
        task = asyncio.ensure_future(serve() if number % 2 else receive())
        await asyncio.sleep(0.0005 * (number % 7))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0.2)
    assert len(os.listdir("/proc/self/fd")) <= before
    assert drafts() == []
