"""Sharing machines and drives: who has them, inviting, stopping, leaving.

Co-ownership is given on a page of the service alone (``pages.co_own``).
"""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.grants import (
    Cut,
    GrantResults,
    NewGrants,
    NewUses,
    PeopleOfThing,
)
from jupyterhub_vmshare.api.grants import SharingRoute, wanted
from jupyterhub_vmshare.api.operation import operation


class MachinePeople(SharingRoute):
    """Who has a machine."""

    path = "/machines/{machine_id}/people"

    @operation("machine.see_people", gives=PeopleOfThing)
    async def get(self, machine_id: str) -> None:
        """The owner, every pending or live grant, and each person with their sources."""
        await self.show_people(machine_id)


class MachineUsers(SharingRoute):
    """Those who use a machine."""

    path = "/machines/{machine_id}/users"

    @operation("machine.invite_user", takes=NewUses, gives=GrantResults, status=201, once=True)
    async def post(self, machine_id: str) -> None:
        """Invite several to use a machine; each gets a result of its own."""
        asked = self.body(NewUses).grants
        await self.invite(machine_id, "use", [wanted(one, "use") for one in asked])


class MachineManagers(SharingRoute):
    """Those who manage a machine's users."""

    path = "/machines/{machine_id}/managers"

    @operation("machine.invite_manager", takes=NewUses, gives=GrantResults, status=201, once=True)
    async def post(self, machine_id: str) -> None:
        """Invite several to manage a machine's users; each gets a result of its own."""
        asked = self.body(NewUses).grants
        await self.invite(machine_id, "manage", [wanted(one, "manage") for one in asked])


class MachineGrants(SharingRoute):
    """All grants on a machine."""

    path = "/machines/{machine_id}/grants"

    @operation("machine.stop_sharing_with_all", gives=Cut)
    async def delete(self, machine_id: str) -> None:
        """Stop sharing with everyone; invitations end too, a co-owner's grant does not."""
        await self.stop_sharing(machine_id)


class MachineLeave(SharingRoute):
    """Giving up one's own access."""

    path = "/machines/{machine_id}/leave"

    @operation("machine.leave", gives=Cut)
    async def post(self, machine_id: str) -> None:
        """Leave a machine; its owner leaves it to the co-owner who was first, who is asked."""
        await self.leave(machine_id)


class DrivePeople(SharingRoute):
    """Who has a drive."""

    path = "/drives/{drive_id}/people"

    @operation("drive.see_people", gives=PeopleOfThing)
    async def get(self, drive_id: str) -> None:
        """The owner, every pending or live grant, and each person with their sources."""
        await self.show_people(drive_id)


class DriveGrants(SharingRoute):
    """All grants on a drive."""

    path = "/drives/{drive_id}/grants"

    @operation("drive.invite", takes=NewGrants, gives=GrantResults, status=201, once=True)
    async def post(self, drive_id: str) -> None:
        """Invite several to attach a drive to machines of theirs; each gets a result."""
        asked = self.body(NewGrants).grants
        await self.invite(drive_id, None, [wanted(one, one.level) for one in asked])

    @operation("drive.revoke", gives=Cut)
    async def delete(self, drive_id: str) -> None:
        """Stop sharing with everyone; invitations end too, a co-owner's grant does not."""
        await self.stop_sharing(drive_id)


class DriveLeave(SharingRoute):
    """Giving up one's own access."""

    path = "/drives/{drive_id}/leave"

    @operation("drive.leave", gives=Cut)
    async def post(self, drive_id: str) -> None:
        """Leave a drive; what a team was given is left for the caller alone."""
        await self.leave(drive_id)


ROUTES = (
    MachinePeople,
    MachineUsers,
    MachineManagers,
    MachineGrants,
    MachineLeave,
    DrivePeople,
    DriveGrants,
    DriveLeave,
)
