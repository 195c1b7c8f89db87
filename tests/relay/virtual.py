"""A real virtual machine behind the service and the relay, and kernels on it."""

from __future__ import annotations

import asyncio
import shlex
import subprocess
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import asyncssh
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from qemu.qmp import QMPClient

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.kernels.loop import over_there
from jupyter_vmshare.kernels.specs import MachineKernels, kernel_name, offer_those_of_machines
from tests.fixtures.virtual_machines import VirtualKeeper
from tests.fixtures.waiting import within
from tests.relay.live import Live, played

PATIENCE = 900.0
"""Where QEMU has to emulate a processor a start alone takes a minute or two."""


@dataclass
class Virtual(Live):
    """What tests play on. What goes on in a machine is looked at by ana, who is root there."""

    patience: float = PATIENCE

    async def inside(self, *command: str, machine: str = "") -> subprocess.CompletedProcess[str]:
        own, self.id = self.id, machine or self.id
        try:
            async with await self.enter("ana") as conn:
                line = f"sudo -n {shlex.join(command)}"
                done = await conn.run(line, stdin=asyncssh.DEVNULL)
        finally:
            self.id = own
        told = (str(done.stdout), str(done.stderr))
        return subprocess.CompletedProcess(command, done.returncode or 0, *told)

    @asynccontextmanager
    async def unplugged(self) -> AsyncIterator[None]:
        """What goes to the machine, or comes from it, is swallowed: its cable is out."""
        cable = self.keeper.run / "vm" / f"{(await self.row(self.id)).cloud_id}.mon"
        await _set_link(cable, up=False)
        try:
            yield
        finally:
            await _set_link(cable, up=True)

    async def enter(self, person: str, **more: Any) -> asyncssh.SSHClientConnection:
        """As soon as its SSH server answers: a machine runs before it does."""
        conn = None
        async with within(self.patience, f"{person}'s way in"):
            while conn is None:
                conn = await self._try(person, **more)
        assert conn is not None
        return conn

    async def _try(self, person: str, **more: Any) -> asyncssh.SSHClientConnection | None:
        state, keys = (await self.seen(self.id))["state"], (await self.row(self.id)).host_keys
        if state == "running" and keys:
            with suppress(asyncssh.Error, OSError):
                conn = await super().enter(person, **more)
                done = await conn.run("true", stdin=asyncssh.DEVNULL)
                if done.returncode == 0:
                    return conn
                conn.abort()  # the relay is there, the machine is not yet
        await asyncio.sleep(0.5)
        return None


async def _set_link(monitor: Path, *, up: bool) -> None:
    qemu = QMPClient("the test")
    await qemu.connect(str(monitor))
    await qemu.execute("set_link", {"name": "net", "up": up})
    await qemu.disconnect()


@asynccontextmanager
async def virtual(where: Path) -> AsyncIterator[Virtual]:
    """Everything, with ana's machine on it."""
    async with played(Virtual, VirtualKeeper(where / "keeper"), where) as found:
        yield found


@asynccontextmanager
async def kernels_of(way: Live, where: Path) -> AsyncIterator[MachineKernels]:
    """The kernels of the machines of whoever's notebook server this is."""
    url = way.running.url + way.running.service.settings.prefix
    found = MachineKernels(where / "kernels.json", url)

    async def refresh() -> None:
        async with AsyncClient() as client:
            await found.refresh(client)

    await over_there(refresh())
    try:
        yield found
    finally:
        found.stop()


@asynccontextmanager
async def kernel_on(way: Live, kernels: MachineKernels) -> AsyncIterator[Kernel]:
    """One that runs, as a notebook server has it."""
    specs = KernelSpecManager()
    offer_those_of_machines(specs, kernels)
    name = kernel_name(way.id, "python3")
    manager = AsyncKernelManager(kernel_name=name, kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        await client.wait_for_ready(timeout=way.patience)
        yield Kernel(manager, client, way.patience)
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


@dataclass
class Kernel:
    """A kernel with a client."""

    manager: AsyncKernelManager
    client: AsyncKernelClient
    patience: float

    async def run(self, code: str, *, fails: str = "") -> str:
        """Execute it, and what it printed; ``fails``: with which exception it ends."""
        printed: list[str] = []
        while True:
            reply = await self.client.execute_interactive(
                code,
                timeout=self.patience,
                output_hook=lambda each: printed.append(each["content"].get("text", "")),
            )
            # Any kernel leaves out what it is told in the moment after a cell that failed.
            if reply["content"]["status"] != "aborted":
                break
        assert reply["content"].get("ename", "") == fails, reply["content"]
        return "".join(printed)

    async def ends(self) -> None:
        """Wait until it has."""
        async with within(self.patience, "The end of a kernel"):
            while await self.manager.is_alive():
                await asyncio.sleep(0.05)
