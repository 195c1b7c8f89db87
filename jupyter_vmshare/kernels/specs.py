"""The kernels of machines among those that the notebook server offers.

What machines have is asked for in the background and remembered: local kernels never wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import logging
import os
import threading
from collections.abc import Callable
from concurrent.futures import Future
from pathlib import Path
from typing import Any, Final

from jupyter_client.kernelspec import KernelSpec, KernelSpecManager
from jupyter_server.gateway.managers import GatewayKernelSpecManager

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.client.errors import NotConfigured, VMShareError
from jupyter_vmshare.client.stream import Happened, Ready
from jupyter_vmshare.kernels.logos import Logos, of_language
from jupyter_vmshare.kernels.loop import kernels_loop
from jupyterhub_vmshare.api.contract.machines import MachineState, MachineView

_log = logging.getLogger(__name__)
_PREFIX: Final = "vmshare-"
_NO_RESOURCES: Final = str(Path(__file__).with_name("resources"))
_AGAIN: Final = 30.0
_CONCERN: Final = ("machine.", "grant.", "invitation.", "team.")


def kernel_name(machine_id: str, kernel: str) -> str:
    """How a machine's kernel is called here, whatever else has the same name."""
    return f"{_PREFIX}{machine_id}-{kernel}".lower()


class MachineKernels:
    """What is known of the kernels on the machines of this server's owner.

    Args:
        kept: A file for what is known, so that it is there at once after a restart.
        service: The service's URL.
    """

    def __init__(self, kept: Path, service: str) -> None:
        self._kept, self._service = kept, service
        self._logos = Logos(kept.with_name("kernel-logos"))
        self._lock = threading.Lock()
        self._machines: dict[str, MachineView] = {}
        self._specs: dict[str, dict[str, Any]] = {}
        self._asked: set[str] = set()
        self._written = 0
        """When the file was written last that is known here."""
        self._read()
        self._following: Future[None] | None = None
        self.changed: Callable[[], None] = lambda: None
        """Called, in the kernels' own thread, when other kernels are offered than before."""

    def stop(self) -> None:
        """Ask no more."""
        if self._following is not None:
            self._following.cancel()

    def all(self) -> dict[str, KernelSpec]:
        """By the names that they have here; of a machine that is off, those that it had.

        From the first time on it follows what happens: whoever looks at no kernels asks nothing.
        """
        if self._following is None:
            self._following = asyncio.run_coroutine_threadsafe(self._follow(), kernels_loop())
        if _written(self._kept) != self._written:
            self._read_specs()
        with self._lock:
            machines, specs = list(self._machines.values()), dict(self._specs)
        return {
            kernel_name(machine.id, name): self._spec(machine, name, told)
            for machine in machines
            for name, told in specs.get(machine.id, {}).items()
        }

    def _spec(self, machine: MachineView, name: str, told: dict[str, Any]) -> KernelSpec:
        """As launchers and menus show it."""
        whose = f" ({machine.owner})" if machine.owner else ""
        where = {"machine": machine.id, "kernel": name, "service": self._service}
        provisioner = {"provisioner_name": "vmshare-machine", "config": where}
        return KernelSpec(
            argv=["vmshare-machine"],
            display_name=f"{told['display_name']} on {machine.name}{whose}",
            language=told["language"],
            interrupt_mode=told["interrupt_mode"],
            resource_dir=str(self._logos.directory(told.get("logo")) or _NO_RESOURCES),
            metadata={**told["metadata"], "kernel_provisioner": provisioner},
        )

    async def _follow(self) -> None:
        try:
            client = AsyncClient(self._service)
        except NotConfigured:
            return
        async with client:
            while True:
                with contextlib.suppress(VMShareError):
                    async for message in client.stream():
                        if isinstance(message, Ready) or (
                            isinstance(message, Happened)
                            and message.event.type.startswith(_CONCERN)
                        ):
                            await self.refresh(client)
                await asyncio.sleep(_AGAIN)

    async def refresh(self, client: AsyncClient) -> None:
        """Ask which machines there are, and those that run for their kernels."""
        found = {each.id: each async for each in client.machines() if _offers(each)}
        running = {each.id for each in found.values() if each.state is MachineState.RUNNING}
        with self._lock:
            before = self._offered()
            self._machines = found
        self._asked &= running  # what starts again may have others
        asked = running - self._asked
        await asyncio.gather(*(self._ask(machine) for machine in asked))
        self._write()
        with self._lock:
            is_same = self._offered() == before
        if not is_same:
            self.changed()

    def _offered(self) -> dict[str, tuple[object, ...]]:
        """What there is to see of it; the lock is held."""
        return {
            each.id: (each.name, each.owner, self._specs.get(each.id, {}))
            for each in self._machines.values()
            if self._specs.get(each.id)
        }

    async def _ask(self, machine: str) -> None:
        # Here, since SSH takes a quarter of a second to load, and not everybody has machines.
        from jupyter_vmshare.kernels.reaching import specs_kept

        try:
            specs = await specs_kept(self._service, machine)
        except VMShareError as error:
            _log.info("The kernels of %s are not known: %s", machine, error)
            return
        self._asked.add(machine)
        with self._lock:
            self._specs[machine] = specs

    def _read_specs(self) -> None:
        """What somebody at a terminal has asked for again; the machines are known better here."""
        self._written = _written(self._kept)
        with contextlib.suppress(OSError, ValueError, KeyError, AttributeError, TypeError):
            found = json.loads(self._kept.read_text())["specs"]
            specs = {name: dict(told) for name, told in found.items()}
            with self._lock:
                self._specs.update(specs)

    def _read(self) -> None:
        self._written = _written(self._kept)
        with contextlib.suppress(OSError, ValueError, KeyError, AttributeError, TypeError):
            found = json.loads(self._kept.read_text())
            machines = [MachineView.model_validate(each) for each in found["machines"]]
            self._specs = {name: dict(told) for name, told in found["specs"].items()}
            # That it ran when it was asked last says nothing of now.
            self._machines = {each.id: each.model_copy(update={"state": None}) for each in machines}

    def _write(self) -> None:
        with self._lock:
            self._specs = {
                each: self._specs[each] for each in self._machines if each in self._specs
            }
            machines = [each.model_dump(mode="json") for each in self._machines.values()]
            text = json.dumps({"machines": machines, "specs": self._specs})
        _replace(self._kept, text)
        self._written = _written(self._kept)


