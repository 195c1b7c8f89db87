"""Kernels on machines while the network swallows everything, or the relay is gone (V16)."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.kernels.loop import over_there
from jupyter_vmshare.kernels.specs import MachineKernels, kernel_name, offer_those_of_machines
from tests.relay.cables import why_no_network
from tests.relay.holes import LONG, Holes, holes
from tests.relay.machine import PYTHON, why_not

pytestmark = [
    pytest.mark.machines,
    pytest.mark.timeout(4 * LONG),
    pytest.mark.asyncio(loop_scope="module"),
]

SPEC = {
    "argv": [PYTHON, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": "Python 3",
    "language": "python",
}
LINES = 600
# Half a minute of it, so that what happens happens in the middle.
TALKS = f"""
import time
for number in range({LINES}):
    print(number, flush=True)
    time.sleep(0.05)
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holes]:
    if reason := why_not() or why_no_network():
        pytest.skip(reason)
    async with AsyncExitStack() as stack:
        try:
            made = await stack.enter_async_context(holes(tmp_path_factory.mktemp("holes")))
        except OSError as error:
            pytest.skip(f"No network can be made here: {error}")
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def kernel(
    way: Holes, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[AsyncKernelClient]:
    """A kernel of ana's on her machine, in which something is kept."""
    url = way.running.url + way.running.service.settings.prefix
    monkeypatch.setenv("VMSHARE_SERVICE_URL", url)
    monkeypatch.setenv("VMSHARE_TOKEN", way.running.hub.server_token("ana"))
    place = "/usr/local/share/jupyter/kernels/python3"
    await asyncio.to_thread(way.machine.run, "mkdir", "-p", place)
    await asyncio.to_thread(way.machine.run, "tee", f"{place}/kernel.json", given=json.dumps(SPEC))
    offered = MachineKernels(tmp_path / "kernels.json", url)

    async def refresh() -> None:
        async with AsyncClient() as client:
            await offered.refresh(client)

    await over_there(refresh())
    specs = KernelSpecManager()
    offer_those_of_machines(specs, offered)
    name = kernel_name(way.id, "python3")
    manager = AsyncKernelManager(kernel_name=name, kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=LONG)
    await run(client, "kept = 41")
    try:
        yield client
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
        offered.stop()


async def run(client: AsyncKernelClient, code: str) -> str:
    printed: list[str] = []
    reply = await client.execute_interactive(
        code,
        timeout=3 * LONG,
        output_hook=lambda each: printed.append(each["content"].get("text", "")),
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed)


async def swallow_people(way: Holes) -> None:
    """Twenty seconds in which the notebook server and the relay hear nothing of each other."""
    way.network.cables["people"].swallow()
    await asyncio.sleep(20)
    way.network.cables["people"].heal()


async def swallow_the_machine(way: Holes) -> None:
    """The same between the relay and the machine: half of the way is open."""
    way.network.cables["first"].swallow()
    await asyncio.sleep(20)
    way.network.cables["first"].heal()


async def kill_the_relay(way: Holes) -> None:
    """Without a word, in the middle of whatever it carries."""
    way.relay.kill()
    await asyncio.sleep(1)
    await way.relay.start()


@pytest.mark.scenario("V16")
@pytest.mark.parametrize("befalls", [swallow_people, swallow_the_machine, kill_the_relay])
async def test_not_a_line_and_no_variable_is_lost(
    way: Holes, kernel: AsyncKernelClient, befalls: Callable[[Holes], Awaitable[None]]
) -> None:
    talking = asyncio.create_task(run(kernel, TALKS))
    await asyncio.sleep(3)
    await befalls(way)
    told = await talking
    assert told.split() == [str(number) for number in range(LINES)]
    assert await run(kernel, "print(kept + 1)") == "42\n"
