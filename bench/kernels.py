"""Kernels on machines beside local ones.

A service, a relay in a process of its own, and a machine with an SSH server: namespaces over this
computer's own files, so that both kernels are the same Python with the same packages. Another
process has the kernels, as a notebook server does. In turns, on a local kernel (over TCP, as
Jupyter starts it), on one on the machine (through the relay), and on one that `sshpyk` starts
there (with OpenSSH's client at the machine's own SSH server: plain SSH, past the relay), where
that is installed (`pip install sshpyk`):

- a kernel is started, and a first cell is run: to its reply, where nothing is connected to the
  machine, where the machine's kernels were listed (as a notebook server does when it starts, and
  its page is opened: the link is kept for ten minutes), and where another kernel runs there;
- a cell that does nothing, one after the other: to its reply and its idle state;
- 100 MB are printed, in a million lines, and in ten pieces: to the last of it.
"""

from __future__ import annotations

import asyncio
import json
import os
import shlex
import sys
import tempfile
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import asyncssh

from bench.rounds import Report, in_turns
from jupyterhub_vmshare.relay.certificates import Issuer, Kind
from jupyterhub_vmshare.relay.ways import RelayAddress
from tests.cloud.shell import PROXY
from tests.fixtures.api import Api
from tests.relay.machine import PYTHON, why_not
from tests.relay.relay_process import RelayProcess
from tests.relay.scene import SshCloud, Stage, serving

TITLE = "Kernels on machines"
_LISTED = "where the machine's kernels were listed"
LOCAL, THERE, SSHPYK = "local", "on the machine", "sshpyk"
_SIZE = 100_000_000
_LINES = "for n in range({count}): print(f'{{n:099d}}')"
_PIECES = "for n in range(10): print('x' * ({size} // 10 - 1), flush=True)"


