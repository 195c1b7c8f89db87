"""Kernels on a machine that is this computer, through all that Jupyter has."""

from __future__ import annotations

import contextlib
import json
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient
from jupyter_client.manager import KernelManager

from tests.kernels.local import MACHINES, LocalMachine

PATIENCE = 60.0
LIVES_ALONE = 2 * PATIENCE
"""What a test that failed leaves is gone after that."""


@dataclass
class Started:
    """A kernel with a client."""

    manager: KernelManager
    client: BlockingKernelClient
    machine: LocalMachine

    def run(self, code: str, patience: float = PATIENCE) -> str:
        """Execute it, and what it printed."""
        printed: list[str] = []

        def hook(message: dict[str, Any]) -> None:
            if message["msg_type"] == "stream":
                printed.append(message["content"]["text"])

        reply = self.client.execute_interactive(code, timeout=patience, output_hook=hook)
        assert reply["content"]["status"] == "ok", reply["content"]
        return "".join(printed)


@pytest.fixture(scope="module")
def box(tmp_path_factory: pytest.TempPathFactory) -> Iterator[LocalMachine]:
    """A machine, and a kernelspec for the Python on it."""
    tmp_path = tmp_path_factory.mktemp("box")
    home = Path(tempfile.mkdtemp(prefix="home-"))  # short, since sockets are in it
    machine = MACHINES["box"] = LocalMachine(home)
    where = {"machine": "box", "kernel": "python3", "way": "tests.kernels.local.LocalWay"}
    alone: dict[str, Any] = {"lives_alone": LIVES_ALONE}
    spec = {
        "argv": ["vmshare-machine"],
        "display_name": "Python 3 on box",
        "language": "python",
        "metadata": {
            "kernel_provisioner": {"provisioner_name": "vmshare-machine", "config": where | alone}
        },
    }
    data = tmp_path / "data"
    (data / "kernels/on-box").mkdir(parents=True)
    (data / "kernels/on-box/kernel.json").write_text(json.dumps(spec))
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("JUPYTER_DATA_DIR", str(data))
        patching.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "run"))
        yield machine
    machine.cut()
    del MACHINES["box"]
    shutil.rmtree(home, ignore_errors=True)


def start(machine: LocalMachine, **options: Any) -> Started:
    """A kernel there, as a program that uses jupyter_client has it."""
    manager = KernelManager(kernel_name="on-box", **options)
    manager.start_kernel()
    client = manager.client()
    client.start_channels()
    try:
        client.wait_for_ready(timeout=PATIENCE)
    except BaseException:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
        raise
    return Started(manager, client, machine)


@pytest.fixture(scope="module")
def kernel(box: LocalMachine) -> Iterator[Started]:
    """One for all tests that leave it alive."""
    with kept(box) as started:
        yield started


@pytest.fixture
def doomed(box: LocalMachine) -> Iterator[Started]:
    """One of the test's own."""
    with kept(box) as started:
        yield started


@contextlib.contextmanager
def kept(machine: LocalMachine) -> Iterator[Started]:
    started = start(machine)
    yield started
    started.client.stop_channels()
    started.manager.shutdown_kernel(now=True)
