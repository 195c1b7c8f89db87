"""The worker that keeps the sessions of one node as they should be.

One of several replicas works, by lease. It hears of every commit that may change what somebody has
in their sessions, and looks for what was missed all the time. Nothing that it keeps in memory is
needed: a worker that starts sends every list anew.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Sequence

import sqlalchemy as sa
import structlog

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.leases import Lease, LeaseLost, Leases
from jupyterhub_vmshare.db.tables import sessions
from jupyterhub_vmshare.mounts import nodes
from jupyterhub_vmshare.mounts.concerns import Happened, concerned
from jupyterhub_vmshare.mounts.messages import Event, Expired, GuardRestarted, Hello, Lost
from jupyterhub_vmshare.mounts.port import AgentUnreachable, Connect
from jupyterhub_vmshare.mounts.sessions import close, end_lost, people_with_sessions
from jupyterhub_vmshare.mounts.settling import Settling
from jupyterhub_vmshare.mounts.sweep import forget, holding, next_people, unsettled
from jupyterhub_vmshare.steady import steadily
from jupyterhub_vmshare.steps import reached

_log = structlog.get_logger("vmshare.mounts")

_PEOPLE_AT_ONCE = 8
_MANY = 1000
_LOOK_EVERY = 1.0
_SWEEP_EVERY = 3.0
_ASK_AGAIN = 60.0  # what a node can do is told by itself; this is for what it lacks
_TIDY_EVERY = 600.0
_HELD_EVERY = 15.0
_TO_CONNECT = 0.5


class Worker:
    """Of one node and one process.

    Args:
        db: The database.
        leases: Of this process.
        connect: Makes the connection to the node's agent.
        node: Its name in ``sessions``.
        limited: As `desired` has it.
    """

    def __init__(
        self,
        db: Database,
        leases: Leases,
        connect: Connect,
        node: str,
        *,
        limited: bool = False,
    ) -> None:
        self._db, self._leases, self._node = db, leases, node
        self._agent = connect(self._hear_agent, self._connected)
        self._settling = Settling(
            *(db, leases, self._agent, node, self._announce, self._order_failed), limited=limited
        )
        self._woken = asyncio.Event()
        self._changed = asyncio.Event()
        self._met, self._idle = asyncio.Event(), asyncio.Event()
        self._lease: Lease | None = None
        self._renewed = self._swept = self._asked = self._tidied = float("-inf")
        self._held_looked = float("-inf")
        self._hello: Hello | None = None
        self._known: tuple[str | None] | None = None
        self._is_new = False
        self._everybody = False
        self._dirty: set[str] = set()
        self._again: set[str] = set()
        self._told: list[Event] = []
        self._cursor = ""
        self._running: dict[str, asyncio.Task[None]] = {}
        self._task: asyncio.Task[None] | None = None

    # --- life ---

    async def start(self, patience: float) -> None:
        """Begin; returns when all sessions are as they should be, or after so many seconds."""
        self._db.happened.append(self.hear)
        await self._agent.start()
        self._task = asyncio.create_task(steadily("mounts", self._turn), name="mounts")
        with contextlib.suppress(TimeoutError):
            # An agent that is not there must not hold the service up.
            async with asyncio.timeout(min(_TO_CONNECT, patience)):
                await self._met.wait()
            async with asyncio.timeout(patience):
                await self._idle.wait()

    async def stop(self) -> None:
        """End. The agent and all mounts go on; what is under way is taken up by the next start."""
        self._db.happened.remove(self.hear)
        tasks = [*self._running.values(), *([self._task] if self._task else [])]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await self._settling.drain(cancel=True)
        await self._agent.close()
        if self._lease is not None:
            with contextlib.suppress(Exception):
                await self._leases.release(self._lease)

    # --- what wakes it ---

    def hear(self, events: Sequence[Happened]) -> None:
        """Something was committed: look at those whose sessions it may concern."""
        for event in events:
            people = concerned(event)
            if people is None:
                self._everybody = True
            else:
                self._dirty |= people
        self.wake()

    def wake(self) -> None:
        """Look now."""
        self._woken.set()

    async def changed(self, seconds: float) -> None:
        """Wait until something was observed, here or elsewhere, but not longer than that."""
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._changed.wait()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        self.wake()

    def _hear_agent(self, event: Event) -> None:
        self._told.append(event)
        if isinstance(event, GuardRestarted):
            self._asked = float("-inf")  # a node that could not mount can now
        self.wake()

    def _connected(self, hello: Hello) -> None:
        self._hello = hello
        self._is_new = True
        self._met.set()
        self._asked = time.monotonic()
        self.wake()

    # --- one look ---

    async def _turn(self) -> None:
        self._woken.clear()
        try:
            if await self._leads():
                await self._look()
        except LeaseLost:
            self._lose()
        except AgentUnreachable as error:
            _log.info("agent_lost", because=error.message)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(_LOOK_EVERY):
                await self._woken.wait()

    async def _look(self) -> None:
        await self._know_node()
        if self._hello is None:
            await self._step_aside()
            return
        if not self._hello.can_mount:
            self._idle.set()
            return
        if self._is_new:
            await self._begin()
        await self._hear_of_sessions()
        if time.monotonic() - self._swept >= _SWEEP_EVERY:
            await self._sweep()
        await self._spread()
        if not self._dirty and not self._running and not self._settling.is_busy:
            self._idle.set()

    async def _know_node(self) -> None:
        """Find out what the node can do, and write it down where it is news."""
        if not self._agent.connected:
            self._hello = None
        elif self._hello is not None and not self._hello.can_mount:
            await self._ask_again()
        why = nodes.because(self._hello)
        if self._lease is not None and self._known != (why,):
            async with self._db.write() as tx:
                await self._leases.hold(tx, self._lease)
                await nodes.write(tx, self._node, why)
            self._known = (why,)
            self._announce()

    async def _ask_again(self) -> None:
        if time.monotonic() - self._asked < _ASK_AGAIN:
            return
        self._asked = time.monotonic()
        self._hello = await self._agent.hello()
        self._is_new = self._hello.can_mount

    async def _begin(self) -> None:
        """A new connection, or a new holder: nothing is known of what the node has."""
        # No order of before may overtake what is asked here.
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        await self._settling.drain()
        here = (sessions.c.node == self._node, sessions.c.closed_at.is_(None))
        async with self._db.read() as conn:
            rows = (await conn.execute(sessions.select().where(*here))).all()
        # Sessions that start from here on are sent afterwards, by this very worker.
        await self._agent.keep([r.id for r in rows if r.ended_at is None and not r.viewless])
        reached("mounts.kept")
        async with self._db.write() as tx:
            await self._leases.hold(tx, self._held())
            await close(tx, sessions.c.id.in_([r.id for r in rows if r.ended_at is not None]))
        self._dirty |= {row.person for row in rows}
        self._again |= {row.person for row in rows}
        self._is_new = False

    async def _hear_of_sessions(self) -> None:
        """What the node said by itself."""
        told = list(self._told)
        lost = [event.session for event in told if isinstance(event, Lost)]
        again = [event.session for event in told if isinstance(event, Expired)]
        for event in told:
            if isinstance(event, GuardRestarted):
                again += event.sessions
        if lost:
            async with self._db.write() as tx:
                await self._leases.hold(tx, self._held())
                for session_id in lost:
                    await end_lost(tx, session_id)
        if again:
            query = sa.select(sessions.c.person).where(sessions.c.id.in_(again))
            async with self._db.read() as conn:
                people = set((await conn.execute(query)).scalars())
            self._dirty |= people
            self._again |= people
        del self._told[: len(told)]  # not before all of it is done

    async def _sweep(self) -> None:
        """Look for what was missed, and at a few of all people, in turn."""
        self._swept = time.monotonic()
        async with self._db.read() as conn:
            waiting = await unsettled(conn, self._node)
            if time.monotonic() - self._held_looked >= _HELD_EVERY:
                self._held_looked = time.monotonic()
                waiting |= await holding(conn, self._node)
            people = await next_people(conn, self._node, self._cursor)
        self._cursor = people[-1] if people else ""
        self._dirty |= waiting | set(people)
        self._again |= waiting
        if time.monotonic() - self._tidied >= _TIDY_EVERY:
            self._tidied = time.monotonic()
            async with self._db.write() as tx:
                await forget(tx)

    async def _spread(self) -> None:
        """Give work to as many tasks as may be, one a person."""
        if self._everybody or self._dirty:
            await self._drop_who_has_no_session()
        for person in sorted(self._dirty - set(self._running)):
            if len(self._running) >= _PEOPLE_AT_ONCE:
                return
            self._dirty.discard(person)
            self._running[person] = asyncio.create_task(
                self._settle(person, self._held()), name=f"mounts of {person}"
            )

    async def _drop_who_has_no_session(self) -> None:
        # What is heard of meanwhile comes into the new set.
        asked, self._dirty = self._dirty, set()
        everybody, self._everybody = self._everybody or len(asked) > _MANY, False
        among = None if everybody else sorted(asked)
        try:
            async with self._db.read() as conn:
                self._dirty |= await people_with_sessions(conn, self._node, among)
        except BaseException:
            self._dirty |= asked
            self._everybody |= everybody
            raise

    async def _settle(self, person: str, lease: Lease) -> None:
        again = person in self._again
        self._again.discard(person)
        try:
            await self._settling.settle(person, lease, again=again)
        except LeaseLost:
            self._lose()
        except Exception:
            _log.exception("settling_failed")  # the sweep finds it
        finally:
            del self._running[person]
            self.wake()

    def _order_failed(self, error: Exception) -> None:
        if isinstance(error, LeaseLost):
            self._lose()
        else:
            _log.error("order_failed", exc_info=error)  # the sweep finds what was not done

    # --- the lease ---

    async def _leads(self) -> bool:
        third = self._leases.lasts.total_seconds() / 3
        if self._lease is None:
            self._lease = await self._leases.take(f"mounts:{self._node}")
            self._renewed = time.monotonic()
            self._is_new, self._known = True, None
        elif not self._leases.alone and time.monotonic() - self._renewed >= third:
            await self._leases.renew(self._lease)
            self._renewed = time.monotonic()
        return self._lease is not None

    def _held(self) -> Lease:
        if self._lease is None:
            raise LeaseLost(self._node)
        return self._lease

    def _lose(self) -> None:
        _log.warning("lease_lost", node=self._node)
        self._lease = None

    async def _step_aside(self) -> None:
        """Without a connection, let a replica try that may have one."""
        if self._lease is not None and not self._leases.alone:
            lease, self._lease = self._lease, None
            await self._leases.release(lease)
