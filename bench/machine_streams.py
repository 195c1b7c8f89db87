"""Streams and lines through the relay, beside OpenSSH's client and a machine's own SSH server."""

from __future__ import annotations

import asyncio
import shlex
import sys
import time
from asyncio.subprocess import PIPE
from datetime import UTC, datetime
from pathlib import Path

import asyncssh

from bench.rounds import Report, in_turns
from jupyterhub_vmshare.relay.certificates import Issuer, Kind
from tests.cloud.shell import PROXY
from tests.relay.live import Live

_PLAIN, _RELAYED = "plain ssh", "through the relay"


async def throughput(way: Live, rounds: int, mib: int) -> Report:
    """MiB a second, to a program that reads and forgets."""
    ways = {_PLAIN: await _directly(way), _RELAYED: await _through(way)}

    async def send(words: list[str]) -> float:
        began = time.perf_counter()
        ssh = await asyncio.create_subprocess_exec(*words, "cat > /dev/null", stdin=PIPE)
        assert ssh.stdin is not None
        for _ in range(mib):
            ssh.stdin.write(bytes(1 << 20))
            await ssh.stdin.drain()
        ssh.stdin.close()
        if await ssh.wait():
            raise SystemExit("ssh failed.")
        return mib / (time.perf_counter() - began)

    sides = {name: lambda words=words: send(words) for name, words in ways.items()}
    report = Report("A stream of zeros", "MiB a second")
    report.add(await in_turns(sides, rounds), _PLAIN)
    report.notes.append(f"{mib} MiB a round, with a new connection for each.")
    return report


async def latency(way: Live, rounds: int, lines: int) -> Report:
    """Milliseconds until a line is back."""
    ways = {_PLAIN: await _directly(way), _RELAYED: await _through(way)}
    open_ = {
        name: await asyncio.create_subprocess_exec(*words, "cat", stdin=PIPE, stdout=PIPE)
        for name, words in ways.items()
    }

    async def back_and_forth(ssh: asyncio.subprocess.Process) -> float:
        assert ssh.stdin is not None and ssh.stdout is not None
        began = time.perf_counter()
        for _ in range(lines):
            ssh.stdin.write(b"a line\n")
            await ssh.stdout.readline()
        return (time.perf_counter() - began) * 1000 / lines

    sides = {name: lambda ssh=ssh: back_and_forth(ssh) for name, ssh in open_.items()}
    report = Report("A line, there and back", "milliseconds")
    report.add(await in_turns(sides, rounds), _PLAIN)
    report.notes.append(f"{lines} lines a round, over one open connection.")
    for ssh in open_.values():
        ssh.terminate()
        await ssh.wait()
    return report


async def _through(way: Live) -> list[str]:
    """OpenSSH's client, with what the service gave ana."""
    key = asyncssh.generate_private_key("ssh-ed25519")
    _, told = await way.ask_for_certificate("ana", way.id, key.export_public_key().decode())
    return ["ssh", *way.files_of("ana", told, key), "127.0.0.1"]


async def _directly(way: Live) -> list[str]:
    """OpenSSH's client at the machine's own socket, with what only the relay ever gets."""
    async with await way.enter("ana") as conn:  # the account is there
        await conn.run("true", stdin=asyncssh.DEVNULL)
    key = asyncssh.generate_private_key("ssh-ed25519")
    authority = await way.running.service.ways.authorities.issuer(Kind.MACHINES)
    issuer = Issuer(authority.signer, datetime.now(UTC))
    place = Path(way.where) / "direct"
    place.mkdir(exist_ok=True)
    key.write_private_key(str(place / "key"))
    (place / "key").chmod(0o600)
    made = issuer.for_account(key.convert_to_public(), "ana", way.id, None)
    (place / "key-cert.pub").write_text(made + "\n")
    door = way.keeper.run / "ssh" / f"{(await way.row(way.id)).cloud_id}.sock"
    options = {
        "ProxyCommand": shlex.join([sys.executable, "-c", PROXY, str(door)]),
        "ProxyUseFdpass": "yes",
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
        "LogLevel": "ERROR",
        "IdentityFile": str(place / "key"),
        "CertificateFile": str(place / "key-cert.pub"),
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
    }
    return ["ssh", "-F", "none", *(f"-o{k}={v}" for k, v in options.items()), "ana@machine"]
