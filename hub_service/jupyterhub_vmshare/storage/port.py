"""The folder store as the rest of the service sees it.

A store keeps one tree a folder, named by the folder's id and never by a name somebody chose.
Inside a tree a place is a `Parts`: the names from the tree's top down. A store follows no link,
leaves no tree, and does not block the event loop.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Protocol

from jupyterhub_vmshare.errors import BadInput, Conflict, VMShareError
from jupyterhub_vmshare.words import EntryOrder

Parts = tuple[str, ...]
"""The names on the way from a tree's top to a place in it; ``()`` is the top itself."""

NAME_BYTES = 255
PATH_BYTES = 4096


class EntryExists(Conflict):
    """Something is there already, and nobody asked to replace it."""

    code = "exists"


class NotEmpty(Conflict):
    """A directory that still has something in it."""

    code = "not-empty"


class CopyStopped(Exception):
    """Whoever hears of a copy's progress did not want it to go on."""


class NotAFile(BadInput):
    """A directory, a link or something stranger, where a file is needed."""

    code = "not-a-file"


class NotADirectory(BadInput):
    """A file, a link or something stranger, where a directory is needed."""

    code = "not-a-directory"


class UploadBusy(VMShareError):
    """Another request is writing this very upload."""

    status, code = 423, "upload-busy"

    def __init__(self) -> None:
        super().__init__("Another request is at work on this upload. Try again in a moment.")


class EntryKind(StrEnum):
    """What lies at a place."""

    FILE = "file"
    DIRECTORY = "directory"
    LINK = "link"
    OTHER = "other"
    """A device, a pipe, a socket, or a name that is not text: shown, never opened."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One file, directory, link or other thing in a tree."""

    name: str
    kind: EntryKind
    size: int | None
    """Bytes; None for what is no file."""
    modified_at: datetime
    tag: str
    """Differs when the content may differ: good for an ETag."""


@dataclass(frozen=True, slots=True)
class Target:
    """Where a file is to be, and what it may replace there."""

    folder_id: str
    at: Parts
    overwrite: bool = False
    tag: str | None = None
    """Replace only the file whose `Entry.tag` this is."""


@dataclass(frozen=True, slots=True)
class PageWanted:
    """Which entries of one directory, and in which order: directories first in any case."""

    limit: int
    after: str | None = None
    """The ``next`` of the page before, which was in the same order."""
    matching: str = ""
    """Only names with this in them, without regard to case."""
    order: EntryOrder = EntryOrder.NAME
    """By name: without regard to case. What is equally large or old follows by name."""
    descending: bool = False


@dataclass(frozen=True, slots=True)
class EntryPage:
    """Some entries of one directory, and the cursor of the next page."""

    items: Sequence[Entry]
    next: str | None


@dataclass(frozen=True, slots=True)
class Tree:
    """A tree that the store has; ``age``, by the store's own clock: since it was made."""

    folder_id: str
    age: timedelta


@dataclass(frozen=True, slots=True)
class Kept:
    """A part that the store has; ``age``, by the store's own clock: since it was last written."""

    folder_id: str
    upload_id: str
    age: timedelta


@dataclass(frozen=True, slots=True)
class Usage:
    """What the trees of one account hold; ``limit`` None: as much as the store has room for."""

    limit: int | None
    trees: Mapping[str, int]
    """Bytes, by the tree's id."""

    @property
    def used(self) -> int:
        """Bytes of all of them."""
        return sum(self.trees.values())


def parse_path(path: str) -> Parts:
    """The parts of a path that a person sent; ``""`` is the top.

    Takes any name that a file system may hold: rules for *new* names are the folders room's.

    Raises:
        BadInput: when the path is absolute, climbs, or could be no path at all.
    """
    if path == "":
        return ()
    if "\0" in path:
        raise BadInput("A path can't have a NUL character in it.")
    _check_bytes(path, PATH_BYTES, "path")
    parts = tuple(path.split("/"))
    for part in parts:
        if part in ("", ".", ".."):
            raise BadInput(
                "A path is names with one / between them, from the folder's top down: "
                "no / at either end, no empty name, no . and no .."
            )
        _check_bytes(part, NAME_BYTES, "name in a path")
    return parts


