"""``/people`` and ``/teams``: whom one may invite, and who is in a team with whom."""

from __future__ import annotations

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked
from jupyterhub_vmshare.api.contract.people import PeoplePage, PersonView, TeamsList, TeamView
from jupyterhub_vmshare.api.operation import operation
from jupyterhub_vmshare.api.route import Route


class PeopleQuery(Asked):
    """Empty ``q``: all team-mates."""

    q: str = Field("", max_length=255, description="A name, or how a team-mate's name begins.")
    after: str | None = Field(None, min_length=1, max_length=255)
    limit: int = Field(50, ge=1, le=200)


class People(Route):
    """The people whom the caller may find."""

    path = "/people"

    @operation("service.search_people", query=PeopleQuery, gives=PeoplePage)
    async def get(self) -> None:
        """Team-mates by the beginning of their name, anybody else by the exact name.

        For hub admins, everybody by the beginning.
        """
        asked, search = self.query(PeopleQuery), self.rooms.search
        q, after, limit = asked.q.strip(), asked.after, asked.limit
        if self.caller.hub_admin:
            found = await search.everybody(q, after=after, limit=limit)
        else:
            found = await search.find(self.caller.name, q, after=after, limit=limit)
        items = [PersonView(name=one.name, teams=list(one.teams)) for one in found.items]
        self.reply(200, PeoplePage(items=items, next=found.next))


class Teams(Route):
    """The caller's own teams."""

    path = "/teams"

    @operation("service.search_people", gives=TeamsList)
    async def get(self) -> None:
        """The teams that the caller is in, and so may share with."""
        counts = await self.rooms.membership.counts(self.caller.teams)
        items = [TeamView(name=name, members=counts.get(name, 0)) for name in sorted(counts)]
        self.reply(200, TeamsList(items=items))


class TeamsRefresh(Route):
    """The mirror of the hub's groups."""

    path = "/teams/refresh"

    @operation("service.search_people", status=204, changes=False)
    async def post(self) -> None:
        """Ask the hub now who is in which team, instead of within 30 seconds."""
        self.rooms.search.limit.take(self.caller.name)
        await self.rooms.membership.refresh()
        self.reply(204)
