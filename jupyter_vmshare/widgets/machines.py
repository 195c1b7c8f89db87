"""Machines, for notebooks and the command line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Final, TypeVar

from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.call import Paged, Steps
from jupyter_vmshare.client.calls import machines as calls
from jupyter_vmshare.client.errors import VMShareError
from jupyter_vmshare.client.sync import Client
from jupyter_vmshare.client.twins import Async, Sync, twin
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.lending import MachineSharing, new_grants
from jupyter_vmshare.widgets.moments import shown
from jupyter_vmshare.widgets.named import ByName, ThingsVerbs, id_of
from jupyter_vmshare.widgets.reached import AsyncReached, Reached
from jupyter_vmshare.widgets.sharing import Receivers
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.machines import (
    CloudView,
    ConsoleLog,
    MachineSnapshotView,
    MachineView,
)

M = TypeVar("M", bound="MachineVerbs")
_LOOK_EVERY: Final = 0.5
_UNDER_WAY: Final = frozenset(
    {
        *("making", "starting", "stopping", "rebooting"),
        *("resizing", "rebuilding", "changing", "deleting"),
    }
)


class MachineFailed(VMShareError):
    """The machine is not as it was wanted; the message says why."""


class MachineVerbs(MachineSharing):
    """Methods on the machine itself. Each updates what the object shows."""

    @property
    def state(self) -> str:
        """Where it was when the service last told: running, stopped, making or failed."""
        return self.view.state.value if self.view.state else "invited"

    @property
    def is_under_way(self) -> bool:
        """Whether it is on its way to what was wanted."""
        return self.state in _UNDER_WAY

    @twin
    def refresh(self) -> Steps[None]:
        """Ask the service again what the machine is like."""
        self.view = yield calls.machine(self.id)

    @twin
    def start(self) -> Steps[None]:
        """Have it run; where something failed, have it tried again. ``wait`` until it does."""
        self.view = yield calls.start_machine(self.id)

    @twin
    def stop(self) -> Steps[None]:
        """Have it stop; what is on its disks stays."""
        self.view = yield calls.stop_machine(self.id)

    @twin
    def reboot(self, *, hard: bool = False) -> Steps[None]:
        """Have it reboot; ``hard``: without asking anybody on it."""
        self.view = yield calls.reboot_machine(self.id, hard=hard)

    @twin
    def resize(self, size: str) -> Steps[None]:
        """Have it in another size, by its name or id."""
        offer: CloudView = yield calls.cloud()
        self.view = yield calls.resize_machine(self.id, id_of(size, offer.sizes, "size"))

    @twin
    def rebuild(self, *, image: str | None = None, snapshot: str | None = None) -> Steps[None]:
        """Have a fresh system disk from an image or a snapshot; drives and people stay."""
        of_image, of_snapshot = yield from source(image, snapshot)
        self.view = yield calls.rebuild_machine(self.id, image=of_image, snapshot_id=of_snapshot)

    @twin
    def rename(self, name: str) -> Steps[None]:
        """Give it another name, for everybody."""
        self.view = yield calls.rename_machine(self.id, name, self.view.version)

    @twin
    def console_log(self) -> Steps[str]:
        """The end of what it wrote to its console."""
        told: ConsoleLog = yield calls.console_log(self.id)
        return told.text

    @twin
    def keep_on(self, hours: int) -> Steps[None]:
        """Keep it on for some hours, though nobody uses it."""
        self.view = yield calls.keep_machine_on(self.id, hours)

    @twin
    def stop_when_idle(self, minutes: int | None) -> Steps[None]:
        """Have it stop after so many minutes without use; None: never."""
        self.view = yield calls.set_idle_policy(self.id, minutes)

    @twin
    def snapshot(self, name: str) -> Steps[MachineSnapshotView]:
        """Store a copy of its system disk, from which machines can be made."""
        taken: MachineSnapshotView = yield calls.take_machine_snapshot(self.id, name)
        return taken

    def _settled(self) -> bool:
        if self.is_under_way:
            return False
        if self.view.because is not None:
            raise MachineFailed(self.view.because)
        return True

    def __repr__(self) -> str:
        notes = [self.state] + ([] if self.view.level == "owner" else [f"of {self.owner}"])
        if self.view.because:
            notes.append(self.view.because)
        return cards.visible(f"<Machine {self.name!r}: {', '.join(notes)}>")

    def _repr_html_(self) -> str:
        drives = ", ".join(drive.drive_name for drive in self.view.drives)
        pairs = [
            ("Owner", self.owner),
            ("Level", cards.level(self.level)),
            ("State", self.state),
            ("Because", self.view.because or ""),
            ("Size", self.view.size or ""),
            ("Made from", self.view.made_from or ""),
            ("Drives", drives),
            ("Stops", shown(self.view.stops_at)),
            ("Until", shown(self.view.ends_at)),
        ]
        return cards.card(self.name, cards.facts(pairs))


class Machine(MachineVerbs, Reached, Sync):
    """A machine. Its methods answer at once; ``wait`` until what was asked for is so."""

    _player: Client

    def wait(self, within: float = 600.0) -> Machine:
        """Wait until nothing is under way any more.

        Raises:
            MachineFailed: It is not as it was wanted; the message says why.
            TimeoutError: It took longer than ``within`` seconds.
        """
        until = time.monotonic() + within
        self.refresh()
        while not self._settled():
            if time.monotonic() > until:
                raise TimeoutError(f"{self.name} is {self.state} after {within:.0f} seconds.")
            time.sleep(_LOOK_EVERY)
            self.refresh()
        return self


class AsyncMachine(MachineVerbs, AsyncReached, Async):
    """A machine whose methods are awaited."""

    _player: AsyncClient

    async def wait(self, within: float = 600.0) -> AsyncMachine:
        """The same as `Machine.wait`, awaited."""
        async with asyncio.timeout(within):
            await self.refresh()
            while not self._settled():
                await asyncio.sleep(_LOOK_EVERY)
                await self.refresh()
        return self


class MachineTable(Table[M]):
    """Several machines."""

    heads = ("Machine", "Owner", "State", "Size", "Made from", "Drives")
    empty = "No machines. machines.create('name', size=…, image=…) makes one."

    def row(self, item: M) -> tuple[str, ...]:
        """Name, owner, state, size, source, drives."""
        drives = ", ".join(drive.drive_name for drive in item.view.drives)
        view = item.view
        return item.name, item.owner, item.state, view.size or "", view.made_from or "", drives


class SnapshotsTable(Table[MachineSnapshotView]):
    """Snapshots of machines, the newest first."""

    heads = ("Snapshot", "Name", "Of", "Made", "State")
    empty = "No snapshots. machine.snapshot('name') makes one."

    def row(self, item: MachineSnapshotView) -> tuple[str, ...]:
        """Id, name, machine, moment, state."""
        state = item.because or item.state.value
        return item.id, item.name, item.machine_name, shown(item.created_at), state


class MachinesVerbs(ThingsVerbs[M]):
    """Methods on all of one's machines."""

    _what = "machine"

    @staticmethod
    def _listed() -> Paged[MachineView]:
        return calls.machines()

    @staticmethod
    def _tabled(things: list[M]) -> Table[M]:
        return MachineTable(things, "Your machines")

    @twin
    def create(
        self,
        name: str,
        *,
        size: str,
        image: str | None = None,
        snapshot: str | None = None,
        drive_gib: int | None = None,
        share: Receivers = (),
    ) -> Steps[M]:
        """Make a machine of your own; ``wait()`` until it runs.

        Args:
            name: What to call it.
            size: The name or id of a size; ``offer`` lists them.
            image: The name or id of an image; or else
            snapshot: the name or id of a snapshot of yours.
            drive_gib: Of the drive that comes with it; 0: none, None: as the site says.
            share: Whom to invite: names, or a mapping of names to ``use`` or ``manage``. Where
                one of them can't be invited, nothing is made.
        """
        offer: CloudView = yield calls.cloud()
        of_image, of_snapshot = yield from source(image, snapshot)
        view: MachineView = yield calls.create_machine(
            name,
            id_of(size, offer.sizes, "size"),
            image=of_image,
            snapshot_id=of_snapshot,
            drive_gib=drive_gib,
            grants=new_grants(share),
        )
        return self._thing(view, self._player)

    @twin
    def offer(self) -> Steps[CloudView]:
        """What machines can be made from at this site, and how large."""
        offered: CloudView = yield calls.cloud()
        return offered

    @twin
    def snapshots(self) -> Steps[SnapshotsTable]:
        """Your snapshots, the newest first."""
        found = yield from calls.machine_snapshots().steps()
        return SnapshotsTable(found, "Snapshots of machines")

    @twin
    def delete_snapshot(self, snapshot: str) -> Steps[None]:
        """Delete a snapshot, by its name or id; machines that were made from it stay."""
        found = yield from calls.machine_snapshots().steps()
        yield calls.delete_machine_snapshot(id_of(snapshot, found, "snapshot"))


