"""The kernel as a process: how it is started, told to stop, and what became of it."""

import asyncio
import contextlib
import ctypes
import json
import os
import re
import signal
import subprocess
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from . import kernelspecs
from .carrying import Pump
from .places import Refused

_CHANNELS = ("shell", "iopub", "stdin", "hb", "control")
_SAID = 4000
_TO_DIE = 5.0
_DIES_WITH_PARENT = 1
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")


class Kernel:
    """At most one process at a time; ``ended`` is told what became of it."""

    def __init__(self, place: Path, *, ended: Callable[[dict[str, Any]], None]) -> None:
        self._place, self._ended = place, ended
        self._process: subprocess.Popen[bytes] | None = None
        self._starts = 0
        self._code: int | None = None
        self._said = b""
        self._asked: signal.Signals | None = None
        self._killed_for_memory: int | None = None
        self._ran_out: bool | None = None
        self._gone = asyncio.Event()
        self._libc = ctypes.CDLL(None, use_errno=True)

    @property
    def runs(self) -> bool:
        """Whether there is a process."""
        return self._process is not None

    def state(self) -> dict[str, Any]:
        """What the other end needs to know: which start this was, and how it ended.

        ``code`` is null while it runs, and minus a signal's number after that signal.
        """
        pid = self._process.pid if self._process else None
        told: dict[str, Any] = {"starts": self._starts, "code": self._code, "pid": pid}
        if self._code is not None:
            told["asked"] = self._asked is not None
            told["out_of_memory"] = self._ran_out
            told["said"] = self._said.decode("utf-8", "replace")
        return told

    async def start(self, name: str, order: dict[str, Any]) -> dict[str, Any]:
        """Start a kernel of that spec. Raises `Refused` and OSError."""
        if self._asked is not None:  # over a link that comes back both orders come at once
            await self.end(_TO_DIE)
        if self._process is not None:
            raise Refused("The kernel runs already.")
        found = kernelspecs.named(name)
        if found is None:
            raise Refused(f"The machine has no kernel called {name} any more.")
        spec, resources = found
        for stale in self._place.glob("k-*"):
            stale.unlink()
        arguments = self._arguments(spec, resources, order)
        environment = {**os.environ, **_texts(spec.get("env")), **_texts(order.get("env"))}
        environment["JPY_PARENT_PID"] = str(os.getpid())
        self._killed_for_memory = _killed_for_memory()
        reading, writing = os.pipe()
        try:
            self._process = subprocess.Popen(  # noqa: ASYNC220 - nothing else goes on here
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=writing,
                stderr=writing,
                cwd=_directory(order.get("cwd"), order.get("below_home")),
                env=environment,
                start_new_session=True,
                preexec_fn=self._die_with_parent,
            )
        except OSError as error:
            os.close(reading)
            raise Refused(f"{arguments[0]} could not be started: {error.strerror}.") from None
        finally:
            os.close(writing)
        self._starts += 1
        self._code = self._asked = None
        self._said = b""
        self._gone.clear()
        Pump(reading, reading, got=self._heard, gone=lambda: None)
        self._watch(self._process)
        about = {"name": name, "pid": self._process.pid, "started_at": time.time()}
        (self._place / "about.json").write_text(json.dumps(about))
        return self.state()

    def _die_with_parent(self) -> None:
        """A kernel whose supervisor was killed would be nobody's to end."""
        self._libc.prctl(_DIES_WITH_PARENT, signal.SIGKILL)

    def _arguments(self, spec: dict[str, Any], resources: Path, order: dict[str, Any]) -> list[str]:
        """The spec's command line, with a connection file that nobody else can read."""
        ports = {f"{each}_port": _port(order, each) for each in _CHANNELS}
        connection = {
            **ports,
            "transport": "ipc",
            "ip": f"{self._place}/k",
            "key": str(order.get("key", "")),
            "signature_scheme": str(order.get("signature_scheme", "hmac-sha256")),
            "kernel_name": str(order["kernel"]),
        }
        file = self._place / "connection.json"
        file.unlink(missing_ok=True)
        handle = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with open(handle, "w") as written:
            json.dump(connection, written)
        known = {"{connection_file}": str(file), "{resource_dir}": str(resources)}
        found = []
        for word in spec["argv"]:
            for name, value in known.items():
                word = word.replace(name, value)
            found.append(word)
        # Jupyter writes "python" for the Python that the spec was installed with.
        beside = resources.parents[3] / "bin" / found[0]
        if "/" not in found[0] and beside.exists():
            found[0] = str(beside)
        return found

    def _heard(self, data: bytes) -> None:
        """What it writes outside of any message; its last words matter when it dies."""
        self._said = (self._said + data)[-_SAID:]

    def _watch(self, process: subprocess.Popen[bytes]) -> None:
        loop = asyncio.get_running_loop()
        watched = os.pidfd_open(process.pid)

        def gone() -> None:
            loop.remove_reader(watched)
            os.close(watched)
            # A moment, in which what it said last is read.
            loop.call_soon(self._bury, process)

        loop.add_reader(watched, gone)

    def _bury(self, process: subprocess.Popen[bytes]) -> None:
        self._code = process.wait()
        self._process = None
        before, now = self._killed_for_memory, _killed_for_memory()
        self._ran_out = None if before is None or now is None else now > before
        for stale in self._place.glob("k-*"):
            stale.unlink(missing_ok=True)
        self._gone.set()
        self._ended(self.state())

    def signal(self, number: signal.Signals) -> None:
        """To it and what it has started in its group."""
        if self._process is None:
            return
        if number in (signal.SIGTERM, signal.SIGKILL):
            self._asked = number
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, number)

    async def end(self, seconds: float) -> None:
        """In order within that time, or else at once."""
        for number in (signal.SIGTERM, signal.SIGKILL):
            if self._process is None:
                return
            self.signal(number)
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await self._gone.wait()


def _killed_for_memory() -> int | None:
    """How many processes the system has killed since it had no memory left, of anybody's."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def _texts(found: Any) -> dict[str, str]:
    """Those of an environment's variables that are some."""
    if not isinstance(found, dict):
        return {}
    return {
        name: value
        for name, value in found.items()
        if isinstance(value, str) and _NAME.fullmatch(str(name)) and "\0" not in value
    }


def _directory(wanted: Any, below_home: Any) -> str:
    """Where it works: as on the notebook server where there is such a place, else at home.

    The same place may be called otherwise here, where the home is another one.
    """
    places = [wanted] if isinstance(wanted, str) and os.path.isabs(wanted) else []
    places += [str(Path.home() / below_home)] if isinstance(below_home, str) else []
    return next((each for each in places if os.access(each, os.X_OK)), str(Path.home()))


def _port(order: dict[str, Any], channel: str) -> int:
    ports = order.get("ports")
    found = ports.get(channel) if isinstance(ports, dict) else None
    if not isinstance(found, int) or not 0 < found < 65_536:
        raise Refused("The order's ports are none.")
    return found
