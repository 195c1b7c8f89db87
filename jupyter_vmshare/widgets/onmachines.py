"""Folders on machines, for notebooks."""

from __future__ import annotations

from typing import Any

from jupyter_vmshare.client.call import Steps
from jupyter_vmshare.client.calls import showing as calls
from jupyter_vmshare.client.twins import twin
from jupyter_vmshare.widgets.handle import FolderHandle
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.showing import ShowingView


class OnMachines(Table[ShowingView]):
    """Folders that are mounted on machines, too."""

    heads = ("Folder", "Machine", "Who is root there")
    empty = "You show no folder on a machine."

    def row(self, item: ShowingView) -> tuple[str, ...]:
        """Folder and machine by name, and who can read it there."""
        return item.folder_name, item.machine_name, ", ".join(item.readers)


class OnMachineVerbs(FolderHandle):
    """Methods on where a folder is mounted besides one's sessions."""

    @twin
    def readers_on(self, machine: Any) -> Steps[ShowingView]:
        """Who could read it on a machine; ``sentence`` says what that means."""
        found: ShowingView = yield calls.showing(self.id, machine.id)
        return found

    @twin
    def show_on(self, machine: Any, *, acknowledged: bool = False) -> Steps[ShowingView]:
        """Have it mounted on a machine, too, at your level, while a session of yours runs.

        Its owners are root there, and can read it. Without ``acknowledged=True`` this raises
        ``Conflict``, whose sentence names them.
        """
        found: ShowingView = yield calls.show(self.id, machine.id, acknowledged=acknowledged)
        return found

    @twin
    def hide_from(self, machine: Any) -> Steps[None]:
        """Have it on that machine no more."""
        yield calls.hide(self.id, machine.id)
