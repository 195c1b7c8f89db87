"""Everything that is measured runs in a process of its own; here they are started and ended."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from tests.fixtures.hub_process import free_port

ROOT = Path(__file__).parents[1]
PREFIX = "/services/vmshare/"
_START = 120.0


@dataclass(frozen=True)
class Hub:
    """Where a hub's API is, the service's token of it, and a token for each person."""

    api_url: str
    service_token: str
    tokens: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Server:
    """A process that takes requests at ``url``."""

    url: str
    pid: int

    def resident(self) -> int:
        """Bytes of memory that it holds now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE")


@contextlib.contextmanager
def scripted_hub(
    people: Iterable[str], groups: Mapping[str, list[str]] | None = None
) -> Iterator[Hub]:
    """The tests' hub with these people, and a token of each as their panel has it."""
    with _running([sys.executable, "-m", "bench.scripted_hub"], pipes=True) as process:
        assert process.stdin is not None and process.stdout is not None
        wanted = {"people": list(people), "groups": dict(groups or {})}
        process.stdin.write(json.dumps(wanted).encode() + b"\n")
        process.stdin.flush()
        yield Hub(**json.loads(process.stdout.readline()))


@contextlib.contextmanager
def service(db_url: str, hub: Hub, where: Path) -> Iterator[Server]:
    """``jupyterhub-vmshare serve`` as an operator would start it; ``url`` is that of the API."""
    where.mkdir(parents=True, exist_ok=True)
    port = free_port()
    command = [sys.executable, "-m", "jupyterhub_vmshare", "serve"]
    told = [f"--address=127.0.0.1:{port}", f"--db={db_url}", f"--data={where}"]
    environment = {
        "JUPYTERHUB_API_URL": hub.api_url,
        "JUPYTERHUB_API_TOKEN": hub.service_token,
        "JUPYTERHUB_SERVICE_PREFIX": PREFIX,
    }
    with _running(command + told, environment, where / "service.log") as process:
        url = f"http://127.0.0.1:{port}{PREFIX}api"
        _wait(f"{url}/openapi.json", process, where / "service.log")
        yield Server(url, process.pid)


@contextlib.contextmanager
def bare() -> Iterator[Server]:
    """Bare tornado (``bench/bare.py``)."""
    port = free_port()
    with _running([sys.executable, "-m", "bench.bare", str(port)]) as process:
        url = f"http://127.0.0.1:{port}"
        _wait(f"{url}/page?size=2", process, None)
        yield Server(url, process.pid)


@contextlib.contextmanager
def _running(
    command: list[str],
    environment: Mapping[str, str] | None = None,
    log: Path | None = None,
    *,
    pipes: bool = False,
) -> Iterator[subprocess.Popen[bytes]]:
    kept = {name: value for name, value in os.environ.items() if not name.startswith("JUPYTER")}
    with contextlib.ExitStack() as stack:
        out = subprocess.DEVNULL if log is None else stack.enter_context(log.open("ab"))
        process = subprocess.Popen(
            command,
            cwd=ROOT,
            env={**kept, **(environment or {})},
            stdin=subprocess.PIPE if pipes else subprocess.DEVNULL,
            stdout=subprocess.PIPE if pipes else out,
            stderr=None if pipes else out,
            # The scheduler shares the cores between sessions: nobody here shares one.
            start_new_session=True,
        )
        try:
            yield process
        finally:
            process.send_signal(signal.SIGTERM)
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def _wait(url: str, process: subprocess.Popen[bytes], log: Path | None) -> None:
    deadline = time.monotonic() + _START
    while time.monotonic() < deadline and process.poll() is None:
        with contextlib.suppress(OSError, urllib.error.HTTPError):
            urllib.request.urlopen(url, timeout=5).close()  # noqa: S310 (our own, on loopback)
            return
        time.sleep(0.05)
    told = "" if log is None else log.read_text(errors="replace")[-3000:]
    raise RuntimeError(f"{url} never answered. {told}")
