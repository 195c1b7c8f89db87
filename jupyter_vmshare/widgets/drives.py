"""Drives, for notebooks and the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Generic, TypeVar

from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import drives as calls
from jupyter_vmshare.client.calls import machines as machine_calls
from jupyter_vmshare.client.errors import NotFound
from jupyter_vmshare.client.sync import Client
from jupyter_vmshare.client.twins import Async, Sync, twin
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.handle import Addressed, Handle
from jupyter_vmshare.widgets.machines import MachineVerbs, id_of
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.drives import DriveView

D = TypeVar("D", bound="DriveVerbs")


class DriveVerbs(Handle[DriveView]):
    """Methods on the drive itself. Each updates what the object shows."""

    @property
    def state(self) -> str:
        """Where it was when the service last told: making, ready or failed."""
        return self.view.state.value if self.view.state else "invited"

    @twin
    def refresh(self) -> Steps[None]:
        """Ask the service again what the drive is like."""
        self.view = yield calls.drive(self.id)

    @twin
    def attach(self, machine: MachineVerbs | str, *, read_only: bool = False) -> Steps[None]:
        """Have it on a machine: on one to be written, or on several to be read."""
        machine_id = yield from _machine_id(machine)
        self.view = yield calls.attach_drive(self.id, machine_id, read_only=read_only)

    @twin
    def detach(self, machine: MachineVerbs | str) -> Steps[None]:
        """Have it off a machine."""
        machine_id = yield from _machine_id(machine)
        self.view = yield calls.detach_drive(self.id, machine_id)

    @twin
    def extend(self, size_gib: int) -> Steps[None]:
        """Have it larger."""
        self.view = yield calls.extend_drive(self.id, size_gib)

    @twin
    def clone(self, name: str) -> Steps[DriveView]:
        """Make a copy of it as a drive of your own."""
        made: DriveView = yield calls.clone_drive(self.id, name)
        return made

    @twin
    def rename(self, name: str) -> Steps[None]:
        """Give it another name, for everybody."""
        self.view = yield calls.rename_drive(self.id, name, self.view.version)

    def __repr__(self) -> str:
        on = [f"on {one.machine_name}" for one in self.view.machines]
        notes = [self.state, f"{self.view.size_gib} GiB", *on]
        return cards.visible(f"<Drive {self.name!r}: {', '.join(notes)}>")

    def _repr_html_(self) -> str:
        pairs = [
            ("Owner", self.view.owner),
            ("State", self.state),
            ("Because", self.view.because or ""),
            ("Size", f"{self.view.size_gib} GiB"),
            ("On", ", ".join(one.machine_name for one in self.view.machines)),
        ]
        return cards.card(self.name, cards.facts(pairs))


class Drive(DriveVerbs, Sync):
    """A drive. Its methods answer at once."""

    _player: Client


class AsyncDrive(DriveVerbs, Async):
    """A drive whose methods are awaited."""

    _player: AsyncClient


class DriveTable(Table[D]):
    """Several drives."""

    heads = ("Drive", "Owner", "State", "GiB", "On")
    empty = "No drives. drives.create('name', 10) makes one."

    def row(self, item: D) -> tuple[str, ...]:
        """Name, owner, state, size, machines."""
        on = ", ".join(one.machine_name for one in item.view.machines)
        return item.name, item.view.owner, item.state, str(item.view.size_gib or ""), on


class DrivesVerbs(Generic[D]):
    """Methods on all of one's drives."""

    _drive: type[D]
    _player: Addressed

    @twin
    def create(self, name: str, size_gib: int) -> Steps[D]:
        """Make a drive of your own."""
        view: DriveView = yield calls.create_drive(name, size_gib)
        return self._drive(view, self._player)

    @twin
    def get(self, name: str) -> Steps[D]:
        """The drive of this name or id; of several, your own. Raises ``NotFound``."""
        views = yield from calls.drives().steps()
        found = [view for view in views if name in (view.id, view.name)]
        found.sort(key=lambda view: view.level != "owner")
        if not found:
            raise NotFound(f"You have no drive {name!r}.")
        return self._drive(found[0], self._player)

    @twin
    def find(self) -> Steps[DriveTable[D]]:
        """Your drives, the newest first."""
        views = yield from calls.drives().steps()
        return DriveTable((self._drive(view, self._player) for view in views), "Your drives")


class Drives(DrivesVerbs[Drive], Sync):
    """Your drives: ``drives["data"]`` by name or id, ``for drive in drives``."""

    _player: Client

    def __init__(self, player: Client) -> None:
        self._drive, self._player = Drive, player

    def __getitem__(self, name: str) -> Drive:
        try:
            return self.get(name)
        except NotFound as error:
            raise KeyError(str(error)) from None

    def __iter__(self) -> Iterator[Drive]:
        return iter(self.find())

    def __len__(self) -> int:
        return len(self.find())

    def _ipython_key_completions_(self) -> list[str]:
        return [drive.name for drive in self.find()]

    def __repr__(self) -> str:
        return repr(self.find())

    def _repr_html_(self) -> str:
        return self.find()._repr_html_()


class AsyncDrives(DrivesVerbs[AsyncDrive], Async):
    """Your drives: ``await drives.get("data")``, ``async for drive in drives``."""

    _player: AsyncClient

    def __init__(self, player: AsyncClient) -> None:
        self._drive, self._player = AsyncDrive, player

    async def __aiter__(self) -> AsyncIterator[AsyncDrive]:
        """Each drive."""
        async for view in self._player.drives():
            yield AsyncDrive(view, self._player)


def _machine_id(machine: MachineVerbs | str) -> Steps[str]:
    if isinstance(machine, MachineVerbs):
        return machine.id
    return id_of(machine, (yield from machine_calls.machines().steps()), "machine")
