"""What takes rights away reaches: mounts in sessions, links to machines. Before and after it."""

from __future__ import annotations

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


@dataclass(frozen=True, slots=True)
class Taken:
    """What of it has ended, as the nodes and the relays have confirmed by now."""

    sessions: Reached
    links: Sequence[AccountRow] = ()

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


async def taken(rooms: Rooms, before: Held) -> Taken:
    """What was taken away since; waits for it. Never in a transaction."""
    return Taken(
        await rooms.mounts.reach(before.thing_id, before.mounts),
        await rooms.cutting.reach(before.thing_id, before.links),
    )
