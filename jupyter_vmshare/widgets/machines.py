"""Machines, for notebooks and the command line."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any, Final, TypeVar

from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.call import Paged, Steps
from jupyter_vmshare.client.calls import machines as calls
from jupyter_vmshare.client.errors import VMShareError
from jupyter_vmshare.client.sync import Client
from jupyter_vmshare.client.twins import Async, Sync, twin
from jupyter_vmshare.reach.link import asked
from jupyter_vmshare.reach.threads import Say
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.awaiting import awaiting
from jupyter_vmshare.widgets.cardshelf import card_of
from jupyter_vmshare.widgets.lending import MachineSharing, new_grants
from jupyter_vmshare.widgets.machinewords import (
    coming_up,
    html_of,
    is_under_way,
    state_of,
    step_now,
)
from jupyter_vmshare.widgets.moments import shown
from jupyter_vmshare.widgets.named import ByName, ThingsVerbs, id_of
from jupyter_vmshare.widgets.progress import is_notebook, shown_bar
from jupyter_vmshare.widgets.projects import project_id
from jupyter_vmshare.widgets.reached import Reached
from jupyter_vmshare.widgets.sharing import Receivers
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.machines import (
    CloudView,
    ConsoleLog,
    MachineSnapshotView,
    MachineView,
)

M = TypeVar("M", bound="MachineVerbs")
WITHIN: Final = 600.0
"""Seconds until a machine has to be as it was wanted."""
_LOOK_EVERY: Final = 0.5


class MachineFailed(VMShareError):
    """The machine is not as it was wanted; the message says why."""


class MachineVerbs(MachineSharing, Reached):
    """Methods on the machine itself. Each updates what the object shows."""

    @property
    def state(self) -> str:
        """Where it was when the service last told: running, stopped, making or failed."""
        return state_of(self.view)

    @property
    def is_under_way(self) -> bool:
        """Whether it is on its way to what was wanted."""
        return is_under_way(self.view)

    @twin
    def refresh(self) -> Steps[None]:
        """Ask the service again what the machine is like."""
        self.view = yield calls.machine(self.id)

    @awaiting
    async def start(
        self, _say: Say, *, wait: bool = False, within: float = WITHIN, progress: bool = True
    ) -> None:
        """Have it run; where something failed, have it tried again.

        Args:
            wait: Until it runs, as `wait` does; the others are of that.
            within: Seconds.
            progress: Show a bar, in a notebook.
        """
        self.view = await asked(self._player, calls.start_machine(self.id))
        if wait:
            await self._come(_say, within, progress)

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

    @awaiting
    async def _waited(self, say: Say, within: float, progress: bool) -> None:
        await self._come(say, within, progress)

    async def _come(self, say: Say, within: float, progress: bool) -> None:
        until = time.monotonic() + within
        with shown_bar(self.name, progress, say) as bar:
            while True:
                self.view = await asked(self._player, calls.machine(self.id))
                if bar is not None:
                    say(bar.at, _part(self.view), step_now(self.view))
                if not self.is_under_way:
                    break
                if time.monotonic() > until:
                    raise TimeoutError(f"{self.name} is {self.state} after {within:.0f} seconds.")
                await asyncio.sleep(_LOOK_EVERY)
            if self.view.because is not None:
                raise MachineFailed(self.view.because)

    def __repr__(self) -> str:
        notes = [self.state] + ([] if self.view.level == "owner" else [f"of {self.owner}"])
        if self.view.because:
            notes.append(self.view.because)
        return cards.visible(f"<Machine {self.name!r}: {', '.join(notes)}>")

    def _repr_html_(self) -> str:
        return html_of(self.view)

    def _repr_mimebundle_(self, **_asked: object) -> dict[str, Any]:
        """Besides, in a notebook: a card that lives, the same one wherever it is shown."""
        if not is_notebook():
            return {}
        card: Any = card_of(self.view, self._player)
        bundle: dict[str, Any] = card._repr_mimebundle_()
        return {kind: data for kind, data in bundle.items() if kind != "text/plain"}


class Machine(MachineVerbs, Sync):
    """A machine. Its methods answer at once; ``wait`` until what was asked for is so."""

    _player: Client

    def wait(self, within: float = WITHIN, *, progress: bool = True) -> Machine:
        """Wait until nothing is under way any more, and show how far it is.

        Args:
            within: Seconds.
            progress: Show a bar, in a notebook.

        Raises:
            MachineFailed: It is not as it was wanted; the message says why.
            TimeoutError: It took longer than ``within``.
        """
        self._waited(within, progress)
        return self


class AsyncMachine(MachineVerbs, Async):
    """A machine whose methods are awaited."""

    _player: AsyncClient

    async def wait(self, within: float = WITHIN, *, progress: bool = True) -> AsyncMachine:
        """The same as `Machine.wait`, awaited."""
        await self._waited(within, progress)
        return self


def _part(view: MachineView) -> float | None:
    """How much of what happens while it comes up is done."""
    steps = coming_up(view)
    return sum(step.how == "done" for step in steps) / len(steps) if steps else None


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
        project: str | None = None,
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
            project: Make it in this project of yours, by its name or id.
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
            project_id=(yield from project_id(project)),
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
