"""Has what the person chose to show on machines as it should be, from this notebook server.

A folder is served while this session has it mounted and the machine runs; what was chosen is asked
of the service, when something happened that may concern it.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import threading
from collections.abc import AsyncIterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Literal

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.client.errors import NotConfigured, VMShareError
from jupyter_vmshare.client.stream import Happened, Ready
from jupyter_vmshare.shown.wanted import Wanted
from jupyterhub_vmshare.api.contract.machines import MachineState
from jupyterhub_vmshare.api.contract.mounts import MountState

_log = logging.getLogger(__name__)
_CONCERN: Final = ("mount.", "machine.", "session.")
_FIRST, _LONGEST = 1.0, 60.0
_AGAIN: Final = 5.0
_TO_STOP: Final = 3.0
_TO_SETTLE: Final = 5.0
_LOOK: Final = 0.05
_UNFORESEEN: Final = "It could not be shown: the log of the notebook server says why."

State = Literal["shown", "elsewhere", "waiting", "failed"]
Pair = tuple[str, str]


@dataclass(frozen=True, slots=True)
class Standing:
    """How one folder stands on one machine; ``because`` is a sentence where it is not shown.

    ``elsewhere``: another session of the person's shows it there, and this one would when that one
    ends.
    """

    folder_id: str
    machine_id: str
    state: State
    place: str | None = None
    because: str | None = None


class ShownFolders:
    """Those of this session.

    Args:
        service: The service's URL.
        shared: Where the session has its shared folders.
        server: What the hub calls this server of the person.
    """

    def __init__(self, service: str, shared: Path, server: str) -> None:
        self._service, self._shared, self._server = service, shared, server
        self._standing: dict[Pair, Standing] = {}
        self._chosen: set[Pair] = set()
        self._kept: dict[Pair, tuple[Wanted, asyncio.Task[None]]] = {}
        self._woken: dict[Pair, asyncio.Event] = {}
        self._links = _Links()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._following: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin, in a thread of its own: what goes through here must delay nothing."""
        global _here
        _here = self
        self._loop = asyncio.new_event_loop()
        loop = self._loop

        def run() -> None:
            self._following = loop.create_task(self._follow())
            loop.run_forever()

        threading.Thread(target=run, name="vmshare-shown", daemon=True).start()

    async def stop(self) -> None:
        """Take everything off the machines."""
        if self._loop is not None:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_TO_STOP):
                    ending = asyncio.run_coroutine_threadsafe(self._end(), self._loop)
                    await asyncio.wrap_future(ending)
            self._loop.call_soon_threadsafe(self._loop.stop)

    def is_settled(self, machine: str) -> bool:
        """Whether everything that is to be shown there is, or can't be."""
        of_it = [pair for pair in list(self._chosen) if pair[1] == machine]
        found = [self._standing.get(pair) for pair in of_it]
        return all(each is not None and each.state != "waiting" for each in found)

    def all(self) -> list[dict[str, Any]]:
        """How each stands."""
        return [asdict(each) for each in list(self._standing.values())]

    async def _end(self) -> None:
        if self._following is not None:
            self._following.cancel()
        await self._keep({})

    async def _follow(self) -> None:
        try:
            client = AsyncClient(self._service)
        except NotConfigured:
            return
        async with client:
            while True:
                with contextlib.suppress(VMShareError):
                    async for message in client.stream():
                        is_concern = isinstance(message, Happened) and (
                            message.event.type.startswith(_CONCERN)
                        )
                        if isinstance(message, Ready) or is_concern:
                            await self._keep(await self._wanted(client))
                            for woken in self._woken.values():
                                woken.set()
                await asyncio.sleep(_AGAIN)

    async def _wanted(self, client: AsyncClient) -> dict[Pair, Wanted]:
        """What is chosen and can be shown now."""
        chosen = [(each.folder_id, each.machine_id) async for each in client.shown_folders()]
        if not chosen:
            self._chosen = set()
            return {}
        names = await self._names(client)
        self._chosen = {pair for pair in chosen if pair[0] in names}
        running = {each for each in {machine for _, machine in chosen} if await _runs(client, each)}
        return {
            pair: Wanted.of(self._shared, names[pair[0]], Path.home())
            for pair in chosen
            if pair[0] in names and pair[1] in running
        }

    async def _names(self, client: AsyncClient) -> dict[str, str]:
        """The folders that this session has, and as which directories."""
        found = {}
        async for session in client.sessions():
            if session.server_name == self._server:
                for mount in session.mounts:
                    if mount.state is MountState.MOUNTED:
                        found[mount.folder_id] = mount.name
        return found

    async def _keep(self, wanted: dict[Pair, Wanted]) -> None:
        over = [pair for pair, (was, _) in self._kept.items() if wanted.get(pair) != was]
        tasks = [self._kept.pop(pair)[1] for pair in over]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for pair, each in wanted.items():
            if pair not in self._kept:
                self._kept[pair] = each, asyncio.create_task(self._show(pair, each))

    async def _show(self, pair: Pair, wanted: Wanted) -> None:
        """Again and again, until it is cancelled."""
        # Here, since SSH takes a quarter of a second to load, and not everybody shows folders.
        from jupyter_vmshare.shown.carrying import ShownElsewhere, carry

        pause = _FIRST
        woken = self._woken[pair] = asyncio.Event()

        def stands(state: State, **more: str) -> None:
            self._standing[pair] = Standing(*pair, state, **more)

        def shown(place: str) -> None:
            nonlocal pause
            pause = _FIRST
            stands("shown", place=place)

        try:
            async with AsyncClient(self._service) as client:
                while True:
                    stands("waiting")
                    try:
                        async with self._links.to(client, pair[1]) as link:
                            await carry(link, wanted, shown)
                    except VMShareError as error:
                        is_there = isinstance(error, ShownElsewhere)
                        stands("elsewhere" if is_there else "failed", because=str(error))
                        _log.info("A folder is not shown on %s: %s", pair[1], error)
                    except Exception:  # or it would never be shown again
                        stands("failed", because=_UNFORESEEN)
                        _log.exception("A folder is not shown on %s.", pair[1])
                    await asyncio.sleep(_FIRST)
                    with contextlib.suppress(TimeoutError):
                        async with asyncio.timeout(pause - _FIRST):
                            await woken.wait()
                    # What happened may be that it can be shown now: the other session ended.
                    pause = _FIRST if woken.is_set() else min(2 * pause, _LONGEST)
                    woken.clear()
        finally:
            self._standing.pop(pair, None)
            self._woken.pop(pair, None)


