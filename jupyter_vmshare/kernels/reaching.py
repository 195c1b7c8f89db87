"""The way to a machine through the relay: one SSH connection a machine, a channel a kernel."""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import shlex
from collections.abc import Sequence
from typing import Any, Final, cast

import asyncssh

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.client import errors as client_errors
from jupyter_vmshare.client.errors import VMShareError
from jupyter_vmshare.kernels.channel import PROGRAM, Ears, NotAllowed, NotReached
from jupyter_vmshare.kernels.links import Links
from jupyter_vmshare.kernels.logos import png_of
from jupyter_vmshare.reach.failures import refusal_in
from jupyter_vmshare.reach.link import Link as Connection
from jupyter_vmshare.reach.link import connected
from jupyter_vmshare.reach.running import run
from jupyter_vmshare.shown.keeping import settled
from jupyterhub_vmshare.api.contract.machines import MachineState, MachineView
from jupyterhub_vmshare.relay.carriage import PACKET, WINDOW
from jupyterhub_vmshare.relay.machine.vmshare_kernels.carrying import Link

_log = logging.getLogger(__name__)
_TO_START: Final = 600.0
_LOOK: Final = 1.0
_KEPT: Final = 2000
_FINAL: Final = (
    client_errors.NotAllowed,
    client_errors.NotFound,
    client_errors.NotConfigured,
    client_errors.NotSignedIn,
)
_COMING: Final = frozenset(
    {
        *(MachineState.MAKING, MachineState.STARTING, MachineState.REBOOTING),
        *(MachineState.RESIZING, MachineState.REBUILDING, MachineState.CHANGING),
        MachineState.STOPPING,
    }
)
_NOT_THERE: Final = (
    "This machine has no part for kernels yet: it gets it at its next start, so restart it."
)


_links = Links()


class RelayWay:
    """To one machine, as the owner of this notebook server."""

    def __init__(self, machine: str, service: str) -> None:
        self._machine, self._service = machine, service
        self._client: AsyncClient | None = None
        self._is_closed = False
        self._way = _links.join(service, machine)

    async def open(self, words: Sequence[str], ears: Ears) -> Link:
        """See `Way`. A machine that is off is started for a new kernel."""
        try:
            # To a machine that does not run there is no link.
            if not self._way.is_open:
                if self._client is None:
                    self._client = AsyncClient(self._service)
                await self._runs(self._client, is_new=words[0] == "new")
            if words[0] == "new":
                await settled(self._machine)
            return await _channel(await self._way.link(), words, ears)
        except _FINAL as refused:
            raise NotAllowed(self._way.because or str(refused)) from None
        except VMShareError as error:
            raise NotReached(str(error)) from None

    async def _runs(self, client: AsyncClient, *, is_new: bool) -> None:
        """Wait until the machine is there. Raises `NotAllowed` and `VMShareError`."""
        loop = asyncio.get_running_loop()
        until, asked = loop.time() + _TO_START, False
        while True:
            view: MachineView = await client.machine(self._machine)
            if view.state is MachineState.RUNNING:
                return
            if not is_new:
                raise NotAllowed(f"{view.name} does not run any more, so the kernel is gone.")
            if view.state is MachineState.STOPPED and not asked:
                await client.start_machine(self._machine)
                _log.info("%s is off: it is started for a kernel.", view.name)
                asked = True
            elif view.state not in _COMING and view.state is not MachineState.STOPPED:
                state = view.state.value if view.state else "an invitation to be accepted"
                raise NotAllowed(f"{view.name} can't run a kernel: it is {state}.")
            if loop.time() > until:
                raise NotReached(f"{view.name} has not started within ten minutes.")
            await asyncio.sleep(_LOOK)

    async def close(self) -> None:
        """There will be no more links."""
        if not self._is_closed:
            self._is_closed = True
            _links.leave(self._way)
            if self._client is not None:
                await self._client.close()


