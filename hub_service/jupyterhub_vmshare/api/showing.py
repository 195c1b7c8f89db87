"""Shared folders on machines, as each person chooses for themself."""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.showing import ShowAsked, ShowingsPage, ShowingView
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.mounts import showing
from jupyterhub_vmshare.mounts.showing import Showing


class ShownFolders(Route):
    """What the caller has chosen."""

    path = "/shown-folders"

    @operation("folder.mount_read_only", gives=ShowingsPage)
    async def get(self) -> None:
        """The caller's folders that are mounted on machines, too, and on which."""
        async with self.rooms.db.read() as conn:
            found = await showing.shown_of(conn, self.caller.person(), self.rooms.db.clock())
        self.reply(200, ShowingsPage(items=[_view(each) for each in found]))


class FolderOnMachine(Route):
    """Whether the caller has a folder on a machine, too."""

    path = "/folders/{folder_id}/machines/{machine_id}"

    @operation("folder.mount_read_only", gives=ShowingView)
    async def get(self, folder_id: str, machine_id: str) -> None:
        """Who else could read this folder on that machine, and whether it is shown there."""
        db = self.rooms.db
        async with db.read() as conn:
            found = await showing.look(
                conn, self.caller.person(), folder_id, machine_id, db.clock()
            )
        self.reply(200, _view(found))

    @operation("folder.mount_read_only", takes=ShowAsked, gives=ShowingView)
    async def put(self, folder_id: str, machine_id: str) -> None:
        """Have this folder mounted on that machine while a session of the caller's runs."""
        asked = self.body(ShowAsked)
        async with self.rooms.db.write() as tx:
            found = await showing.show(
                *(tx, self.caller.person(), folder_id, machine_id), acknowledged=asked.acknowledged
            )
        self.reply(200, _view(found))

    @operation("folder.mount_read_only", status=204)
    async def delete(self, folder_id: str, machine_id: str) -> None:
        """Have it there no more."""
        async with self.rooms.db.write() as tx:
            await showing.hide(tx, self.caller.person(), folder_id, machine_id)
        self.reply(204)


def _view(found: Showing) -> ShowingView:
    return ShowingView(
        folder_id=found.folder_id,
        folder_name=found.folder_name,
        machine_id=found.machine_id,
        machine_name=found.machine_name,
        shown=found.shown,
        chosen_at=found.chosen_at,
        readers=list(found.readers),
        sentence=found.sentence,
    )


ROUTES = (ShownFolders, FolderOnMachine)
