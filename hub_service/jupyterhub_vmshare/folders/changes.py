"""``files.changed``: a coarse notice that something in a folder is another than before.

At most one a second and folder, told after the change and never in its way: a notice that can't be
recorded is logged, and the change stands.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable
from dataclasses import dataclass

from jupyterhub_vmshare.db.database import Database, NewEvent
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.folders.audience import everyone_with_access
from jupyterhub_vmshare.sharing.store import thing_of
from jupyterhub_vmshare.storage.port import Parts

_log = logging.getLogger(__name__)


@dataclass
class _Pending:
    """What changed in one folder since its last notice; None: nothing."""

    at: Parts | None
    actor: str | None
    task: asyncio.Task[None] | None = None


class Changes:
    """Collects changes and tells of them. ``every`` is the shortest time between two notices."""

    def __init__(self, db: Database, *, every: float = 1.0) -> None:
        self._db = db
        self._every = every
        self._pending: dict[str, _Pending] = {}

    def note(self, folder_id: str, places: Iterable[Parts], actor: str) -> None:
        """The directories that hold these places changed."""
        at = common(place[:-1] for place in places)
        pending = self._pending.get(folder_id)
        if pending is None:
            pending = self._pending[folder_id] = _Pending(at, actor)
            pending.task = asyncio.create_task(self._tell(folder_id, pending))
            return
        if pending.at is None:
            pending.at, pending.actor = at, actor
            return
        pending.at = common([pending.at, at])
        if pending.actor != actor:
            pending.actor = None

    async def _tell(self, folder_id: str, pending: _Pending) -> None:
        # The first change is told at once, the ones within the next second together after it.
        while pending.at is not None:
            at, actor, pending.at = pending.at, pending.actor, None
            await self._record(folder_id, at, actor)
            await asyncio.sleep(self._every)
        del self._pending[folder_id]

    async def _record(self, folder_id: str, at: Parts, actor: str | None) -> None:
        try:
            async with self._db.write() as tx:
                folder = await thing_of(tx.conn, folder_id)
                audience = await everyone_with_access(tx.conn, folder_id, folder.owner, tx.at)
                data = {"path": "/".join(at)}
                event = NewEvent(
                    "files.changed", actor, audience, folder_id, folder.name, data=data
                )
                await tx.record(event)
        except NotFound:
            return
        except Exception:
            _log.exception("a change in %s could not be told", folder_id)

    async def close(self) -> None:
        """Tell what is waiting, and tell no more."""
        waiting = dict(self._pending)
        for pending in waiting.values():
            if pending.task is not None:
                pending.task.cancel()
        await asyncio.gather(
            *(pending.task for pending in waiting.values() if pending.task is not None),
            return_exceptions=True,
        )
        for folder_id, pending in waiting.items():
            if pending.at is not None:
                await self._record(folder_id, pending.at, pending.actor)
        self._pending.clear()


def common(places: Iterable[Parts]) -> Parts:
    """The deepest directory that holds all of these."""
    first, *others = places
    for other in others:
        same = 0
        while same < min(len(first), len(other)) and first[same] == other[same]:
            same += 1
        first = first[:same]
    return first