async def measure(*, quick: bool = False, rounds: int = 15) -> list[Report]:
    """A report for each of the things above."""
    if why := why_not():
        raise SystemExit(why)
    rounds, size, count = (1, _SIZE // 100, 10) if quick else (rounds, _SIZE, 200)
    with tempfile.TemporaryDirectory(prefix="vmshare-") as where:
        async with _stage(Path(where)) as stage, _notebooks(stage) as asking:
            return [
                await _started(asking, rounds, "where nothing is connected"),
                await _started(asking, rounds, _LISTED, stage),
                await _beside_another(asking, rounds),
                await _round_trips(asking, rounds, count),
                await _output(asking, "in lines", _LINES.format(count=size // 100), size, rounds),
                await _output(asking, "in ten pieces", _PIECES.format(size=size), size, rounds),
            ]


class Asking:
    """The program that has the kernels."""

    def __init__(self, process: asyncio.subprocess.Process, kernels: list[str]) -> None:
        self._process = process
        self.kernels = kernels

    async def ask(self, kernel: str, do: str, **more: Any) -> float:
        """What it measured."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        order = {"kernel": _NAMES[kernel], "do": do, **more}
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        line = await self._process.stdout.readline()
        if not line:
            raise SystemExit("The program that has the kernels has ended; see above.")
        return float(json.loads(line))

    async def in_turns(self, rounds: int, do: str, **more: Any) -> dict[str, list[float]]:
        """Each kernel once a round."""
        sides = {each: lambda each=each: self.ask(each, do, **more) for each in self.kernels}
        return await in_turns(sides, rounds)

    async def open(self, *kernels: str) -> None:
        """Have these run until `close`."""
        for each in kernels:
            await self.ask(each, "open")

    async def close(self, *kernels: str) -> None:
        """No more."""
        for each in kernels:
            await self.ask(each, "close")


_NAMES = {LOCAL: "bench-local", THERE: "bench-machine", SSHPYK: "bench-sshpyk"}


async def _started(asking: Asking, rounds: int, where: str, listed: Stage | None = None) -> Report:
    """Milliseconds."""

    async def ready(kernel: str) -> float:
        if kernel == THERE:
            await asking.ask(THERE, "let go")
            if listed is not None:
                await asking.ask(THERE, "list", service=_url(listed), machine=listed.id)
        return await asking.ask(kernel, "start")

    sides = {each: lambda each=each: ready(each) for each in asking.kernels}
    return _start_report(await in_turns(sides, rounds), where)


async def _beside_another(asking: Asking, rounds: int) -> Report:
    """Milliseconds."""
    await asking.open(THERE)
    series = await asking.in_turns(rounds, "start")
    await asking.close(THERE)
    return _start_report(series, "beside another kernel there")


def _start_report(series: dict[str, list[float]], where: str) -> Report:
    report = Report(f"From the start to the first reply: {where}", "milliseconds")
    report.add(series, LOCAL)
    _want(report, series, 1.2)
    return report


async def _round_trips(asking: Asking, rounds: int, count: int) -> Report:
    """Milliseconds."""
    await asking.open(*asking.kernels)
    series = await asking.in_turns(rounds, "round trips", count=count)
    await asking.close(*asking.kernels)
    report = Report("A cell, there and back", "milliseconds")
    report.add(series, LOCAL)
    _want(report, series, 1.15)
    report.notes.append(f"{count} cells a round.")
    return report


async def _output(asking: Asking, how: str, code: str, size: int, rounds: int) -> Report:
    """Seconds."""
    await asking.open(*asking.kernels)
    series = await asking.in_turns(rounds, "output", code=code, size=size)
    await asking.close(*asking.kernels)
    report = Report(f"{size // 1_000_000} MB of output, {how}", "seconds")
    report.add(series, LOCAL)
    _want(report, series, 1.5)
    return report


def _want(report: Report, series: dict[str, list[float]], at_most: float) -> None:
    times = [there / here for there, here in zip(series[THERE], series[LOCAL], strict=True)]
    report.want("on the machine beside a local one", times, at_most=at_most)


# --- what it is measured on ---


@dataclass
class _Behind(Stage):
    """A machine behind a relay of its own process."""

    relay: RelayProcess = field(kw_only=True)

    @property
    def port(self) -> int:
        return self.relay.port


@asynccontextmanager
async def _stage(where: Path) -> AsyncIterator[_Behind]:
    """A service, a relay and a machine of ana's with a Python kernel."""
    os.environ.setdefault("VMSHARE_LOG_LEVEL", "WARNING")
    await asyncio.to_thread(_let_all_read_what_is_compiled)
    async with AsyncExitStack() as stack:
        cloud = SshCloud()
        stack.callback(cloud.stop)
        running = await serving(stack, where, cloud)
        url = running.url + running.service.settings.prefix
        relay = RelayProcess(url, where / "relay.log")
        running.service.ways.address = RelayAddress(relay.host, relay.port)
        stack.callback(relay.kill)
        await relay.start()
        found = _Behind(running, Api(running, stack), cloud, where, relay=relay)
        found.id = await found.make()
        place = "/usr/local/share/jupyter/kernels/python3"
        machine = found.machine
        await asyncio.to_thread(machine.run, "mkdir", "-p", place)
        file = f"{place}/kernel.json"
        await asyncio.to_thread(machine.run, "tee", file, given=json.dumps(_spec(PYTHON)))
        yield found


def _let_all_read_what_is_compiled() -> None:
    """Root may have kept it to root: ana's Python would compile all of it at each start."""
    for place in Path(sys.prefix).rglob("__pycache__"):
        place.chmod(0o755)
        for compiled in place.glob("*.pyc"):
            compiled.chmod(0o644)


def _spec(python: str, **more: Any) -> dict[str, Any]:
    words = [python, "-m", "ipykernel_launcher", "-f", "{connection_file}"]
    return {"argv": words, "display_name": "Python 3", "language": "python", **more}


def _url(stage: Stage) -> str:
    return stage.running.url + stage.running.service.settings.prefix


@asynccontextmanager
async def _notebooks(stage: Stage) -> AsyncIterator[Asking]:
    service = _url(stage)
    specs = {LOCAL: _spec(sys.executable), THERE: _there(stage.id, service)}
    if find_spec("sshpyk") is not None:
        specs[SSHPYK] = await _sshpyk(stage)
    for name, spec in specs.items():
        place = stage.where / "data/kernels" / _NAMES[name]
        place.mkdir(parents=True)
        (place / "kernel.json").write_text(json.dumps(spec))
    (stage.where / "run").mkdir(mode=0o700)
    environment = {
        **os.environ,
        "JUPYTER_PATH": str(stage.where / "data"),
        "JUPYTER_RUNTIME_DIR": str(stage.where / "run"),
        "VMSHARE_SERVICE_URL": service,
        "VMSHARE_TOKEN": stage.running.hub.server_token("ana"),
    }
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.kernel_client"), stdin=PIPE, stdout=PIPE, env=environment
    )
    try:
        yield Asking(process, list(specs))
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await process.wait()


def _there(machine: str, service: str) -> dict[str, Any]:
    config = {"machine": machine, "kernel": "python3", "service": service}
    provisioner = {"provisioner_name": "vmshare-machine", "config": config}
    return _spec("vmshare-machine", metadata={"kernel_provisioner": provisioner})


async def _sshpyk(stage: Stage) -> dict[str, Any]:
    """Its kernelspec, with a configuration of OpenSSH's client as its documentation wants it."""
    async with await stage.enter("ana") as conn:  # the account is there
        await conn.run("true", stdin=asyncssh.DEVNULL)
    authority = await stage.running.service.ways.authorities.issuer(Kind.MACHINES)
    key = asyncssh.generate_private_key("ssh-ed25519")
    place = stage.where / "ssh"
    place.mkdir()
    key.write_private_key(str(place / "key"))
    (place / "key").chmod(0o600)
    issuer = Issuer(authority.signer, datetime.now(UTC))
    made = issuer.for_account(key.convert_to_public(), "ana", stage.id, None)
    (place / "key-cert.pub").write_text(made + "\n")
    proxy = shlex.join([sys.executable, "-c", PROXY, str(stage.machine.socket)])
    options = {
        "HostName": "machine",
        "User": "ana",
        "ProxyCommand": proxy,
        "ProxyUseFdpass": "yes",
        "IdentityFile": place / "key",
        "CertificateFile": place / "key-cert.pub",
        "IdentitiesOnly": "yes",
        "BatchMode": "yes",
        "StrictHostKeyChecking": "no",
        "UserKnownHostsFile": "/dev/null",
        "LogLevel": "ERROR",
        "ControlMaster": "auto",
        "ControlPath": place / "control",
        "ControlPersist": "10m",
        "ServerAliveInterval": "5",
    }
    lines = ["Host bench_sshpyk", *(f"  {name} {value}" for name, value in options.items())]
    (place / "config").write_text("\n".join(lines) + "\n")
    config = {
        "ssh_host_alias": "bench_sshpyk",
        "ssh_config": str(place / "config"),
        "remote_python": PYTHON,
        "remote_kernel_name": "python3",
    }
    provisioner = {"provisioner_name": "sshpyk-provisioner", "config": config}
    return _spec("sshpyk", metadata={"kernel_provisioner": provisioner})
