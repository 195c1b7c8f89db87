"""Parts of uploads that can be resumed, each a file named by its folder's and its upload's id.

Who writes a part holds its lock, so that two requests, of two services on one store even, never
write one part. A crash gives the lock back, and leaves the part.
"""

from __future__ import annotations

import errno
import io
import os
import re
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import suppress
from datetime import timedelta
from fcntl import LOCK_EX, LOCK_NB, flock
from itertools import islice

from jupyterhub_vmshare.ids import ID_PATTERN
from jupyterhub_vmshare.storage.port import Entry, Kept, Part, Target, UploadBusy
from jupyterhub_vmshare.storage.posix.charging import Charge
from jupyterhub_vmshare.storage.posix.handles import Draft, PosixWriting, Threads
from jupyterhub_vmshare.storage.posix.tree import told

Publish = Callable[[Draft, Target], tuple[Entry, bool]]

_PART = os.O_RDWR | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC
_NAME = re.compile(rf"({ID_PATTERN})\.({ID_PATTERN})")
_COPIED_AT_ONCE = 64 << 20
_READ_AT_ONCE = 1 << 20
# Where the kernel copies nothing between files by itself.
_NO_COPYING = (errno.EXDEV, errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP, errno.EBADF)
_BATCH = 500


class _KeptDraft(Draft):
    """A draft that stays where it is when it is let go of."""

    def drop(self) -> None:
        """Close it, and with it the lock."""
        self._gone = True
        self.file.close()

    def remove(self) -> None:
        """Remove it, unless it was given a name."""
        if not self._gone:
            with suppress(FileNotFoundError):
                os.unlink(self.name, dir_fd=self.area)
            self.uncount()
        self.drop()


class PosixPart(PosixWriting):
    """A part, held until `release`, `discard` or the end of the process."""

    def __init__(self, threads: Threads, draft: _KeptDraft, publish: Publish) -> None:
        super().__init__(threads, draft, self._aimed)
        self._kept = draft
        self._give_name = publish
        self._target: Target | None = None

    async def rewind(self, offset: int) -> bool:
        """Go on after the first ``offset`` bytes; False: so many are not there any more."""
        await self.drop_rest()
        return await self._threads.run(lambda: self._locked(lambda: self._rewind(offset)))

    def _rewind(self, offset: int) -> bool:
        fd = self._kept.file.fileno()
        if os.fstat(fd).st_size < offset:
            return False
        os.ftruncate(fd, offset)
        self._kept.count_to(offset)
        os.lseek(fd, offset, os.SEEK_SET)
        return True

    async def append(self, other: Part) -> None:
        """Append all that another part has, by the kernel's own means where it has some."""
        if not isinstance(other, PosixPart):
            raise TypeError("a part of another store")
        await self._flush()
        source = other._kept.file.fileno()
        done, size = 0, os.fstat(source).st_size
        while done < size:
            count, start = min(_COPIED_AT_ONCE, size - done), done
            await self._threads.run(
                lambda start=start, count=count: self._locked(  # type: ignore[misc]
                    lambda: _copy(source, self._kept, start, count)
                )
            )
            done += count

    async def publish_at(self, target: Target) -> tuple[Entry, bool]:
        """Give the settled file its name."""
        self._target = target
        entry = await self.publish()
        return entry, self.replaced

    def _aimed(self, draft: Draft) -> tuple[Entry, bool]:
        if self._target is None:
            raise TypeError("a part that was told no place")
        return self._give_name(draft, self._target)

    async def release(self) -> None:
        """Let go of it; what has come stays."""
        await self.abandon()

    async def discard(self) -> None:
        """Remove it, unless it was published."""
        await self._threads.finish(lambda: self._locked(self._kept.remove))


class PosixUploads:
    """All parts, in an area of their own."""

    def __init__(
        self, threads: Threads, publish: Publish, charge_of: Callable[[str], Charge]
    ) -> None:
        self.area = -1
        self._threads = threads
        self._publish = publish
        self._charge_of = charge_of

    async def hold(self, folder_id: str, upload_id: str, *, create: bool) -> PosixPart | None:
        """A part, held against everybody else; None: it is not there, and was not to be made."""
        name = f"{folder_id}.{upload_id}"
        if not _NAME.fullmatch(name):
            return None
        return await self._threads.obtain(
            lambda: self._hold(name, create),
            lambda part: None if part is None else part.abandon_now(),
        )

    def _hold(self, name: str, create: bool) -> PosixPart | None:
        while True:
            file = _opened(self.area, name, create)
            if file is None:
                return None
            try:
                flock(file, LOCK_EX | LOCK_NB)
            except BlockingIOError:
                file.close()
                raise UploadBusy from None
            if _is_still(self.area, name, file):
                draft = _KeptDraft(self.area, name, file, self._charge_of(name.partition(".")[0]))
                return PosixPart(self._threads, draft, self._publish)
            file.close()  # it was published or discarded just before the lock

    async def parts(self) -> AsyncIterator[Sequence[Kept]]:
        """All parts, in batches."""
        found = self._parts()
        while batch := await self._threads.run(lambda: list(islice(found, _BATCH))):
            yield batch

    def _parts(self) -> Iterator[Kept]:
        for name in os.listdir(self.area):
            match = _NAME.fullmatch(name)
            with suppress(FileNotFoundError):
                if match is not None:
                    written = os.stat(name, dir_fd=self.area, follow_symlinks=False).st_mtime
                    yield Kept(match[1], match[2], timedelta(seconds=time.time() - written))


def parts_of(area: int, tree: str) -> int:
    """The bytes counted for the parts of what goes to a tree."""
    total = 0
    for name in os.listdir(area):
        if name.startswith(f"{tree}."):
            with suppress(FileNotFoundError):
                total += os.stat(name, dir_fd=area, follow_symlinks=False).st_size
    return total


def _opened(area: int, name: str, create: bool) -> io.FileIO | None:
    with told("upload"):
        try:
            return io.FileIO(os.open(name, _PART, dir_fd=area), "r+")
        except FileNotFoundError:
            if not create:
                return None
        fd = os.open(name, _PART | os.O_CREAT, 0o600, dir_fd=area)
        os.fsync(area)
        return io.FileIO(fd, "r+")


def _is_still(area: int, name: str, file: io.FileIO) -> bool:
    try:
        there = os.stat(name, dir_fd=area, follow_symlinks=False)
    except FileNotFoundError:
        return False
    return os.path.samestat(there, os.fstat(file.fileno()))


def _copy(source: int, target: Draft, start: int, count: int) -> None:
    """Append ``count`` bytes of a file from ``start``."""
    end = start + count
    target.count_to(target.size + count)
    with told("upload"):
        while start < end:
            start += _copy_some(source, target, start, end - start)


def _copy_some(source: int, target: Draft, start: int, count: int) -> int:
    try:
        done = os.copy_file_range(source, target.file.fileno(), count, offset_src=start)
    except OSError as error:
        if error.errno not in _NO_COPYING:
            raise
        piece = os.pread(source, min(count, _READ_AT_ONCE), start)
        target.put([piece])
        done = len(piece)
    if done == 0:
        raise OSError(errno.EIO, "a part is shorter than it was")
    return done
