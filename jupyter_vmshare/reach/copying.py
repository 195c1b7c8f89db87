"""Files and directories between this computer and a machine, with progress, in constant memory."""

from __future__ import annotations

import asyncio
import os
import posixpath
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import aclosing
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_vmshare.client.errors import NotFound, VMShareError
from jupyter_vmshare.client.transfer import Progress, free_target, local_name, replacing
from jupyter_vmshare.reach.failures import LinkCut
from jupyter_vmshare.reach.files import CHUNK, Entry, Files


@dataclass(frozen=True, slots=True)
class Copied:
    """What was copied, and where it is now; ``failed``: why each of those that are not is not."""

    path: str
    files: int = 0
    size: int = 0
    failed: dict[str, str] = field(default_factory=dict)

    def __repr__(self) -> str:
        notes = [f"{self.files} files", f"{self.size} bytes"]
        notes += [f"{path}: {because}" for path, because in self.failed.items()]
        text = f"<{self.path}: {', '.join(notes)}>"
        # A name need not be text, and what is shown has to be.
        return text.encode("utf-8", "backslashreplace").decode()


async def put(
    files: Files,
    local: str | os.PathLike[str],
    remote: str = "",
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Copied:
    """Copy a file, or a directory with all that is in it, to a machine.

    Links in a directory are left out, and what is refused there does not keep the rest from coming.
    """
    name, pairs, size = await asyncio.to_thread(_looked_at, Path(local))
    target = await _target(files, name, remote)
    tally = _Tally(target, progress, size)
    if not pairs:
        await _put_one(files, Path(local), target, overwrite, tally)
    for each, below in pairs:
        there = posixpath.join(target, below) if below else target
        async with tally.of(there):
            if await asyncio.to_thread(each.is_dir):
                await _directory(files, there)
            else:
                await _put_one(files, each, there, overwrite, tally)
    return tally.copied


async def get(
    files: Files,
    remote: str,
    local: str | os.PathLike[str] = ".",
    *,
    overwrite: bool = False,
    progress: Progress | None = None,
) -> Copied:
    """Copy a file, or a directory with all that is in it, from a machine; nothing half is left."""
    entry = await files.entry(remote, follow=True)
    if entry.kind != "directory":
        target = free_target(entry.name, local, overwrite)
        tally = _Tally(str(target), progress, entry.size)
        await _get_one(files, entry, target, tally)
        return tally.copied
    top = await asyncio.to_thread(_local_top, Path(local), local_name(entry.name))
    tally = _Tally(str(top), progress, None)
    async for each, here in _walked_there(files, entry.path, top):
        async with tally.of(each.path):
            if each.kind == "directory":
                await asyncio.to_thread(here.mkdir, exist_ok=True)
            else:
                await _get_one(files, each, free_target(each.name, here, overwrite), tally)
    return tally.copied


class _Tally:
    """How far it has come."""

    def __init__(self, path: str, progress: Progress | None, size: int | None) -> None:
        self._path, self._size = path, size
        self._say: Callable[[int, int | None], None] = progress or (lambda _done, _size: None)
        self._files, self._done = 0, 0
        self._failed: dict[str, str] = {}
        self._now = ""
        self._say(0, size)

    @property
    def copied(self) -> Copied:
        """What came of it."""
        return Copied(self._path, self._files, self._done, self._failed)

    def of(self, path: str) -> _Tally:
        """One of several: what goes wrong with it is written down."""
        self._now = path
        return self

    def more(self, size: int) -> None:
        """So many bytes more."""
        self._done += size
        self._say(self._done, self._size)

    def one(self) -> None:
        """One file more."""
        self._files += 1

    async def __aenter__(self) -> None:
        return None

    async def __aexit__(self, kind: object, error: BaseException | None, trace: object) -> bool:
        if isinstance(error, LinkCut) or not isinstance(error, (VMShareError, OSError)):
            return False
        self._failed[self._now] = str(error)
        return True


async def _put_one(files: Files, local: Path, target: str, overwrite: bool, tally: _Tally) -> None:
    with local.open("rb") as file:
        async with files.writing(target, overwrite=overwrite) as write:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                await write(chunk)
                tally.more(len(chunk))
    tally.one()


async def _get_one(files: Files, entry: Entry, target: Path, tally: _Tally) -> None:
    if entry.kind not in ("file", "link"):
        raise IsADirectoryError(f"{entry.path} is no file.")
    with replacing(target) as file:
        async with aclosing(files.read(entry.path)) as chunks:
            async for chunk in chunks:
                await asyncio.to_thread(file.write, chunk)
                tally.more(len(chunk))
    tally.one()


async def _target(files: Files, name: str, remote: str) -> str:
    """Into a directory that is there, or under a name of its own."""
    whole = await files.at(remote)
    try:
        is_directory = (await files.entry(whole, follow=True)).kind == "directory"
    except NotFound:
        is_directory = False
    if is_directory or remote.endswith("/"):
        return posixpath.join(whole, name)
    return whole


async def _directory(files: Files, path: str) -> None:
    """One that is there already is filled."""
    try:
        entry = await files.entry(path, follow=True)
    except NotFound:
        await files.make_directory(path)
        return
    if entry.kind != "directory":
        raise NotADirectoryError(f"{path} is no directory.")


def _looked_at(local: Path) -> tuple[str, list[tuple[Path, str]], int]:
    """Its name, what lies in it if it is a directory (with paths below it), and its size."""
    if not local.exists():
        raise FileNotFoundError(f"There is no {local} here.")
    name = local.resolve().name
    if not local.is_dir():
        return name, [], local.stat().st_size
    pairs = [(local, ""), *_walked(local, "")]
    return name, pairs, sum(each.stat().st_size for each, _ in pairs if each.is_file())


def _local_top(local: Path, name: str) -> Path:
    """The directory here that is filled; into one that is there, or a new one."""
    top = local / name if local.is_dir() else local
    top.mkdir(exist_ok=True)
    return top


def _walked(top: Path, below: str) -> Iterator[tuple[Path, str]]:
    """Each directory before what is in it, with their paths below the first; links are left out."""
    for name in sorted(os.listdir(top)):
        found, there = top / name, posixpath.join(below, name)
        if found.is_symlink():
            continue
        if found.is_dir():
            yield found, there
            yield from _walked(found, there)
        elif found.is_file():
            yield found, there


async def _walked_there(files: Files, path: str, here: Path) -> AsyncIterator[tuple[Entry, Path]]:
    """Each directory before what is in it, with where it goes; links are left out."""
    for entry in sorted([each async for each in files.entries(path)], key=lambda it: it.name):
        if entry.kind == "directory":
            inner = here / local_name(entry.name)
            yield entry, inner
            async for more in _walked_there(files, entry.path, inner):
                yield more
        elif entry.kind == "file":
            yield entry, here
