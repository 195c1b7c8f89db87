"""A project's tag on its machines, drives and folders; a page of the service takes it away."""

from __future__ import annotations

from typing import Final

from jupyterhub_vmshare.api import taking
from jupyterhub_vmshare.api.contract.grants import Tagged
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.render import in_sessions
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.machines import tagging

_SET: Final = "project.tag.set"


class TagRoute(Route):
    """What setting a tag is, whatever bears it."""

    async def tag(self, thing_id: str) -> None:
        """Let only active members in, and answer with what that cut."""
        async with self.rooms.db.write() as tx:
            tagged = await tagging.tag(tx, self.asker, thing_id)
            before = await taking.held(self.rooms, tx, thing_id)
        reached = await taking.taken(self.rooms, before)
        told = in_sessions(reached).model_dump()
        self.reply(200, Tagged(id=thing_id, tagged=tagged.tagged, **told))


class TagOfMachine(TagRoute):
    """A machine's tag."""

    path = "/machines/{machine_id}/tag"

    @operation(_SET, gives=Tagged)
    async def put(self, machine_id: str) -> None:
        """Have a machine bear its project's tag, and with it the drives that it writes."""
        await self.tag(machine_id)


class TagOfDrive(TagRoute):
    """A drive's tag."""

    path = "/drives/{drive_id}/tag"

    @operation(_SET, gives=Tagged)
    async def put(self, drive_id: str) -> None:
        """Have a drive bear its project's tag."""
        await self.tag(drive_id)


class TagOfFolder(TagRoute):
    """A folder's tag."""

    path = "/folders/{folder_id}/tag"

    @operation(_SET, gives=Tagged)
    async def put(self, folder_id: str) -> None:
        """Have a project's folder bear its tag; for administrators, on the service's pages."""
        await self.tag(folder_id)


ROUTES = (TagOfMachine, TagOfDrive, TagOfFolder)
