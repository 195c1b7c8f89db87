"""How a kernel's process is started: without asyncio, so that it boots while that is loaded."""

import ctypes
import json
import os
import re
import signal
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple

from . import kernelspecs
from .places import Refused

_CHANNELS = ("shell", "iopub", "stdin", "hb", "control")
_DIES_WITH_PARENT = 1
_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9_]*")
_libc = ctypes.CDLL(None, use_errno=True)


class Launched(NamedTuple):
    """A kernel that was started a moment ago."""

    process: "subprocess.Popen[bytes]"
    output: int
    """Where it is read what it writes outside of any message."""
    killed_for_memory: int | None
    """How many processes had been killed for want of memory before."""


def launch(place: Path, order: dict[str, Any]) -> Launched:
    """Start a kernel with its sockets in that directory. Raises `Refused` and OSError.

    It is a child of this process, and dies with it.
    """
    name = str(order.get("kernel"))
    found = kernelspecs.named(name)
    if found is None:
        raise Refused(f"The machine has no kernel called {name} any more.")
    spec, resources = found
    for stale in place.glob("k-*"):
        stale.unlink()
    arguments = _arguments(place, spec, resources, order)
    environment = {
        **os.environ,
        **_activated(kernelspecs.environment_of(resources)),
        **_texts(spec.get("env")),
        **_texts(order.get("env")),
    }
    environment["JPY_PARENT_PID"] = str(os.getpid())
    before = killed_for_memory()
    reading, writing = os.pipe()
    try:
        process = subprocess.Popen(
            arguments,
            stdin=subprocess.DEVNULL,
            stdout=writing,
            stderr=writing,
            cwd=_directory(order.get("cwd"), order.get("below_home")),
            env=environment,
            start_new_session=True,
            preexec_fn=_die_with_parent,
        )
    except OSError as error:
        os.close(reading)
        raise Refused(f"{arguments[0]} could not be started: {error.strerror}.") from None
    finally:
        os.close(writing)
    about = {"name": name, "pid": process.pid, "started_at": time.time()}
    (place / "about.json").write_text(json.dumps(about))
    return Launched(process, reading, before)


def _die_with_parent() -> None:
    """A kernel whose supervisor was killed would be nobody's to end."""
    _libc.prctl(_DIES_WITH_PARENT, signal.SIGKILL)


def _arguments(
    place: Path, spec: dict[str, Any], resources: Path, order: dict[str, Any]
) -> list[str]:
    """The spec's command line, with a connection file that nobody else can read."""
    ports = {f"{each}_port": _port(order, each) for each in _CHANNELS}
    connection = {
        **ports,
        "transport": "ipc",
        "ip": f"{place}/k",
        "key": str(order.get("key", "")),
        "signature_scheme": str(order.get("signature_scheme", "hmac-sha256")),
        "kernel_name": str(order["kernel"]),
    }
    file = place / "connection.json"
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


def killed_for_memory() -> int | None:
    """How many processes the system has killed since it had no memory left, of anybody's."""
    try:
        lines = Path("/proc/vmstat").read_text().splitlines()
    except OSError:
        return None
    return next((int(line.split()[1]) for line in lines if line.startswith("oom_kill ")), None)


def _activated(environment: Path | None) -> dict[str, str]:
    """What activating it sets for all shells; what its packages add by scripts is left out."""
    if environment is None:
        return {}
    found = {"PATH": f"{environment}/bin:{os.environ.get('PATH', os.defpath)}"}
    if (environment / "conda-meta").is_dir():
        return {**found, "CONDA_PREFIX": str(environment), "CONDA_DEFAULT_ENV": environment.name}
    return {**found, "VIRTUAL_ENV": str(environment)}


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
