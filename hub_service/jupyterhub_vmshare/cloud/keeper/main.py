"""A keeper's life: how it begins, and that its end ends nothing else."""

from __future__ import annotations

import asyncio
import fcntl
import os
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.cloud.keeper.holdings import Holdings
from jupyterhub_vmshare.cloud.keeper.server import Server

# A unix socket's path ends here; a machine's is this much longer than the run directory.
_PATH_BYTES: Final = 107
_LONGEST_NAME: Final = len("/ssh/sbx-0123456789abcdef.sock")
# What an overlay's options, QEMU's and systemd's files would take for something else.
_UNFIT: Final = frozenset(":,\\\"' \n")


class CannotStart(Exception):
    """The keeper can't run here at all; the text says what to do."""


@dataclass(frozen=True, slots=True)
class Settings:
    """What the operator says; see ``commands.keeping`` for each."""

    state: Path
    run: Path
    service_uid: int
    relay_uid: int
    patience: float = 10.0


class Keeper:
    """The keeper of one host's machines of one kind.

    Args:
        settings: What the operator says.
        holdings: What there is.
        server: Where orders come in.
        rooms: Directories below the run directory, and who gets into them.
    """

    def __init__(
        self, settings: Settings, holdings: Holdings, server: Server, rooms: dict[str, int]
    ) -> None:
        self._settings = settings
        self._holdings = holdings
        self._server = server
        self._rooms = rooms

    async def run(self) -> None:
        """Until a signal comes. Machines go on."""
        loop = asyncio.get_running_loop()
        ended = asyncio.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, ended.set)
        lock = self._begin()
        await self._server.start(self._settings.run / "keeper.sock")
        try:
            await ended.wait()
        finally:
            await self._server.close()
            os.close(lock)

    def _begin(self) -> int:
        self._refuse_unfit()
        state, run = self._settings.state, self._settings.run
        state.mkdir(mode=0o700, parents=True, exist_ok=True)
        lock = os.open(state / "keeper.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise CannotStart(f"Another keeper has {state}.") from None
        for name, mode in {"": 0o711, **self._rooms}.items():
            place = run / name
            place.mkdir(parents=True, exist_ok=True)
            place.chmod(mode)  # whatever the umask
        self._holdings.load()
        self.prepare()
        return lock

    def prepare(self) -> None:
        """What its kind has to do before the first order."""

    def programs_missing(self) -> str | None:
        """What the host lacks, as a sentence."""
        return None

    def _refuse_unfit(self) -> None:
        state, run = self._settings.state, self._settings.run
        if len(os.fsencode(run)) + _LONGEST_NAME > _PATH_BYTES:
            raise CannotStart(f"{run} is too long for a socket's path: choose a shorter --run.")
        for path in (state, run):
            if _UNFIT.intersection(str(path)):
                raise CannotStart(f"{path} has a character that mounts don't take.")
        if (missing := self.programs_missing()) is not None:
            raise CannotStart(missing)
        for path in (state, run):
            if path.exists() and path.stat().st_uid != 0:
                raise CannotStart(f"{path} must belong to root.")
