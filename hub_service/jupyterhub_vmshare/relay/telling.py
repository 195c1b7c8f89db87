"""Relays hear within a second what has changed for those who are on machines.

Each process of the service tells the relays that are connected to it. It hears of every commit,
and looks for what was missed all the time: what a relay was told last is kept in memory alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

import structlog
from pydantic import BaseModel
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.api.contract.ways import (
    Busy,
    Changed,
    FromRelay,
    Hello,
    Lock,
    Locked,
    Look,
    Used,
)
from jupyterhub_vmshare.errors import Forbidden, HubUnreachable, NotFound, VMShareError, WrongState
from jupyterhub_vmshare.machines import idle
from jupyterhub_vmshare.relay import accounts
from jupyterhub_vmshare.relay.accounts import NOTHING, AccountRow
from jupyterhub_vmshare.relay.presence import Presence
from jupyterhub_vmshare.relay.rights import Right
from jupyterhub_vmshare.relay.ways import Ways
from jupyterhub_vmshare.steady import steadily

_log = structlog.get_logger("vmshare.relay")
_LOOK_EVERY: Final = 2.0
_LEAVERS_EVERY: Final = 10.0
_USE_EVERY: Final = 60.0
_ANOTHERS_NEWS: Final = 0.2
"""Seconds after which a process looks for what another one's relay has said."""
_LOCK_AGAIN: Final = 5.0
_ROOMS: Final = frozenset({"grant", "hand_over", "machine", "name", "project", "team"})
REVOKED: Final = "This machine is not shared with you any more."
Pair = tuple[str, str]


class Happened(Protocol):
    """What of an event is looked at."""

    @property
    def type(self) -> str: ...
    @property
    def thing_id(self) -> str | None: ...


@dataclass(eq=False)
class Connected:
    """A relay that is connected here."""

    name: str
    send: Callable[[BaseModel], Awaitable[None]]
    public_key: str = ""
    told: dict[Pair, int] = field(default_factory=dict)
    locked: dict[Pair, float] = field(default_factory=dict)


