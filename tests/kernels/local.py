"""A machine that is this computer: the machine's own part in a process, its pipes for a link.

Its links can be cut, at once or after so many bytes, and refused, as a test says.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from jupyter_vmshare.kernels.channel import Ears, NotAllowed, NotReached
from jupyter_vmshare.kernels.loop import kernels_loop
from jupyterhub_vmshare.relay.machine import vmshare_kernels
from jupyterhub_vmshare.relay.machine.vmshare_kernels.carrying import Link, Pump

PROGRAM = (sys.executable, "-IS", str(Path(vmshare_kernels.__file__).parent))


@dataclass
class LocalMachine:
    """Where its people's homes are, and what its links are like."""

    home: Path
    refused: str | None = None
    is_down: bool = False
    cut_after: list[int] = field(default_factory=list)
    """Bytes that come over each of the next links before it is cut."""
    links: list[Pump] = field(default_factory=list)
    opened: int = 0

    def environment(self) -> dict[str, str]:
        return {
            "HOME": str(self.home),
            "PATH": os.environ["PATH"],
            "JUPYTER_PATH": f"{sys.prefix}/share/jupyter",
        }

    def run(self, *words: str) -> str:
        """The machine's part, to its end."""
        done = subprocess.run(
            [*PROGRAM, *words], env=self.environment(), capture_output=True, text=True, timeout=60
        )
        return done.stdout

    def cut(self, newest: int = 0) -> None:
        """All links, as they are now, or so many of the newest."""

        def fail() -> None:
            for link in self.links[-newest:]:
                link.fail()
            done.set()

        done = threading.Event()
        kernels_loop().call_soon_threadsafe(fail)
        assert done.wait(60)


MACHINES: dict[str, LocalMachine] = {}


class LocalWay:
    """The way to one of `MACHINES`."""

    def __init__(self, machine: str, service: str) -> None:
        self._machine = MACHINES[machine]

    async def open(self, words: Sequence[str], ears: Ears) -> Link:
        machine = self._machine
        if machine.refused is not None:
            raise NotAllowed(machine.refused)
        if machine.is_down:
            raise NotReached("It is down.")
        machine.opened += 1
        process = await asyncio.to_thread(
            subprocess.Popen,
            [*PROGRAM, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            env=machine.environment(),
        )
        assert process.stdin is not None
        assert process.stdout is not None
        left = machine.cut_after.pop(0) if machine.cut_after else None

        def got(data: bytes) -> None:
            nonlocal left
            if left is None:
                ears.came(data)
                return
            piece, left = data[:left], left - len(data)
            if piece:
                ears.came(piece)
            if left <= 0:
                link.fail()

        def gone() -> None:
            machine.links.remove(link)
            asyncio.get_running_loop().run_in_executor(None, process.wait)
            ears.lost(NotReached("The link was cut."))

        link = Pump(
            os.dup(process.stdout.fileno()),
            os.dup(process.stdin.fileno()),
            got=got,
            gone=gone,
            wrote=lambda _: ears.drained(),
        )
        process.stdin.close()
        process.stdout.close()
        machine.links.append(link)
        return link

    async def close(self) -> None:
        pass
