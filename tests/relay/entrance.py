"""People before the relay, with OpenSSH's own client and with one that may do worse."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import asyncssh

from tests.fixtures.api import Api, Json
from tests.fixtures.waiting import within

PATIENCE = 30.0


class Entrance:
    """What tests do from outside."""

    api: Api
    where: Path
    id: str
    """The machine's."""

    @property
    def port(self) -> int:
        """The relay's."""
        raise NotImplementedError

    async def ask_for_certificate(
        self, person: str, machine_id: str, line: str | None = None
    ) -> tuple[int, Json]:
        """The service's answer."""
        line = line or asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode()
        answer = await self.api(person, "kernel").call(
            "POST", f"/machines/{machine_id}/certificates", json={"public_key": line.strip()}
        )
        return answer.status_code, answer.json()

    async def enter(self, person: str, **more: Any) -> asyncssh.SSHClientConnection:
        """A connection of theirs through the relay, as the command line makes it."""
        key = asyncssh.generate_private_key("ssh-ed25519")
        line = key.export_public_key().decode()
        status, told = await self.ask_for_certificate(person, self.id, line)
        assert status == 201, told
        shown = (key, asyncssh.import_certificate(told["certificate"]))
        return await self.knock(**{"username": told["user"], "client_keys": [shown]} | more)

    async def knock(self, **more: Any) -> asyncssh.SSHClientConnection:
        """A connection to the relay with whatever somebody shows."""
        return await asyncssh.connect(
            "127.0.0.1", self.port, known_hosts=None, config=None, agent_path=None, **more
        )

    def files_of(self, person: str, told: Json, key: asyncssh.SSHKey) -> list[str]:
        """What OpenSSH's own client needs, as options."""
        place = self.where / f"{person}-{os.urandom(4).hex()}"
        place.mkdir()
        key.write_private_key(str(place / "key"))
        (place / "key").chmod(0o600)
        (place / "key-cert.pub").write_text(told["certificate"] + "\n")
        (place / "known_hosts").write_text("\n".join(told["known_hosts"]) + "\n")
        options = {
            "IdentityFile": place / "key",
            "CertificateFile": place / "key-cert.pub",
            "UserKnownHostsFile": place / "known_hosts",
            "HostKeyAlias": told["host_key_alias"],
            "StrictHostKeyChecking": "yes",
            "IdentitiesOnly": "yes",
            "BatchMode": "yes",
        }
        words = [f"-o{name}={value}" for name, value in options.items()]
        return ["-F", "none", *words, "-p", str(self.port), "-l", told["user"]]

    async def openssh(
        self, person: str, *command: str, options: Sequence[str] = (), given: bytes = b""
    ) -> tuple[int, str, str]:
        """OpenSSH's own client: its status, and what it wrote."""
        key = asyncssh.generate_private_key("ssh-ed25519")
        line = key.export_public_key().decode()
        status, told = await self.ask_for_certificate(person, self.id, line)
        assert status == 201, told
        ssh = await asyncio.create_subprocess_exec(
            *("ssh", *self.files_of(person, told, key), *options, "127.0.0.1", *command),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
        )
        async with within(PATIENCE, f"ssh {' '.join(command)}"):
            out, err = await ssh.communicate(given)
        return ssh.returncode or 0, out.decode(), err.decode()

    async def until(self, holds: Any) -> None:
        """Wait for an outcome."""
        async with within(PATIENCE, "An outcome"):
            while not await asyncio.to_thread(holds):
                await asyncio.sleep(0.02)


async def said(conn: asyncssh.SSHClientConnection, command: str = "true") -> tuple[int, str]:
    """How a command ended, and what the relay said of it."""
    done = await conn.run(command, stdin=asyncssh.DEVNULL)
    return done.returncode or 0, str(done.stderr)


async def stays(conn: asyncssh.SSHClientConnection) -> None:
    """Have something open on it until it is closed."""
    staying = await conn.create_process("echo here; exec sleep 1000", stdin=asyncssh.DEVNULL)
    assert await staying.stdout.readline() == "here\n"


async def gone(conn: asyncssh.SSHClientConnection) -> None:
    """Wait until it is closed, by whoever it is."""
    async with within(PATIENCE, "The end of a connection"):
        await conn.wait_closed()
