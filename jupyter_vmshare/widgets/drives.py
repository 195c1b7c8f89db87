"""Drives, for notebooks and the command line."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import TypeVar

from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.call import Paged, Steps
from jupyter_vmshare.client.calls import drives as calls
from jupyter_vmshare.client.calls import machines as machine_calls
from jupyter_vmshare.client.sync import Client
from jupyter_vmshare.client.twins import Async, Sync, twin
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.handle import Handle
from jupyter_vmshare.widgets.lending import DriveSharing
from jupyter_vmshare.widgets.named import ByName, ThingsVerbs, id_of
from jupyter_vmshare.widgets.projects import project_id
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.drives import DriveView
from jupyterhub_vmshare.api.contract.machines import MachineView

D = TypeVar("D", bound="DriveVerbs")


class DriveVerbs(DriveSharing):
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
    def attach(self, machine: Handle[MachineView] | str, *, read_only: bool = False) -> Steps[None]:
        """Have it on a machine: on one to be written, or on several to be read."""
        machine_id = yield from _machine_id(machine)
        self.view = yield calls.attach_drive(self.id, machine_id, read_only=read_only)

    @twin
    def detach(self, machine: Handle[MachineView] | str) -> Steps[None]:
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
    def open_to_project(self, opened: bool = True) -> Steps[None]:
        """Let members of its project attach it to machines of theirs there, or no longer."""
        self.view = yield calls.open_drive(self.id, opened)

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


class DrivesVerbs(ThingsVerbs[D]):
    """Methods on all of one's drives."""

    _what = "drive"

    @staticmethod
    def _listed() -> Paged[DriveView]:
        return calls.drives()

    @staticmethod
    def _tabled(things: list[D]) -> Table[D]:
        return DriveTable(things, "Your drives")

    @twin
    def create(self, name: str, size_gib: int, *, project: str | None = None) -> Steps[D]:
        """Make a drive of your own; ``project``: in that one of yours, by its name or id."""
        within = yield from project_id(project)
        view: DriveView = yield calls.create_drive(name, size_gib, project_id=within)
        return self._thing(view, self._player)


class Drives(DrivesVerbs[Drive], ByName[Drive], Sync):
    """Your drives: ``drives["data"]`` by name or id, ``for drive in drives``."""

    _player: Client

    def __init__(self, player: Client) -> None:
        self._thing, self._player = Drive, player

    def _one(self, name: str) -> Drive:
        return self.get(name)

    def _all(self) -> Table[Drive]:
        return self.find()


class AsyncDrives(DrivesVerbs[AsyncDrive], Async):
    """Your drives: ``await drives.get("data")``, ``async for drive in drives``."""

    _player: AsyncClient

    def __init__(self, player: AsyncClient) -> None:
        self._thing, self._player = AsyncDrive, player

    async def __aiter__(self) -> AsyncIterator[AsyncDrive]:
        """Each drive."""
        async for view in self._player.drives():
            yield AsyncDrive(view, self._player)


def _machine_id(machine: Handle[MachineView] | str) -> Steps[str]:
    if not isinstance(machine, str):
        return machine.id
    return id_of(machine, (yield from machine_calls.machines().steps()), "machine")
