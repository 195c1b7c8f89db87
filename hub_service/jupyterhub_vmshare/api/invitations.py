"""The caller's invitations, and their answers."""

from __future__ import annotations

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked
from jupyterhub_vmshare.api.contract.grants import Acceptance, Answered, InvitationsPage
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.render import answered_view, invitation_view
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.folders.aliases import label_accepted, suggested_aliases
from jupyterhub_vmshare.ids import ID_PATTERN
from jupyterhub_vmshare.sharing import answering
from jupyterhub_vmshare.sharing.listing import invitations
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.words import ThingKind


class InvitationsAsked(Asked):
    """``after`` is the ``next`` of the page before."""

    declined: bool = Field(
        False,
        description="Instead: what teams of the caller have and the caller said no to. A yes is "
        "possible any time.",
    )
    after: str | None = Field(None, pattern=f"^{ID_PATTERN}$")
    limit: int = Field(50, ge=1, le=200)


class Invitations(Route):
    """What waits for the caller's answer."""

    path = "/invitations"

    @operation("folder.see_in_list", query=InvitationsAsked, gives=InvitationsPage)
    async def get(self) -> None:
        """The caller's open invitations, newest first."""
        asked = self.query(InvitationsAsked)
        person, at, limit = self.caller.person(), self.rooms.db.clock(), asked.limit
        async with self.rooms.db.read() as conn:
            found = await invitations(
                conn, person, at, before=asked.after, limit=limit + 1, declined=asked.declined
            )
            shown = found[:limit]
            folders = [one.thing for one in shown if one.thing.kind is ThingKind.FOLDER]
            aliases = await suggested_aliases(conn, person, folders, at)
        items = [invitation_view(one, aliases.get(one.thing.id)) for one in shown]
        following = items[-1].id if len(found) > limit else None
        self.reply(200, InvitationsPage(items=items, next=following))


class Accept(Route):
    """Yes."""

    path = "/invitations/{grant_id}/accept"

    @operation(
        "folder.accept_or_decline",
        takes=Acceptance,
        optional_body=True,
        versioned="taken",
        gives=Answered,
    )
    async def post(self, grant_id: str) -> None:
        """Accept an invitation; with If-Match, only as it was seen."""
        asked = self.body_or_none(Acceptance) or Acceptance()
        version = self.expected_version() if "If-Match" in self.request.headers else None
        person = self.caller.person()
        async with self.rooms.db.write() as tx:

            async def settle(thing: SharedThing) -> None:
                if thing.kind is ThingKind.FOLDER:
                    await label_accepted(tx, person, thing, asked.alias)
                elif asked.alias is not None:
                    raise BadInput(f"A {thing.kind} has one name for everybody.")

            grant = await answering.accept(tx, person, grant_id, version=version, settle=settle)
        self.reply(200, answered_view(grant, "accepted"))


class Decline(Route):
    """No."""

    path = "/invitations/{grant_id}/decline"

    @operation("folder.accept_or_decline", gives=Answered)
    async def post(self, grant_id: str) -> None:
        """Decline an invitation; a later yes needs a new one, but for what a team was given."""
        async with self.rooms.db.write() as tx:
            grant = await answering.decline(tx, self.caller.person(), grant_id)
        self.reply(200, answered_view(grant, "declined"))
