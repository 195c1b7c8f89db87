"""What the contract suite needs to know of an adapter that it tests."""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import TypeVar

from jupyterhub_vmshare.cloud.port import (
    Cloud,
    CloudBusy,
    CloudMissing,
    DriveWanted,
    MachineWanted,
    Power,
    Seed,
    SeenDrive,
    SeenMachine,
    SeenSnapshot,
    Settled,
)
from jupyterhub_vmshare.ids import new_id

Found = TypeVar("Found")
_numbers = itertools.count(1)


@dataclass(frozen=True)
class Bench:
    """One adapter, ready, with nothing of this test's in it yet.

    Attributes:
        image: An image that every one of its sizes takes.
        size: The smallest size; `larger` has a larger disk.
        patience: Seconds that the slowest order may take here, ten times over.
    """

    cloud: Cloud
    image: str
    size: str
    larger: str
    patience: float

    def wanted(self, mark: str, *, size: str | None = None, **source: str) -> MachineWanted:
        """A machine as somebody would order it; from the image unless a snapshot is given."""
        seed = Seed(f"box{next(_numbers)}", mark, ())
        return MachineWanted(
            mark=mark,
            size=size or self.size,
            seed=seed,
            image=None if source else self.image,
            snapshot=source.get("snapshot"),
        )

    async def order(self, again: Callable[[], Awaitable[Found]]) -> Found:
        """Give an order, again and again while the cloud is at work on the thing."""
        async with asyncio.timeout(self.patience):
            while True:
                try:
                    return await again()
                except CloudBusy:
                    await asyncio.sleep(0.05)

    async def until(self, look: Callable[[], Awaitable[Found | None]]) -> Found:
        """Look until there is something."""
        async with asyncio.timeout(self.patience):
            while True:
                if (found := await look()) is not None:
                    return found
                await asyncio.sleep(0.05)

    # Machines

    async def machine(self, *, power: Power = Power.RUNNING, **more: str) -> SeenMachine:
        """A new machine that is in a state."""
        wanted = self.wanted(new_id("mch"), **more)
        name = await self.cloud.create_machine(wanted)
        found = await self.settled(name)
        if power is Power.STOPPED:
            await self.order(lambda: self.cloud.stop_machine(name))
            found = await self.settled(name)
        assert (found.power, found.because) == (power, None)
        return found

    async def settled(self, machine: str) -> SeenMachine:
        """The machine, once nothing changes any more."""

        async def look() -> SeenMachine | None:
            found = await self.cloud.machine(machine)
            calm = all(at.settled for at in found.attachments)
            return found if found.power is not Power.CHANGING and calm else None

        return await self.until(look)

    async def keys(self, machine: str) -> tuple[str, ...]:
        """Its host keys, once it has made them."""

        async def look() -> tuple[str, ...] | None:
            return tuple(await self.cloud.host_keys(machine)) or None

        return await self.until(look)

    async def gone(self, look: Callable[[], Awaitable[object]]) -> None:
        """Wait until the cloud does not have it any more."""

        async def missing() -> bool | None:
            try:
                await look()
            except CloudMissing:
                return True
            return None

        await self.until(missing)

    # Drives and snapshots

    async def drive(self, *, size_gib: int = 1, clone_of: str | None = None) -> SeenDrive:
        """A new drive that is ready."""
        mark = new_id("drv")
        name = await self.order(
            lambda: self.cloud.create_drive(DriveWanted(mark, size_gib, clone_of))
        )
        return await self.ready_drive(name)

    async def ready_drive(self, drive: str) -> SeenDrive:
        """The drive, once nothing changes any more."""

        async def look() -> SeenDrive | None:
            found = await self.cloud.drive(drive)
            return None if found.settled is Settled.CHANGING else found

        return await self.until(look)

    async def attached(self, drive: str, machine: str, *, read_only: bool = False) -> SeenMachine:
        """Attach a drive, and give the machine once it is there."""
        await self.order(lambda: self.cloud.attach_drive(drive, machine, read_only=read_only))
        return await self.settled(machine)

    async def snapshot(self, machine: str) -> SeenSnapshot:
        """A new snapshot that is ready."""
        mark = new_id("snp")
        name = await self.order(lambda: self.cloud.create_snapshot(machine, mark))

        async def look() -> SeenSnapshot | None:
            found = await self.cloud.snapshot(name)
            return None if found.settled is Settled.CHANGING else found

        return await self.until(look)
