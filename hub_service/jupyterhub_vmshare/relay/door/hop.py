"""From the relay to a machine: as its helper's root, and as a person's account."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import socket
from collections.abc import Sequence
from typing import Any, Final

import asyncssh
import structlog

from jupyterhub_vmshare.api.contract.ways import MachineDoor
from jupyterhub_vmshare.relay.carriage import CIPHERS

_log = structlog.get_logger("vmshare.relay")
_TO_CONNECT: Final = 10.0
_TO_ANSWER: Final = 20.0
_LONGEST_SENTENCE: Final = 500
_APART: Final = 8
"""On one machine at once: each looks at all of its processes."""


class MachineUnreachable(Exception):
    """The sentence says what a person needs to know; the cause is for the log."""


class Key:
    """The relay's own, of this start: it never leaves the process."""

    def __init__(self) -> None:
        self._private = asyncssh.generate_private_key("ssh-ed25519")
        exported = self._private.convert_to_public().export_public_key().decode()
        self.public = " ".join(exported.split()[:2])

    def shown_with(self, certificates: Sequence[str]) -> list[Any]:
        """For each generation of the authority, what the machine is shown."""
        return [(self._private, asyncssh.import_certificate(line)) for line in certificates]


async def connect(
    door: MachineDoor, account: str, key: Key, certificates: Sequence[str], *, keepalive: float
) -> asyncssh.SSHClientConnection:
    """A connection to a machine that shows one of the host keys that the service knows.

    Raises `MachineUnreachable`.
    """
    known = [asyncssh.import_public_key(line) for line in door.host_keys]
    try:
        async with asyncio.timeout(_TO_CONNECT):
            return await asyncssh.connect(
                door.host or "machine",
                door.port,
                sock=await _unix(door.unix_path) if door.unix_path else None,
                username=account,
                client_keys=key.shown_with(certificates),
                known_hosts=(known, [], []),
                config=None,
                agent_path=None,
                preferred_auth="publickey",
                encryption_algs=CIPHERS,
                compression_algs=None,
                login_timeout=_TO_CONNECT,
                keepalive_interval=keepalive,
                keepalive_count_max=3,
            )
    except asyncssh.HostKeyNotVerifiable:
        _log.error("machine_is_another", machine=door.machine_id)
        raise MachineUnreachable(
            f"What answers for {door.name} is not the machine that was made: ask its owner or an"
            " administrator."
        ) from None
    except (OSError, asyncssh.Error, TimeoutError) as error:
        _log.warning("machine_unreachable", machine=door.machine_id, because=type(error).__name__)
        raise MachineUnreachable(f"{door.name} does not answer; try again in a moment.") from None


async def _unix(path: str) -> socket.socket:
    found = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    found.setblocking(False)
    try:
        await asyncio.get_running_loop().sock_connect(found, path)
    except BaseException:
        found.close()
        raise
    return found


class OrderRefused(Exception):
    """The machine's helper did not obey, and says why."""


