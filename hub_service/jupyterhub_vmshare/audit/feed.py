"""The event feed of one process: sequencer, streams and signals, wired and run together."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine

from jupyterhub_vmshare.audit.sequencer import Sequencer
from jupyterhub_vmshare.audit.signals import BACKLOG, EVENTS, Signals
from jupyterhub_vmshare.audit.streams import Streams
from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.leases import Leases


class EventFeed:
    """From the commit of an event to the streams of those who may see it.

    ``start`` it after the schema is there and before the first request; ``stop`` it after the last.
    """

    def __init__(
        self,
        database: Database,
        leases: Leases,
        *,
        heartbeat: float = 8.0,
        poll: float = 2.0,
    ) -> None:
        self._database = database
        self.streams = Streams(database, heartbeat=heartbeat, poll=poll)
        self._signals = None if database.is_sqlite else Signals(database, self._listeners())
        self.sequencer = Sequencer(
            database,
            leases,
            self.streams.deliver,
            elsewhere=self._signals.send_backlog if self._signals else lambda: None,
            announce=self._signals is not None,
            poll=poll,
        )
        self._tasks: list[asyncio.Task[None]] = []
        self._listening: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Begin at the head of the log, and take up what was left without a position."""
        await self.streams.start()
        self._database.committed.append(self.sequencer.wake)
        self._tasks = [
            _task("sequencer", self.sequencer.run()),
            _task("streams", self.streams.run()),
        ]
        self._listening = [_task("beats", self.streams.run_beats())]
        if self._signals is not None:
            self._listening.append(_task("listening", self._signals.run_listening()))
            self._listening.append(_task("sending", self._signals.run_sending()))

    def end_streams(self) -> None:
        """End every stream at once; what happens from now on they get when they come again."""
        self.streams.stop()

    async def stop(self) -> None:
        """Sequence what is there and give the lease up."""
        self._database.committed.remove(self.sequencer.wake)
        self.streams.stop()
        self.sequencer.stop()
        for task in self._listening:
            task.cancel()
        await asyncio.gather(*self._tasks, *self._listening, return_exceptions=True)

    def _listeners(self) -> dict[str, Callable[[], None]]:
        # The sequencer's own wake would signal on: two standbys would wake each other for ever.
        return {EVENTS: self.streams.look, BACKLOG: lambda: self.sequencer.look()}


def _task(name: str, work: Coroutine[None, None, None]) -> asyncio.Task[None]:
    return asyncio.create_task(work, name=f"vmshare-{name}")
