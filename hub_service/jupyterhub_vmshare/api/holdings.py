"""``/people/{person}/things``: what somebody holds, and why."""

from __future__ import annotations

from collections.abc import Collection, Sequence

from jupyterhub_vmshare.api.contract.holdings import HoldingsAsked, HoldingsPage, HoldingView
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route
from jupyterhub_vmshare.api.why import source_view
from jupyterhub_vmshare.db.database import NewEvent
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing.facts import demand
from jupyterhub_vmshare.sharing.held import Held, held_by, keepers_of
from jupyterhub_vmshare.sharing.projects import administered_by


class HoldingsOf(Route):
    """What one person holds."""

    path = "/people/{person}/things"

    @operation("service.ask_why_about_another", query=HoldingsAsked, gives=HoldingsPage)
    async def get(self, person: str) -> None:
        """What somebody holds, and why: for hub admins; of projects, for their administrators.

        A name that nobody has is answered like somebody who holds nothing.
        """
        asked, db = self.query(HoldingsAsked), self.rooms.db
        projects, at = self._within(asked.project), db.clock()
        teams = await self.rooms.membership.teams_of(person)
        async with db.read() as conn:
            other = Person(person, teams=teams, administers=await administered_by(conn, person, at))
            found, following = await held_by(
                *(conn, other, at),
                listener=self.caller.name,
                projects=projects,
                after=asked.after,
                limit=asked.limit,
            )
        if self.caller.hub_admin and person != self.caller.name:
            await self._tell(person, found)
        self.reply(200, HoldingsPage(items=[_view(one) for one in found], next=following))

    def _within(self, project: str | None) -> Collection[str] | None:
        """The projects of which they may know; None: they may know of everything."""
        decision = decide(
            self.caller.person(), "ask_why_about_another", None, self.rooms.db.clock()
        )
        demand(decision)
        if not decision.limits:
            return None if project is None else {project}
        administers = self.caller.administers
        if project is None:
            return administers
        if project not in administers:
            raise NotFound
        return {project}

    async def _tell(self, person: str, found: Sequence[Held]) -> None:
        """That a hub admin looked is no secret from whoever it is about, nor from the owners."""
        async with self.rooms.db.write() as tx:
            owners = await keepers_of(tx.conn, [one.thing for one in found], tx.at)
            audience = (owners | {person}) - {self.caller.name}
            told = {"person": person}
            await tx.record(
                NewEvent("admin.saw_holdings", self.caller.name, frozenset(audience), data=told)
            )


def _view(held: Held) -> HoldingView:
    thing = held.thing
    return HoldingView(
        thing_id=thing.id,
        kind=thing.kind,
        name=thing.name,
        owner=thing.shown_owner,
        project_id=thing.project_id or thing.within_id,
        state=thing.state,
        level=held.level,
        ends_at=held.until,
        because=held.told.decision.because,
        sources=[source_view(source) for source in held.told.sources],
    )


ROUTES = (HoldingsOf,)
