"""Which kernels there are on machines, at the terminal."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from jupyter_core.paths import jupyter_data_dir
from pydantic import BaseModel

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.client.errors import VMShareError
from jupyter_vmshare.terminal.reaching import find
from jupyter_vmshare.terminal.showing import Asked, Share, show
from jupyter_vmshare.widgets.tables import Table
from jupyterhub_vmshare.api.contract.machines import MachineState, MachineView

_OFF = "It is off. A notebook that asks for a kernel there starts it."
_NOT_YOURS = "You may run no kernel there."
_NONE = "It has none: install one there, such as ipykernel, as its owner."


class OnMachine(BaseModel):
    """A kernel on a machine; or why none of that machine is known."""

    machine_id: str
    machine: str
    owner: str
    name: str | None = None
    """What Jupyter calls it where it is offered."""
    display_name: str | None = None
    language: str | None = None
    because: str | None = None


class Kernels(Table[OnMachine]):
    """Kernels, by machine."""

    heads = ("Machine", "Kernel", "Language", "In Jupyter")
    empty = "You have no machine."

    def row(self, item: OnMachine) -> tuple[str, ...]:
        """Machine with its owner, what the kernel is called, or why there is none."""
        machine = f"{item.machine} ({item.owner})"
        said = item.because or item.display_name or ""
        return machine, said, item.language or "", item.name or ""


def add_to(verb: Callable[..., Any]) -> None:
    """Add the command; ``verb`` is the command line's."""
    parser = verb("kernels", kernels)
    parser.add_argument(
        "machines", nargs="*", metavar="machine", help="of these alone, by name or id"
    )
    parser.add_argument(
        "--refresh",
        action="store_true",
        help="offer in Jupyter what is there now: it asks a machine once per start",
    )


def kernels(asked: Asked) -> int:
    """List the kernels that notebooks of yours can have on machines."""
    with Share() as share:
        machines = [find(share, name) for name in asked.machines] or list(share.client.machines())
    specs: dict[str, dict[str, Any]] = {}
    found = Kernels(asyncio.run(_of_all(machines, specs)))
    if asked.refresh:
        from jupyter_vmshare.kernels.specs import kept_in, remember

        remember(kept_in(Path(jupyter_data_dir())), specs)
    return show(asked, list(found), found)


async def _of_all(
    machines: Sequence[MachineView], specs: dict[str, dict[str, Any]]
) -> list[OnMachine]:
    """All of them, with the kernelspecs of those that could be asked put into ``specs``."""
    async with AsyncClient() as client:
        each = await asyncio.gather(*(_of(client, machine, specs) for machine in machines))
    return [kernel for of_one in each for kernel in of_one]


async def _of(
    client: AsyncClient, machine: MachineView, known: dict[str, dict[str, Any]]
) -> list[OnMachine]:
    def told(**more: Any) -> OnMachine:
        return OnMachine(
            machine_id=machine.id, machine=machine.name, owner=machine.owner or "", **more
        )

    if machine.state is not MachineState.RUNNING:
        return [told(because=_OFF if "start" in machine.actions else "It is off.")]
    if "run_kernel" not in machine.actions:
        return [told(because=_NOT_YOURS)]
    # Here, since SSH takes a quarter of a second to load.
    from jupyter_vmshare.kernels.reaching import specs_of
    from jupyter_vmshare.kernels.specs import kernel_name

    try:
        specs = await specs_of(client, machine.id)
    except VMShareError as error:
        return [told(because=str(error))]
    known[machine.id] = specs
    found = [
        told(
            name=kernel_name(machine.id, name),
            display_name=spec["display_name"],
            language=spec["language"],
        )
        for name, spec in sorted(specs.items())
    ]
    return found or [told(because=_NONE)]
