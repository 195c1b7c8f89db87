"""Walking the chain: does every event still fit the one before it?

Reads in batches, so that a log of any length is checked in little memory and no long snapshot is
held open while the service goes on writing.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

import sqlalchemy as sa

from jupyterhub_vmshare.audit import log
from jupyterhub_vmshare.audit.chain import GENESIS, Event, link
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import chain_head, events

BATCH = 1000

# What a row raises that was changed into something that is no event at all.
_UNREADABLE = (ValueError, TypeError, OverflowError, AttributeError)


@dataclass(frozen=True, slots=True)
class Head:
    """The newest position and its hash. Noted down elsewhere, it proves all that came before."""

    position: int
    hash: str

    def __str__(self) -> str:
        return f"{self.position}:{self.hash}"

    @classmethod
    def parse(cls, text: str) -> Head:
        """A head as it was written down. Raises ``ValueError``."""
        match = re.fullmatch(r"(\d{1,18}):([0-9a-f]{64})", text.strip())
        if match is None:
            raise ValueError("A head is a position, a colon and 64 hexadecimal digits.")
        return cls(int(match[1]), match[2])


@dataclass(frozen=True, slots=True)
class Broken:
    """The first position that does not fit, and why."""

    position: int
    why: str
    """changed, missing, reordered, cut_off, added or head."""
    sentence: str


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a walk found: how far the chain is whole, and the first break, if any."""

    head: Head
    broken: Broken | None

    @property
    def whole(self) -> bool:
        """Whether every event fits."""
        return self.broken is None

    def __str__(self) -> str:
        if self.broken is None:
            return f"The audit trail is whole: {self.head.position} events. Its head is {self.head}"
        return (
            f"The audit trail is broken at position {self.broken.position}. {self.broken.sentence}"
        )


async def verify(database: Database, noted: Head | None = None) -> Verdict:
    """Walk the whole chain, and hold it to ``noted``, a head that was written down earlier."""
    return await _Walk(database, noted).walk()


class _Walk:
    def __init__(self, database: Database, noted: Head | None) -> None:
        self._database = database
        self._noted = noted
        self._at = Head(0, GENESIS)
        self._batch = BATCH

    async def walk(self) -> Verdict:
        goal = await self._stored_head()
        while self._at.position < goal.position:
            broken = await self._next_batch(goal)
            if broken is not None:
                return Verdict(self._at, broken)
        return Verdict(self._at, await self._at_the_end(goal))

    async def _stored_head(self) -> Head:
        async with self._database.read() as conn:
            return Head(*await log.head(conn))

    async def _next_batch(self, goal: Head) -> Broken | None:
        limit = min(self._batch, goal.position - self._at.position)
        batch = await self._read(self._at.position, limit)
        if batch is None:
            return self._unreadable()
        if not batch:
            return self._cut_off(goal)
        for event in batch:
            broken = await self._step(event, goal)
            if broken is not None:
                return broken
        return None

    async def _read(self, position: int, limit: int) -> Sequence[Event] | None:
        """The next events; none at all stands for a row that is no event any more."""
        try:
            async with self._database.read() as conn:
                return await log.after(conn, position, limit)
        except _UNREADABLE:
            return None

    def _unreadable(self) -> Broken | None:
        if self._batch == 1:
            return self._changed(self._at.position + 1)
        # One of a batch: go on one by one, to the row that it is.
        self._batch = 1
        return None

    async def _step(self, event: Event, goal: Head) -> Broken | None:
        place = self._at.position + 1
        if event.position > goal.position:
            return self._cut_off(goal)
        if event.position != place:
            return Broken(place, "missing", f"The event at position {place} is missing.")
        if not _follows(self._at.hash, event, event.hash):
            return await self._explain(event)
        self._at = Head(place, event.hash)
        if self._noted is not None and self._noted.position == place and self._noted != self._at:
            sentence = f"History up to position {place} is not the one whose head was noted."
            return Broken(place, "head", sentence)
        return None

    def _cut_off(self, goal: Head) -> Broken:
        place = self._at.position + 1
        sentence = f"The log is cut off: it ends at {place - 1} and should reach {goal.position}."
        return Broken(place, "cut_off", sentence)

    async def _explain(self, event: Event) -> Broken:
        """Changed, or is the event that belongs here somewhere else?"""
        place, previous = event.position, self._at.hash
        reached = place
        while batch := await self._read(reached, BATCH):
            for other in batch:
                reached, other.position = other.position, place
                if _follows(previous, other, other.hash, event.hash):
                    sentence = f"What stands at position {reached} belongs at {place}."
                    return Broken(place, "reordered", sentence)
        return self._changed(place)

    def _changed(self, place: int) -> Broken:
        return Broken(place, "changed", f"The event at position {place} was changed.")

    async def _at_the_end(self, goal: Head) -> Broken | None:
        if self._at != goal:
            return Broken(goal.position, "head", "The head row does not carry the last hash.")
        if self._noted is not None and self._noted.position > goal.position:
            return self._cut_off(self._noted)
        return await self._beyond(goal)

    async def _beyond(self, goal: Head) -> Broken | None:
        # In one snapshot, so that an event that is sequenced meanwhile is not taken for a forgery.
        async with self._database.read() as conn:
            head = await log.head(conn)
            ends = sa.select(sa.func.min(events.c.position), sa.func.max(events.c.position))
            first, last = (await conn.execute(ends)).one()
            heads = await conn.scalar(sa.select(sa.func.count()).select_from(chain_head))
        if first is not None and first < 1:
            return Broken(first, "added", f"Position {first} stands before the first.")
        place = goal.position + 1
        if (last or 0) > head[0]:
            why = "stands beyond the head" if heads else "has no head row to stand under"
            return Broken(place, "added" if heads else "head", f"Position {place} {why}.")
        return None


def _follows(previous: str, event: Event, *hashes: str) -> bool:
    try:
        return link(previous, event) in hashes
    except _UNREADABLE:
        return False