class Telling:
    """Of one process of the service."""

    def __init__(self, ways: Ways) -> None:
        self._ways, self._db = ways, ways.db
        self.relays: set[Connected] = set()
        self._presence = Presence(self._db)
        self._woken, self._settled = asyncio.Event(), asyncio.Event()
        self._first: set[str] = set()
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin."""
        self._db.happened.append(self.hear)
        turns = {
            "relays": self._turn,
            "leavers on machines": self._turn_leavers_out,
            "use of machines": self._ask_for_use,
        }
        for name, turn in turns.items():
            self._tasks.append(asyncio.create_task(steadily(name, turn), name=name))

    async def stop(self) -> None:
        """End; relays go on by themselves."""
        if self._tasks:
            self._db.happened.remove(self.hear)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        self._tasks.clear()

    def hear(self, events: Sequence[Happened]) -> None:
        """Something was committed. What it was about is looked at before all the rest."""
        concerned = [event for event in events if event.type.partition(".")[0] in _ROOMS]
        if concerned:
            self._first |= {event.thing_id for event in concerned if event.thing_id}
            self._woken.set()

    async def heard(self, relay: Connected, said: FromRelay) -> None:
        """A relay says something."""
        match said:
            case Hello():
                relay.public_key = said.public_key
                await relay.send(await self._ways.welcome(said.host_key))
                relay.told.clear()
                self.relays.add(relay)
                self._woken.set()
                await self._presence.said(relay.name, said.held)
            case Locked():
                await self._ways.obeyed(said)
                settled, self._settled = self._settled, asyncio.Event()
                settled.set()
            case Busy():
                await self._presence.said(relay.name, said.held)
                await self._note_activity(said)
            case Used():
                await self._ways.used(said)

    def on(self, machine_id: str) -> frozenset[str]:
        """Who is on a machine, as the relays say that are connected here."""
        return self._presence.on(machine_id, {relay.name for relay in self.relays})

    def gone(self, relay: Connected) -> None:
        """It has hung up."""
        self.relays.discard(relay)

    async def settled(self, machine_ids: Iterable[str], within: float) -> list[AccountRow]:
        """Wait until everybody who lost a machine is off it, but not longer than that.

        Gives the accounts there; those that are to be locked yet say so.
        """
        ids = list(machine_ids)
        await self.look(await self._ways.accounts_on(ids))
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(within):
                while True:
                    news = self._settled
                    if not any(x.is_to_be_locked for x in await self._ways.accounts_on(ids)):
                        break
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(_ANOTHERS_NEWS):
                            await news.wait()
        return await self._ways.accounts_on(ids)

    async def look(self, among: Sequence[AccountRow] | None = None) -> None:
        """Hold every open account to the right of now, and tell what is news."""
        for row in await self._ways.watched() if among is None else among:
            with contextlib.suppress(VMShareError):
                await self._tell(await self._now(row))

    async def _turn(self) -> None:
        self._woken.clear()
        first, self._first = self._first, set()
        if self.relays:
            await self.look(await self._ways.accounts_on(sorted(first)))
            await self.look()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY):
                await self._woken.wait()

    async def turn_leavers_out(self) -> None:
        """Whoever the hub does not know any more has no account open."""
        for person in await self._ways.everybody():
            if not await self._ways.known(person):
                _log.info("account_gone", person=person)
                await self._ways.turn_out(person)
                self._woken.set()

    async def _turn_leavers_out(self) -> None:
        # While the hub does not answer, nobody has left.
        with contextlib.suppress(HubUnreachable):
            await self.turn_leavers_out()
        await asyncio.sleep(_LEAVERS_EVERY)

    async def _now(self, row: AccountRow) -> AccountRow:
        """The row, after its right was looked at."""
        if not row.is_open:
            return row
        async with self._db.read() as conn:
            right = await self._right(conn, row)
        if row.holds(right):
            return row
        async with self._db.write() as tx:
            row = await accounts.locked_row(tx, row.person, row.machine_id)
            right = await self._right(tx.conn, row)
            if row.is_open and not row.holds(right):
                await accounts.narrowed(tx, row, right)
            return await accounts.locked_row(tx, row.person, row.machine_id)

    async def _right(self, conn: AsyncConnection, row: AccountRow) -> Right:
        try:
            found = await self._ways.rights.right(
                conn, row.person, row.machine_id, self._db.clock()
            )
        except NotFound:
            return Right(NOTHING.allowed, because=REVOKED)
        except (Forbidden, WrongState) as refused:
            return Right(NOTHING.allowed, because=refused.message)
        return found

    async def _tell(self, row: AccountRow) -> None:
        if row.is_to_be_locked:
            await self._lock(row)
            return
        pair = (row.person, row.machine_id)
        for relay in list(self.relays):
            if relay.told.get(pair, -1) < row.version:
                relay.told[pair] = row.version
                await relay.send(Changed(right=row.view()))

    async def _lock(self, row: AccountRow) -> None:
        """Every relay cuts its links; the machine obeys the first, and the same again."""
        pair, now = (row.person, row.machine_id), time.monotonic()
        for relay in list(self.relays):
            news = relay.told.get(pair, -1) < row.version
            if not news and now - relay.locked.get(pair, 0.0) < _LOCK_AGAIN:
                continue
            relay.told[pair], relay.locked[pair] = row.version, now
            try:
                async with self._db.read() as conn:
                    door = await self._ways.rights.door(conn, row.machine_id)
                view = await self._ways.door_view(door, relay.public_key)
            except (NotFound, WrongState):
                view = None
                if not await self._ways.is_there(row.machine_id):
                    async with self._db.write() as tx:
                        await accounts.given_up(tx, row)
            await relay.send(Lock(right=row.view(), account=row.account, uid=row.uid, door=view))

    async def _note_activity(self, said: Busy) -> None:
        """For machines that stop when nobody uses them: an open channel is use."""
        used = sorted({each.machine_id for each in said.held if each.channels > 0})
        if used:
            async with self._db.write() as tx:
                for machine_id in used:
                    await idle.heard(tx, machine_id, active=True)

    async def ask_for_use(self) -> None:
        """Have every relay look at the machines that stop when nobody uses them."""
        for relay in list(self.relays):
            if doors := await self._ways.that_may_idle(relay.public_key):
                await relay.send(Look(doors=doors))

    async def _ask_for_use(self) -> None:
        await asyncio.sleep(_USE_EVERY)
        await self.ask_for_use()
