"""Folders: the caller's list, making, renaming, aliases, the trash."""

from __future__ import annotations

from datetime import timedelta

from jupyterhub_vmshare.api.contract.folders import (
    AliasChoice,
    FastChoice,
    FolderFast,
    FolderRename,
    FoldersAsked,
    FolderSettings,
    FoldersPage,
    FolderTrashed,
    FolderView,
    NewFolder,
    Relation,
    Trashing,
)
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.render import in_sessions
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.api.taking import Taken
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.folders import aliases, life, listing, quota
from jupyterhub_vmshare.folders.listing import SeenFolder
from jupyterhub_vmshare.mounts.room import demand_unused
from jupyterhub_vmshare.words import ThingState


class FolderRoute(Route):
    """What routes about one folder have in common."""

    async def seen(self, tx: Transaction, folder_id: str) -> FolderView:
        """The folder as the caller sees it after the change."""
        return self.view(await listing.one(tx.conn, self.caller.person(), folder_id, tx.at))

    def view(self, folder: SeenFolder) -> FolderView:
        """A folder as it goes over the wire."""
        return view(folder, self.rooms.folders.trash_for)


class Folders(FolderRoute):
    """All folders of the caller."""

    path = "/folders"

    @operation("folder.see_in_list", query=FoldersAsked, gives=FoldersPage)
    async def get(self) -> None:
        """The caller's own folders and those shared with them, by label."""
        asked, db = self.query(FoldersAsked), self.rooms.db
        async with db.glance() as conn:
            page = await listing.page(
                conn,
                self.caller.person(),
                db.clock(),
                relation=None if asked.relation is None else asked.relation.value,
                state=ThingState(asked.state.value),
                matching=asked.q,
                project=asked.project,
                after=asked.after,
                limit=asked.limit,
            )
        self.reply(
            200, FoldersPage(items=[self.view(folder) for folder in page.items], next=page.next)
        )

    @operation("service.create_folder", takes=NewFolder, gives=FolderView, status=201, once=True)
    async def post(self) -> None:
        """Make a folder of one's own."""
        asked = self.body(NewFolder)
        person = self.caller.person()
        async with self.rooms.folders.tree_made(person.name) as tree, self.once() as tx:
            await life.create(tx, person, tree.folder_id, asked.name)
            await quota.book(tx, tree.folder_id, tree.account)
            self.keep(201, await self.seen(tx, tree.folder_id))


class Folder(FolderRoute):
    """One folder."""

    path = "/folders/{folder_id}"

    @operation("folder.see_in_list", gives=FolderView)
    async def get(self, folder_id: str) -> None:
        """One folder, and what the caller may do with it."""
        db = self.rooms.db
        async with db.read() as conn:
            folder = await listing.one(conn, self.caller.person(), folder_id, db.clock())
        self.reply(200, self.view(folder))

    @operation("folder.rename_folder", takes=FolderRename, gives=FolderView, versioned="needed")
    async def patch(self, folder_id: str) -> None:
        """Rename a folder for everybody."""
        asked, version = self.body(FolderRename), self.expected_version()
        async with self.rooms.db.write() as tx:
            await life.rename(tx, self.caller.person(), folder_id, version, asked.name)
            told = await self.seen(tx, folder_id)
        self.reply(200, told)


class FolderAlias(FolderRoute):
    """The caller's own name for a folder."""

    path = "/folders/{folder_id}/alias"

    @operation("folder.choose_alias", takes=AliasChoice, gives=FolderView)
    async def put(self, folder_id: str) -> None:
        """Choose a name that nobody else sees, or go back to the owner's."""
        asked = self.body(AliasChoice)
        async with self.rooms.db.write() as tx:
            await aliases.choose(tx, self.caller.person(), folder_id, asked.alias)
            told = await self.seen(tx, folder_id)
        self.reply(200, told)