async def _runs(client: AsyncClient, machine: str) -> bool:
    with contextlib.suppress(VMShareError):
        return (await client.machine(machine)).state is MachineState.RUNNING
    return False


class _Links:
    """One to each machine, for all folders there; closed when none of them is shown any more."""

    def __init__(self) -> None:
        self._users: dict[str, int] = {}
        self._open: dict[str, Any] = {}
        self._turns: dict[str, asyncio.Lock] = {}

    @contextlib.asynccontextmanager
    async def to(self, client: AsyncClient, machine: str) -> AsyncIterator[Any]:
        """The one that is there, or a new one. Raises `VMShareError`."""
        from jupyter_vmshare.reach.link import open_link

        self._users[machine] = self._users.get(machine, 0) + 1
        try:
            async with self._turns.setdefault(machine, asyncio.Lock()):
                found = self._open.get(machine)
                if found is None or not found.is_open:
                    found = self._open[machine] = await open_link(client, machine)
            yield found
        finally:
            self._users[machine] -= 1
            if not self._users[machine]:
                last = self._open.pop(machine, None)
                if last is not None:
                    await last.close()


_here: ShownFolders | None = None
"""Those of this process."""


async def settled(machine: str, within: float = _TO_SETTLE) -> None:
    """Wait until what is to be shown on a machine is there, and so many seconds at most.

    For a kernel that starts in such a folder.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(within):
            # Asked from other loops than its own.
            while _here is not None and not _here.is_settled(machine):  # noqa: ASYNC110
                await asyncio.sleep(_LOOK)
