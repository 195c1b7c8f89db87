"""What takes rights away reaches: mounts in sessions, links to machines. Before and after it."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, replace

from jupyterhub_vmshare.api.rooms import Rooms
from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.mounts.reach import HeldMount, Reached
from jupyterhub_vmshare.relay.accounts import AccountRow


@dataclass(frozen=True, slots=True)
class Held:
    """Where a thing was in use."""

    thing_id: str
    mounts: Sequence[HeldMount]
    links: Mapping[str, int]

    @property
    def is_in_use(self) -> bool:
        """Whether anybody had it open."""
        return bool(self.mounts or self.links)


@dataclass(frozen=True, slots=True)
class Taken:
    """What of it has ended, as the nodes and the relays have confirmed by now."""

    sessions: Reached
    links: Sequence[AccountRow] = ()

    @classmethod
    def together(cls, each: Collection[Taken]) -> Taken:
        """What was taken of several things at once."""
        sessions = [one.sessions for one in each]
        reached = Reached(
            sum(one.sessions for one in sessions),
            sum(one.descriptors for one in sessions),
            sum(one.unconfirmed for one in sessions),
            tuple(holder for one in sessions for holder in one.holders),
        )
        return cls(reached, [link for one in each for link in one.links])

    def as_seen_by(self, person: str) -> Taken:
        """Without what other people had open: theirs is not everybody's to know."""
        mine = [link for link in self.links if link.person == person]
        return replace(self, sessions=self.sessions.as_seen_by(person), links=mine)


async def held(
    rooms: Rooms, tx: Transaction, thing_id: str, people: Collection[str] | None = None
) -> Held:
    """Where it is in use now; ``people``: by these alone."""
    mounts = await rooms.mounts.held(tx, thing_id, None if people is None else set(people))
    return Held(thing_id, mounts, await rooms.cutting.held(tx, thing_id, people))


async def all_held(
    rooms: Rooms, tx: Transaction, thing_ids: Sequence[str], people: Collection[str]
) -> list[Held]:
    """Where several are in use by these; those alone that are."""
    used = await rooms.mounts.in_use(tx, people) | await rooms.cutting.in_use(tx, people)
    return [await held(rooms, tx, one, people) for one in thing_ids if one in used]


async def all_taken(rooms: Rooms, before: Sequence[Held]) -> Taken:
    """What was taken of several; all are waited for at the same time. Never in a transaction."""
    each = await asyncio.gather(*(taken(rooms, one) for one in before))
    return Taken.together(each)


async def taken(rooms: Rooms, before: Held) -> Taken:
    """What was taken away since; waits for it. Never in a transaction."""
    return Taken(
        await rooms.mounts.reach(before.thing_id, before.mounts),
        await rooms.cutting.reach(before.thing_id, before.links),
    )