def _check_bytes(text: str, most: int, what: str) -> None:
    try:
        size = len(text.encode())
    except UnicodeEncodeError:
        raise BadInput(f"This {what} is not valid Unicode text.") from None
    if size > most:
        raise BadInput(f"This {what} is {size} bytes long, and {most} is the most.")


class Reading(Protocol):
    """A file open for reading; it stays the same file whatever happens to its name."""

    entry: Entry

    async def read(self, offset: int, size: int) -> bytes:
        """Up to ``size`` bytes from ``offset``; empty at the end of the file."""

    async def close(self) -> None:
        """Give the file back. May be called twice."""


class Writing(Protocol):
    """A file under way. Nobody sees it before `publish`."""

    replaced: bool
    """After `publish`: whether it took the place of another file."""

    async def write(self, data: bytes) -> None:
        """Append; this, a later one or `settle` raises StoreFull, or QuotaExceeded where the tree's
        account has no room."""

    async def settle(self) -> int:
        """Bring everything written so far to the disk; how many bytes there are."""

    async def publish(self) -> Entry:
        """Give the settled file its name, at once and for good.

        Raises:
            EntryExists: something of that name came meanwhile.
            ChangedMeanwhile: the file is not the one any more that was to be replaced.
            NotFound: the directory went away meanwhile.
        """

    async def abandon(self) -> None:
        """Forget the file, unless it was published. May be called twice."""


class Archive(Protocol):
    """Many files as one zip archive, made as it is read."""

    async def read(self) -> bytes:
        """The next bytes; empty at the end."""

    async def close(self) -> None:
        """Read no more. May be called twice."""


class Part(Protocol):
    """What has come of an upload that can be resumed: kept under its id, and held by one alone."""

    async def rewind(self, offset: int) -> bool:
        """Go on after the first ``offset`` bytes; False: so many are not there any more."""

    async def write(self, data: bytes) -> None:
        """Append; raises what `Writing.write` does. Of what is refused nothing is kept."""

    async def append(self, other: Part) -> None:
        """Append all that another part has."""

    async def settle(self) -> int:
        """Bring everything written so far to the disk; how many bytes there are."""

    async def publish_at(self, target: Target) -> tuple[Entry, bool]:
        """Give it its name for good, as `Writing.publish` does; whether that replaced a file."""

    async def release(self) -> None:
        """Let go of it; what has come stays. May be called twice."""

    async def discard(self) -> None:
        """Remove it, unless it was published."""


class UploadStore(Protocol):
    """Keeps parts, through restarts and power cuts, until they are published or discarded."""

    async def hold(self, folder_id: str, upload_id: str, *, create: bool) -> Part | None:
        """A part of what goes to a folder, held against everybody else.

        Returns:
            None: it is not there, and was not to be made.

        Raises:
            UploadBusy: somebody else holds it.
        """

    def parts(self) -> AsyncIterator[Sequence[Kept]]:
        """All parts, in batches, in no order."""


def in_snapshot(folder_id: str, snapshot_id: str) -> str:
    """A snapshot as a tree, for `FolderStore.page`, `stat` and `open`; nothing else takes it."""
    return f"{folder_id}@{snapshot_id}"


def shelf_of(folder_id: str) -> str:
    """Under what `Usage.trees` has the bytes of all snapshots of a tree."""
    return f"snp_{folder_id[4:]}"


