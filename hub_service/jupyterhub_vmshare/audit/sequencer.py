"""The one place where events get their order.

Transactions insert events without a position, so that writers never wait for one another's order.
Whoever of the replicas holds the lease takes what has none yet, oldest first, and gives it the next
positions and hashes in one transaction, which also locks the lease: two holders can't both commit.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import sqlalchemy as sa
import structlog
from sqlalchemy.exc import DBAPIError, InterfaceError
from sqlalchemy.exc import TimeoutError as PoolTimeout

from jupyterhub_vmshare.audit import log
from jupyterhub_vmshare.audit.chain import GENESIS, Event, link
from jupyterhub_vmshare.audit.signals import EVENTS
from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.leases import Lease, LeaseLost, Leases
from jupyterhub_vmshare.db.tables import chain_head, event_audience, events
from jupyterhub_vmshare.steps import reached

LEASE = "sequencer"
BATCH = 500

Deliver = Callable[[Sequence[Event]], None]
_log = structlog.get_logger("vmshare.sequencer")


@dataclass(frozen=True, slots=True)
class Backlog:
    """What waits for its position."""

    events: int
    seconds: float
    """The age of the oldest."""


async def backlog(database: Database) -> Backlog:
    """How much waits, at most ``BATCH`` counted, and for how long."""
    waiting = sa.select(events.c.at).where(events.c.position.is_(None))
    oldest = waiting.order_by(events.c.at).limit(BATCH).subquery()
    async with database.read() as conn:
        query = sa.select(sa.func.count(), sa.func.min(oldest.c.at)).select_from(oldest)
        count, since = (await conn.execute(query)).one()
    if since is None:
        return Backlog(0, 0.0)
    return Backlog(count, max(0.0, (database.clock() - since).total_seconds()))


class Sequencer:
    """Gives positions, for as long as this process holds the lease.

    ``deliver`` gets each batch right after its commit; ``elsewhere`` is called when events wait
    for a sequencer in another process. ``poll`` (seconds) is the safety net under the wake-ups.
    """

    def __init__(
        self,
        database: Database,
        leases: Leases,
        deliver: Deliver,
        *,
        elsewhere: Callable[[], None] = lambda: None,
        announce: bool = False,
        poll: float = 2.0,
    ) -> None:
        self._database = database
        self._leases = leases
        self._deliver = deliver
        self._elsewhere = elsewhere
        self._announce = announce
        self._poll = poll
        self._woken = asyncio.Event()
        self._lease: Lease | None = None
        self._renewed = 0.0
        self._stopping = False
        self._told = False

    @property
    def leads(self) -> bool:
        """Whether this process gives the positions, as far as it knows."""
        return self._lease is not None

    def wake(self) -> None:
        """A transaction of this process committed events: see that they are sequenced."""
        self._told = True
        self._woken.set()
        if not self.leads:
            self._elsewhere()

    def look(self) -> None:
        """Look for events without a position now."""
        self._woken.set()

    async def run(self) -> None:
        """Sequence until ``stop``. Outlives every trouble with the database."""
        while not self._stopping:
            self._woken.clear()
            try:
                await self.turn()
            except LeaseLost:
                _log.warning("lease_lost", holder=self._leases.holder)
                self._lease = None
            except Exception:
                # Whatever it is: without a sequencer nobody would hear of anything any more.
                _log.exception("sequencing_failed")
                self._lease = None
                await asyncio.sleep(min(1.0, self._poll))
            else:
                await self._rest()
        await self.give_up()

    def stop(self) -> None:
        """Have ``run`` return after the batch under way, giving the lease up."""
        self._stopping = True
        self._woken.set()

    async def drain(self) -> int:
        """Sequence all that waits, as the holder; how many events got a position."""
        total = 0
        # A read first: polling must not make SQLite's writers wait.
        while self._told or await self._anything_waits():
            self._told = False
            total += len(await self._sequence_batch())
            await self._renew_if_due()
        return total

    async def turn(self) -> None:
        """Take the lease if it is to be had, and then sequence all that waits."""
        if self._lease is None:
            self._lease = await self._leases.take(LEASE)
            if self._lease is None:
                return
            self._renewed = time.monotonic()
            _log.info("lease_taken", holder=self._leases.holder, term=self._lease.term)
        await self.drain()
        await self._renew_if_due()

    async def _rest(self) -> None:
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(self._woken.wait(), self._poll)

    async def _renew_if_due(self) -> None:
        third = self._leases.lasts.total_seconds() / 3
        if self._lease is None or self._leases.alone or time.monotonic() - self._renewed < third:
            return
        await self._leases.renew(self._lease)
        self._renewed = time.monotonic()

    async def give_up(self) -> None:
        """Let another process sequence, after what the last requests of this one left."""
        lease = self._lease
        if lease is not None:
            with contextlib.suppress(LeaseLost, DBAPIError, InterfaceError, PoolTimeout, OSError):
                await self.drain()
                await self._leases.release(lease)
        self._lease = None

    async def _sequence_batch(self) -> Sequence[Event]:
        if self._lease is None:
            raise LeaseLost(LEASE)
        async with self._database.write() as transaction:
            await self._leases.hold(transaction, self._lease)
            reached("sequencer.leased")
            batch = await self._place(transaction)
            reached("sequencer.before_commit")
        reached("sequencer.after_commit")
        if batch:
            self._deliver(batch)
        reached("sequencer.delivered")
        return batch

    async def _anything_waits(self) -> bool:
        query = sa.select(events.c.id).where(events.c.position.is_(None)).limit(1)
        async with self._database.read() as conn:
            return (await conn.execute(query)).first() is not None

    async def _place(self, transaction: Transaction) -> Sequence[Event]:
        # The lease's row is locked by now: whoever held it before has committed.
        rows = (await transaction.conn.execute(_WAITING)).all()
        batch = [log.event_of(row) for row in rows]
        position, previous = (rows[0].head or 0, rows[0].head_hash or GENESIS) if rows else (0, "")
        for event in batch:
            position += 1
            event.position = position
            event.hash = previous = link(previous, event)
        if batch:
            await self._write(transaction, batch)
        return batch

    async def _write(self, transaction: Transaction, batch: Sequence[Event]) -> None:
        conn, last = transaction.conn, batch[-1]
        await conn.execute(_PLACE_EVENT, [_place_of(event) for event in batch])
        reached("sequencer.events_placed")
        seen = [
            {"e": event.id, "p": event.position, "who": person}
            for event in batch
            for person in event.audience
        ]
        if seen:
            await conn.execute(_PLACE_AUDIENCE, seen)
        new_head = {"position": last.position, "hash": last.hash}
        moved = await conn.execute(chain_head.update().values(new_head))
        if moved.rowcount == 0:
            await conn.execute(chain_head.insert().values(id=1, **new_head))
        if self._announce:
            await conn.execute(sa.select(sa.func.pg_notify(EVENTS, str(last.position))))


def _place_of(event: Event) -> dict[str, object]:
    return {"e": event.id, "p": event.position, "h": event.hash}


_WAITING = (
    sa.select(
        events,
        sa.select(chain_head.c.position).scalar_subquery().label("head"),
        sa.select(chain_head.c.hash).scalar_subquery().label("head_hash"),
    )
    .where(events.c.position.is_(None))
    # Ids are drawn after a transaction's locks, so that they follow what caused what.
    .order_by(events.c.id)
    .limit(BATCH)
)
_PLACE_EVENT = (
    events.update()
    .where(events.c.id == sa.bindparam("e"))
    .values(position=sa.bindparam("p"), hash=sa.bindparam("h"))
)
_PLACE_AUDIENCE = (
    event_audience.update()
    .where(event_audience.c.event_id == sa.bindparam("e"))
    .where(event_audience.c.person == sa.bindparam("who"))
    .values(position=sa.bindparam("p"))
)
