"""Virtual machines beside the bare calls that they are made of.

A keeper of virtual machines, and QEMU as a script would start it. In turns, until QEMU says that
it runs (what goes on inside begins then, and takes as long on both sides):

- the service's adapter orders a machine: written down, with files, a network namespace, an account
  and a shim of its own, found again after a kill; and a script makes an overlay with ``qemu-img``,
  starts QEMU with such devices, and sends ``cont``;
- the adapter orders a drive onto a machine that runs; and a script sends ``blockdev-add`` and
  ``device_add``.

The adapter is asked every 50 milliseconds whether it is so, as the service asks, too (less often).
All machines are halted as soon as they were measured, or they would be what is measured next.
"""

from __future__ import annotations

import asyncio
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

from qemu.qmp import ConnectError, QMPClient

from bench.rounds import Report, in_turns
from jupyterhub_vmshare.cloud.keeper.files import new_drive
from jupyterhub_vmshare.cloud.port import Power
from tests.cloud.bench import Bench
from tests.fixtures.sandboxes import IMAGE
from tests.fixtures.virtual_machines import (
    VirtualKeeper,
    accelerator,
    missing_for_virtual_machines,
)

TITLE = "Virtual machines under QEMU"


async def measure(*, quick: bool = False, rounds: int = 15) -> list[Report]:
    """A report for each of the things above."""
    if why := missing_for_virtual_machines():
        raise SystemExit(why)
    rounds = 1 if quick else rounds
    # Short: paths of sockets are in it.
    with tempfile.TemporaryDirectory(prefix="vmshare-") as place:
        where = Path(place)
        keeper = VirtualKeeper(where / "keeper", options=("--patience=0.1",))
        keeper.where.mkdir()
        try:
            await asyncio.to_thread(keeper.start)
            bench = Bench(keeper.cloud(), IMAGE, "small", "large", patience=300)
            return [
                await _created(keeper, bench, where, rounds),
                await _attached(keeper, bench, where, rounds),
            ]
        finally:
            keeper.stop()


async def _created(keeper: VirtualKeeper, bench: Bench, where: Path, rounds: int) -> Report:
    """Milliseconds."""
    image = newest_image(keeper)

    async def ordered() -> float:
        began = time.perf_counter()
        machine = await bench.machine()
        took = _since(began)
        assert machine.power is Power.RUNNING
        await _halt(keeper.run / "vm" / f"{machine.id}.mon")
        await bench.order(lambda: bench.cloud.delete_machine(machine.id))
        await bench.gone(lambda: bench.cloud.machine(machine.id))
        return took

    async def by_hand() -> float:
        began = time.perf_counter()
        async with bare_machine(where, image) as monitor:
            await monitor.execute("cont")
            took = _since(began)
            await monitor.execute("stop")
        return took

    series = await in_turns({"qemu-img, QEMU and cont": by_hand, "a machine": ordered}, rounds)
    report = Report("From an order to a machine that runs", "milliseconds")
    report.add(series, "qemu-img, QEMU and cont")
    return report


async def _attached(keeper: VirtualKeeper, bench: Bench, where: Path, rounds: int) -> Report:
    """Milliseconds."""
    machine = (await bench.machine()).id
    await _halt(keeper.run / "vm" / f"{machine}.mon")
    numbers = iter(range(10_000))
    async with bare_machine(where, newest_image(keeper)) as monitor:

        async def ordered() -> float:
            drive = (await bench.drive()).id
            began = time.perf_counter()
            await bench.attached(drive, machine)
            return _since(began)

        async def by_hand() -> float:
            node = f"drive-{next(numbers)}"
            file = where / node
            await asyncio.to_thread(new_drive, file, 1, node[:12])
            began = time.perf_counter()
            under = {"driver": "file", "filename": str(file)}
            await _ask(monitor, "blockdev-add", driver="raw", node_name=node, file=under)
            await _ask(monitor, "device_add", driver="scsi-hd", bus="drives.0", drive=node)
            return _since(began)

        sides = {"blockdev-add and device_add": by_hand, "a drive": ordered}
        series = await in_turns(sides, rounds)
    report = Report("From an order to a drive that is there", "milliseconds")
    report.add(series, "blockdev-add and device_add")
    return report


def newest_image(keeper: VirtualKeeper) -> Path:
    """The directory of the image that machines begin with."""
    return max((keeper.images() / IMAGE).iterdir())


@asynccontextmanager
async def bare_machine(where: Path, image: Path) -> AsyncIterator[QMPClient]:
    """QEMU as a script would start it, halted, with a connection to its monitor."""
    disk, socket = where / "bare.qcow2", where / "bare.sock"
    made = await asyncio.create_subprocess_exec(
        *("qemu-img", "create", "-q", "-f", "qcow2", "-F", "raw"),
        *("-b", str(image / "disk.raw"), str(disk), "2G"),
    )
    await made.wait()
    qemu = await asyncio.create_subprocess_exec(
        *("qemu-system-x86_64", "-S", "-nodefaults", "-no-user-config", "-display", "none"),
        *(
            "-M",
            "pc",
            "-accel",
            accelerator(),
            "-m",
            "384",
            "-qmp",
            f"unix:{socket},server=on,wait=off",
        ),
        *("-kernel", str(image / "vmlinuz"), "-initrd", str(image / "initrd")),
        *("-append", "root=/dev/vda rw quiet"),
        *("-drive", f"file={disk},format=qcow2,if=virtio"),
        *("-device", "virtio-scsi-pci,id=drives", "-netdev", "user,id=net,restrict=on"),
        *("-device", "virtio-net-pci,netdev=net,romfile=", "-device", "virtio-rng-pci"),
    )
    try:
        monitor = await _connected(socket)
        yield monitor
        await monitor.disconnect()
    finally:
        qemu.kill()
        await qemu.wait()
        disk.unlink(missing_ok=True)
        socket.unlink(missing_ok=True)


async def _connected(socket: Path) -> QMPClient:
    while True:
        monitor = QMPClient("bench")
        with suppress(ConnectError):
            await monitor.connect(str(socket))
            return monitor
        await asyncio.sleep(0.005)


async def _ask(monitor: QMPClient, do: str, **told: Any) -> None:
    await monitor.execute(do, {name.replace("_", "-"): value for name, value in told.items()})


async def _halt(path: Path) -> None:
    monitor = await _connected(path)
    await monitor.execute("stop")
    await monitor.disconnect()


def _since(began: float) -> float:
    return (time.perf_counter() - began) * 1000
