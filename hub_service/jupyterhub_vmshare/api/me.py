"""``/me``: the caller as the service knows them."""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.people import Credential, Me
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.policy.decide import actions


class Myself(Route):
    """Who am I here, through what, and what may I do."""

    path = "/me"

    @operation("service.read_own_events", gives=Me)
    async def get(self) -> None:
        """The caller, their teams, and what their credential takes away."""
        caller = self.caller
        credential = Credential(
            kind=caller.credential,
            server=caller.server,
            read_only=caller.read_only,
            because=caller.because,
        )
        at = self.rooms.db.clock()
        self.reply(
            200,
            Me(
                name=caller.name,
                hub_admin=caller.hub_admin,
                teams=sorted(caller.teams),
                credential=credential,
                actions=list(actions(caller.person(), None, at)),
            ),
        )
