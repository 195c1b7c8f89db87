"""Finding people: team-mates by the beginning of their name, anybody else by the exact name (D3).

A name that is not there and a name of somebody whom one shares no team with look alike until it
is spelled out: both cost one question to the hub, and one of the asker's tries.
"""

from __future__ import annotations

from dataclasses import dataclass

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import grants, project_members, team_members, things
from jupyterhub_vmshare.errors import TooMany
from jupyterhub_vmshare.people.hub import Hub
from jupyterhub_vmshare.people.limit import RateLimit
from jupyterhub_vmshare.people.succession import Succession
from jupyterhub_vmshare.words import ReceiverKind


@dataclass(frozen=True, slots=True)
class Found:
    """A person, and the teams that they share with the asker."""

    name: str
    teams: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class FoundPage:
    """``next`` is the name after which the next page begins."""

    items: tuple[Found, ...]
    next: str | None


class PeopleSearch:
    """Searches in the mirror of the teams, and asks the hub for exact names.

    Args:
        db: Where the mirror is.
        hub: Knows everybody by name.
        people: The same, where somebody is to be given something.
        limit: How often one person may ask the hub.
    """

    def __init__(self, db: Database, hub: Hub, people: Succession, limit: RateLimit) -> None:
        self._db, self.hub, self.people, self.limit = db, hub, people, limit

    async def find(self, asker: str, q: str, *, after: str | None, limit: int) -> FoundPage:
        """One page of the people that ``asker`` may find; never the asker.

        Raises ``TooMany`` when an exact name would have to be looked up once too often.
        """
        mates = await self._team_mates(asker, q, after, limit + 1)
        more = len(mates) > limit
        items = mates[:limit]
        # An exact name begins with itself, so it can only be on the first page.
        if q and after is None and q != asker and all(found.name != q for found in items):
            try:
                items = [*await self._by_name(asker, q), *items]
            except TooMany:
                if not items:
                    raise  # who types a team-mate's name is not held up
        return FoundPage(tuple(items), items[-1].name if more else None)

    async def everybody(self, q: str, *, after: str | None, limit: int) -> FoundPage:
        """The same among all whom the service has met in a team, a project or a grant, for hub
        admins; an exact name is the hub's to know. Raises ``HubUnreachable``."""
        names = await self._met(q, after, limit + 1)
        items = names[:limit]
        if q and after is None and q not in items:
            found = await self.hub.person(q)
            items = [found, *items] if found is not None and found not in items else items
        following = items[-1] if len(names) > limit else None
        return FoundPage(tuple(Found(name) for name in items), following)

    async def by_exact_name(self, asker: str, name: str) -> str | None:
        """The hub's name of a person who is to be given something; counts against the limit."""
        self.limit.take(asker)
        return await self.people.person(name)

    async def _by_name(self, asker: str, name: str) -> list[Found]:
        self.limit.take(asker)
        found = await self.hub.person(name)
        if found is None or found == asker:
            return []
        # The hub may know them by another spelling, by which they are a team-mate all the same.
        mates = await self._team_mates(asker, found, None, 1)
        return mates if mates and mates[0].name == found else [Found(found)]

    async def _met(self, start: str, after: str | None, limit: int) -> list[str]:
        to_people = grants.c.receiver_kind == ReceiverKind.PERSON
        met = sa.union(
            sa.select(team_members.c.person.label("name")),
            sa.select(project_members.c.person),
            sa.select(things.c.owner).where(things.c.project_id.is_(None)),
            sa.select(grants.c.receiver).where(to_people),
        ).subquery("met")
        query = sa.select(met.c.name).order_by(met.c.name).limit(limit)
        if start:
            query = query.where(
                sa.func.lower(met.c.name).startswith(start.lower(), autoescape=True)
            )
        if after is not None:
            query = query.where(met.c.name > after)
        async with self._db.read() as conn:
            return list((await conn.scalars(query)).all())

    async def _team_mates(
        self, asker: str, start: str, after: str | None, limit: int
    ) -> list[Found]:
        mine, theirs = team_members.alias("mine"), team_members.alias("theirs")
        together = (mine.c.person == asker) & (theirs.c.team == mine.c.team)
        names = sa.select(theirs.c.person).distinct().where(together, theirs.c.person != asker)
        if start:
            folded = sa.func.lower(theirs.c.person)
            names = names.where(folded.startswith(start.lower(), autoescape=True))
        if after is not None:
            names = names.where(theirs.c.person > after)
        names = names.order_by(theirs.c.person).limit(limit)
        async with self._db.read() as conn:
            people = (await conn.scalars(names)).all()
            query = sa.select(theirs.c.person, theirs.c.team).where(
                together, theirs.c.person.in_(people)
            )
            shared = (await conn.execute(query.order_by(theirs.c.team))).all()
        return [Found(name, tuple(team for who, team in shared if who == name)) for name in people]