class FolderStore(Protocol):
    """One tree a folder. Whatever returned normally survives a power cut."""

    @property
    def uploads(self) -> UploadStore:
        """What has come of uploads that can be resumed."""

    async def check_target(self, target: Target, size: int | None = None) -> None:
        """Raises what publishing a file there, of so many bytes, would raise now."""

    async def start(self) -> None:
        """Make the store ready, and clear away what an earlier crash left half-written."""

    async def sweep_drafts(self) -> None:
        """Clear away what a crash left half-written, of another service on the same store too."""

    async def close(self) -> None:
        """Give back threads and descriptors."""

    async def create(self, folder_id: str) -> None:
        """Make an empty tree. One that is there already is left as it is."""

    def trees(self) -> AsyncIterator[Sequence[Tree]]:
        """All trees, in batches, in no order."""

    async def discard_if_empty(self, folder_id: str) -> bool:
        """Remove the tree if nothing is in it; whether it is gone."""

    async def retire(self, folder_id: str) -> None:
        """Take the whole tree out of reach at once; `purge` frees its space. Idempotent."""

    async def purge(self, most: int) -> bool:
        """Remove about ``most`` entries of retired trees; whether some are left."""

    async def set_limit(self, account: str, limit: int | None) -> None:
        """How many bytes the trees of an account may hold from now on; None: no limit. What is
        there already stays, also where it is more."""

    async def usage(self, account: str) -> Usage:
        """What the trees of an account hold. Costs no walk."""

    async def charge(self, folder_id: str, account: str, before: str | None = None) -> None:
        """Count a tree in this account from now on, with all that is in it. Idempotent.
        ``before``: the account that it was in, should a crash have left that undone."""

    async def recount(self, folder_id: str) -> None:
        """Walk through a tree and mend what its account says of it, while people work in it."""

    async def copy_tree(self, source: str, target: str, tell: Callable[[int, int], bool]) -> None:
        """Copy all of a tree into an empty one, whose account is charged; after an error it holds
        a part. Files are copied one by one: who writes meanwhile may be in the copy or not.

        Args:
            source: The tree to copy.
            target: The tree to fill.
            tell: Called in a thread after each file, with how many came and their bytes; False
                ends the copy with `CopyStopped`.
        """

    async def take_snapshot(
        self,
        folder_id: str,
        snapshot_id: str,
        earlier: str | None,
        tell: Callable[[int, int], bool],
    ) -> None:
        """Make a snapshot of a tree, as `copy_tree` does; what an earlier attempt left is thrown
        away. A file that has not changed since the snapshot ``earlier`` takes no room."""

    async def drop_snapshot(self, folder_id: str, snapshot_id: str) -> None:
        """Take a snapshot out of reach; `purge` frees its space. Idempotent."""

    async def page(self, folder_id: str, at: Parts, wanted: PageWanted) -> EntryPage:
        """Entries of one directory. While it changes, what does not is told once and only once."""

    async def stat(self, folder_id: str, at: Parts) -> Entry:
        """What lies at a place; the top's own entry has the name ``""``."""

    async def open(self, folder_id: str, at: Parts) -> Reading:
        """Open a regular file."""

    async def archive(self, folder_id: str, places: Sequence[Parts]) -> Archive:
        """A zip archive of these places, with all that is below them; each must be there.

        Links and what else is no file are left out, and the archive says so.
        """

    async def receive(
        self,
        folder_id: str,
        at: Parts,
        *,
        overwrite: bool,
        tag: str | None = None,
        size: int | None = None,
    ) -> Writing:
        """Begin a file; fails early where `Writing.publish` would fail anyway.

        Args:
            folder_id: The tree.
            at: The file's place.
            overwrite: Whether it may replace a file.
            tag: Replace only the file whose `Entry.tag` this is.
            size: How many bytes are announced, so that what has no room is refused at once.

        Raises:
            QuotaExceeded: the tree's account has less room than that.
        """

    async def make_directory(self, folder_id: str, at: Parts) -> Entry:
        """Make one directory; its parent must be there."""

    async def move(self, folder_id: str, source: Parts, target: Parts) -> Entry:
        """Rename inside one tree, never over something."""

    async def remove(self, folder_id: str, at: Parts, *, recursive: bool = False) -> None:
        """Remove one file, link or empty directory; ``recursive``: a full one, too, at once."""
