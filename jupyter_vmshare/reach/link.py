"""One SSH connection through the relay to one machine.

The key is made in memory for this connection alone, the certificate is of minutes, and the relay is
known by what signed its certificate: nothing is believed at a first sight, and no file, agent or
setting of this computer has a part in it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Final, TypeVar

import asyncssh

from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.call import Call
from jupyter_vmshare.client.calls import machines as calls
from jupyter_vmshare.client.errors import NotAllowed, NotFound, VMShareError
from jupyter_vmshare.client.sync import Client
from jupyter_vmshare.reach.failures import LinkCut, RelayUnreachable, WayFailed, refusal_in
from jupyter_vmshare.reach.files import Files
from jupyterhub_vmshare.api.contract.machines import MachineView
from jupyterhub_vmshare.api.contract.ways import CertificateView
from jupyterhub_vmshare.relay.carriage import CIPHERS

T = TypeVar("T")
WITHIN: Final = 30.0
"""Seconds until the relay has to have answered."""
KEEPALIVE: Final = 15.0
_LONGEST: Final = 1000
_TO_HEAR: Final = 1.0
_BY_MACHINE: Final = "The machine has closed the connection."
_BROKE: Final = "The connection to the relay broke off. Try again."


class Link:
    """A connection that is open. ``conn`` is asyncssh's, for whatever is not here.

    Channels are each an action of its own: the relay asks for each whether it is allowed, and says
    so in a sentence, which is what the errors of this room say.
    """

    def __init__(self, client: Client | AsyncClient, machine_id: str) -> None:
        self.machine_id = machine_id
        self.conn: asyncssh.SSHClientConnection
        self.because: str | None = None
        """What the relay said when it cut the link."""
        self._client = client
        self._files: asyncio.Task[Files] | None = None

    @property
    def is_open(self) -> bool:
        """Whether it can be used."""
        return not self.conn.is_closed()

    async def closed(self) -> None:
        """Return when it is not open any more, for whatever reason."""
        await self.conn.wait_closed()

    async def files(self) -> Files:
        """The machine's files by SFTP, in one channel for all who ask."""
        if self._files is None or (self._files.done() and self._files.exception()):
            self._files = asyncio.create_task(self._open_files(), name="sftp")
        return await asyncio.shield(self._files)

    async def why(self) -> LinkCut:
        """Why the link is gone: what the relay said, or else what the service tells."""
        if self.because and self.because != _BY_MACHINE:
            return LinkCut(self.because)
        try:
            view: MachineView = await asked(self._client, calls.machine(self.machine_id))
        except (NotAllowed, NotFound):
            return LinkCut("You may not use this machine any more.")
        except VMShareError as error:
            return LinkCut(f"{self.because or _BROKE} ({error})")
        if view.state is not None and view.state.value != "running":
            return LinkCut(f"{view.name} does not run any more: it is {view.state.value}.")
        return LinkCut(self.because or _BROKE)

    async def close(self) -> None:
        """Close it, with everything that is open on it."""
        self.conn.close()
        try:
            async with asyncio.timeout(1):
                await self.conn.wait_closed()
        except TimeoutError:
            self.conn.abort()

    async def _open_files(self) -> Files:
        try:
            writer, reader, said = await self.conn.open_session(subsystem="sftp", encoding=None)
        except asyncssh.ChannelOpenError as error:
            raise WayFailed(f"The relay opens no channel: {error.reason}") from None
        except (asyncssh.Error, OSError):
            raise await self.why() from None
        try:
            client = await asyncssh.sftp.start_sftp_client(
                self.conn,
                asyncio.get_running_loop(),
                "strict",
                reader,
                writer,
                "utf-8",
                "surrogateescape",
                3,
            )
        except (asyncssh.Error, OSError, EOFError):
            sentence = refusal_in(await said.read()) if self.is_open else None
            raise sentence or await self.why() from None

        async def why() -> VMShareError:
            """Of a channel that closed: the relay may have left the link itself open."""
            self._files = None
            try:
                async with asyncio.timeout(_TO_HEAR):
                    sentence = refusal_in(await said.read())
            except (TimeoutError, asyncssh.Error, OSError):
                sentence = None
            return sentence if sentence is not None and self.is_open else await self.why()

        return Files(client, why)


@asynccontextmanager
async def connected(client: Client | AsyncClient, machine_id: str) -> AsyncIterator[Link]:
    """A link to a machine, closed at the end. Raises what `open_link` raises."""
    link = await open_link(client, machine_id)
    try:
        yield link
    finally:
        await link.close()


async def open_link(client: Client | AsyncClient, machine_id: str) -> Link:
    """A link to a machine; it has to be closed.

    Raises:
        VMShareError: The service gives no certificate; its own sentence says why.
        RelayUnreachable: The relay does not answer, or is not the one it should be.
    """
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = key.export_public_key().decode().strip()
    given: CertificateView = await asked(client, calls.machine_certificate(machine_id, line))
    link = Link(client, machine_id)
    try:
        async with asyncio.timeout(WITHIN):
            link.conn = await asyncssh.connect(**_entrance(given, key, link))
    except (asyncssh.HostKeyNotVerifiable, asyncssh.KeyExchangeFailed):
        # With nothing but authorities to believe, a plain host key is not even taken up.
        sentence = f"What answers at {_place(given)} can't show that it is the service's relay."
        raise RelayUnreachable(sentence) from None
    except asyncssh.PermissionDenied:
        sentence = "The relay does not take the service's certificate: their clocks may differ."
        raise RelayUnreachable(sentence) from None
    except (OSError, TimeoutError, asyncssh.Error):
        sentence = f"The relay at {_place(given)} does not answer. Try again in a moment."
        raise RelayUnreachable(sentence) from None
    return link


def _entrance(given: CertificateView, key: asyncssh.SSHKey, link: Link) -> dict[str, Any]:
    """What asyncssh needs to know; everything that it would look for by itself is off."""
    return {
        "host": given.host,
        "port": given.port,
        "username": given.user,
        "client_factory": lambda: _Ear(link),
        "client_keys": [(key, asyncssh.import_certificate(given.certificate))],
        "known_hosts": asyncssh.import_known_hosts("\n".join(given.known_hosts) + "\n"),
        "host_key_alias": given.host_key_alias,
        "config": None,
        "agent_path": None,
        "agent_forwarding": False,
        "x11_forwarding": False,
        "gss_host": None,
        "preferred_auth": "publickey",
        "encryption_algs": CIPHERS,
        "compression_algs": None,
        "keepalive_interval": KEEPALIVE,
        "keepalive_count_max": 3,
    }


class _Ear(asyncssh.SSHClient):
    """Hears what the relay says of the connection as a whole, before it ends it."""

    def __init__(self, link: Link) -> None:
        self._link = link

    def debug_msg_received(self, msg: str, lang: str, always_display: bool) -> None:
        self._link.because = msg[:_LONGEST]


async def asked(client: Client | AsyncClient, call: Call[T]) -> T:
    """The result of a call, whichever client it is."""
    if isinstance(client, AsyncClient):
        return await client.run(call)
    return await asyncio.to_thread(client.run, call)


def _place(given: CertificateView) -> str:
    return f"{given.host}:{given.port}"
