"""Which of these names are people, asked before a transaction that invites them."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import team_members
from jupyterhub_vmshare.people.limit import RateLimit
from jupyterhub_vmshare.people.succession import Succession

_AT_ONCE = 8
"""The hub answers a few hundred such questions a second; others need it too."""


async def known(
    people: Succession, db: Database, names: Iterable[str], *, asker: str, limit: RateLimit
) -> dict[str, frozenset[str]]:
    """Those of ``names`` that the hub knows, exactly so spelled, with their teams.

    Each name that is no team-mate's is one of the asker's tries, as in the search: raises
    ``TooMany`` when there were too many, so that inviting tells no more about who is there.
    """
    turn = asyncio.Semaphore(_AT_ONCE)

    async def ask(name: str) -> str | None:
        async with turn:
            return name if await people.knows(name) else None

    asked = sorted({name for name in names if name and len(name) <= 255})
    mates = await _mates(db, asker)
    for name in asked:
        if name not in mates:
            limit.take(asker)
    found = [name for name in await asyncio.gather(*map(ask, asked)) if name is not None]
    teams = await _teams(db, found)
    return {name: frozenset(teams.get(name, ())) for name in found}


async def _mates(db: Database, asker: str) -> frozenset[str]:
    mine, theirs = team_members.alias("mine"), team_members.alias("theirs")
    together = sa.and_(mine.c.person == asker, theirs.c.team == mine.c.team)
    async with db.read() as conn:
        return frozenset(await conn.scalars(sa.select(theirs.c.person).where(together)))


async def _teams(db: Database, names: list[str]) -> dict[str, set[str]]:
    query = sa.select(team_members.c.person, team_members.c.team).where(
        team_members.c.person.in_(names)
    )
    teams: dict[str, set[str]] = {}
    async with db.read() as conn:
        for person, team in await conn.execute(query):
            teams.setdefault(person, set()).add(team)
    return teams
