"""Shared folders on machines, at the terminal."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from jupyter_vmshare.terminal.reaching import find
from jupyter_vmshare.terminal.showing import DONE, FAILED, Asked, Share, show
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.onmachines import OnMachines


def add_to(verb: Callable[..., Any]) -> None:
    """Add the commands; ``verb`` is the command line's."""
    shown = verb("show-on-machine", show_on_machine, "folder")
    shown.add_argument("machine", help="a machine's name or id")
    shown.add_argument("--yes", action="store_true", help="you know who can read it there")
    hidden = verb("hide-from-machine", hide_from_machine, "folder")
    hidden.add_argument("machine", help="a machine's name or id")
    verb("shown-on-machines", shown_on_machines)


def show_on_machine(asked: Asked) -> int:
    """Have a folder mounted on a machine, too; says before who can read it there."""
    with Share() as share:
        folder, machine = share.folders.get(asked.folder), find(share, asked.machine)
        if not asked.yes:
            told = folder.readers_on(machine)
            said = cards.visible(told.sentence)
            show(asked, told, f"{said}\nSay --yes if it is to be shown there.")
            return DONE if told.shown else FAILED
        told = folder.show_on(machine, acknowledged=True)
    where = f"{told.folder_name} is mounted on {told.machine_name}"
    return show(asked, told, cards.visible(f"{where} while both it and a session of yours run."))


def hide_from_machine(asked: Asked) -> int:
    """Have a folder on a machine no more."""
    with Share() as share:
        folder, machine = share.folders.get(asked.folder), find(share, asked.machine)
        folder.hide_from(machine)
    told = {"folder_id": folder.id, "machine_id": machine.id, "shown": False}
    return show(asked, told, "It is not shown there any more.")


def shown_on_machines(asked: Asked) -> int:
    """List your folders that are mounted on machines, too."""
    with Share() as share:
        found = OnMachines(list(share.client.shown_folders()))
    return show(asked, list(found), found)
