"""Grants on a thing: who has it, inviting, changing, taking away, leaving."""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.grants import (
    Cut,
    GrantChange,
    GrantChanged,
    GrantResults,
    NewGrant,
    NewGrants,
    PeopleOfThing,
)
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.render import (
    cut_view,
    grant_view,
    in_sessions,
    people_view,
    receivers,
    result_view,
)
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.folders.aliases import make_room
from jupyterhub_vmshare.people.known import known
from jupyterhub_vmshare.sharing import ending, inviting, store
from jupyterhub_vmshare.sharing.inviting import UNSET, Wanted
from jupyterhub_vmshare.sharing.listing import people_of
from jupyterhub_vmshare.sharing.model import Grant
from jupyterhub_vmshare.words import ReceiverKind


class FolderPeople(Route):
    """Who has a folder."""

    path = "/folders/{folder_id}/people"

    @operation("folder.see_people", gives=PeopleOfThing)
    async def get(self, folder_id: str) -> None:
        """The owner, every pending or live grant, and each person with their sources."""
        db = self.rooms.db
        async with db.read() as conn:
            told = await people_of(conn, self.caller.person(), folder_id, db.clock())
        self.reply(200, people_view(told))


class FolderGrants(Route):
    """All grants on a folder."""

    path = "/folders/{folder_id}/grants"

    @operation("folder.invite", takes=NewGrants, gives=GrantResults, status=201, once=True)
    async def post(self, folder_id: str) -> None:
        """Invite several receivers at once; each gets a result of its own."""
        asked = self.body(NewGrants).grants
        person = self.caller.person()
        async with self.rooms.db.read() as conn:
            await inviting.may_invite(conn, person, folder_id, self.rooms.db.clock())
        there = await known(
            self.rooms.hub,
            self.rooms.db,
            (one.receiver for one in asked if one.receiver_kind is ReceiverKind.PERSON),
            asker=self.caller.name,
            limit=self.rooms.search.limit,
        )
        async with self.once() as tx:
            wanted = [_wanted(one) for one in asked]
            results = await inviting.invite(tx, person, folder_id, wanted, there)
            await _list_with_members(tx, folder_id, results)
            told = [result_view(one.receiver, r) for one, r in zip(asked, results, strict=True)]
            self.keep(201, GrantResults(results=told))

    @operation("folder.revoke", gives=Cut)
    async def delete(self, folder_id: str) -> None:
        """Stop sharing with everyone; invitations end too, a co-owner's grant does not."""
        async with self.rooms.db.write() as tx:
            ended = await ending.stop_sharing(tx, self.caller.person(), folder_id)
            held = await self.rooms.mounts.held(tx, folder_id)
        self.reply(200, cut_view(ended, await self.rooms.mounts.reach(folder_id, held)))


class FolderLeave(Route):
    """Giving up one's own access."""

    path = "/folders/{folder_id}/leave"

    @operation("folder.leave", gives=Cut)
    async def post(self, folder_id: str) -> None:
        """Leave a shared folder; what a team was given is left for the caller alone."""
        person = self.caller.person()
        async with self.rooms.db.write() as tx:
            left = await ending.leave(tx, person, folder_id)
            # What flowed from a grant of theirs has ended for others too.
            people = None if left.ended else {person.name}
            held = await self.rooms.mounts.held(tx, folder_id, people)
        reached = await self.rooms.mounts.reach(folder_id, held)
        self.reply(200, cut_view(left.ended, reached, left.declined))


class OneGrant(Route):
    """A grant, by its id."""

    path = "/grants/{grant_id}"

    @operation("folder.change_level", takes=GrantChange, gives=GrantChanged, versioned="needed")
    async def patch(self, grant_id: str) -> None:
        """Change the level or the end date of a pending or live grant."""
        asked, version = self.body(GrantChange), self.expected_version()
        ends_at = asked.ends_at if "ends_at" in asked.model_fields_set else UNSET
        async with self.rooms.db.write() as tx:
            changed = await inviting.change(
                tx, self.caller.person(), grant_id, version, level=asked.level, ends_at=ends_at
            )
            held = await self.rooms.mounts.held(tx, changed.thing_id, receivers([changed]))
        reached = await self.rooms.mounts.reach(changed.thing_id, held)
        told = grant_view(changed).model_dump() | in_sessions(reached).model_dump()
        self.reply(200, GrantChanged(**told))

    @operation("folder.revoke", gives=Cut)
    async def delete(self, grant_id: str) -> None:
        """Take a grant away; one that is not answered yet is cancelled."""
        async with self.rooms.db.write() as tx:
            ended = await ending.revoke(tx, self.caller.person(), grant_id)
            folder_id = ended[0].thing_id if ended else ""
            held = await self.rooms.mounts.held(tx, folder_id, receivers(ended))
        self.reply(200, cut_view(ended, await self.rooms.mounts.reach(folder_id, held)))


async def _list_with_members(
    tx: Transaction, folder_id: str, results: list[Grant | VMShareError]
) -> None:
    """A team's folder stands in its members' lists at once: under labels that are free there."""
    if any(isinstance(r, Grant) and r.receiver_kind is ReceiverKind.TEAM for r in results):
        folder = await store.lock(tx, folder_id)
        await make_room(tx, folder, folder.name)


def _wanted(asked: NewGrant) -> Wanted:
    return Wanted(asked.receiver, asked.level, asked.ends_at, asked.receiver_kind)
