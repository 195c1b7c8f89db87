"""One tree a folder under ``root/<shard>/<id>/files``, all of it the service's own.

``shard`` is the end of the id (random, where the start is the time). Private areas lie beside the
shards on the same file system: ``.incoming`` for files under way, ``.uploads`` for those that can
be resumed (``parts``), ``.gone`` for trees on their way out, ``.accounts`` for what owners' trees
hold together. None of them is inside any folder, so none is ever listed or mounted. Beside
``files`` lies ``account``, the name of the tree's account.
"""

from __future__ import annotations

import os
import stat
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import nullcontext, suppress
from datetime import timedelta
from itertools import islice
from typing import TypeVar

from jupyterhub_vmshare.storage.port import (
    Entry,
    EntryPage,
    NotAFile,
    PageWanted,
    Parts,
    Target,
    Tree,
)
from jupyterhub_vmshare.storage.posix.accounts import Accounts
from jupyterhub_vmshare.storage.posix.archive import PosixArchive
from jupyterhub_vmshare.storage.posix.booked import FILES, ID, home_of
from jupyterhub_vmshare.storage.posix.charging import bytes_named, charged, forget_account
from jupyterhub_vmshare.storage.posix.handles import (
    Draft,
    PosixReading,
    PosixWriting,
    Threads,
    sweep_drafts,
)
from jupyterhub_vmshare.storage.posix.listing import Listings
from jupyterhub_vmshare.storage.posix.parts import PosixUploads
from jupyterhub_vmshare.storage.posix.publishing import check_free, give_name
from jupyterhub_vmshare.storage.posix.purging import fresh_name, purge_some
from jupyterhub_vmshare.storage.posix.snapshots import Shelved
from jupyterhub_vmshare.storage.posix.tree import (
    entry_at,
    entry_of,
    open_file,
    opened,
    parent_of,
    rename_new,
    shown,
    told,
    walked,
)

Result = TypeVar("Result")

_INCOMING, _GONE, _UPLOADS, _ACCOUNTS = ".incoming", ".gone", ".uploads", ".accounts"
# Between its making and its lock; from then on the lock tells.
_DRAFT_AGE = 60.0
_BATCH = 500


