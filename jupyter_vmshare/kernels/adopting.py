"""A notebook server that was killed and started again finds its kernels on machines there.

Jupyter's server has no way to take up a kernel that it did not start: its
``external_connection_dir`` gives such a kernel another id, and can't restart, interrupt or end it.
So it is done here, as `MappingKernelManager` does it once a kernel has started.
"""

from __future__ import annotations

import logging
import os
from pathlib import Path
from typing import Any, cast

from jupyter_client.kernelspec import NoSuchKernel
from jupyter_client.provisioning.factory import KernelProvisionerFactory
from jupyter_server._tz import utcnow
from jupyter_server.services.kernels.kernelmanager import MappingKernelManager
from jupyter_server.services.sessions.sessionmanager import SessionManager

from jupyter_vmshare.kernels import provisioner
from jupyter_vmshare.kernels.keeping import Keeper

_log = logging.getLogger(__name__)


def begin(keeper: Keeper, kernels: MappingKernelManager, sessions: SessionManager) -> None:
    """Keep what comes, and take up what there is, before anybody asks for it."""
    if not keeper.claim():
        return
    provisioner.keeper = keeper
    _keep_sessions(keeper.place, sessions)
    for info in keeper.kept():
        try:
            _adopt(kernels, info)
        except (NoSuchKernel, KeyError, TypeError, ValueError) as error:
            _log.warning("A kernel of the last server could not be found again: %r", error)
            keeper.forget(info["kernel_id"])


def end(keeper: Keeper) -> None:
    """Keep nothing: the server ends in order, and its kernels with it."""
    keeper.clear()
    if provisioner.keeper is keeper:
        provisioner.keeper = None
    keeper.release()


def _keep_sessions(place: Path, sessions: SessionManager) -> None:
    """Which notebook has which kernel: Jupyter remembers it in a file if it is told to."""
    untouched = getattr(sessions, "_connection", True) is None
    if untouched and sessions.database_filepath == ":memory:":
        file = place / "sessions.sqlite"
        os.close(os.open(file, os.O_RDWR | os.O_CREAT, 0o600))
        sessions.database_filepath = str(file)


def _adopt(kernels: MappingKernelManager, info: dict[str, Any]) -> None:
    """Have the manager know it as one that it has started."""
    wanted = {"kernel_id": info["kernel_id"]}
    found, _, kernel_id = kernels.pre_start_kernel(info["kernel_name"], wanted)
    manager: Any = found
    manager.kernel_id = kernel_id
    manager.load_connection_info(info["connection_info"])
    factory = KernelProvisionerFactory.instance(parent=kernels)
    manager.provisioner = factory.create_provisioner_instance(
        kernel_id, manager.kernel_spec, parent=manager
    )
    # With these it is started anew when it dies.
    manager._launch_args = dict(info["launched"])
    manager._attempted_start = True
    cast(provisioner.MachineProvisioner, manager.provisioner).take_up(info)
    manager.ready.set_result(None)
    _as_started(kernels, manager, kernel_id)


def _as_started(kernels: Any, manager: Any, kernel_id: str) -> None:
    """What `MappingKernelManager` does with those of its own."""
    manager.execution_state, manager.reason = "starting", ""
    manager.last_activity = utcnow()
    kernels._kernels[kernel_id] = manager
    kernels._kernel_connections[kernel_id] = 0
    kernels._kernel_ports[kernel_id] = manager.ports
    kernels.start_watching_activity(kernel_id)
    manager.start_restarter()
    kernels.add_restart_callback(kernel_id, lambda: kernels._handle_kernel_died(kernel_id), "dead")
