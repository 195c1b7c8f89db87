"""Whatever is planted in a tree, no operation reads or writes outside it."""

from __future__ import annotations

import asyncio
import os
import socket
import subprocess
import sys
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from jupyterhub_vmshare.errors import NotFound, VMShareError
from jupyterhub_vmshare.storage.port import (
    EntryExists,
    EntryKind,
    NotADirectory,
    NotAFile,
    PageWanted,
    Parts,
)
from jupyterhub_vmshare.storage.posix import PosixStore

Operation = Callable[[PosixStore, str, Parts], Awaitable[object]]


async def _upload(store: PosixStore, folder: str, at: Parts, *, overwrite: bool) -> None:
    writing = await store.receive(folder, at, overwrite=overwrite)
    try:
        await writing.write(b"intruder")
        await writing.settle()
        await writing.publish()
    finally:
        await writing.abandon()


OPERATIONS = [
    pytest.param(lambda s, f, at: s.page(f, at, PageWanted(9)), id="list"),
    pytest.param(lambda s, f, at: s.open(f, at), id="open"),
    pytest.param(lambda s, f, at: _upload(s, f, at, overwrite=False), id="upload"),
    pytest.param(lambda s, f, at: _upload(s, f, at, overwrite=True), id="upload over it"),
    pytest.param(lambda s, f, at: s.make_directory(f, at), id="make a directory"),
]
BELOW = [
    *OPERATIONS,
    pytest.param(lambda s, f, at: s.stat(f, at), id="stat"),
    pytest.param(lambda s, f, at: s.remove(f, at), id="delete"),
    pytest.param(lambda s, f, at: s.move(f, at, ("taken",)), id="move out of it"),
    pytest.param(lambda s, f, at: s.move(f, ("own",), at), id="move into it"),
]


@pytest.fixture
def outside(tmp_path: Path, on_disk: Path) -> Path:
    """A directory outside, and links to it from inside the folder."""
    outside = tmp_path / "outside"
    (outside / "sub").mkdir(parents=True)
    (outside / "secret").write_text("secret")
    (on_disk / "own").write_text("own")
    (on_disk / "dir").symlink_to(outside)
    (on_disk / "up").symlink_to("../../../../outside")
    (on_disk / "file").symlink_to(outside / "secret")
    (on_disk / "nowhere").symlink_to(outside / "new")
    (on_disk / "loop").symlink_to("loop")
    return outside


def _content(outside: Path) -> dict[str, str | None]:
    return {
        str(path.relative_to(outside)): path.read_text() if path.is_file() else None
        for path in sorted(outside.rglob("*"))
    }


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", OPERATIONS)
@pytest.mark.parametrize("link", ["dir", "up", "file", "nowhere", "loop"])
async def test_a_link_is_not_followed(
    store: PosixStore, folder: str, outside: Path, link: str, operation: Operation
) -> None:
    with pytest.raises((NotAFile, NotADirectory, EntryExists)):
        await operation(store, folder, (link,))
    assert _content(outside) == {"secret": "secret", "sub": None}


@pytest.mark.asyncio
@pytest.mark.parametrize("operation", BELOW)
@pytest.mark.parametrize("name", ["secret", "sub", "new"])
@pytest.mark.parametrize("link", ["dir", "up", "loop"])
async def test_nothing_is_reached_through_a_link(
    store: PosixStore, folder: str, outside: Path, link: str, name: str, operation: Operation
) -> None:
    with pytest.raises(NotADirectory):
        await operation(store, folder, (link, name))
    assert _content(outside) == {"secret": "secret", "sub": None}


@pytest.mark.asyncio
async def test_a_link_is_shown_renamed_and_deleted_as_a_link(
    store: PosixStore, folder: str, outside: Path
) -> None:
    assert (await store.stat(folder, ("dir",))).kind is EntryKind.LINK
    assert (await store.move(folder, ("dir",), ("kept",))).kind is EntryKind.LINK
    await store.remove(folder, ("kept",))
    with pytest.raises(NotFound):
        await store.stat(folder, ("kept",))
    assert _content(outside) == {"secret": "secret", "sub": None}


@pytest.mark.asyncio
@pytest.mark.parametrize("part", ["..", ".", "", "a/b", "/etc"])
async def test_even_an_unchecked_part_leads_nowhere(
    store: PosixStore, folder: str, tmp_path: Path, part: str
) -> None:
    """Routes parse paths first; this is what would happen if one forgot."""
    store_before = sorted(str(path) for path in tmp_path.rglob("*"))
    for operation in (store.make_directory, store.remove):
        with pytest.raises((VMShareError, OSError)):
            await operation(folder, (part, "x"))
    with pytest.raises((VMShareError, OSError)):
        await _upload(store, folder, (part, "x"), overwrite=True)
    assert sorted(str(path) for path in tmp_path.rglob("*")) == store_before


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "folder_id",
    ["..", "", "fld_", "../../etc", "fld_../../../../../../../etc0000", "fld_" + "A" * 26, "tests"],
)
async def test_only_an_id_names_a_tree(store: PosixStore, folder_id: str) -> None:
    with pytest.raises(NotFound):
        await store.create(folder_id)
    with pytest.raises(NotFound):
        await store.page(folder_id, (), PageWanted(1))
    with pytest.raises(NotFound):
        await store.retire(folder_id)


