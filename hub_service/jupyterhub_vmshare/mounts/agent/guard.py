"""A guard is running, always: started, found again, buried, started again.

The guard outlives the agent. A new agent finds it by its control socket, so that an upgrade of the
agent blinks nothing.
"""

from __future__ import annotations

import asyncio
import logging
import os
import shutil
import signal
import socket
import struct
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, NoReturn

from jupyterhub_vmshare.mounts.agent.control import Control, GuardGone, GuardRefused, Words
from jupyterhub_vmshare.mounts.messages import GuardSeen

_log = logging.getLogger("vmshare.agent")
_HELLO: Final = {"version": 1}
_START_LIMIT: Final = 10.0
_LOOK_EVERY: Final = 5.0
# While the node lacks something.
_LOOK_AGAIN: Final = 1.0
# One that lived for less has died young. The first few of these are replaced at once, too.
_LIVED, _AT_ONCE = 1.0, 3
_FIRST_PAUSE, _LONGEST_PAUSE = 0.25, 30.0


@dataclass(frozen=True, slots=True)
class GuardSettings:
    """How the guard is started.

    ``state`` is where it remembers who made which file; ``account`` whose the files are.
    """

    binary: str
    control: Path
    state: Path
    account: Callable[[], tuple[int, int]]
    more: tuple[str, ...] = ()


def find_guard(named: str) -> str | None:
    """The guard's binary: as the operator named it, beside this Python, or in PATH."""
    beside = str(Path(sys.executable).parent)
    if named:
        return shutil.which(named)
    return shutil.which("share-guard", path=beside) or shutil.which("share-guard")


