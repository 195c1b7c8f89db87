"""The agent's life: what it is made of, and how it begins and ends."""

from __future__ import annotations

import asyncio
import fcntl
import logging
import os
import signal
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, NoReturn

from jupyterhub_vmshare.mounts.agent.control import Control, GuardGone, GuardRefused
from jupyterhub_vmshare.mounts.agent.direct import Directs
from jupyterhub_vmshare.mounts.agent.fulfilling import Fulfilling
from jupyterhub_vmshare.mounts.agent.guard import Guard, GuardSettings, find_guard
from jupyterhub_vmshare.mounts.agent.missing import Lack, lacking
from jupyterhub_vmshare.mounts.agent.orders import Orders
from jupyterhub_vmshare.mounts.agent.server import Server
from jupyterhub_vmshare.mounts.agent.sessions import Sessions
from jupyterhub_vmshare.mounts.agent.trees import Trees
from jupyterhub_vmshare.mounts.agent.vanished import Unsure, in_use
from jupyterhub_vmshare.mounts.agent.views import Views
from jupyterhub_vmshare.mounts.messages import Event

_log = logging.getLogger("vmshare.agent")
# A unix socket's path ends here.
_PATH_BYTES: Final = 107


class CannotStart(Exception):
    """The agent can't run here at all; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator says; see ``commands.agent`` for each."""

    run: Path
    socket: Path
    store: Path
    guard_state: Path
    guard: str = ""
    guard_args: tuple[str, ...] = ()
    allow_root_sessions: bool = False
    end_guard: bool = False
    look_every: float = 60.0
    patience: float = 30.0


class Agent:
    """One node's share-agent."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._control = settings.run / "guard.sock"
        self._trees = Trees(settings.store)
        self._views = Views(settings.run)
        self._prepared = False
        self._owner: int | None = None
        self._orders = Orders(settings.run / "state.json")
        directs = Directs(self._views, self._trees)
        fulfilling = Fulfilling(self._orders, self._views, self._trees, directs, self._tell)
        self._sessions = Sessions(self._orders, self._views, fulfilling, directs, self._tell)
        self._guard = Guard(
            self._guard_settings,
            patience=settings.patience,
            on_event=self._sessions.heard,
            on_adopted=self._sessions.compare,
            on_ready=self._restore,
        )
        self._server = Server(
            self._sessions,
            self._guard,
            lacking=self._lacking,
            service_uid=self._service_uid,
            root_sessions=settings.allow_root_sessions,
        )

    async def run(self) -> None:
        """Until a signal comes. SIGTERM leaves guard and mounts; SIGINT, or SIGTERM with
        ``end_guard``, leaves nothing."""
        loop = asyncio.get_running_loop()
        ended: asyncio.Future[int] = loop.create_future()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, _note, ended, number)
        lock = self._begin()
        await self._server.start(self._settings.socket)
        for lack in self._lacking():
            _log.warning("%s", lack.because)
        work: list[asyncio.Future[Any]] = [
            asyncio.create_task(turn) for turn in (self._guard.supervise(), self._look())
        ]
        try:
            await asyncio.wait([*work, ended], return_when=asyncio.FIRST_COMPLETED)
            for task in work:
                if task.done():
                    task.result()  # a mistake of ours has ended it; systemd starts us again
        finally:
            await self._server.close()
            for task in work:
                task.cancel()
            await asyncio.gather(*work, return_exceptions=True)
            if self._settings.end_guard or (ended.done() and ended.result() == signal.SIGINT):
                await self._end_for_good()
            os.close(lock)

    def _begin(self) -> int:
        run = self._settings.run
        for path in (self._settings.socket, self._control):
            if len(os.fsencode(path)) > _PATH_BYTES:
                raise CannotStart(f"{path} is too long for a socket: choose a shorter --run.")
        run.mkdir(mode=0o711, parents=True, exist_ok=True)
        lock = os.open(run / "agent.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"Another agent runs in {run}.") from None
        self._prepare()
        self._orders.load()
        self._sessions.start(self._guard)
        return lock

    def _prepare(self) -> None:
        try:
            self._views.prepare()
            self._prepared = True
        except OSError as error:
            _log.error("The views can't be mounted: %s", error)

    async def _end_for_good(self) -> None:
        for session in list(self._orders.held):
            await self._sessions.end(session, for_good=False)
        await self._guard.quit()
        await asyncio.to_thread(self._views.close)
        _log.info("ended the guard and all mounts")

    def _tell(self, event: Event) -> None:
        self._server.tell(event)

    def _lacking(self) -> list[Lack]:
        found = lacking(self._settings.store, self._settings.guard)
        if not self._prepared and not any(lack.stops for lack in found):
            self._prepare()
        if not self._prepared:
            found.append(Lack("no-root", f"Nothing can be mounted in {self._settings.run}."))
        return found

    def _service_uid(self) -> int | None:
        with suppress(OSError):  # while the store is away it is who it was
            self._owner = self._trees.owner()[0]
        return self._owner

    def _guard_settings(self) -> GuardSettings | None:
        if any(lack.stops for lack in self._lacking()):
            return None
        return GuardSettings(
            binary=find_guard(self._settings.guard) or "",
            control=self._control,
            state=self._settings.guard_state,
            account=self._trees.owner,
            more=self._settings.guard_args,
        )

    async def _restore(self, control: Control) -> None:
        try:
            await self._sessions.restore(control)
            self._server.tell_ready()
        except (GuardGone, GuardRefused):
            _log.warning("The guard died before every session was on it.")
        except Exception:
            _log.exception("Not every session could be brought back.")

    async def _look(self) -> NoReturn:
        """Find sessions that died without a word. Two looks must agree."""
        vanished: set[str] = set()
        while True:
            await asyncio.sleep(self._settings.look_every)
            if not self._prepared:
                continue
            try:
                living = await asyncio.to_thread(lambda: in_use(self._views.device()))
            except (OSError, Unsure) as error:
                _log.warning("Nobody can tell which sessions live: %s", error)
                continue
            vanished = await self._sessions.end_vanished(living, vanished)


def _note(ended: asyncio.Future[int], number: int) -> None:
    if not ended.done():
        ended.set_result(number)
