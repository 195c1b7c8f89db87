"""A kernelspec that is new shows after a refresh; and Jupyter's own suite over the relay."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

import pytest

from jupyter_vmshare.cli import main
from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.kernels.loop import over_there
from jupyter_vmshare.kernels.specs import MachineKernels, kept_in, kernel_name
from tests.kernels.conftest import write_spec
from tests.kernels.test_suite_of_jupyter import outcome
from tests.relay.scene import Scene
from tests.relay.test_kernels_over_the_relay import SPEC, _as_ana, url_of
from tests.relay.test_kernels_over_the_relay import kernels as kernels

__all__ = ["_as_ana", "kernels"]
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]


@pytest.mark.scenario("V1")
async def test_a_new_one_shows_after_a_refresh_at_the_terminal(
    way: Scene, kernels: MachineKernels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(data))
    monkeypatch.setenv("JUPYTERHUB_USER", "ana")
    server = MachineKernels(kept_in(data), url_of(way))

    async def refresh() -> None:
        async with AsyncClient() as client:
            await server.refresh(client)

    await over_there(refresh())
    place, name = "/usr/local/share/jupyter/kernels/newer", kernel_name(way.id, "newer")
    await asyncio.to_thread(way.machine.run, "mkdir", place)
    told = json.dumps({**SPEC, "display_name": "Newer"})
    await asyncio.to_thread(way.machine.run, "tee", f"{place}/kernel.json", given=told)
    try:
        await over_there(refresh())
        assert name not in server.all()  # it was asked in this start of the machine
        assert await asyncio.to_thread(main, ["kernels"]) == 0
        assert name not in server.all()
        assert await asyncio.to_thread(main, ["kernels", "--refresh"]) == 0
        assert server.all()[name].display_name == "Newer on gpu-box (ana)"
        await over_there(refresh())
        assert name in server.all()
    finally:
        await asyncio.to_thread(way.machine.run, "rm", "-r", place)
        server.stop()


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.scenario("V16")
async def test_python_there_passes_and_skips_of_jupyters_suite_what_it_does_here(
    way: Scene, kernels: MachineKernels, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    data = tmp_path / "data"
    monkeypatch.setenv("JUPYTER_DATA_DIR", str(data))
    write_spec(data, "over-the-relay", kernels.all()[kernel_name(way.id, "python3")].to_dict())
    here = await asyncio.to_thread(outcome, "python3")
    there = await asyncio.to_thread(outcome, "over-the-relay")
    assert there[1] == []
    assert there == here
