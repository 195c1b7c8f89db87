"""A machine that is to be reached may be off, or on its way: it is started, and waited for."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Final

from jupyter_vmshare.client.aio import AsyncClient
from jupyter_vmshare.client.errors import Conflict, VMShareError
from jupyter_vmshare.reach.failures import NotLetIn, WayFailed
from jupyter_vmshare.reach.link import Link, open_link
from jupyterhub_vmshare.api.contract.machines import DesiredPower, MachineState, MachineView

LONGEST: Final = 600.0
"""Seconds that a machine may take to come up."""
_LOOK: Final = 1.0
_UP: Final = 30.0
"""Seconds from running until it can be reached."""
_COMING: Final = {
    MachineState.MAKING: "is being made",
    MachineState.STARTING: "is starting",
    MachineState.REBOOTING: "is being started again",
    MachineState.RESIZING: "is getting another size",
    MachineState.REBUILDING: "is being rebuilt: it gets a fresh system disk",
    MachineState.CHANGING: "is being changed",
    MachineState.STOPPING: "is being stopped, and is started again then",
}
_NEVER: Final = {
    MachineState.DELETING: "is being deleted",
    MachineState.FAILED: "could not be made",
    MachineState.MISSING: "is not in the cloud any more: its owner can rebuild it",
}
Tell = Callable[[str, float], None]
"""Told each second what is waited for, and for how many seconds already."""


async def awake(client: AsyncClient, machine_id: str, tell: Tell) -> MachineView:
    """The machine, once it runs; one that is off is started.

    Raises:
        NotLetIn: It won't run; the sentence says why.
        WayFailed: It took longer than ten minutes.
        VMShareError: The service's own sentence, such as that they may not start it.
    """
    loop = asyncio.get_running_loop()
    began, is_asked = loop.time(), False
    while True:
        view: MachineView = await client.machine(machine_id)
        if view.state is MachineState.RUNNING:
            return view
        doing = _coming(view, is_asked)
        if view.state is MachineState.STOPPED and not is_asked:
            await client.start_machine(machine_id)
            is_asked = True
        if (took := loop.time() - began) > LONGEST:
            raise WayFailed(f"{view.name} has not started within ten minutes.")
        tell(f"{view.name} {doing}…", took)
        await asyncio.sleep(_LOOK)


def _coming(view: MachineView, is_asked: bool) -> str:
    """What it does, where it may run soon."""
    if view.state is None:
        raise NotLetIn(f"You are invited to use {view.name}: accept the invitation first.")
    if view.state is MachineState.STOPPED:
        gave_up = is_asked and view.desired is DesiredPower.STOPPED
        if gave_up or (is_asked and view.because and view.retry_at is None):
            because = view.because or "Somebody has stopped it again."
            raise NotLetIn(f"{view.name} was not started. {because}")
        return "is off: it is being started"
    if view.state in _NEVER or (view.because and view.retry_at is None):
        what = _NEVER.get(view.state, "does not come up")
        raise NotLetIn(" ".join(filter(None, (f"{view.name} {what}.", view.because))))
    return _COMING[view.state]


async def opened(client: AsyncClient, view: MachineView, tell: Tell) -> Link:
    """A link to a machine that has just begun to run. Raises what `open_link` raises."""
    loop = asyncio.get_running_loop()
    began = loop.time()
    while True:
        try:
            return await open_link(client, view.id)
        except (Conflict, NotLetIn) as not_yet:
            if (took := loop.time() - began) > _UP:
                raise not_yet from None
        tell(f"{view.name} runs, and is not ready to be reached yet…", took)
        await asyncio.sleep(_LOOK)


__all__ = ["LONGEST", "Tell", "VMShareError", "awake", "opened"]
