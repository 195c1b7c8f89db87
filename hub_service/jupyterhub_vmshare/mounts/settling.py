"""One person's sessions brought from what they have to what they should have.

Every step may be repeated: what should be there is written down before the node hears of it, and
what the node says is written down after. A process killed in between leaves a list that is newer
than what the node has obeyed, and whoever comes next sends it.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from functools import partial

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.leases import Lease, Leases
from jupyterhub_vmshare.db.tables import sessions
from jupyterhub_vmshare.mounts import rows
from jupyterhub_vmshare.mounts.desired import DesiredMount, desired
from jupyterhub_vmshare.mounts.messages import SessionWanted
from jupyterhub_vmshare.mounts.port import AgentRefused, AgentUnreachable, MountAgent
from jupyterhub_vmshare.mounts.rows import Mount
from jupyterhub_vmshare.mounts.sessions import (
    Session,
    close,
    end_lost,
    one,
    refuse,
    unclosed_of,
)
from jupyterhub_vmshare.steps import reached

_log = structlog.get_logger("vmshare.mounts")

_ORDERS_AT_ONCE = 32


class Settling:
    """What the holder of a node's lease does for one person at a time.

    Orders are not waited for: one that the node does not answer holds up no other session, and no
    later list of its own.

    Args:
        db: The database.
        leases: Of this process.
        agent: The node's agent.
        node: Its name in ``sessions``.
        announce: Called after each commit that says what a session has.
        failed: Called with what an order failed with: `LeaseLost`, or anything else.
        limited: As `desired` has it.
    """

    def __init__(
        self,
        db: Database,
        leases: Leases,
        agent: MountAgent,
        node: str,
        announce: Callable[[], None],
        failed: Callable[[Exception], None],
        *,
        limited: bool = False,
    ) -> None:
        self._db, self._leases, self._agent = db, leases, agent
        self._node, self._announce, self._failed = node, announce, failed
        self._limited = limited
        self._orders: dict[tuple[str, int], asyncio.Task[None]] = {}
        self._at_once = asyncio.Semaphore(_ORDERS_AT_ONCE)

    async def settle(self, person: str, lease: Lease, *, again: bool = False) -> None:
        """See that the person's sessions are told what they should have, where that is news to
        them; ``again``: what they were told before, too. Raises `LeaseLost`."""
        for session, there in await self._align(person, lease):
            key = (session.id, session.version)
            if key not in self._orders and _is_to_be_told(session, again):
                order = asyncio.create_task(self._order(session, there, lease))
                self._orders[key] = order
                order.add_done_callback(partial(self._forget, key))

    def _forget(self, key: tuple[str, int], order: asyncio.Task[None]) -> None:
        del self._orders[key]

    @property
    def is_busy(self) -> bool:
        """Whether orders are under way."""
        return bool(self._orders)

    async def drain(self, *, cancel: bool = False) -> None:
        """Wait until no order is under way."""
        orders = list(self._orders.values())
        for order in orders:
            if cancel:
                order.cancel()
        await asyncio.gather(*orders, return_exceptions=True)

    async def _order(self, session: Session, there: Sequence[Mount], lease: Lease) -> None:
        try:
            async with self._at_once:
                if session.ended_at is not None:
                    await self._end(session, lease)
                else:
                    await self._set(session, there, lease)
        except AgentUnreachable:
            pass  # the sweep, or the next connect, says it again
        except Exception as error:
            self._failed(error)
        finally:
            self._announce()

    # --- what should be there ---

    async def _align(self, person: str, lease: Lease) -> list[tuple[Session, list[Mount]]]:
        async with self._db.read() as conn:
            found, wanted = await self._look(conn, person)
            if all(_needs_nothing(session, there, wanted) for session, there in found):
                return found
        async with self._db.write() as tx:
            await self._leases.hold(tx, lease)
            found, wanted = await self._look(tx.conn, person, held=True)
            for session, there in found:
                if not _needs_nothing(session, there, wanted):
                    await rows.align(tx, session, there, wanted)
            reached("mounts.aligned")
            found, _ = await self._look(tx.conn, person)
        return found

    async def _look(
        self, conn: AsyncConnection, person: str, *, held: bool = False
    ) -> tuple[list[tuple[Session, list[Mount]]], Mapping[str, DesiredMount]]:
        mine = await unclosed_of(conn, person, self._node, held=held)
        there = await rows.of_sessions(conn, [session.id for session in mine])
        if not any(session.ended_at is None for session in mine):
            return [(session, there[session.id]) for session in mine], {}
        names = {m.thing_id: m.name for several in there.values() for m in several if m.level}
        wanted = await desired(conn, person, self._db.clock(), names, limited=self._limited)
        return [(session, there[session.id]) for session in mine], wanted

    # --- what the node hears, and says ---

    async def _end(self, session: Session, lease: Lease) -> None:
        await self._agent.end(session.id)
        reached("mounts.ended")
        async with self._db.write() as tx:
            await self._leases.hold(tx, lease)
            await close(tx, sessions.c.id == session.id)

    async def _set(self, session: Session, there: Sequence[Mount], lease: Lease) -> None:
        order = SessionWanted(
            id=session.id,
            version=session.version,
            person=session.person,
            uid=session.uid,
            gid=session.gid,
            folders=tuple(mount.order() for mount in there if mount.level is not None),
        )
        try:
            seen = await self._agent.session(order)
        except AgentRefused as error:
            await self._refused(session, error, lease)
            return
        reached("mounts.told")
        if rows.is_known(session, there, seen):
            return
        async with self._db.write() as tx:
            await self._leases.hold(tx, lease)
            now = await one(tx.conn, session.id, held=True)
            # The answer to a later list may have come before this one.
            if now.ended_at is None and not now.viewless and seen.version >= (now.told or 0):
                names = {folder.folder: folder.name for folder in order.folders}
                await rows.observe(tx, session, seen, names)
            reached("mounts.observed")
        if now.viewless:
            await self._agent.end(session.id)  # the hub could not wait for it

    async def _refused(self, session: Session, error: AgentRefused, lease: Lease) -> None:
        code = error.why.code
        _log.warning("session_refused", session=session.id, code=code, because=error.message)
        async with self._db.write() as tx:
            await self._leases.hold(tx, lease)
            if code == "ended":
                # For good, says the node. So it has for us.
                await end_lost(tx, session.id)
            elif code == "stale":
                # The database is older than the node: restored from a copy, perhaps.
                await rows.raise_version(tx, session)
            else:
                await refuse(tx, session, error.message)


def _is_to_be_told(session: Session, again: bool) -> bool:
    if session.ended_at is not None:
        return True
    return not session.viewless and (again or session.told != session.version)


def _needs_nothing(
    session: Session, there: Sequence[Mount], wanted: Mapping[str, DesiredMount]
) -> bool:
    return session.ended_at is not None or session.viewless or rows.is_aligned(there, wanted)