class PosixStore(Shelved):
    """A `FolderStore` on one POSIX file system.

    Args:
        root: The store's directory. Nobody but the service's own account should get in.
        threads: How many file operations may run at once.
    """

    def __init__(self, root: str | os.PathLike[str], *, threads: int = 16) -> None:
        self._root_path = os.fspath(root)
        super().__init__(Threads(threads))
        self._gone = self._books = -1
        self._replacing = threading.Lock()
        self._listings = Listings()
        self.uploads = PosixUploads(self._threads, self._publish, self._charge)

    async def start(self) -> None:
        """Make the areas, and clear away drafts that an earlier crash left."""
        await self._threads.run(self._start)

    def _start(self) -> None:
        os.makedirs(self._root_path, mode=0o700, exist_ok=True)
        self._root = os.open(self._root_path, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        self._incoming = _area(self._root, _INCOMING)
        self._gone = _area(self._root, _GONE)
        self.uploads.area = self._parts = _area(self._root, _UPLOADS)
        self._books = _area(self._root, _ACCOUNTS)
        self._accounts = Accounts(self._books)
        self._sweep_drafts()

    async def sweep_drafts(self) -> None:
        """Clear away drafts that nobody writes any more."""
        await self._threads.run(self._sweep_drafts)

    def _sweep_drafts(self) -> None:
        sweep_drafts(self._incoming, time.time() - _DRAFT_AGE, self._uncount_draft)

    async def close(self) -> None:
        """Give back threads and descriptors."""
        self._copies.close()
        self._threads.close()
        for fd in (self._root, self._incoming, self._gone, self.uploads.area, self._books):
            with suppress(OSError):
                os.close(fd)

    # Trees

    async def create(self, folder_id: str) -> None:
        """Make an empty tree."""
        await self._threads.run(lambda: self._create(folder_id))

    def _create(self, folder_id: str) -> None:
        way = (*home_of(folder_id), FILES)
        with told("tree"):
            for depth, name in enumerate(way):
                with walked(self._root, way[:depth]) as directory:
                    _make_durably(directory, name)

    async def trees(self) -> AsyncIterator[Sequence[Tree]]:
        """All trees, in batches."""
        found = self._trees()
        while batch := await self._threads.run(lambda: list(islice(found, _BATCH))):
            yield batch

    def _trees(self) -> Iterator[Tree]:
        for shard in sorted(name for name in os.listdir(self._root) if len(name) == 2):
            with walked(self._root, (shard,)) as directory:
                for name in os.listdir(directory):
                    if ID.fullmatch(name):
                        made = os.stat(name, dir_fd=directory, follow_symlinks=False).st_mtime
                        yield Tree(name, timedelta(seconds=time.time() - made))

    async def discard_if_empty(self, folder_id: str) -> bool:
        """Remove the tree if nothing is in it."""
        return await self._threads.run(lambda: self._discard(folder_id))

    def _discard(self, folder_id: str) -> bool:
        shard, name = home_of(folder_id)
        try:
            with walked(self._root, (shard, name)) as home:
                with suppress(FileNotFoundError):
                    os.rmdir(FILES, dir_fd=home)
                self._uncount(folder_id, home)
                forget_account(home)
            with walked(self._root, (shard,)) as directory:
                os.rmdir(name, dir_fd=directory)
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return True

    async def retire(self, folder_id: str) -> None:
        """Take the whole tree out of reach at once."""
        await self._threads.run(lambda: self._retire(folder_id))

    def _retire(self, folder_id: str) -> None:
        shard, name = home_of(folder_id)
        # Its bytes are given back first: a crash leaves a tree that is retired again.
        with suppress(FileNotFoundError), walked(self._root, (shard, name)) as home:
            self._uncount(folder_id, home)
            with walked(self._root, (shard,)) as directory:
                os.rename(name, fresh_name(), src_dir_fd=directory, dst_dir_fd=self._gone)
                os.fsync(self._gone)
                os.fsync(directory)
            # Somebody may have had it counted elsewhere meanwhile.
            self._uncount(folder_id, home)

    async def purge(self, most: int) -> bool:
        """Remove about ``most`` entries of retired trees; whether some are left."""
        return await self._threads.run(lambda: purge_some(self._gone, most))

    # Inside a tree

    async def page(self, folder_id: str, at: Parts, wanted: PageWanted) -> EntryPage:
        """Entries of one directory."""

        def work(top: int) -> EntryPage:
            with opened(top, at) as directory:
                return self._listings.page(directory, wanted)

        return await self._inside(folder_id, work)

    async def stat(self, folder_id: str, at: Parts) -> Entry:
        """What lies at a place."""

        def work(top: int) -> Entry:
            if not at:
                return entry_of("", os.fstat(top))
            with parent_of(top, at) as (directory, name), told(shown(at)):
                return entry_at(directory, name)

        return await self._inside(folder_id, work)

    async def open(self, folder_id: str, at: Parts) -> PosixReading:
        """Open a regular file."""

        def work(top: int) -> PosixReading:
            if not at:
                raise NotAFile("This is the folder itself, not a file in it.")
            with parent_of(top, at) as (directory, name):
                fd = open_file(directory, name, shown(at))
                return PosixReading(self._threads, fd, entry_of(name, os.fstat(fd)))

        opening = self._in_tree(folder_id, work)
        return await self._threads.obtain(opening, PosixReading.close_now)

    async def archive(self, folder_id: str, places: Sequence[Parts]) -> PosixArchive:
        """A zip archive of these places."""

        def work(top: int) -> PosixArchive:
            for at in places:
                if at:
                    with parent_of(top, at) as (directory, name), told(shown(at)):
                        entry_at(directory, name)
            return PosixArchive(self._threads, os.dup(top), places)

        opening = self._in_tree(folder_id, work)
        return await self._threads.obtain(opening, PosixArchive.close_now)

    async def receive(
        self,
        folder_id: str,
        at: Parts,
        *,
        overwrite: bool,
        tag: str | None = None,
        size: int | None = None,
    ) -> PosixWriting:
        """Begin a file."""
        target = Target(folder_id, at, overwrite, tag)

        def work(top: int) -> PosixWriting:
            with parent_of(top, at) as (directory, name):
                replaced = charged(check_free(directory, name, target))
            charge = self._charge(folder_id)
            self._demand(charge, size, replaced)
            draft = Draft.fresh(self._incoming, charge, replaced, size or 0)
            return PosixWriting(self._threads, draft, lambda draft: self._publish(draft, target))

        beginning = self._in_tree(folder_id, work)
        return await self._threads.obtain(beginning, PosixWriting.abandon_now)

    async def check_target(self, target: Target, size: int | None = None) -> None:
        """Raises what publishing a file there would raise now."""

        def work(top: int) -> None:
            with parent_of(top, target.at) as (directory, name):
                replaced = charged(check_free(directory, name, target))
            self._demand(self._charge(target.folder_id), size, replaced)

        await self._inside(target.folder_id, work)

    def _publish(self, draft: Draft, target: Target) -> tuple[Entry, bool]:
        """Give a settled draft its name; the file, and whether it replaced another one."""
        # The way is walked again: what was a directory when the upload began may be a link now.
        with (
            self._tree(target.folder_id) as top,
            parent_of(top, target.at) as (directory, name),
            told(shown(target.at)),
        ):
            # Of two that replace the same version, the second finds the first one's.
            with self._replacing if target.overwrite else nullcontext():
                replaced = check_free(directory, name, target)
                give_name(draft, directory, name, target.overwrite)
            entry = entry_of(name, os.fstat(draft.file.fileno()))
            draft.leave(charged(replaced))
            os.fsync(directory)
        return entry, replaced is not None

    async def make_directory(self, folder_id: str, at: Parts) -> Entry:
        """Make one directory."""

        def work(top: int) -> Entry:
            with parent_of(top, at) as (directory, name), told(shown(at)):
                os.mkdir(name, 0o700, dir_fd=directory)
                os.fsync(directory)
                return entry_at(directory, name)

        return await self._inside(folder_id, work)

    async def move(self, folder_id: str, source: Parts, target: Parts) -> Entry:
        """Rename inside one tree, never over something."""

        def work(top: int) -> Entry:
            with parent_of(top, source) as (old, name), parent_of(top, target) as (new, fresh):
                with told(shown(source)):
                    os.stat(name, dir_fd=old, follow_symlinks=False)
                with told(shown(target)):
                    rename_new(old, name, new, fresh)
                    os.fsync(new)
                    os.fsync(old)
                    return entry_at(new, fresh)

        return await self._inside(folder_id, work)

    async def remove(self, folder_id: str, at: Parts, *, recursive: bool = False) -> None:
        """Remove one file, link or empty directory; ``recursive``: a full one, too, at once."""

        def work(top: int) -> None:
            with parent_of(top, at) as (directory, name), told(shown(at)):
                if recursive:
                    went = _take_away(directory, name, self._gone)
                else:
                    went = _remove(directory, name)
                self._charge(folder_id).grow(-went)
                os.fsync(directory)

        await self._inside(folder_id, work)

    async def _inside(self, folder_id: str, work: Callable[[int], Result]) -> Result:
        return await self._threads.run(self._in_tree(folder_id, work))

    def _in_tree(self, folder_id: str, work: Callable[[int], Result]) -> Callable[[], Result]:
        def inside() -> Result:
            with self._tree(folder_id) as top:
                return work(top)

        return inside


def _area(root: int, name: str) -> int:
    _make_durably(root, name)
    with walked(root, (name,)) as area:
        return os.dup(area)


def _make_durably(directory: int, name: str) -> None:
    with suppress(FileExistsError):
        os.mkdir(name, 0o700, dir_fd=directory)
        os.fsync(directory)


def _take_away(directory: int, name: str, gone: int) -> int:
    # Out of the tree in one step, whatever is in it; `purge` frees its space.
    went = bytes_named(directory, name)
    os.rename(name, fresh_name(), src_dir_fd=directory, dst_dir_fd=gone)
    os.fsync(gone)
    return went


def _remove(directory: int, name: str) -> int:
    """The bytes that went with the name."""
    status = os.stat(name, dir_fd=directory, follow_symlinks=False)
    if stat.S_ISDIR(status.st_mode):
        os.rmdir(name, dir_fd=directory)
    else:
        os.unlink(name, dir_fd=directory)
    return charged(status)