def remember(kept: Path, specs: dict[str, dict[str, Any]]) -> None:
    """For the notebook server, which looks there: what machines have, by their ids."""
    found: dict[str, Any] = {}
    with contextlib.suppress(OSError, ValueError):
        found = dict(json.loads(kept.read_text()))
    known = {**dict(found.get("specs") or {}), **specs}
    _replace(kept, json.dumps({"machines": found.get("machines") or [], "specs": known}))


def kept_in(data: Path) -> Path:
    """The file, in Jupyter's data directory."""
    return data / "vmshare/kernels.json"


def _written(kept: Path) -> int:
    """When, in nanoseconds; 0: never."""
    try:
        return kept.stat().st_mtime_ns
    except OSError:
        return 0


def _replace(kept: Path, text: str) -> None:
    made = kept.with_name(f".{kept.name}-{os.getpid()}")
    with contextlib.suppress(OSError):
        kept.parent.mkdir(parents=True, exist_ok=True)
        made.write_text(text)
        made.replace(kept)


def _offers(machine: MachineView) -> bool:
    """Whether a kernel could run there, once it is on."""
    if machine.state is MachineState.RUNNING:
        return "run_kernel" in machine.actions
    return "start" in machine.actions


class OfMachines(KernelSpecManager):
    """Adds them to those of whichever manager it is mixed into."""

    machine_kernels: MachineKernels | None = None

    def find_kernel_specs(self) -> dict[str, str]:
        found: dict[str, str] = super().find_kernel_specs()
        known = self.machine_kernels.all() if self.machine_kernels else {}
        return {**{name: self._resources(spec, found) for name, spec in known.items()}, **found}

    def get_kernel_spec(self, kernel_name: str) -> KernelSpec:
        if self.machine_kernels and kernel_name.startswith(_PREFIX):
            known = self.machine_kernels.all().get(kernel_name)
            if known is not None:
                known.resource_dir = self._resources(known, super().find_kernel_specs())
                return known
        return super().get_kernel_spec(kernel_name)

    def _resources(self, spec: KernelSpec, local: dict[str, str]) -> str:
        """Where its picture is."""
        if spec.resource_dir != _NO_RESOURCES:
            return str(spec.resource_dir)
        return of_language(spec.language, self, local) or _NO_RESOURCES


def offer_those_of_machines(manager: KernelSpecManager, kernels: MachineKernels) -> None:
    """Have the server's own manager of kernelspecs know those on machines as well.

    Its class is changed, since everybody has the object already. A gateway's stays as it is.
    """
    if not isinstance(manager, GatewayKernelSpecManager):
        name, bases = type(manager).__name__, (OfMachines, type(manager))
        manager.__class__ = type(name, bases, {"machine_kernels": kernels})
