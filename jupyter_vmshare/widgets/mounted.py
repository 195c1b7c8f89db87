"""``with folder.mounted() as path``: a folder as a directory of this session."""

from __future__ import annotations

import asyncio
import contextlib
import os
import time
from collections.abc import Generator, Iterable
from pathlib import Path
from types import TracebackType
from typing import Any, TypeVar

from jupyter_vmshare.client.call import Call, Steps
from jupyter_vmshare.client.calls import mounts as calls
from jupyter_vmshare.client.errors import NotMounted, VMShareError
from jupyter_vmshare.client.twins import AsyncPlayer, SyncPlayer
from jupyter_vmshare.shared_dir import SharedDir
from jupyter_vmshare.widgets.handle import FolderHandle
from jupyterhub_vmshare.api.contract.mounts import MountState, MountView, SessionView

T = TypeVar("T")
Waiting = Generator[Call[Any] | float, Any, T]
"""Calls, and pauses in seconds."""
FIRST_PAUSE, LONGEST_PAUSE = 0.05, 1.0


def this_session(sessions: Iterable[SessionView]) -> SessionView | None:
    """The session in which this runs; None when it is none of the person's running ones."""
    name = os.environ.get("JUPYTERHUB_SERVER_NAME", "")
    return next((session for session in sessions if session.server_name == name), None)


def paths_here() -> Steps[dict[str, Path]]:
    """Where each folder is mounted in this session, by the folder's id.

    Asks the service only where there can be mounts.
    """
    shared = SharedDir.of_session().path
    if shared is None:
        return {}
    session = this_session((yield from calls.sessions().steps()))
    mounts = session.mounts if session else []
    return {m.folder_id: shared / m.name for m in mounts if m.state is MountState.MOUNTED}


class _Mounting:
    """What both colours do: ask for the mount if nobody has, wait, and give it back."""

    def __init__(self, folder: FolderHandle, timeout: float) -> None:
        self._folder, self._timeout = folder, timeout
        self._shared = SharedDir.of_session()
        self._is_ours = False

    def _enter(self) -> Waiting[Path]:
        if self._shared.path is None:
            raise NotMounted(f"{self._label} can't be mounted here: {self._shared.because}")
        if self._mount_in((yield from calls.sessions().steps())) is None:
            # Known before it is done: an interrupt may come in between.
            self._is_ours = True
            yield calls.mount(self._folder.id)
        return (yield from self._wait())

    def _wait(self) -> Waiting[Path]:
        until = time.monotonic() + self._timeout
        pause = FIRST_PAUSE
        while True:
            mount = self._mount_in((yield from calls.sessions().steps()))
            path = self._path_of(mount)
            if path is not None:
                return path
            if time.monotonic() >= until:
                raise NotMounted(
                    f"{self._label} is still not mounted after {self._timeout:.0f} s. It may yet "
                    "be: jupyter vmshare doctor says what is missing."
                )
            yield pause
            pause = min(pause * 2, LONGEST_PAUSE)

    def _leave(self) -> Waiting[None]:
        if self._is_ours:
            self._is_ours = False
            yield calls.unmount(self._folder.id)

    @property
    def _label(self) -> str:
        return f"The folder {self._folder.label!r}"

    def _mount_in(self, sessions: Iterable[SessionView]) -> MountView | None:
        session = this_session(sessions)
        if session is None:
            raise NotMounted(
                f"{self._label} can't be mounted here: the service knows no running session of "
                "yours by this name. Restart your server from the hub's home page."
            )
        if not session.mounts_available:
            raise NotMounted(f"{self._label} can't be mounted here: {session.because}")
        found = (mount for mount in session.mounts if mount.folder_id == self._folder.id)
        return next((mount for mount in found if mount.state is not MountState.CLOSING), None)

    def _path_of(self, mount: MountView | None) -> Path | None:
        if mount is None or self._shared.path is None:
            return None
        if mount.state is MountState.FAILED:
            because = mount.because or "the node does not say why."
            raise NotMounted(f"{self._label} could not be mounted: {because}")
        path = self._shared.path / mount.name
        return path if mount.state is MountState.MOUNTED and path.is_dir() else None


class Mounted(_Mounting):
    """A folder mounted for the length of a ``with``."""

    def __init__(self, folder: FolderHandle, player: SyncPlayer, timeout: float) -> None:
        super().__init__(folder, timeout)
        self._player = player

    def _play(self, steps: Waiting[T]) -> T:
        told: Any = None
        while True:
            try:
                asked = steps.send(told)
            except StopIteration as end:
                value: T = end.value
                return value
            if isinstance(asked, float):
                time.sleep(asked)
            else:
                told = self._player.run(asked)

    def waited(self) -> Path:
        """The directory, once it is there; nothing is asked for."""
        return self._play(self._wait())

    def __enter__(self) -> Path:
        try:
            return self._play(self._enter())
        except BaseException:
            # What went wrong first is what the person should read.
            with contextlib.suppress(VMShareError):
                self._play(self._leave())
            raise

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._play(self._leave())


class AsyncMounted(_Mounting):
    """A folder mounted for the length of an ``async with``."""

    def __init__(self, folder: FolderHandle, player: AsyncPlayer, timeout: float) -> None:
        super().__init__(folder, timeout)
        self._player = player

    async def _play(self, steps: Waiting[T]) -> T:
        told: Any = None
        while True:
            try:
                # In a thread: it looks whether the directory is there, and a mount may hang.
                asked = await asyncio.to_thread(_next, steps, told)
            except _Ended as end:
                value: T = end.value
                return value
            if isinstance(asked, float):
                await asyncio.sleep(asked)
            else:
                told = await self._player.run(asked)

    async def __aenter__(self) -> Path:
        try:
            return await self._play(self._enter())
        except BaseException:
            with contextlib.suppress(VMShareError):
                await self._play(self._leave())
            raise

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._play(self._leave())


class _Ended(Exception):
    """`StopIteration`, which can't come out of a thread."""

    def __init__(self, value: Any) -> None:
        super().__init__()
        self.value = value


def _next(steps: Waiting[Any], told: Any) -> Call[Any] | float:
    try:
        return steps.send(told)
    except StopIteration as end:
        raise _Ended(end.value) from None