class Guard:
    """This node's guard.

    Args:
        settings: How to start one.
        patience: Seconds that an order may take before the guard counts as hung.
        on_event: Called with the words of each event.
        on_adopted: Called with the connection to a guard that was there before this agent, before
            anybody else can give it an order.
        on_ready: Called when there is a guard. Runs beside everything else.
    """

    def __init__(
        self,
        settings: Callable[[], GuardSettings | None],
        *,
        patience: float,
        on_event: Callable[[Words], None],
        on_adopted: Callable[[Control], Awaitable[None]],
        on_ready: Callable[[Control], Awaitable[None]],
    ) -> None:
        self._settings = settings
        self._patience = patience
        self._on_event = on_event
        self._on_adopted = on_adopted
        self._on_ready = on_ready
        self._readying: asyncio.Future[None] | None = None
        self._child: subprocess.Popen[bytes] | None = None
        self._process = -1
        self._found = asyncio.Condition()
        self.control: Control | None = None
        self.seen: GuardSeen | None = None

    async def current(self, limit: float = _START_LIMIT) -> Control:
        """The connection to a guard that lives, as far as is known."""
        try:
            async with asyncio.timeout(limit), self._found:
                await self._found.wait_for(lambda: self._living() is not None)
        except TimeoutError:
            raise GuardGone from None
        if (found := self._living()) is None:
            raise GuardGone
        return found

    def _living(self) -> Control | None:
        # One that was lost a moment ago may not have been buried yet.
        return None if self.control is None or self.control.lost.is_set() else self.control

    async def supervise(self) -> NoReturn:
        """Have a guard, for ever; a task of the agent."""
        young = 0
        old = True
        while True:
            settings = self._settings()
            if settings is None:
                await asyncio.sleep(_LOOK_AGAIN)
                continue
            control = await self._obtain(settings, old)
            old, since = False, time.monotonic()
            if control is not None:
                await self._serve(control)
                self._bury()
            young = 0 if time.monotonic() - since > _LIVED else young + 1
            await asyncio.sleep(_pause(young))

    async def _obtain(self, settings: GuardSettings, old: bool) -> Control | None:
        try:
            if old and (found := await self._adopt(settings)):
                return found
            return await self._start(settings)
        except (GuardGone, GuardRefused, OSError) as error:
            _log.error("The guard does not start: %s", str(error) or "it does not answer")
            self._bury()
            return None

    async def _adopt(self, settings: GuardSettings) -> Control | None:
        """The guard of an earlier agent, if one lives."""
        try:
            control = await self._greet(_connected(settings.control))
            await self._on_adopted(control)
        except (FileNotFoundError, ConnectionRefusedError):
            return None
        except (GuardGone, GuardRefused) as error:
            # It can't be talked to, so what it lets through can't be changed.
            _log.warning("The guard that is there does not answer as it should: %s", error)
            self._bury()
            return None
        _log.info("found guard %s", self.seen and self.seen.pid)
        await self._publish(control)
        return control

    async def _start(self, settings: GuardSettings) -> Control:
        self._spawn(settings)
        control = await self._greet(await self._answering(settings.control))
        _log.info("started guard %s", self.seen and self.seen.pid)
        await self._publish(control)
        return control

    def _spawn(self, settings: GuardSettings) -> None:
        uid, gid = settings.account()
        settings.state.mkdir(mode=0o700, parents=True, exist_ok=True)
        os.chown(settings.state, uid, gid)
        settings.control.unlink(missing_ok=True)
        self._child = subprocess.Popen(
            [
                settings.binary,
                *("--control", str(settings.control), "--state", str(settings.state)),
                *("--uid", str(uid), "--gid", str(gid)),
                *settings.more,
            ],
            stdin=subprocess.DEVNULL,
            cwd="/",
            # It is to outlive us, and a terminal's Ctrl-C.
            start_new_session=True,
        )

    async def _answering(self, path: Path) -> socket.socket:
        until = time.monotonic() + _START_LIMIT
        while True:
            try:
                return _connected(path)
            except (FileNotFoundError, ConnectionRefusedError):
                died = self._child is None or self._child.poll() is not None
                if died or time.monotonic() > until:
                    raise
            await asyncio.sleep(0.01)

    async def _greet(self, connected: socket.socket) -> Control:
        self._process = os.pidfd_open(_pid_of(connected))
        control = Control(connected, self._on_event, patience=self._patience)
        self.seen = _seen((await control.order("hello", _HELLO)).words)
        return control

    async def _publish(self, control: Control) -> None:
        self.control = control
        self._readying = asyncio.ensure_future(self._on_ready(control))
        async with self._found:
            self._found.notify_all()

    async def _serve(self, control: Control) -> None:
        """Until it is gone; one that hangs is gone as well."""
        while not control.lost.is_set():
            with suppress(TimeoutError):
                await asyncio.wait_for(control.lost.wait(), _LOOK_EVERY)
                break
            with suppress(GuardGone, GuardRefused):
                await control.order("hello", _HELLO)
        _log.warning("guard %s is gone", self.seen and self.seen.pid)

    def _bury(self) -> None:
        """It must not serve anybody any more, whatever state it is in."""
        self.control = self.seen = None
        if self._process >= 0:
            with suppress(ProcessLookupError):
                signal.pidfd_send_signal(self._process, signal.SIGKILL)
            os.close(self._process)
            self._process = -1
        if self._child is not None:
            self._child.kill()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(5)
            self._child = None

    async def quit(self) -> None:
        """End the guard in order."""
        if self.control is not None:
            with suppress(GuardGone, GuardRefused):
                await self.control.order("quit")
        self._bury()


def _seen(words: Words) -> GuardSeen:
    try:
        return GuardSeen(int(words["pid"]), float(words["since"]))
    except (KeyError, ValueError) as error:
        because = f"It does not say who it is ({error!r})."
        raise GuardRefused({"code": "malformed", "because": because}) from error


def _pause(young: int) -> float:
    """Seconds to wait after so many in a row that died young."""
    beyond = min(young - _AT_ONCE, 10)
    return min(_FIRST_PAUSE * 2**beyond, _LONGEST_PAUSE) if beyond > 0 else 0.0


def _connected(path: Path) -> socket.socket:
    connected = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    try:
        connected.connect(str(path))
    except BaseException:
        connected.close()
        raise
    return connected


def _pid_of(connected: socket.socket) -> int:
    found = connected.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    return int(struct.unpack("3i", found)[0])
