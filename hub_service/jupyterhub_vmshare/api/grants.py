"""Grants on a thing: who has it, inviting, changing, taking away, leaving."""

from __future__ import annotations

from collections.abc import Sequence

from jupyterhub_vmshare.api import taking
from jupyterhub_vmshare.api.contract.grants import (
    Cut,
    GrantChange,
    GrantChanged,
    GrantResults,
    Lineage,
    NewGrants,
    NewUse,
    PeopleOfThing,
    Ticked,
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
from jupyterhub_vmshare.sharing import changing, ending, inviting, leaving, store
from jupyterhub_vmshare.sharing.changing import UNSET
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.inviting import Wanted
from jupyterhub_vmshare.sharing.listing import people_of
from jupyterhub_vmshare.sharing.model import Grant
from jupyterhub_vmshare.sharing.ticks import PROFILES
from jupyterhub_vmshare.sharing.verbs import kind_of
from jupyterhub_vmshare.words import ReceiverKind, ThingKind


class SharingRoute(Route):
    """What sharing is for things of every kind."""

    async def show_people(self, thing_id: str) -> None:
        """Answer with who has it."""
        db = self.rooms.db
        async with db.read() as conn:
            told = await people_of(conn, self.caller.person(), thing_id, db.clock())
        self.reply(200, people_view(told))

    async def invite(self, thing_id: str, level: str | None, wanted: Sequence[Wanted]) -> None:
        """Invite several, who may be invited at ``level`` at all; each gets a result."""
        person = self.caller.person()
        async with self.rooms.db.read() as conn:
            await inviting.may_invite(conn, person, thing_id, self.rooms.db.clock(), level)
        there = await self.known(wanted)
        async with self.once() as tx:
            results = await inviting.invite(tx, person, thing_id, wanted, there)
            await _list_with_members(tx, thing_id, results)
            told = [result_view(one.receiver, r) for one, r in zip(wanted, results, strict=True)]
            self.keep(201, GrantResults(results=told))

    async def known(self, wanted: Sequence[Wanted]) -> dict[str, frozenset[str]]:
        """Those of the receivers whom the hub knows, with their teams."""
        people = (w.receiver for w in wanted if w.receiver_kind is ReceiverKind.PERSON)
        rooms, limit = self.rooms, self.rooms.search.limit
        return await known(rooms.succession, rooms.db, people, asker=self.caller.name, limit=limit)

    async def stop_sharing(self, thing_id: str) -> None:
        """End every grant on it but co-owners'."""
        async with self.rooms.db.write() as tx:
            ended = await ending.stop_sharing(tx, self.caller.person(), thing_id)
            before = await taking.held(self.rooms, tx, thing_id)
        self.reply(200, cut_view(ended, await taking.taken(self.rooms, before)))

    async def leave(self, thing_id: str) -> None:
        """Give up what the caller has of it."""
        person = self.caller.person()
        async with self.rooms.db.write() as tx:
            left = await leaving.leave(tx, person, thing_id)
            # What flowed from a grant of theirs has ended for others too.
            people = None if left.ended else {person.name}
            before = await taking.held(self.rooms, tx, thing_id, people)
        reached = (await taking.taken(self.rooms, before)).as_seen_by(person.name)
        offered_to = None if left.offered is None else left.offered.receiver
        self.reply(200, cut_view(left.ended, reached, left.declined, offered_to))


class FolderPeople(SharingRoute):
    """Who has a folder."""

    path = "/folders/{folder_id}/people"

    @operation("folder.see_people", gives=PeopleOfThing)
    async def get(self, folder_id: str) -> None:
        """The owner, every pending or live grant, and each person with their sources."""
        await self.show_people(folder_id)


class FolderGrants(SharingRoute):
    """All grants on a folder."""

    path = "/folders/{folder_id}/grants"

    @operation("folder.invite", takes=NewGrants, gives=GrantResults, status=201, once=True)
    async def post(self, folder_id: str) -> None:
        """Invite several receivers at once; each gets a result of its own."""
        asked = self.body(NewGrants).grants
        await self.invite(folder_id, None, [wanted(one, one.level) for one in asked])

    @operation("folder.revoke", gives=Cut)
    async def delete(self, folder_id: str) -> None:
        """Stop sharing with everyone; invitations end too, a co-owner's grant does not."""
        await self.stop_sharing(folder_id)


class FolderLeave(SharingRoute):
    """Giving up one's own access."""

    path = "/folders/{folder_id}/leave"

    @operation("folder.leave", gives=Cut)
    async def post(self, folder_id: str) -> None:
        """Leave a shared folder; what a team was given is left for the caller alone."""
        await self.leave(folder_id)


class OneGrant(Route):
    """A grant, by its id."""

    path = "/grants/{grant_id}"

    @operation("folder.change_level", takes=GrantChange, gives=GrantChanged, versioned="needed")
    async def patch(self, grant_id: str) -> None:
        """Change the level, the ticks or the end date of a pending or live grant."""
        asked, version = self.body(GrantChange), self.expected_version()
        ends_at = asked.ends_at if "ends_at" in asked.model_fields_set else UNSET
        async with self.rooms.db.write() as tx:
            changed, *lowered = await changing.change(
                tx,
                self.caller.person(),
                grant_id,
                version,
                level=asked.level,
                ends_at=ends_at,
                ticks=ticks_asked(asked),
            )
            concerned = receivers([changed, *lowered])
            before = await taking.held(self.rooms, tx, changed.thing_id, concerned)
        reached = await taking.taken(self.rooms, before)
        told = grant_view(changed).model_dump() | in_sessions(reached).model_dump()
        also = [grant_view(grant) for grant in lowered]
        self.reply(200, GrantChanged(**told, lowered=also))

    @operation("folder.revoke", gives=Cut)
    async def delete(self, grant_id: str) -> None:
        """Take a grant away; one that is not answered yet is cancelled."""
        async with self.rooms.db.write() as tx:
            ended = await ending.revoke(tx, self.caller.person(), grant_id)
            thing_id = ended[0].thing_id if ended else ""
            before = await taking.held(self.rooms, tx, thing_id, receivers(ended))
        self.reply(200, cut_view(ended, await taking.taken(self.rooms, before)))


class GrantLineage(Route):
    """What flows from a grant."""

    path = "/grants/{grant_id}/lineage"

    @operation("folder.see_people", gives=Lineage)
    async def get(self, grant_id: str) -> None:
        """What would end with a grant: it, and all that was given from it."""
        db = self.rooms.db
        async with db.read() as conn:
            grant = await store.by_id(conn, grant_id)
            await permitted(conn, self.caller.person(), "see_people", grant.thing_id, db.clock())
            found = await ending.would_end(conn, grant)
        at = db.clock()
        self.reply(200, Lineage(grants=[grant_view(one) for one in found if not one.is_over(at)]))


async def _list_with_members(
    tx: Transaction, thing_id: str, results: list[Grant | VMShareError]
) -> None:
    """A team's folder stands in its members' lists at once: under labels that are free there."""
    if kind_of(thing_id) is not ThingKind.FOLDER:
        return
    if any(isinstance(r, Grant) and r.receiver_kind is ReceiverKind.TEAM for r in results):
        folder = await store.lock(tx, thing_id)
        await make_room(tx, folder, folder.name)


def wanted(asked: NewUse, level: str) -> Wanted:
    """An invitation as it came over the wire."""
    ticks = ticks_asked(asked)
    return Wanted(asked.receiver, level, asked.ends_at, asked.receiver_kind, ticks)


def ticks_asked(asked: Ticked) -> Sequence[str] | None:
    """The ticks that somebody chose; None where they chose none."""
    return PROFILES[asked.profile] if asked.profile is not None else asked.ticks


ROUTES = (FolderPeople, FolderGrants, FolderLeave, OneGrant, GrantLineage)