async def specs_of(client: AsyncClient, machine: str) -> dict[str, Any]:
    """The kernels that a running machine could start, by name. Raises `VMShareError`."""
    async with connected(client, machine) as connection:
        return await _specs_over(connection)


async def specs_kept(service: str, machine: str) -> dict[str, Any]:
    """The same, on the loop of kernels, with the way open for who picks one. Raises as that."""
    way = _links.join(service, machine)
    try:
        return await _specs_over(await way.link())
    finally:
        _links.leave(way)


async def let_go() -> None:
    """Close the links that nobody uses, on the loop of kernels."""
    await _links.let_go()


async def _specs_over(connection: Connection) -> dict[str, Any]:
    done = await run(connection, [*PROGRAM, "list"])
    try:
        return {name: _told(told) for name, told in json.loads(done.stdout)["specs"].items()}
    except (ValueError, KeyError, TypeError, AttributeError):
        raise VMShareError(_NOT_THERE) from None


def _told(told: dict[str, Any]) -> dict[str, Any]:
    """What is taken of a machine's words: it has a root of its own, who may say anything."""
    metadata = told.get("metadata")
    debugs = isinstance(metadata, dict) and metadata.get("debugger") is True
    return {
        # Debian's calls itself "Python 3 (ipykernel)"; on which machine it runs says more.
        "display_name": str(told["display_name"])[:100].removesuffix(" (ipykernel)"),
        "language": str(told["language"])[:50],
        "interrupt_mode": "message" if told.get("interrupt_mode") == "message" else "signal",
        "metadata": {"debugger": True} if debugs else {},
        "logo": png_of(told.get("logo")),
    }


async def _channel(connection: Connection, words: Sequence[str], ears: Ears) -> Link:
    """The machine's part with these words. Raises `VMShareError`."""
    command = f"exec {shlex.join([*PROGRAM, *words])}"

    def made() -> _Channel:
        return _Channel(connection, ears)

    try:
        _, session = await connection.conn.create_session(
            made, command, encoding=None, max_pktsize=PACKET, window=WINDOW
        )
    except (asyncssh.Error, OSError):
        raise await connection.why() from None
    return cast(_Channel, session)


class _Channel(asyncssh.SSHClientSession[bytes]):
    """An exec channel as a link."""

    def __init__(self, connection: Connection, ears: Ears) -> None:
        self._connection, self._ears = connection, ears
        self._chan: Any = None
        self._said = b""
        self._is_over = False
        self.is_full = False

    # --- a link ---

    def write(self, data: bytes) -> None:
        if not self._is_over:
            # One that the relay has closed says so itself, a moment later.
            with contextlib.suppress(BrokenPipeError):
                self._chan.write(data)

    def close(self) -> None:
        """For whoever has heard, or does not want to hear, why."""
        self._is_over = True
        self._chan.close()

    # --- asyncssh's session ---

    def connection_made(self, chan: Any) -> None:
        self._chan = chan

    def data_received(self, data: bytes, datatype: int | None) -> None:
        if datatype is None:
            self._ears.came(data)
        else:
            self._said = (self._said + data)[-_KEPT:]

    def pause_writing(self) -> None:
        self.is_full = True

    def resume_writing(self) -> None:
        self.is_full = False
        self._ears.drained()

    def connection_lost(self, exc: Exception | None) -> None:
        if not self._is_over:
            self._is_over = True
            self._ears.lost(self._why())

    def _why(self) -> NotReached | NotAllowed:
        refusal = refusal_in(self._said)
        if isinstance(refusal, client_errors.NotAllowed):
            return NotAllowed(str(refusal))
        if refusal is not None:
            return NotReached(str(refusal))
        # Python's own words, and those of one that starts kernels otherwise.
        if b"vmshare_kernels" in self._said or b"Say: new KERNEL" in self._said:
            return NotAllowed(_NOT_THERE)
        return NotReached(self._connection.because or "The link to the machine broke.")