class SettingsOfFolder(FolderRoute):
    """What the owner lets others do."""

    path = "/folders/{folder_id}/settings"

    @operation("folder.change_settings", takes=FolderSettings, gives=FolderView)
    async def patch(self, folder_id: str) -> None:
        """Say what others may do with a folder, beside their levels."""
        asked, person = self.body(FolderSettings), self.caller.person()
        async with self.rooms.db.write() as tx:
            await life.change_settings(tx, person, folder_id, cloneable=asked.cloneable)
            told = await self.seen(tx, folder_id)
        self.reply(200, told)


class FolderFastMounts(FolderRoute):
    """Whether a folder is mounted directly."""

    path = "/folders/{folder_id}/fast"

    @operation("folder.mount_direct", takes=FastChoice, gives=FolderFast, versioned="needed")
    async def put(self, folder_id: str) -> None:
        """Choose fast mounts for a folder, or none; what is open directly stays so."""
        asked, version = self.body(FastChoice), self.expected_version()
        person, mounts = self.caller.person(), self.rooms.mounts
        async with self.rooms.db.write() as tx:
            await life.choose_fast(tx, person, folder_id, version, asked.fast)
            held = await mounts.held(tx, folder_id)
            told = await self.seen(tx, folder_id)
        reached = in_sessions(Taken(await mounts.reach(folder_id, held)))
        self.reply(200, FolderFast(**told.model_dump(), **reached.model_dump()))


class FolderTrash(FolderRoute):
    """Putting a folder in the trash."""

    path = "/folders/{folder_id}/trash"

    @operation("folder.trash_folder", takes=Trashing, optional_body=True, gives=FolderTrashed)
    async def post(self, folder_id: str) -> None:
        """Put a folder in the trash; its grants wait. Refused while others have it mounted."""
        asked, mounts = self.body_or_none(Trashing) or Trashing(), self.rooms.mounts
        async with self.rooms.db.write() as tx:
            await life.trash(tx, self.caller.person(), folder_id)
            held = await mounts.held(tx, folder_id)
            if not asked.force:
                demand_unused(held, besides=self.caller.name)
            told = await self.seen(tx, folder_id)
        reached = in_sessions(Taken(await mounts.reach(folder_id, held)))
        self.reply(200, FolderTrashed(**told.model_dump(), **reached.model_dump()))


class FolderRestore(FolderRoute):
    """Taking a folder out of the trash."""

    path = "/folders/{folder_id}/restore"

    @operation("folder.restore_folder", takes=FolderRename, optional_body=True, gives=FolderView)
    async def post(self, folder_id: str) -> None:
        """Restore a folder with its grants, under another name if its own is taken by now."""
        asked = self.body_or_none(FolderRename)
        name = None if asked is None else asked.name
        async with self.rooms.db.write() as tx:
            await life.restore(tx, self.caller.person(), folder_id, name)
            told = await self.seen(tx, folder_id)
        self.reply(200, told)


def view(folder: SeenFolder, trash_for: timedelta | None) -> FolderView:
    """A folder as it goes over the wire; ``trash_for``: how long it stays in the trash."""
    trashed, keeps = folder.trashed_at, trash_for
    return FolderView(
        id=folder.id,
        name=folder.name,
        label=folder.label,
        alias=folder.alias,
        owner=folder.owner,
        relation=Relation(folder.relation),
        level=folder.level,
        state=folder.state,
        created_at=folder.created_at,
        trashed_at=trashed,
        cloneable=folder.cloneable,
        fast=folder.fast,
        project_id=folder.project_id,
        tagged=folder.tagged,
        deleted_at=None if trashed is None or keeps is None else trashed + keeps,
        ends_at=folder.ends_at,
        shared_with=folder.shared_with,
        actions=list(folder.actions),
        version=folder.version,
    )


ROUTES = (
    *(Folders, Folder, FolderAlias, SettingsOfFolder),
    *(FolderFastMounts, FolderTrash, FolderRestore),
)
