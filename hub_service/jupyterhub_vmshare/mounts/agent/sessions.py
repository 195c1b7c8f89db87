"""All sessions of the node: which there are, what each should have, and who asks for a change.

An order of the service, a guard that died, an agent that starts over what another left, a session
that nobody is in any more: each ends in `fulfilling`, which can be done again without harm.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import replace

from jupyterhub_vmshare.mounts.agent.control import Control, GuardRefused, Words
from jupyterhub_vmshare.mounts.agent.differences import served
from jupyterhub_vmshare.mounts.agent.direct import Directs
from jupyterhub_vmshare.mounts.agent.fulfilling import Fulfilling, Live, Refused
from jupyterhub_vmshare.mounts.agent.guard import Guard
from jupyterhub_vmshare.mounts.agent.orders import Orders
from jupyterhub_vmshare.mounts.agent.vanished import Unsure
from jupyterhub_vmshare.mounts.agent.views import Views
from jupyterhub_vmshare.mounts.messages import (
    Cut,
    Event,
    Expired,
    FolderSeen,
    FolderWanted,
    GuardRestarted,
    Lost,
    SessionSeen,
    SessionWanted,
    StillHeld,
)

_log = logging.getLogger("vmshare.agent")


class Sessions:
    """All sessions of this node.

    Args:
        orders: What was ordered.
        views: Where it is mounted.
        fulfilling: What brings one session to it.
        directs: What sessions have past the guard.
        tell: Called with each event.
    """

    def __init__(
        self,
        orders: Orders,
        views: Views,
        fulfilling: Fulfilling,
        directs: Directs,
        tell: Callable[[Event], None],
    ) -> None:
        self._orders = orders
        self._views = views
        self._fulfilling = fulfilling
        self._directs = directs
        self._tell = tell
        self._live: dict[str, Live] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def start(self, guard: Guard) -> None:
        """Which guard serves the sessions. What an earlier agent was told has been loaded."""
        self._fulfilling.start(guard)
        self._live = {session: Live(served=True) for session in self._orders.held}

    # Orders

    async def apply(self, wanted: SessionWanted) -> SessionSeen:
        """Make a session have exactly this. Answers once it holds in full."""
        async with self._alone(wanted.id) as live:
            self._check_acceptable(wanted)
            self._orders.hold(wanted)
            cut = await self._fulfilling.fulfil(wanted.id, live)
            held = await self._look_for_holders(wanted.id)
            return self._seen(wanted.id, cut, held)

    async def _look_for_holders(self, session: str) -> tuple[StillHeld, ...]:
        """What programs of a session still have of what it had directly, and has no more."""
        beyond = self._orders.held[session].beyond(time.time())
        try:
            found = await asyncio.to_thread(self._directs.held, session, beyond)
        except (Unsure, OSError) as error:
            _log.warning("session %s: nobody can tell what it holds: %s", session, error)
            return tuple(StillHeld(folder, 1) for folder in beyond)
        self._orders.let_go(session, [folder for folder in beyond if not found.get(folder)])
        return tuple(StillHeld(folder, len(held)) for folder, held in found.items() if held)

    def has(self, session: str) -> bool:
        """Whether it is one of this node's, by now."""
        return session in self._orders.held

    async def take_down(self, wanted: SessionWanted) -> None:
        """What a session should have once there is a guard: no more than this, if it had more."""
        async with self._alone(wanted.id):
            self._check_acceptable(wanted)
            if self.has(wanted.id):
                self._orders.hold(wanted)

    def _check_acceptable(self, wanted: SessionWanted) -> None:
        if wanted.id in self._orders.ended:
            raise Refused("ended", "This session has ended; a new one has a new id.")
        held = self._orders.held.get(wanted.id)
        if held is None:
            return
        if wanted.version < held.wanted.version:
            raise Refused("stale", f"There is a later list: version {held.wanted.version}.")
        before, now = held.wanted, wanted
        if (before.person, before.uid, before.gid) != (now.person, now.uid, now.gid):
            raise Refused("malformed", "A session keeps its person, its uid and its gid.")

    async def end(self, session: str, *, for_good: bool = True) -> bool:
        """Let nothing of a session be left. Whether it was there."""
        async with self._alone(session) as live:
            held = self._orders.held.get(session)
            self._orders.end(session, for_good=for_good)
            await self._fulfilling.drop(session, live)
            if held is not None and for_good:
                await self._end_holders(session, list(held.direct))
        return held is not None

    async def _end_holders(self, session: str, folders: Sequence[str]) -> None:
        try:
            if ended := await asyncio.to_thread(self._directs.end_holders, session, folders):
                _log.info("session %s: ended %d processes that it had left", session, ended)
        except (Unsure, OSError) as error:
            _log.warning("session %s: what it has left can't be ended: %s", session, error)

    async def keep(self, living: Iterable[str]) -> tuple[str, ...]:
        """End all others."""
        gone = set(self._orders.held).difference(living)
        await asyncio.gather(*(self.end(session, for_good=False) for session in gone))
        return tuple(sorted(gone))

    def report(self) -> tuple[SessionSeen, ...]:
        """Every session as it is."""
        return tuple(self._seen(session) for session in list(self._orders.held))

    def _seen(
        self, session: str, cut: Sequence[Cut] = (), still: Sequence[StillHeld] = ()
    ) -> SessionSeen:
        held, live = self._orders.held[session], self._live.get(session, Live())
        folders = tuple(self._folder_seen(folder, live) for folder in held.wanted.folders)
        view = self._views.path(session)
        version = held.wanted.version
        return SessionSeen(session, version, view, folders, tuple(cut), tuple(still))

    def _folder_seen(self, folder: FolderWanted, live: Live) -> FolderSeen:
        given = live.there.get(folder.folder)
        level = given.level if given else None
        if because := live.failed.get(folder.folder):
            return FolderSeen(folder.folder, "failed", level, because)
        if given is None:
            over = folder.until is not None and folder.until <= time.time()
            return FolderSeen(folder.folder, "ended" if over else "pending")
        because = live.indirect.get(folder.folder)
        return FolderSeen(folder.folder, "mounted", level, because, given.direct)

    # What the guard's life asks for

    async def restore(self, control: Control) -> None:
        """There is a guard: bring every session onto it. What is right already is not touched."""
        again = [
            session
            for session, live in self._live.items()
            if live.served and live.control is not control
        ]
        left = await asyncio.to_thread(self._views.there)
        for session in left.difference(self._orders.held):
            await asyncio.to_thread(self._views.remove, session)
        await asyncio.gather(*(self._bring(session) for session in list(self._orders.held)))
        if again:
            self._tell(GuardRestarted(tuple(again)))

    async def compare(self, control: Control) -> None:
        """Take over what the guard of an earlier agent serves; end what it should not."""
        mounted = await asyncio.to_thread(self._views.mounted)
        for session, given in served((await control.order("report")).said).items():
            if session in self._orders.held and session in mounted:
                live = self._live[session]
                given = await asyncio.to_thread(self._directs.adopt, session, given)
                live.control, live.given = control, self._uncounted(session, given)
            else:
                with suppress(GuardRefused):
                    await control.order("drop", {"session": session})

    def _uncounted(self, session: str, given: dict[str, FolderWanted]) -> dict[str, FolderWanted]:
        # What is used by now is the guard's to count; what it was told at first is no difference.
        wanted = {folder.folder: folder for folder in self._orders.held[session].wanted.folders}
        return {
            name: replace(folder, used=wanted[name].used) if name in wanted else folder
            for name, folder in given.items()
        }

    async def _bring(self, session: str) -> None:
        async with self._alone(session) as live:
            if session not in self._orders.held:
                return
            try:
                await self._fulfilling.fulfil(session, live)
            except Refused as refused:
                _log.error("session %s: %s", session, refused)

    def heard(self, words: Words) -> None:
        """Something that the guard says by itself."""
        session, kind = words.get("session", ""), words.get("kind")
        live = self._live.get(session)
        if kind == "ended" and live is not None:
            folder = words.get("folder", "")
            given = live.given.pop(folder, None)
            until = given.until if given else None
            if until is not None and self._orders.end_folder(session, folder, until):
                _log.info("session %s: %s has come to its end date", session, folder)
                self._tell(Expired(session, folder))
        elif kind == "lost" and live is not None:
            task = asyncio.create_task(self._mount_again(session))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)

    async def _mount_again(self, session: str) -> None:
        _log.warning("session %s: its mount was taken away; it gets another", session)
        async with self._alone(session) as live:
            await self._fulfilling.drop(session, live, keep_view=True)
        await self._bring(session)
        self._tell(GuardRestarted((session,)))

    @asynccontextmanager
    async def _alone(self, session: str) -> AsyncIterator[Live]:
        """Orders for one session are obeyed one after the other."""
        live = self._live.setdefault(session, Live())
        live.users += 1
        try:
            async with live.lock:
                yield live
        finally:
            live.users -= 1
            if not live.users and session not in self._orders.held:
                self._live.pop(session, None)

    # Sessions that nobody lives in

    async def end_vanished(self, living: set[str], vanished: set[str]) -> set[str]:
        """End those whose view had a user once, and neither now nor at the last look.

        Args:
            living: The sessions whose view somebody has now.
            vanished: What the last look answered.

        Returns:
            Those that nobody uses, for the next look.
        """
        for session in living.intersection(self._orders.held):
            self._orders.note_used(session)
        unused = {
            session
            for session, held in self._orders.held.items()
            if held.used and session not in living
        }
        for session in unused.intersection(vanished):
            _log.info("session %s: nobody is there any more", session)
            await self.end(session, for_good=False)
            self._tell(Lost(session))
        return unused.difference(vanished)
