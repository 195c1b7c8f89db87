"""Kernels on a machine that is this computer, through all that Jupyter has."""

from __future__ import annotations

import contextlib
import json
import shutil
import sys
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
STUBBORN = {
    # Python's kernel looks by itself whether its parent lives, if it is told of one.
    "argv": ["/usr/bin/env", "-u", "JPY_PARENT_PID", sys.executable, "-m", "ipykernel_launcher",
             "-f", "{connection_file}"],
    "display_name": "Stubborn",
    "language": "python",
}  # fmt: skip


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
    data = tmp_path / "data"
    write_spec(data, "on-box", spec())
    write_spec(data, "on-box-briefly", spec(lives_alone=1.0))
    write_spec(data, "on-box-stubborn", spec(kernel="stubborn"))
    write_spec(home / ".local/share/jupyter", "stubborn", STUBBORN)
    with pytest.MonkeyPatch.context() as patching:
        patching.setenv("JUPYTER_DATA_DIR", str(data))
        patching.setenv("JUPYTER_RUNTIME_DIR", str(tmp_path / "run"))
        yield machine
    machine.cut()
    del MACHINES["box"]
    shutil.rmtree(home, ignore_errors=True)


def write_spec(data: Path, name: str, spec: dict[str, Any]) -> None:
    place = data / "kernels" / name
    place.mkdir(parents=True)
    (place / "kernel.json").write_text(json.dumps(spec))


def spec(kernel: str = "python3", lives_alone: float = LIVES_ALONE) -> dict[str, Any]:
    """Of one of the machine's kernels, as the server's extension makes it."""
    config = {"machine": "box", "kernel": kernel, "way": "tests.kernels.local.LocalWay",
              "lives_alone": lives_alone}  # fmt: skip
    return {
        "argv": ["vmshare-machine"],
        "display_name": "Python 3 on box",
        "language": "python",
        "metadata": {
            "kernel_provisioner": {"provisioner_name": "vmshare-machine", "config": config}
        },
    }


def start(machine: LocalMachine, name: str = "on-box") -> Started:
    """A kernel there, as a program that uses jupyter_client has it."""
    manager = KernelManager(kernel_name=name)
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
def kept(machine: LocalMachine, name: str = "on-box") -> Iterator[Started]:
    started = start(machine, name)
    yield started
    started.client.stop_channels()
    started.manager.shutdown_kernel(now=True)
