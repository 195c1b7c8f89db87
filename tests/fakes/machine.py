"""A relay with one machine behind it, whose files are a directory, held to ticks.

It stands beside a scripted service and signs as that would. What each request of SFTP is held to is
said in the relay's own words, by the relay's own gate of requests.
"""

from __future__ import annotations

import asyncio
import contextlib
from pathlib import Path
from typing import Any

import asyncssh

from jupyterhub_vmshare.relay.door.sftp import Gate
from tests.fakes.vmshare import Came, FakeVMShare, Scripted

MACHINE = "mch_00000000000000000000000001"
ALIAS = "the-relay"
SERVER = "/usr/lib/openssh/sftp-server"
ALL = frozenset({"read_files", "upload", "download"})


def _key() -> asyncssh.SSHKey:
    return asyncssh.generate_private_key("ssh-ed25519")


class FakeRelay:
    """Lives on the loop of the service that it stands beside."""

    def __init__(self, service: FakeVMShare, root: Path) -> None:
        self._service, self.root = service, root
        self._people, self._hosts = _key(), _key()
        self._acceptor: Any = None
        self.conns: list[asyncssh.SSHServerConnection] = []
        self.logins: list[str] = []
        self.allowed = ALL
        self.sent = 0
        """Bytes that machines have answered."""
        self.refuses: str | None = None

    def start(self) -> None:
        """Listen, and have the service give certificates."""
        self._service.run(self._start())
        path = f"/machines/{MACHINE}/certificates"
        self._service.answer_by("POST", path, self._certificate)

    def stop(self) -> None:
        """Nobody listens any more."""
        self._service.run(self._stop())

    def cut(self, because: str) -> None:
        """As the relay does where a right has ended."""

        def act() -> None:
            for conn in self.conns:
                conn.send_debug(because)
                conn.disconnect(asyncssh.DISC_BY_APPLICATION, because)

        self._service.on_its_loop(act)

    @property
    def open(self) -> int:
        """How many links there are."""
        return sum(not conn.is_closed() for conn in self.conns)

    async def _start(self) -> None:
        host = _key()
        shown = self._hosts.generate_host_certificate(host, "relay", principals=[ALIAS])
        self._acceptor = await asyncssh.listen(
            "127.0.0.1",
            0,
            server_factory=lambda: _Guest(self),
            server_host_keys=[(host, shown)],
            encoding=None,
        )

    async def _stop(self) -> None:
        self._acceptor.close()
        for conn in self.conns:
            conn.abort()
        await self._acceptor.wait_closed()

    def _certificate(self, came: Came) -> Scripted:
        person = self._service.people[came.token]
        line = came.body.decode().split('"')[3]
        key = asyncssh.import_public_key(line)
        made = self._people.generate_user_certificate(key, person, principals=[person])
        told = {
            "certificate": made.export_certificate().decode().strip(),
            "valid_until": "2036-11-27T12:00:00Z",
            "user": person,
            "host": "127.0.0.1",
            "port": self._acceptor.get_port(),
            "host_key_alias": ALIAS,
            "known_hosts": [f"@cert-authority {ALIAS} {_line(self._hosts)}"],
        }
        return Scripted.json(told, 201)

    def believes(self, key: asyncssh.SSHKey) -> bool:
        """Whether it signs for people."""
        return key.public_data == self._people.public_data


class _Channel(asyncssh.SSHServerSession[bytes]):
    """SFTP: through the gate to OpenSSH's own server."""

    def __init__(self, relay: FakeRelay) -> None:
        self._relay = relay
        self._chan: Any = None
        self._came: asyncio.Queue[bytes] = asyncio.Queue()
        self._work: asyncio.Task[None] | None = None

    def connection_made(self, chan: Any) -> None:
        self._chan = chan

    def subsystem_requested(self, subsystem: str) -> bool:
        return subsystem == "sftp"

    def session_started(self) -> None:
        self._work = asyncio.ensure_future(self._serve())

    def data_received(self, data: bytes, datatype: int | None) -> None:
        self._came.put_nowait(data)

    def eof_received(self) -> bool:
        self._came.put_nowait(b"")
        return False

    def connection_lost(self, exc: Exception | None) -> None:
        self._came.put_nowait(b"")

    async def _serve(self) -> None:
        if self._relay.refuses is not None:
            self._chan.write(f"vmshare: {self._relay.refuses}\n".encode(), 1)
            self._chan.exit(255)
            return
        gate = Gate(lambda action: action in self._relay.allowed)
        server = await asyncio.create_subprocess_exec(
            *(SERVER, "-d", str(self._relay.root)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        assert server.stdin is not None
        assert server.stdout is not None
        back = asyncio.create_task(self._back(server.stdout, gate))
        with contextlib.suppress(OSError):
            while data := await self._came.get():
                onwards, refused = gate.asks(data)
                server.stdin.write(onwards)
                await server.stdin.drain()
                self._chan.write(refused)
        server.stdin.close()
        await back
        await server.wait()

    async def _back(self, reader: asyncio.StreamReader, gate: Gate) -> None:
        while data := await reader.read(1 << 16):
            self._relay.sent += len(data)
            with contextlib.suppress(OSError):
                self._chan.write(gate.answers(data))


class _Guest(asyncssh.SSHServer):
    def __init__(self, relay: FakeRelay) -> None:
        self._relay = relay

    def connection_made(self, conn: asyncssh.SSHServerConnection) -> None:
        self._relay.conns.append(conn)

    def begin_auth(self, username: str) -> bool:
        self._relay.logins.append(username)
        return True

    def public_key_auth_supported(self) -> bool:
        return True

    def validate_ca_key(self, username: str, key: asyncssh.SSHKey) -> bool:
        return self._relay.believes(key)

    def session_requested(self) -> _Channel:
        return _Channel(self._relay)


def _line(key: asyncssh.SSHKey) -> str:
    return key.export_public_key().decode().strip()