class Machines(MachinesVerbs[Machine], ByName[Machine], Sync):
    """Your machines: ``machines["gpu-box"]`` by name or id, ``for machine in machines``."""

    _player: Client

    def __init__(self, player: Client) -> None:
        self._thing, self._player = Machine, player

    def _one(self, name: str) -> Machine:
        return self.get(name)

    def _all(self) -> Table[Machine]:
        return self.find()


class AsyncMachines(MachinesVerbs[AsyncMachine], Async):
    """Your machines: ``await machines.get("gpu-box")``, ``async for machine in machines``."""

    _player: AsyncClient

    def __init__(self, player: AsyncClient) -> None:
        self._thing, self._player = AsyncMachine, player

    async def __aiter__(self) -> AsyncIterator[AsyncMachine]:
        """Each machine."""
        async for view in self._player.machines():
            yield AsyncMachine(view, self._player)


def source(image: str | None, snapshot: str | None) -> Steps[tuple[str | None, str | None]]:
    """The ids of an image or a snapshot that was named."""
    if (image is None) == (snapshot is None):
        raise ValueError("Name an image or a snapshot, one of the two.")
    if image is not None:
        offer: CloudView = yield calls.cloud()
        return id_of(image, offer.images, "image"), None
    found = yield from calls.machine_snapshots().steps()
    return None, id_of(snapshot or "", found, "snapshot")
