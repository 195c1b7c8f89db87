"""Bringing one session to what was ordered: what is compared, and which orders the guard gets.

Whoever calls these holds the session's lock. Everything can be done again, and whatever goes wrong,
a session rather has too little than too much.
"""

from __future__ import annotations

import asyncio
import logging
import os
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import Final

from jupyterhub_vmshare.mounts.agent.binding import NotDirect
from jupyterhub_vmshare.mounts.agent.control import Answer, Control, GuardGone, GuardRefused
from jupyterhub_vmshare.mounts.agent.differences import (
    NOTHING,
    as_told,
    cuts,
    in_each_others_way,
    lowers,
    named,
    words_of,
)
from jupyterhub_vmshare.mounts.agent.direct import Directs
from jupyterhub_vmshare.mounts.agent.guard import Guard
from jupyterhub_vmshare.mounts.agent.orders import Orders
from jupyterhub_vmshare.mounts.agent.trees import NoTree, Trees
from jupyterhub_vmshare.mounts.agent.views import Views
from jupyterhub_vmshare.mounts.messages import (
    Cut,
    Event,
    Expired,
    FolderWanted,
    Refusal,
    SessionWanted,
)

_log = logging.getLogger("vmshare.agent")
_TRIES: Final = 3


class Refused(Exception):
    """The order is not obeyed."""

    def __init__(self, code: str, because: str) -> None:
        super().__init__(because)
        self.why = Refusal(code, because)


@dataclass(slots=True)
class Live:
    """A session on a guard: what the guard was told, and through which connection.

    ``indirect``: why a folder that was ordered directly is there through the guard. ``served``: it
    had a mount before, which programs may have used.
    """

    control: Control | None = None
    given: dict[str, FolderWanted] = field(default_factory=dict)
    failed: dict[str, str] = field(default_factory=dict)
    indirect: dict[str, str] = field(default_factory=dict)
    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    served: bool = False

    @property
    def there(self) -> dict[str, FolderWanted]:
        """What the session has just now: nothing, where its guard is gone."""
        return {} if self.control is None or self.control.lost.is_set() else self.given


