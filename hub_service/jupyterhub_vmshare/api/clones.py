"""Copies of folders that people make for themselves."""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.clones import (
    ClonesAsked,
    ClonesPage,
    CloneState,
    CloneView,
    NewClone,
)
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.folders import cloning
from jupyterhub_vmshare.folders.cloning import Clone


class FolderClones(Route):
    """Copies of one folder."""

    path = "/folders/{folder_id}/clones"

    @operation("folder.clone", takes=NewClone, gives=CloneView, status=202, once=True)
    async def post(self, folder_id: str) -> None:
        """Have a copy of a folder made, as a folder of one's own; it is there once it is whole."""
        asked, person = self.body(NewClone), self.caller.person()
        account = await self.rooms.folders.quota.account_of(person.name)
        async with self.once() as tx:
            clone = await cloning.ask(tx, person, folder_id, asked.name, account)
            self.keep(202, view(clone))
        self.rooms.folders.cloner.wake()


class Clones(Route):
    """The caller's copies."""

    path = "/clones"

    @operation("service.create_folder", query=ClonesAsked, gives=ClonesPage)
    async def get(self) -> None:
        """The caller's copies, under way and ended, the newest first."""
        asked = self.query(ClonesAsked)
        async with self.rooms.db.read() as conn:
            found = await cloning.page(
                conn, self.caller.name, after=asked.after, limit=asked.limit + 1
            )
        items = [view(clone) for clone in found[: asked.limit]]
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, ClonesPage(items=items, next=following))


class OneClone(Route):
    """One copy of the caller's."""

    path = "/clones/{clone_id}"

    @operation("service.create_folder", gives=CloneView)
    async def get(self, clone_id: str) -> None:
        """How far a copy is."""
        async with self.rooms.db.read() as conn:
            clone = await cloning.one(conn, clone_id, self.caller.name)
        self.reply(200, view(clone))

    @operation("service.create_folder", status=204)
    async def delete(self, clone_id: str) -> None:
        """Give up a copy that is under way, or forget one that has ended; the folder stays."""
        async with self.rooms.db.write() as tx:
            await cloning.give_up(tx, self.caller.name, clone_id)
        self.rooms.folders.cloner.wake()
        self.reply(204)


def view(clone: Clone) -> CloneView:
    """A clone as it goes over the wire."""
    return CloneView(
        id=clone.id,
        source_id=clone.source_id,
        source_name=clone.source_name,
        folder_id=clone.folder_id,
        name=clone.name,
        state=CloneState(clone.state),
        files=clone.files,
        bytes=clone.bytes,
        because=clone.because,
        created_at=clone.created_at,
        ended_at=clone.ended_at,
    )


ROUTES = (FolderClones, Clones, OneClone)
