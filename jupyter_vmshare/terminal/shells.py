"""A terminal on a machine, in the terminal that one has; the same as in JupyterLab."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from pydantic import BaseModel

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.terminal.reaching import find
from jupyter_vmshare.terminal.showing import Asked, Share, show
from jupyter_vmshare.widgets.tables import Table

_NO_TMUX = "No terminal can keep running there: tmux is not on the machine."


class KeepsRunning(BaseModel):
    """A terminal that keeps running on a machine."""

    name: str
    since: datetime
    is_in_use: bool
    runs: str


class ThatKeepRunning(Table[KeepsRunning]):
    """Those of one machine."""

    heads = ("Terminal", "Since", "Runs", "Now")
    empty = "None of your terminals keeps running there."

    def row(self, item: KeepsRunning) -> tuple[str, ...]:
        """Its name, since when it runs, what, and whether somebody looks at it."""
        since = item.since.astimezone().strftime("%Y-%m-%d %H:%M")
        return item.name, since, item.runs, "in use" if item.is_in_use else ""


def add_to(verb: Callable[..., Any]) -> None:
    """Add the command; ``verb`` is the command line's."""
    added = verb("terminal", terminal)
    added.add_argument("machine", help="a machine's name or id")
    how = added.add_mutually_exclusive_group()
    how.add_argument(
        "--keep", action="store_true", help="it runs on when you close it, until you exit its shell"
    )
    how.add_argument(
        "--go-on", metavar="TERMINAL", help="with one that keeps running, as --list names it"
    )
    how.add_argument("--list", action="store_true", help="those that keep running, and no more")


def terminal(asked: Asked) -> int:
    """Be on a machine in a terminal, which is started where it is off."""
    with Share() as share:
        machine = find(share, asked.machine)
    if asked.list:
        found = asyncio.run(_listed(machine.id))
        return show(asked, list(found), found)
    # Here, since SSH takes a quarter of a second to load.
    from jupyter_vmshare.shell.keeping import attaching
    from jupyter_vmshare.shell.visit import Wanted, visit

    if asked.go_on:
        attaching(asked.go_on)
    return asyncio.run(visit(Wanted(machine.id, asked.keep, asked.go_on)))


async def _listed(machine_id: str) -> ThatKeepRunning:
    from jupyter_vmshare.reach.link import connected
    from jupyter_vmshare.shell.keeping import kept_on

    async with AsyncClient() as client, connected(client, machine_id) as link:
        there = await kept_on(link)
    if there is None:
        raise LookupError(_NO_TMUX)
    return ThatKeepRunning(
        KeepsRunning(name=k.name, since=k.since, is_in_use=k.is_in_use, runs=k.runs) for k in there
    )
