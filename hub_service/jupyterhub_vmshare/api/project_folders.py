"""Folders that belong to a project: making them, and levels of single members."""

from __future__ import annotations

from typing import Final

from jupyterhub_vmshare.api.contract.folders import (
    FolderView,
    MemberLevel,
    NewProjectFolder,
    OverrideView,
)
from jupyterhub_vmshare.api.folders import view
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.projects import ProjectRoute
from jupyterhub_vmshare.api.render import in_sessions
from jupyterhub_vmshare.api.taking import Taken
from jupyterhub_vmshare.db.projects import owner_of
from jupyterhub_vmshare.folders import listing, quota
from jupyterhub_vmshare.projects import folders

_OVERRIDE: Final = "project.project_folder.override_member_level"


class ProjectFolders(ProjectRoute):
    """What belongs to a project."""

    path = "/projects/{project_id}/folders"

    @operation(
        "project.project_folder.create",
        takes=NewProjectFolder,
        gives=FolderView,
        status=201,
        once=True,
    )
    async def post(self, project_id: str) -> None:
        """Make a folder for all members, at a level; for administrators, on the service's pages."""
        asked, rooms = self.body(NewProjectFolder), self.rooms
        async with rooms.db.read() as conn:
            await folders.may_create(conn, self.asker, project_id, rooms.db.clock())
        owner = owner_of(project_id)
        async with rooms.folders.tree_made(owner) as tree, self.once() as tx:
            made = (tree.folder_id, asked.name, asked.level)
            await folders.create(tx, self.asker, project_id, *made)
            await quota.book(tx, tree.folder_id, tree.account)
            seen = await listing.one(tx.conn, self.caller.person(), tree.folder_id, tx.at)
            self.keep(201, view(seen, rooms.folders.trash_for))


class FolderOverride(ProjectRoute):
    """A member's own level on a project's folder."""

    path = "/folders/{folder_id}/overrides/{person}"

    @operation(_OVERRIDE, takes=MemberLevel, gives=OverrideView)
    async def put(self, folder_id: str, person: str) -> None:
        """Raise or lower one member's level; it caps what else they were given of the folder."""
        asked, rooms = self.body(MemberLevel), self.rooms
        async with rooms.db.write() as tx:
            done = await folders.set_level(tx, self.asker, folder_id, person, asked.level)
            held = await rooms.mounts.held(tx, folder_id, {person})
        reached = in_sessions(Taken(await rooms.mounts.reach(folder_id, held)))
        told = OverrideView(
            folder_id=folder_id,
            person=person,
            level=asked.level,
            set_by=done.set_by,
            set_at=done.set_at,
            **reached.model_dump(),
        )
        self.reply(200, told)

    @operation(_OVERRIDE, gives=OverrideView)
    async def delete(self, folder_id: str, person: str) -> None:
        """Take a member's own level away: the project's holds for them again."""
        rooms = self.rooms
        async with rooms.db.write() as tx:
            await folders.unset_level(tx, self.asker, folder_id, person)
            held = await rooms.mounts.held(tx, folder_id, {person})
        reached = in_sessions(Taken(await rooms.mounts.reach(folder_id, held)))
        told = OverrideView(folder_id=folder_id, person=person, level=None, **reached.model_dump())
        self.reply(200, told)


ROUTES = (ProjectFolders, FolderOverride)