class Fulfilling:
    """What is done for one session after the other.

    Args:
        orders: What was ordered.
        views: Where it is mounted.
        trees: Where the folders are.
        directs: What lies over the guard's directories.
        tell: Called with each event.
    """

    def __init__(
        self,
        orders: Orders,
        views: Views,
        trees: Trees,
        directs: Directs,
        tell: Callable[[Event], None],
    ) -> None:
        self._orders = orders
        self._views = views
        self._trees = trees
        self._directs = directs
        self._tell = tell
        self._guard: Guard | None = None

    def start(self, guard: Guard) -> None:
        """Which guard serves the sessions."""
        self._guard = guard

    async def fulfil(self, session: str, live: Live) -> tuple[Cut, ...]:
        """Compare, and give the orders that are lacking."""
        before = dict(live.given)
        counted: dict[str, Answer] = {}
        for _ in range(_TRIES):
            try:
                control = await self._current()
                if live.control is not control:
                    await self._mount(session, live, control)
                await self._arrange(session, live, control, counted)
                break
            except GuardGone:
                continue
        else:
            raise Refused("failed", "The guard of this node does not stay alive; see its log.")
        return tuple(cuts(before, live.given, counted))

    async def _current(self) -> Control:
        if self._guard is None:
            raise GuardGone
        return await self._guard.current()

    async def _mount(self, session: str, live: Live, control: Control) -> None:
        live.control, live.given = None, {}
        wanted = self._orders.held[session].wanted
        try:
            await asyncio.to_thread(self._views.add, session, wanted.uid, wanted.gid)
            fuse = await asyncio.to_thread(self._views.mount, session)
            try:
                await control.order("session", _session_words(wanted), fds=[fuse])
            finally:
                os.close(fuse)
        except (OSError, GuardRefused, GuardGone) as error:
            await asyncio.to_thread(self._views.unmount, session)
            if isinstance(error, GuardGone):
                raise
            raise Refused("failed", f"The session's mount could not be made: {error}.") from error
        live.control, live.served = control, True

    async def _arrange(
        self, session: str, live: Live, control: Control, counted: dict[str, Answer]
    ) -> None:
        for folder in self._orders.now_over(session):
            self._tell(Expired(session, folder))
        held = self._orders.held[session].live(time.time())
        wanted = {name: as_told(folder) for name, folder in held.items()}
        live.failed, live.indirect = {}, {}
        # What takes away comes first: a name may be free only then, and nobody should keep
        # anything for longer because something else is slow.
        for folder in set(live.given).difference(wanted):
            counted[folder] = await self._remove(session, live, control, folder)
        changed = [one for one in wanted.values() if live.given.get(one.folder) != one]
        for one in in_each_others_way(changed, live.given):
            await self._give(session, live, control, named(live.given[one.folder], one.folder))
        for one in sorted(changed, key=lambda one: not lowers(one, live.given)):
            answer = await self._give(session, live, control, one)
            counted.setdefault(one.folder, answer)

    async def _give(
        self, session: str, live: Live, control: Control, folder: FolderWanted
    ) -> Answer:
        try:
            await self._uncover(session, live.given.get(folder.folder), folder)
            answer = await self._order(session, live, control, folder)
        except (NoTree, GuardRefused, OSError) as error:
            live.failed[folder.folder] = str(error)
            _log.error("session %s: %s can't be given: %s", session, folder.folder, error)
            if folder.folder not in live.given:
                return NOTHING
            # It still has the folder as it was, perhaps at a level that was just taken away.
            return await self._remove(session, live, control, folder.folder)
        live.given[folder.folder] = await self._covered(session, live, folder)
        return answer

    async def _uncover(
        self, session: str, before: FolderWanted | None, now: FolderWanted | None
    ) -> None:
        """Take a bind away that gives something else than what is ordered now."""
        if before is None or not before.direct:
            return
        if now is None or not now.direct or (before.name, before.level) != (now.name, now.level):
            await asyncio.to_thread(self._directs.uncover, session, before.name)

    async def _covered(self, session: str, live: Live, folder: FolderWanted) -> FolderWanted:
        """The folder as the session has it now: directly, or through the guard after all."""
        if not folder.direct:
            return folder
        wanted = self._orders.held[session].wanted
        try:
            await asyncio.to_thread(self._directs.cover, wanted, folder)
        except (NotDirect, NoTree, OSError) as error:
            live.indirect[folder.folder] = str(error)
            _log.warning("session %s: %s is not direct: %s", session, folder.folder, error)
            return replace(folder, direct=False)
        return folder

    async def _order(
        self, session: str, live: Live, control: Control, folder: FolderWanted
    ) -> Answer:
        words = words_of(session, folder)
        opened = []
        account = await asyncio.to_thread(self._trees.open_account, folder.folder)
        if account is not None:
            opened.append(account)
            words["limit"] = "account"
        try:
            if folder.folder in live.given:
                try:
                    return await control.order("folder", words, fds=opened)
                except GuardRefused as error:
                    # Its end date came a moment before this order, which names a later one.
                    if error.code != "no-descriptor":
                        raise
            opened.insert(0, await asyncio.to_thread(self._trees.open, folder.folder))
            return await control.order("folder", words, fds=opened)
        finally:
            for descriptor in opened:
                os.close(descriptor)

    async def _remove(self, session: str, live: Live, control: Control, folder: str) -> Answer:
        with suppress(OSError):  # it goes with the guard's name for it
            await self._uncover(session, live.given.get(folder), None)
        try:
            answer = await control.order(
                "remove", {"session": session, "folder": folder, "why": "revoked"}
            )
        except GuardRefused as error:
            answer = NOTHING
            if error.code != "unknown-folder":
                _log.error("session %s: %s can't be removed: %s", session, folder, error)
                await self.drop(session, live, keep_view=True)
                raise GuardGone from error
        live.given.pop(folder, None)
        return answer

    async def drop(self, session: str, live: Live, *, keep_view: bool = False) -> None:
        """Cut everything, whatever the guard says, and take the mount away."""
        control, live.control, live.given = live.control, None, {}
        if control is not None:
            try:
                await control.order("drop", {"session": session})
            except GuardGone:
                pass
            except GuardRefused as error:
                if error.code != "unknown-session":
                    _log.error("session %s can't be dropped, so the guard is ended", session)
                    control.close()
        work = self._views.unmount if keep_view else self._views.remove
        await asyncio.to_thread(work, session)


def _session_words(wanted: SessionWanted) -> dict[str, str | int]:
    return {
        "session": wanted.id,
        "uid": wanted.uid,
        "gid": wanted.gid,
        "person": wanted.person,
    }
