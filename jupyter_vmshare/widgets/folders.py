"""Folders, for notebooks."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import AsyncIterator, Iterable
from typing import Generic, TypeVar

from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import clones as clone_calls
from jupyter_vmshare.client.calls import folders as calls
from jupyter_vmshare.client.calls import mounts as mount_calls
from jupyter_vmshare.client.calls import people as people_calls
from jupyter_vmshare.client.errors import NotFound
from jupyter_vmshare.client.sync import Client
from jupyter_vmshare.client.twins import Async, Sync, twin
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.directories import DirectoryVerbs
from jupyter_vmshare.widgets.fast import FastVerbs
from jupyter_vmshare.widgets.handle import Addressed
from jupyter_vmshare.widgets.moments import shown
from jupyter_vmshare.widgets.mounted import AsyncMounted, Mounted, paths_here
from jupyter_vmshare.widgets.named import ByName
from jupyter_vmshare.widgets.onmachines import OnMachineVerbs
from jupyter_vmshare.widgets.sharing import SharingVerbs
from jupyter_vmshare.widgets.snapshots import SnapshotVerbs
from jupyter_vmshare.widgets.tables import Answer, Table
from jupyterhub_vmshare.api.contract.clones import CloneView
from jupyterhub_vmshare.api.contract.folders import FolderTrashed, FolderView
from jupyterhub_vmshare.api.contract.mounts import MountChoice
from jupyterhub_vmshare.api.contract.people import Why

F = TypeVar("F", bound="FolderVerbs")
FAST = "fast: access to what is open ends with the session"
FOLDER_ID = re.compile(r"fld_[0-9a-hjkmnp-tv-z]{26}")


class FolderVerbs(SharingVerbs, DirectoryVerbs, SnapshotVerbs, FastVerbs, OnMachineVerbs):
    """Methods on the folder itself. Each updates what the object shows."""

    @twin
    def refresh(self) -> Steps[None]:
        """Ask the service again what the folder is like, and where."""
        self.view = yield calls.folder(self.id)
        self.path = (yield from paths_here()).get(self.id)

    @twin
    def mount(self) -> Steps[MountChoice]:
        """Have it in your sessions: in those that run, and in those to come."""
        choice: MountChoice = yield mount_calls.mount(self.id)
        return choice

    @twin
    def unmount(self) -> Steps[MountChoice]:
        """Have it in none of your sessions; what is open in it there is cut."""
        choice: MountChoice = yield mount_calls.unmount(self.id)
        self.path = None
        return choice

    @twin
    def rename_folder(self, name: str) -> Steps[None]:
        """Give it another name, for everybody. Its owner only."""
        self.view = yield calls.rename_folder(self.id, name, self.view.version)

    @twin
    def choose_alias(self, alias: str | None) -> Steps[None]:
        """Choose a name of your own for it, which nobody else sees; None takes it away."""
        self.view = yield calls.choose_alias(self.id, alias)

    @twin
    def clone(self, name: str) -> Steps[CloneView]:
        """Have a copy made as a folder of your own; it is there once its state is ``done``."""
        asked: CloneView = yield clone_calls.clone_folder(self.id, name)
        return asked

    @twin
    def change_settings(self, *, cloneable: bool) -> Steps[None]:
        """Say whether others may copy it. Its owner only."""
        self.view = yield clone_calls.change_settings(self.id, cloneable=cloneable)

    @twin
    def trash(self, *, force: bool = False) -> Steps[FolderTrashed]:
        """Put it in the trash.

        Refused while others have it in their running sessions, with their names; ``force`` closes
        it there, and ``holders`` of the answer are where a fast mount left something open.
        """
        told: FolderTrashed = yield calls.trash_folder(self.id, force=force)
        self.view = told
        return told

    @twin
    def restore(self, name: str | None = None) -> Steps[None]:
        """Take it out of the trash with its grants, under another name if one is given."""
        self.view = yield calls.restore_folder(self.id, name)

    @twin
    def why(self, action: str, person: str | None = None) -> Steps[Answer]:
        """Whether you (or somebody else) may do something with it, and why."""
        told: Why = yield people_calls.why(action, self.id, person)
        return Answer(told)

    def __repr__(self) -> str:
        notes = [cards.level(self.level)] + ([] if self.level == "owner" else [f"of {self.owner}"])
        if self.view.alias:
            notes.append(f"called {self.name} there")
        if self.path:
            notes.append(f"at {self.path}")
        if self.view.fast:
            notes.append(FAST)
        if self.ends_at:
            notes.append(f"until {shown(self.ends_at)}")
        if self.view.state.value != "live":
            notes.append(self.view.state.value)
        return cards.visible(f"<Folder {self.label!r}: {', '.join(notes)}>")

    def _repr_html_(self) -> str:
        note = "READ-ONLY" if self.is_read_only else ""
        return cards.card(
            self.label,
            cards.facts(
                [
                    ("Owner", self.owner),
                    ("Owner's name for it", self.name if self.view.alias else ""),
                    ("Level", cards.level(self.level)),
                    ("Mounted at", str(self.path or "")),
                    ("Mounts", FAST if self.view.fast else ""),
                    ("Until", shown(self.ends_at)),
                    ("Shared with", str(self.view.shared_with or "")),
                    ("State", "" if self.view.state.value == "live" else self.view.state.value),
                ]
            ),
            note=note,
        )


class Folder(FolderVerbs, Sync):
    """A folder. Its methods answer at once."""

    _player: Client

    def mounted(self, timeout: float = 30.0) -> Mounted:
        """The folder as a directory of this session: ``with folder.mounted() as path``.

        It is mounted if it is not, and then unmounted again afterwards.

        Args:
            timeout: Seconds to wait for it.

        Raises:
            NotMounted: It can't be mounted here, or was not in time; the message says why.
        """
        return Mounted(self, self._player, timeout)


class AsyncFolder(FolderVerbs, Async):
    """A folder whose methods are awaited."""

    _player: AsyncClient

    def mounted(self, timeout: float = 30.0) -> AsyncMounted:
        """The same as `Folder.mounted`, for ``async with``."""
        return AsyncMounted(self, self._player, timeout)


class FolderTable(Table[F]):
    """Several folders."""

    heads = ("Folder", "Owner", "Level", "Until", "Shared with", "Mounted at")
    empty = "No folders. folders.create('name') makes one."

    def row(self, item: F) -> tuple[str, ...]:
        """Label, owner, level, end, how many have it, where it is in this session."""
        count = item.view.shared_with
        level, until = cards.level(item.level), shown(item.ends_at)
        shared = "" if count is None else str(count)
        return item.label, item.owner, level, until, shared, str(item.path or "")


class FoldersVerbs(Generic[F]):
    """Methods on all of one's folders."""

    _folder: type[F]
    _player: Addressed

    @twin
    def create(self, name: str) -> Steps[F]:
        """Make a folder of your own."""
        view: FolderView = yield calls.create_folder(name)
        return self._folder(view, self._player)

    @twin
    def get(self, label: str, state: str | None = None) -> Steps[F]:
        """The folder of this label (your alias, or its name) or id.

        Args:
            label: The label, or the id.
            state: ``trashed`` looks in the trash; of several of one name, finds the last.

        Raises:
            NotFound: You have none.
        """
        if FOLDER_ID.fullmatch(label):
            view: FolderView = yield calls.folder(label)
            return (yield from self._made([view]))[0]
        label = unicodedata.normalize("NFC", label)
        # Only the beginning is asked for: what the service searches by has a greatest length.
        named = yield from calls.folders(state=state, q=label[:100]).steps()
        found = [view for view in named if view.label == label]
        if state == "trashed":
            found.sort(key=lambda view: str(view.trashed_at), reverse=True)
        if not found:
            raise NotFound(f"You have no folder {label!r}.")
        return (yield from self._made(found[:1]))[0]

    @twin
    def find(
        self, relation: str | None = None, state: str | None = None, q: str | None = None
    ) -> Steps[FolderTable[F]]:
        """Your folders, by label.

        Args:
            relation: ``mine`` or ``shared_with_me``; both by default.
            state: ``live`` (the default) or ``trashed``.
            q: Only those with this in their label.
        """
        views = yield from calls.folders(relation, state, q).steps()
        return FolderTable((yield from self._made(views)), "Your folders")

    def _made(self, views: Iterable[FolderView]) -> Steps[list[F]]:
        paths = yield from paths_here()
        return [self._folder(view, self._player, paths.get(view.id)) for view in views]


class Folders(FoldersVerbs[Folder], ByName[Folder], Sync):
    """Your folders: ``folders["tests"]`` by label or id, ``for folder in folders``."""

    _player: Client

    def __init__(self, player: Client) -> None:
        self._folder, self._player = Folder, player

    def _one(self, name: str) -> Folder:
        return self.get(name)

    def _all(self) -> Table[Folder]:
        return self.find()


class AsyncFolders(FoldersVerbs[AsyncFolder], Async):
    """Your folders: ``await folders.get("tests")``, ``async for folder in folders``."""

    _player: AsyncClient

    def __init__(self, player: AsyncClient) -> None:
        self._folder, self._player = AsyncFolder, player

    async def __aiter__(self) -> AsyncIterator[AsyncFolder]:
        """Each folder."""
        async for view in self._player.folders():
            yield AsyncFolder(view, self._player)
