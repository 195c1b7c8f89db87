"""Handing over: offers that wait, their answers, and what leavers have left.

An offer is made on a page of the service alone (``pages.hand_over``): it can't be undone by who
made it once it is accepted.
"""

from __future__ import annotations

from jupyterhub_vmshare.api.contract.drives import DriveView
from jupyterhub_vmshare.api.contract.hand_overs import (
    FolderTaken,
    HandOversAsked,
    HandOversPage,
    HandOverView,
    LeftThing,
    LeftThingsAsked,
    LeftThingsPage,
    Taking,
)
from jupyterhub_vmshare.api.contract.machines import MachineView
from jupyterhub_vmshare.api.drives import DriveRoute
from jupyterhub_vmshare.api.folders import FolderRoute
from jupyterhub_vmshare.api.machines import MachineRoute
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.render import in_sessions
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.api.taking import Taken
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.folders.handing import settle
from jupyterhub_vmshare.machines.handing import settle as settle_machine
from jupyterhub_vmshare.people.leavers import Left, is_gone
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.sharing import handing
from jupyterhub_vmshare.sharing.facts import demand
from jupyterhub_vmshare.sharing.handovers import SeenHandOver, open_of
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.words import ThingKind, ThingState


class HandOvers(Route):
    """Offers that wait."""

    path = "/hand-overs"

    @operation("folder.see_in_list", query=HandOversAsked, gives=HandOversPage)
    async def get(self) -> None:
        """Offers to the caller, of the caller's things, and by the caller; newest first."""
        asked = self.query(HandOversAsked)
        async with self.rooms.db.read() as conn:
            found = await open_of(conn, self.caller.name, before=asked.after, limit=asked.limit + 1)
        items = [_view(seen) for seen in found[: asked.limit]]
        following = items[-1].id if len(found) > asked.limit else None
        self.reply(200, HandOversPage(items=items, next=following))


class AcceptHandOver(FolderRoute):
    """Yes."""

    path = "/hand-overs/{hand_over_id}/accept"

    @operation("folder.accept_or_decline", takes=Taking, optional_body=True, gives=FolderTaken)
    async def post(self, hand_over_id: str) -> None:
        """Take a folder over: it is the caller's from now on, with all that was given on it."""
        asked, person = self.body_or_none(Taking) or Taking(name=None), self.caller.person()
        mounts, quota = self.rooms.mounts, self.rooms.folders.quota
        async with self.rooms.db.write() as tx:

            async def make_ready(folder: SharedThing) -> SharedThing:
                settled = await settle(tx, person, folder, asked.name)
                await quota.demand_taking(tx, person.name, folder.id)
                return settled

            folder, _ = await handing.accept(tx, person, hand_over_id, settle=make_ready)
            held = await mounts.held(tx, folder.id)
            told = await self.seen(tx, folder.id)
        reached = in_sessions(Taken(await mounts.reach(folder.id, held)))
        self.reply(200, FolderTaken(**told.model_dump(), **reached.model_dump()))


class TakeMachine(MachineRoute):
    """Yes to a machine."""

    path = "/hand-overs/{hand_over_id}/machine"

    @operation("machine.accept_or_decline", takes=Taking, optional_body=True, gives=MachineView)
    async def post(self, hand_over_id: str) -> None:
        """Take a machine over: it is the caller's from now on, with all that was given on it."""
        async with self.rooms.db.write() as tx:
            taken = await _take(self, tx, hand_over_id, ThingKind.MACHINE)
            told = await self.seen(tx, taken.id)
        self.reply(200, told)


class TakeDrive(DriveRoute):
    """Yes to a drive."""

    path = "/hand-overs/{hand_over_id}/drive"

    @operation("drive.accept_or_decline", takes=Taking, optional_body=True, gives=DriveView)
    async def post(self, hand_over_id: str) -> None:
        """Take a drive over: it is the caller's from now on, with all that was given on it."""
        async with self.rooms.db.write() as tx:
            taken = await _take(self, tx, hand_over_id, ThingKind.DRIVE)
            told = await self.drive(tx, taken.id)
        self.reply(200, told)


async def _take(route: Route, tx: Transaction, hand_over_id: str, kind: ThingKind) -> SharedThing:
    asked, person = route.body_or_none(Taking) or Taking(name=None), route.caller.person()

    async def make_ready(thing: SharedThing) -> SharedThing:
        return await settle_machine(tx, person, thing, asked.name)

    taken, _ = await handing.accept(tx, person, hand_over_id, settle=make_ready, kind=kind)
    return taken


class DeclineHandOver(Route):
    """No."""

    path = "/hand-overs/{hand_over_id}/decline"

    @operation("folder.accept_or_decline", status=204)
    async def post(self, hand_over_id: str) -> None:
        """Leave a folder with its owner."""
        async with self.rooms.db.write() as tx:
            await handing.decline(tx, self.caller.person(), hand_over_id)
        self.reply(204)


class OneHandOver(Route):
    """An offer, by its id."""

    path = "/hand-overs/{hand_over_id}"

    @operation("folder.hand_over", status=204)
    async def delete(self, hand_over_id: str) -> None:
        """Take an offer back."""
        rooms, caller = self.rooms, self.caller
        gone = caller.hub_admin and await is_gone(rooms.hub, rooms.db, hand_over_id)
        async with rooms.db.write() as tx:
            await handing.cancel(tx, caller.person(), hand_over_id, owner_gone=gone)
        self.reply(204)


class LeftThings(Route):
    """What people left whose hub account is gone."""

    path = "/leavers/things"

    @operation("service.list_leavers_things", query=LeftThingsAsked, gives=LeftThingsPage)
    async def get(self) -> None:
        """For hub admins, on the service's own pages: things without an owner on the hub."""
        asked, person = self.query(LeftThingsAsked), self.caller.person()
        decision = decide(person, "list_leavers_things", None, self.rooms.db.clock())
        demand(decision)
        # What a project's administrators would see bears the project; nothing of a person's does.
        nothing: tuple[list[Left], None] = ([], None)
        found, following = (
            nothing if decision.limits else await self.rooms.leavers.page(asked.after)
        )
        self.reply(200, LeftThingsPage(items=[_left(one) for one in found], next=following))


def _view(seen: SeenHandOver) -> HandOverView:
    made, thing = seen.hand_over, seen.thing
    return HandOverView(
        id=made.id,
        thing_id=thing.id,
        thing_kind=thing.kind,
        thing_name=thing.name,
        owner=made.owner,
        receiver=made.receiver,
        by=made.by,
        keep=made.keep,
        created_at=made.created_at,
        available=thing.state is ThingState.LIVE,
    )


def _left(one: Left) -> LeftThing:
    return LeftThing(
        id=one.thing.id,
        kind=one.thing.kind,
        name=one.thing.name,
        owner=one.thing.owner,
        state=one.thing.state,
        created_at=one.created_at,
        offered_to=one.offered_to,
    )


ROUTES = (
    HandOvers,
    AcceptHandOver,
    TakeMachine,
    TakeDrive,
    DeclineHandOver,
    OneHandOver,
    LeftThings,
)
