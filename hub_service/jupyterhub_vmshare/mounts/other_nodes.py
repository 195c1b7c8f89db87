"""The workers of other nodes: one for each that has dialled in, or ever had."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.leases import Leases
from jupyterhub_vmshare.db.tables import mount_nodes
from jupyterhub_vmshare.mounts.concerns import Happened
from jupyterhub_vmshare.mounts.dialled import Dialled, Streams
from jupyterhub_vmshare.mounts.port import Connect
from jupyterhub_vmshare.mounts.sessions import LOCAL
from jupyterhub_vmshare.mounts.worker import Worker


class OtherNodes:
    """All but this service's own.

    Each has a worker of its own, so that one that does not answer holds up no other.

    Args:
        db: The database.
        leases: Of this process.
        connecting: Makes the connection to an agent that dials in.
        limited: As `desired` has it.
    """

    def __init__(
        self,
        db: Database,
        leases: Leases,
        connecting: Callable[[Dialled], Connect] | None,
        *,
        limited: bool = False,
    ) -> None:
        self._db, self._leases, self._connecting = db, leases, connecting
        self._limited = limited
        self._nodes: dict[str, tuple[Dialled, Worker]] = {}
        self._turn = asyncio.Lock()

    @property
    def workers(self) -> list[Worker]:
        """Those that there are by now."""
        return [worker for _, worker in self._nodes.values()]

    async def start(self) -> None:
        """Begin to wait for every node that was here before: its sessions may live on."""
        query = sa.select(mount_nodes.c.name).where(mount_nodes.c.name != LOCAL)
        async with self._db.read() as conn:
            known = (await conn.scalars(query)).all()
        for node in known:
            await self._dialled(node)

    async def stop(self) -> None:
        """End the work here. What is mounted stays."""
        await asyncio.gather(*(worker.stop() for worker in self.workers))
        self._nodes.clear()

    def hear(self, events: Sequence[Happened]) -> None:
        """What other processes recorded."""
        for worker in self.workers:
            worker.hear(events)

    async def arrive(self, node: str) -> Streams:
        """An agent has dialled in; the carrier's end of its connection."""
        return await (await self._dialled(node)).arrive()

    async def _dialled(self, node: str) -> Dialled:
        async with self._turn:
            if node not in self._nodes:
                dialled = Dialled()
                if self._connecting is None:
                    raise LookupError("No other node was to be expected.")
                connect, limited = self._connecting(dialled), self._limited
                worker = Worker(self._db, self._leases, connect, node, limited=limited)
                await worker.start(0)
                self._nodes[node] = dialled, worker
            return self._nodes[node][0]


async def first_change(workers: Sequence[Worker], seconds: float) -> None:
    """Wait until something was observed on any node, but not longer than that."""
    if not workers:
        await asyncio.sleep(seconds)
        return
    waiting = [asyncio.create_task(worker.changed(seconds)) for worker in workers]
    try:
        await asyncio.wait(waiting, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in waiting:
            task.cancel()
