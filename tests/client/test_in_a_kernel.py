"""`connect()` in a real kernel: everything is found, shown, and kept up to date."""

from __future__ import annotations

import time
from collections.abc import Iterator
from typing import Any

import pytest
from jupyter_client.manager import KernelManager, start_new_kernel

from tests.client.conftest import Real
from tests.client.test_machines import cloud_of

pytestmark = pytest.mark.slow


class Kernel:
    """Ben's kernel. `run` gives back what a cell showed."""

    def __init__(self, manager: KernelManager, client: Any) -> None:
        self.manager, self.client = manager, client

    def run(self, code: str) -> dict[str, Any]:
        shown: dict[str, Any] = {"text": ""}

        def take(message: dict[str, Any]) -> None:
            content = message["content"]
            if message["msg_type"] == "stream":
                shown["text"] += content["text"]
            elif message["msg_type"] in {"execute_result", "display_data"}:
                shown.update(content["data"])

        reply = self.client.execute_interactive(code, timeout=60, output_hook=take)["content"]
        assert reply["status"] == "ok", "\n".join(reply.get("traceback", []))
        return shown

    def wait_for_update(self, text: str, seconds: float = 15) -> None:
        """Until the kernel tells the front end something by itself, with no cell running."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            message = self.client.get_iopub_msg(timeout=seconds)
            if message["msg_type"] in {"comm_msg", "comm_open"} and text in str(message["content"]):
                return
        raise AssertionError(f"{text} never came")


@pytest.fixture
def kernel(real: Real, monkeypatch: pytest.MonkeyPatch) -> Iterator[Kernel]:
    monkeypatch.setenv("VMSHARE_SERVICE_URL", real.url)
    monkeypatch.setenv("JUPYTERHUB_API_TOKEN", real.token("ben"))
    monkeypatch.setenv("JUPYTERHUB_USER", "ben")
    manager, client = start_new_kernel(startup_timeout=60)
    try:
        yield Kernel(manager, client)
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)


@pytest.mark.scenario("F3")
def test_a_notebook_finds_shows_and_follows(real: Real, kernel: Kernel) -> None:
    ana = real.notebook("ana")
    kernel.run("from jupyter_vmshare import connect, connect_async\nvm = connect()")
    shown = kernel.run("vm")
    assert "VMShare as ben" in shown["text/html"]
    assert "application/vnd.jupyter.widget-view+json" in kernel.run("panel = vm.panel()\npanel")
    time.sleep(0.5)
    tests = ana.folders.create("tests")
    tests.upload(b"hello\n", "hello.txt")
    tests.share("ben")
    kernel.wait_for_update("ana invites you to tests")
    assert "tests" in kernel.run("vm.invitations[0].accept()")["text/html"]
    kernel.wait_for_update("tests")
    assert kernel.run("print(vm.folders['tests'].read_text('hello.txt'))")["text"] == "hello\n\n"
    # Top-level await, in the loop that the panel lives in.
    told = kernel.run("aio = await connect_async()\nprint([f.label async for f in aio.folders])")
    assert told["text"] == "['tests']\n"
    assert kernel.run("print(await vm.aio.me)")["text"].startswith("name='ben'")
    kernel.run("panel.close()")


@pytest.mark.scenario("V1")
def test_a_machine_is_a_card_that_lives_and_a_bar_while_it_comes_up(
    real: Real, kernel: Kernel
) -> None:
    ben, cloud = real.notebook("ben"), cloud_of(real)
    ben.machines.create("gpu-box", size="Small", image="Debian", drive_gib=0).wait()
    kernel.run("from jupyter_vmshare import connect\nvm = connect()\nbox = vm.machines['gpu-box']")
    first, again = kernel.run("box"), kernel.run("vm.machines['gpu-box']")
    assert "gpu-box" in first["text/html"]
    assert first["text/plain"] == "<Machine 'gpu-box': running>"
    view = "application/vnd.jupyter.widget-view+json"
    assert first[view] == again[view], "one card, wherever it is shown"
    cloud.delays["stop_machine"] = 60
    ben.machines["gpu-box"].stop()
    kernel.wait_for_update("Stopping…")
    cloud.advance(61)
    kernel.wait_for_update("Stopped")
    bar = kernel.run("box.start(wait=True)\nprint(box.state)")
    assert (bar["text"], view in bar) == ("running\n", True)
    quiet = kernel.run("box.wait(progress=False)\n'done'")
    assert (view in quiet, quiet["text/plain"]) == (False, "'done'")
    assert view in kernel.run("aio = await vm.aio.machines.get('gpu-box')\n_ = await aio.wait()")
    kernel.run("vm.close()")