@pytest.mark.asyncio
async def test_a_link_swapped_in_during_an_upload_gets_nothing(
    store: PosixStore, folder: str, on_disk: Path, tmp_path: Path, drafts: Callable[[], list[str]]
) -> None:
    (tmp_path / "outside").mkdir()
    await store.make_directory(folder, ("sub",))
    writing = await store.receive(folder, ("sub", "a.txt"), overwrite=False)
    await writing.write(b"data")
    await writing.settle()
    (on_disk / "sub").rename(on_disk / "moved")
    (on_disk / "sub").symlink_to(tmp_path / "outside")
    with pytest.raises(NotADirectory):
        await writing.publish()
    await writing.abandon()
    assert not list((tmp_path / "outside").iterdir())
    assert drafts() == []


@contextmanager
def swapping(where: Path, *names: str) -> Iterator[None]:
    """Each of these is called ``now`` for a moment, again and again, by another process."""
    script = (
        "import os, sys\n"
        "os.chdir(sys.argv[1])\n"
        "while True:\n"
        "    for name in sys.argv[2:]:\n"
        "        os.rename(name, 'now')\n"
        "        os.rename('now', name)\n"
    )
    swapper = subprocess.Popen([sys.executable, "-c", script, str(where), *names])
    try:
        yield
    finally:
        swapper.kill()
        swapper.wait()


@pytest.mark.asyncio
async def test_a_listing_never_shows_what_is_behind_a_link_swapped_in(
    store: PosixStore, folder: str, on_disk: Path, tmp_path: Path
) -> None:
    """Another process swaps a directory and a link for it, while we list and read."""
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside" / "secret").write_text("secret")
    (on_disk / "real").mkdir()
    (on_disk / "real" / "mine").write_text("mine")
    (on_disk / "link").symlink_to(tmp_path / "outside")
    seen = set()
    with swapping(on_disk, "real", "link"):
        for _ in range(1000):
            try:
                page = await store.page(folder, ("now",), PageWanted(9))
                seen |= {entry.name for entry in page.items}
                reading = await store.open(folder, ("now", "secret"))
                pytest.fail(f"read {await reading.read(0, 9)!r} from outside")
            except (NotFound, NotADirectory):
                continue
    assert seen <= {"mine"}


@pytest.mark.asyncio
async def test_a_pipe_swapped_in_holds_nobody_up(
    store: PosixStore, folder: str, on_disk: Path
) -> None:
    """Opening a pipe for reading waits for a writer, unless it is told not to."""
    (on_disk / "file").write_text("mine")
    os.mkfifo(on_disk / "pipe")
    with swapping(on_disk, "file", "pipe"):
        for _ in range(4000):
            try:
                reading = await asyncio.wait_for(store.open(folder, ("now",)), 5)
            except (NotFound, NotAFile):
                continue
            assert await reading.read(0, 9) == b"mine"
            await reading.close()


@pytest.mark.asyncio
async def test_what_is_no_file_is_never_opened(
    store: PosixStore, folder: str, on_disk: Path
) -> None:
    os.mkfifo(on_disk / "pipe")
    with socket.socket(socket.AF_UNIX) as listener:
        # A socket's path is short by law: bind it by a relative one.
        before = os.open(".", os.O_RDONLY)
        os.chdir(on_disk)
        try:
            listener.bind("socket")
        finally:
            os.fchdir(before)
            os.close(before)
        for name in ("pipe", "socket"):
            assert (await store.stat(folder, (name,))).kind is EntryKind.OTHER
            with pytest.raises(NotAFile):
                await store.open(folder, (name,))
            with pytest.raises(EntryExists):
                await store.receive(folder, (name,), overwrite=True)


@pytest.mark.asyncio
async def test_overwriting_never_writes_through_a_hard_link(
    store: PosixStore, folder: str, on_disk: Path, tmp_path: Path
) -> None:
    (tmp_path / "elsewhere").write_text("theirs")
    os.link(tmp_path / "elsewhere", on_disk / "same")
    await _upload(store, folder, ("same",), overwrite=True)
    assert (tmp_path / "elsewhere").read_text() == "theirs"
    assert (on_disk / "same").read_text() == "intruder"


@pytest.mark.asyncio
async def test_the_store_is_the_services_own(
    tmp_path: Path, store: PosixStore, folder: str
) -> None:
    await store.make_directory(folder, ("d",))
    await _upload(store, folder, ("d", "f"), overwrite=False)
    loose = [path for path in (tmp_path / "store").rglob("*") if path.stat().st_mode & 0o077]
    assert not loose
    assert (tmp_path / "store").stat().st_mode & 0o777 == 0o700
