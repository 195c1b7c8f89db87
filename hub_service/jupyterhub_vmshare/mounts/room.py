"""The room as wiring starts it and routes reach it."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Sequence
from typing import Final

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.db.tables import mounts, sessions
from jupyterhub_vmshare.errors import Conflict
from jupyterhub_vmshare.mounts import choices, nodes
from jupyterhub_vmshare.mounts.concerns import Happened
from jupyterhub_vmshare.mounts.dialled import Dialled, Streams
from jupyterhub_vmshare.mounts.listing import SeenSession, sessions_of
from jupyterhub_vmshare.mounts.node_keys import NodeKeys
from jupyterhub_vmshare.mounts.other_nodes import OtherNodes, first_change
from jupyterhub_vmshare.mounts.port import Connect
from jupyterhub_vmshare.mounts.reach import HeldMount, Reached, held_by, mounted_by, reach
from jupyterhub_vmshare.mounts.sessions import (
    LIVE,
    LOCAL,
    Session,
    end,
    one,
    start,
    start_without_view,
)
from jupyterhub_vmshare.mounts.sweep import forget
from jupyterhub_vmshare.mounts.worker import Worker
from jupyterhub_vmshare.policy.model import Person

_CHOICE_WITHIN: Final = 1.0
_LOOK_EVERY: Final = 0.1

LATE: Final = (
    "The node did not prepare shared folders in time, so this server was started without them."
)


class MountedElsewhere(Conflict):
    """Others have the folder in their running sessions."""

    code = "mounted-elsewhere"


class Mounts:
    """Folders in running sessions.

    Args:
        db: The database.
        leases: Of this process.
        connect: Makes the connection to the agent of this node; None: it has none.
        keys: Which other nodes' agents may dial in.
        dialled: Makes the connection to one of those.
        cut_within: Seconds that ``reach`` waits at most.
        limited: Whether owners have a limit of bytes of whom no administrator has said otherwise.
    """

    def __init__(
        self,
        db: Database,
        leases: Leases,
        connect: Connect | None = None,
        *,
        keys: NodeKeys | None = None,
        dialled: Callable[[Dialled], Connect] | None = None,
        cut_within: float = 1.0,
        limited: bool = False,
    ) -> None:
        self._db, self._leases, self._cut_within = db, leases, cut_within
        self._limited = limited
        self._worker = None
        if connect is not None:
            self._worker = Worker(db, leases, connect, LOCAL, limited=limited)
        self.keys = keys or NodeKeys()
        self._others = OtherNodes(db, leases, dialled, limited=limited)

    async def start(self, *, patience: float = 5.0) -> None:
        """Have every session as it should be, and keep it so; waits so many seconds at most."""
        async with self._db.write() as tx:
            await forget(tx)
            if self._worker is None and self._db.is_sqlite:
                await nodes.forget(tx, LOCAL)  # no replica has an agent either
        if self._worker is not None:
            await self._worker.start(patience)
        if self.keys.names:
            await self._others.start()

    async def arrive(self, node: str) -> Streams:
        """Another node's agent has dialled in, and shown its key."""
        return await self._others.arrive(node)

    async def stop(self) -> None:
        """End the work here. What is mounted stays."""
        if self._worker is not None:
            await self._worker.stop()
        await self._others.stop()

    def hear(self, events: Sequence[Happened]) -> None:
        """What other processes recorded."""
        if self._worker is not None:
            self._worker.hear(events)
        self._others.hear(events)

    async def _changed(self, seconds: float) -> None:
        workers = [*filter(None, [self._worker]), *self._others.workers]
        await first_change(workers, seconds)

    # --- for the hub ---

    async def start_session(
        self,
        person: str,
        server_name: str,
        uid: int,
        gid: int,
        *,
        within: float,
        node: str = LOCAL,
    ) -> Session:
        """A session that is about to run, with its view; after so many seconds without one."""
        async with self._db.write() as tx:
            session = await start(tx, person, server_name, uid, gid, node)
        until = time.monotonic() + within
        while True:
            async with self._db.read() as conn:
                session = await one(conn, session.id)
                why = await nodes.why_unavailable(conn, session.node) or session.because
            left = until - time.monotonic()
            if session.view is not None:
                return session
            if why is not None or left <= 0:
                break
            await self._changed(min(left, _LOOK_EVERY))
        async with self._db.write() as tx:
            return await start_without_view(tx, session, why or LATE)

    async def end_session(self, person: str, server_name: str) -> None:
        """A session that has ended."""
        async with self._db.write() as tx:
            await end(tx, person, server_name)

    # --- for people ---

    async def sessions_of(self, person: str, folder_id: str | None = None) -> list[SeenSession]:
        """The person's running sessions; with ``folder_id``, with that folder alone."""
        async with self._db.read() as conn:
            return await sessions_of(conn, person, folder_id)

    async def choose(self, person: Person, folder_id: str, wanted: bool) -> list[SeenSession]:
        """Have a folder in one's sessions, or not; how it stands in them a moment later."""
        async with self._db.write() as tx:
            await choices.choose(tx, person, folder_id, wanted)
        until = time.monotonic() + _CHOICE_WITHIN
        while True:
            found = await self.sessions_of(person.name, folder_id)
            left = until - time.monotonic()
            if left <= 0 or all(_is_settled(seen, wanted) for seen in found):
                return found
            await self._changed(min(left, _LOOK_EVERY))

    # --- what a change of rights reaches ---

    async def held(
        self, tx: Transaction, folder_id: str, people: Collection[str] | None = None
    ) -> list[HeldMount]:
        """Where a folder is mounted; ``people``: in their sessions alone."""
        return await held_by(tx.conn, folder_id, people)

    async def in_use(self, tx: Transaction, people: Collection[str]) -> frozenset[str]:
        """The folders that any of these has in a running session."""
        return await mounted_by(tx.conn, people)

    async def reach(self, folder_id: str, before: Sequence[HeldMount]) -> Reached:
        """What was taken away since ``held``; waits for it. Never in a transaction."""
        return await reach(
            *(self._db, folder_id, before, self._changed, self._cut_within), limited=self._limited
        )

    async def count(self) -> tuple[int, dict[str, int]]:
        """Running sessions, and the mounts in them by state."""
        live = sa.select(sa.func.count()).select_from(sessions).where(LIVE)
        query = (
            sa.select(mounts.c.state, sa.func.count())
            .join(sessions, sessions.c.id == mounts.c.session_id)
            .where(LIVE)
            .group_by(mounts.c.state)
        )
        async with self._db.read() as conn:
            by_state = {state: count for state, count in await conn.execute(query)}
            return (await conn.execute(live)).scalar_one(), by_state

    async def remark(self) -> str:
        """For ``/health``: ``ok``, or why folders can't be mounted."""
        if self._worker is None:
            return "off"
        async with self._db.read() as conn:
            return "ok" if await nodes.why_unavailable(conn, LOCAL) is None else "unavailable"


def demand_unused(held: Sequence[HeldMount], besides: str) -> None:
    """Raise ``MountedElsewhere`` where anybody else has the folder in a running session."""
    others = sorted({mount.person for mount in held} - {besides})
    if not others:
        return
    named = others if len(others) <= 5 else [*others[:4], f"{len(others) - 4} others"]
    who = " and ".join(filter(None, (", ".join(named[:-1]), named[-1])))
    has, their = ("has", "their session") if len(others) == 1 else ("have", "their sessions")
    raise MountedElsewhere(
        f"{who} {has} this folder in {their} just now. Ask them, or put it in the trash all the "
        "same: it is closed there, also for files that are open."
    )


def _is_settled(seen: SeenSession, wanted: bool) -> bool:
    if seen.because is not None:
        return True
    if not wanted:
        return not seen.mounts
    return any(mount.state in ("mounted", "failed") for mount in seen.mounts)
