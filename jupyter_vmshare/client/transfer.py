"""Files on their way, in constant memory: where bytes come from and where they go."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO

from jupyter_vmshare.client.errors import BrokenOff

CHUNK = 1 << 18
Progress = Callable[[int, int | None], None]
"""Told bytes so far and the size, None when nobody knows it. Called between chunks."""


def _silent(_done: int, _size: int | None) -> None:
    """No progress wanted."""


class Sent:
    """Bytes, a local file, or an open binary file to upload.

    An open file is sent from where it stands; it must be seekable to be tried again.
    """

    def __init__(
        self, what: bytes | str | os.PathLike[str] | IO[bytes], progress: Progress | None = None
    ) -> None:
        self._what = io.BytesIO(what) if isinstance(what, bytes) else what
        self._progress = progress or _silent
        self._start = _position(self._what)
        self.size = _size(self._what)

    def chunks(self) -> Iterator[bytes]:
        """From the beginning."""
        done = 0
        self._progress(0, self.size)
        for chunk in self._read():
            yield chunk
            done += len(chunk)
            self._progress(done, self.size)

    def _read(self) -> Iterable[bytes]:
        with contextlib.ExitStack() as opened:
            if isinstance(self._what, (str, os.PathLike)):
                file: IO[bytes] = opened.enter_context(Path(self._what).open("rb"))
            else:
                file = self._what
                if _seekable(file):
                    file.seek(self._start)
            yield from iter(lambda: file.read(CHUNK), b"")


class Rest:
    """A local file from ``start`` on; its progress is that of the whole file."""

    def __init__(self, path: Path, start: int, size: int, progress: Progress | None = None) -> None:
        self._path = path
        self._start = start
        self._whole = size
        self._progress = progress or _silent
        self.size: int | None = size - start

    def chunks(self) -> Iterator[bytes]:
        """From ``start``, and no more than was announced: the file may grow meanwhile."""
        done = self._start
        self._progress(done, self._whole)
        with self._path.open("rb") as file:
            file.seek(done)
            while chunk := file.read(min(CHUNK, self._whole - done)):
                yield chunk
                done += len(chunk)
                self._progress(done, self._whole)


class Received:
    """Where a download goes. After a break it asks for the rest only."""

    def __init__(self, write: IO[bytes], progress: Progress | None = None) -> None:
        self._file = write
        self._start = _position(write)
        self._progress = progress or _silent
        self._etag: str | None = None
        self.done = 0
        self.size: int | None = None

    def asks(self) -> Mapping[str, str]:
        """``Range`` for what is missing, only of the same file (``If-Range``)."""
        if self.done and self._etag:
            return {"Range": f"bytes={self.done}-", "If-Range": self._etag}
        return {}

    def begins(self, status: int, headers: Mapping[str, str]) -> None:
        """Goes on after a 206; a 200 is the whole file again."""
        if status != 206:
            self._again()
            self.size = _number(headers.get("content-length"))
        elif not headers.get("content-range", "").startswith(f"bytes {self.done}-"):
            raise BrokenOff("The service went on at another place of the file than it broke off.")
        etag = headers.get("etag")
        # A weak tag does not promise the same bytes.
        self._etag = etag if etag and not etag.startswith("W/") else None
        self._progress(self.done, self.size)

    def takes(self, chunk: bytes) -> None:
        """The next bytes."""
        self._file.write(chunk)
        self.done += len(chunk)
        self._progress(self.done, self.size)

    def ends(self) -> None:
        """All bytes must be there."""
        if self.size is not None and self.done != self.size:
            raise BrokenOff(f"Only {self.done} of {self.size} bytes came.")

    def _again(self) -> None:
        if self.done:
            self._file.seek(self._start)
            self._file.truncate()
            self.done = 0


@contextlib.contextmanager
def replacing(target: Path) -> Iterator[IO[bytes]]:
    """A file that takes ``target``'s place when all of it is there, and leaves nothing else."""
    part = target.with_name(f".{target.name}.{os.getpid()}.part")
    try:
        with part.open("wb") as file:
            yield file
        part.replace(target)
    finally:
        part.unlink(missing_ok=True)


def free_target(path: str, to: str | os.PathLike[str], overwrite: bool) -> Path:
    """Where a folder's file goes on this disk: ``to``, or into it where that is a directory.

    Raises:
        FileExistsError: There is something, and it is not to be replaced.
    """
    target = Path(to)
    if target.is_dir():
        target = target / local_name(path)
    if target.exists() and not overwrite:
        raise FileExistsError(f"{target} is there already; overwrite=True replaces it.")
    return target


def local_name(path: str) -> str:
    """The last part of a folder's path, as a name for a local file that can't escape."""
    name = re.sub(r"[/\\\0]", "_", path.rstrip("/").rpartition("/")[2])
    if name in {"", ".", ".."}:
        raise ValueError(f"{path!r} names no file.")
    return name


def _seekable(what: object) -> bool:
    return bool(getattr(what, "seekable", lambda: False)())


def _position(what: str | os.PathLike[str] | IO[bytes]) -> int:
    if isinstance(what, (str, os.PathLike)) or not _seekable(what):
        return 0
    return what.tell()


def _size(what: str | os.PathLike[str] | IO[bytes]) -> int | None:
    if isinstance(what, (str, os.PathLike)):
        return Path(what).stat().st_size
    if not _seekable(what):
        return None
    here = what.tell()
    end = what.seek(0, os.SEEK_END)
    what.seek(here)
    return end - here


def _number(text: str | None) -> int | None:
    return int(text) if text and text.isdigit() else None
