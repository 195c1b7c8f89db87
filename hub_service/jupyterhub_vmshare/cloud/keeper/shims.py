"""The processes beside machines, which start them and outlive the keeper.

Each holds its machine's lock as long as it lives, and writes down which process the machine is.
"""

from __future__ import annotations

import fcntl
import json
import logging
import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from typing import IO, cast

from jupyterhub_vmshare.cloud.keeper.files import Trouble
from jupyterhub_vmshare.cloud.keeper.processes import Process
from jupyterhub_vmshare.cloud.keeper.records import Record, Records
from jupyterhub_vmshare.steps import reached

_log = logging.getLogger("vmshare.keeper")
_START_PATIENCE, _KILL_PATIENCE, _TIDY_PATIENCE = 60.0, 10.0, 10.0


class Shims:
    """Those of one kind of machines.

    Args:
        machines: What is written down of them.
        module: What is run. It reads one text, says ``{"because": null}`` or why not, and stays.
    """

    def __init__(self, machines: Records, module: str) -> None:
        self._machines = machines
        self._module = module

    def process(self, machine: str) -> Process | None:
        """A machine's first process, if it runs."""
        path = self._machines.place(machine) / "process.json"
        with suppress(OSError, ValueError):
            told = json.loads(path.read_text())
            found = Process.parse(told)
            if told["ready"] and found.lives():
                return found
        return None

    def wait_until_tidy(self, machine: str) -> None:
        """Its last act is to remove what is left of a start. One that hangs is not waited for."""
        deadline = time.monotonic() + _TIDY_PATIENCE
        while self.lives(machine) and time.monotonic() < deadline:
            time.sleep(0.01)

    def runs_soon(self, machine: str) -> bool:
        """Whether it runs, or does so in a moment: an earlier keeper may just have started it."""
        deadline = time.monotonic() + _START_PATIENCE
        while self.process(machine) is None:
            if not self.lives(machine):
                # A shim that was killed may have left a machine that runs.
                return self.process(machine) is not None
            if time.monotonic() > deadline:
                raise Trouble("An earlier start of the machine hangs.")
            time.sleep(0.02)
        return True

    def lives(self, machine: str) -> bool:
        """Whether a machine has one."""
        path = self._machines.place(machine) / "shim.lock"
        with path.open("ab") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return True
        return False

    def end_half(self, machine: str) -> None:
        """A first process whose shim died before it was ready is nobody's: it ends."""
        path = self._machines.place(machine) / "process.json"
        if not self.lives(machine):
            with suppress(OSError, ValueError):
                told = json.loads(path.read_text())
                if not told["ready"]:
                    Process.parse(told).end(signal.SIGKILL, _KILL_PATIENCE)

    def start(self, machine: str, text: str) -> None:
        """Start one, and wait for what it says."""
        shim = subprocess.Popen(
            [sys.executable, "-I", "-m", self._module],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            cwd="/",
        )
        told = cast(IO[bytes], shim.stdin)  # it was asked for as a pipe
        with suppress(BrokenPipeError):
            told.write(text.encode())
            told.close()
        reached("keeper.start.told")
        said = _answer_of(shim)
        if said is None:
            shim.kill()
            shim.wait(_KILL_PATIENCE)
            self.end_half(machine)
            raise Trouble("The machine did not start in time.")
        if said["because"] is not None:
            _log.error("%s did not start: %s", machine, said["because"])
            raise Trouble(f"The machine did not start: {said['because']}")

    def console(self, machine: str, most_bytes: int) -> str:
        """The end of what it said."""
        place = self._machines.place(machine)
        told = b""
        for name in ("console.old", "console.log"):
            with suppress(FileNotFoundError):
                told += (place / name).read_bytes()
        return told[-most_bytes:].decode(errors="replace") if most_bytes else ""


def _answer_of(shim: subprocess.Popen[bytes]) -> Record | None:
    """What a shim says before its patience ends. It is not waited for: it stays."""
    deadline = time.monotonic() + _START_PATIENCE
    output = shim.stdout
    if output is None:
        return None
    os.set_blocking(output.fileno(), False)
    told = b""
    while time.monotonic() < deadline:
        more = output.read()
        told += more or b""
        if more == b"":
            output.close()
            return json.loads(told) if told else {"because": "It was ended while it started."}
        time.sleep(0.005)
    return None