class Helper:
    """One connection to a machine's root helper: quick orders in turn, slow ones apart."""

    def __init__(self, conn: asyncssh.SSHClientConnection) -> None:
        self._conn = conn
        self._numbers = itertools.count(1)
        self._turn, self._apart = asyncio.Lock(), asyncio.Semaphore(_APART)
        self._serving: asyncssh.SSHClientProcess[bytes] | None = None

    @property
    def is_alive(self) -> bool:
        return not self._conn.is_closed()

    async def order(self, do: str, **order: Any) -> dict[str, Any]:
        """One that is quick. Raises `OrderRefused` and `MachineUnreachable`."""
        async with self._turn:
            if self._serving is None or self._serving.is_closing():
                self._serving = await self._serve()
            return await self._ask(self._serving, do, order)

    async def order_apart(self, do: str, **order: Any) -> dict[str, Any]:
        """One that may take seconds, beside all others."""
        async with self._apart:
            serving = await self._serve()
            try:
                return await self._ask(serving, do, order)
            finally:
                serving.close()

    async def _serve(self) -> asyncssh.SSHClientProcess[bytes]:
        try:
            async with asyncio.timeout(_TO_ANSWER):
                # The certificate forces the command; this is for whoever reads sshd's log.
                return await self._conn.create_process("serve", encoding=None)
        except (OSError, asyncssh.Error, TimeoutError) as error:
            self._lost(error)
            raise MachineUnreachable("The machine's helper does not answer.") from error

    async def _ask(
        self, serving: asyncssh.SSHClientProcess[bytes], do: str, order: dict[str, Any]
    ) -> dict[str, Any]:
        number = next(self._numbers)
        line = json.dumps({**order, "id": number, "do": do}).encode() + b"\n"
        try:
            async with asyncio.timeout(_TO_ANSWER):
                serving.stdin.write(line)
                return _done(await serving.stdout.readuntil(b"\n"), number)
        except OrderRefused:
            raise
        except (OSError, ValueError, asyncssh.Error, TimeoutError, EOFError) as error:
            serving.close()
            self._lost(error)
            raise MachineUnreachable("The machine's helper does not answer.") from error
        except BaseException:
            serving.close()  # the answer that comes yet would be taken for the next one's
            raise

    def _lost(self, error: Exception) -> None:
        """Silence may be a network that swallows: the next order gets a connection of its own."""
        if isinstance(error, TimeoutError):
            self.close()

    def close(self) -> None:
        self._conn.abort()


def _done(told: bytes, number: int) -> dict[str, Any]:
    """What an order came to. A machine has a root of its own, who may answer anything.

    Raises `OrderRefused`, and `ValueError` for what is no answer to that order.
    """
    match json.loads(told):
        case {"id": asked, "done": dict() as done} if asked == number:
            return done
        case {"id": asked, "refused": str() as because} if asked == number:
            raise OrderRefused(because[:_LONGEST_SENTENCE])
        case {"failed": str() as because}:
            raise OrderRefused(because[:_LONGEST_SENTENCE])
    raise ValueError("no answer")


class Helpers:
    """Of all machines that somebody is on: one connection each."""

    def __init__(self, key: Key, *, keepalive: float) -> None:
        self._key, self._keepalive = key, keepalive
        self._helpers: dict[str, Helper] = {}
        self._opening: dict[str, asyncio.Task[Helper]] = {}

    async def of(self, door: MachineDoor) -> Helper:
        """The machine's; connected when there is none. Raises `MachineUnreachable`.

        All who ask meanwhile share one attempt: a silent machine keeps nobody longer than that.
        """
        if (found := self.known(door.machine_id)) is not None:
            return found
        opening = self._opening.get(door.machine_id)
        if opening is None:
            opening = asyncio.create_task(self._open(door), name="helper of a machine")
            self._opening[door.machine_id] = opening
            opening.add_done_callback(lambda done: self._opened(door.machine_id, done))
        return await asyncio.shield(opening)

    async def _open(self, door: MachineDoor) -> Helper:
        conn = await connect(
            door, "root", self._key, door.helper_certificates, keepalive=self._keepalive
        )
        found = Helper(conn)
        try:
            with contextlib.suppress(OrderRefused):
                await found.order("authorities", lines=door.believed)
        except BaseException:
            found.close()
            raise
        self._helpers[door.machine_id] = found
        return found

    def _opened(self, machine_id: str, opening: asyncio.Task[Helper]) -> None:
        del self._opening[machine_id]
        if not opening.cancelled():
            opening.exception()  # whoever asked has it, or has gone

    def known(self, machine_id: str) -> Helper | None:
        """The one that is connected already."""
        found = self._helpers.get(machine_id)
        return found if found is not None and found.is_alive else None

    def let_go(self, machine_id: str) -> None:
        """Nobody is there any more."""
        found = self._helpers.pop(machine_id, None)
        if found is not None:
            found.close()

    def close(self) -> None:
        for opening in list(self._opening.values()):
            opening.cancel()
        for machine_id in list(self._helpers):
            self.let_go(machine_id)
