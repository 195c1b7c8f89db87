"""Kernels as people have them: Python's, R's and those of environments, on a real sandbox."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import nbformat
import pytest
import pytest_asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.kernels.ends import OUT_OF_MEMORY
from jupyter_vmshare.kernels.loop import over_there
from jupyter_vmshare.kernels.reaching import let_go
from jupyter_vmshare.kernels.specs import MachineKernels, kernel_name, offer_those_of_machines
from tests.fixtures.sandboxes import WITH_KERNELS, missing_for_sandboxes
from tests.fixtures.waiting import within
from tests.relay.entrance import PATIENCE
from tests.relay.live import Live, live

pytestmark = [
    pytest.mark.machines,
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.timeout(600),
]
LONG = 6 * PATIENCE
ENVIRONMENTS = r"""
set -e
python3 -m venv --without-pip --system-site-packages ~/.virtualenvs/mine
~/.virtualenvs/mine/bin/python -m ipykernel install --sys-prefix >/dev/null
# As conda lays an environment out, with the kernelspec that its package of ipykernel brings.
conda=~/miniforge3/envs/sci
python3 -m venv --without-pip --system-site-packages $conda
rm $conda/pyvenv.cfg
mkdir -p $conda/conda-meta $conda/share/jupyter/kernels/python3
rm $conda/bin/python3 $conda/bin/python
printf '#!/bin/sh\nexec /usr/bin/python3 "$@"\n' >$conda/bin/python
chmod +x $conda/bin/python
printf '%s' '{"argv": ["python", "-m", "ipykernel_launcher", "-f", "{connection_file}"],
  "display_name": "Python 3 (ipykernel)", "language": "python"}' \
  >$conda/share/jupyter/kernels/python3/kernel.json
"""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    async with live(tmp_path_factory.mktemp("live"), packages=WITH_KERNELS) as made:
        with pytest.MonkeyPatch.context() as patching:
            patching.setenv("VMSHARE_SERVICE_URL", url_of(made))
            patching.setenv("VMSHARE_TOKEN", made.running.hub.server_token("ana"))
            await made.says(ENVIRONMENTS)
            yield made
            await over_there(let_go())


def url_of(way: Live) -> str:
    """The service's."""
    return way.running.url + way.running.service.settings.prefix


@pytest_asyncio.fixture(loop_scope="module")
async def specs(way: Live, tmp_path: Path) -> KernelSpecManager:
    """With those of ana's machine."""
    found = MachineKernels(tmp_path / "kernels.json", url_of(way))

    async def refresh() -> None:
        async with AsyncClient() as client:
            await found.refresh(client)

    await over_there(refresh())
    # What it knows is all that is wanted; nothing is followed.
    found._following = asyncio.get_running_loop().create_future()  # type: ignore[assignment]
    manager = KernelSpecManager()
    offer_those_of_machines(manager, found)
    return manager


@asynccontextmanager
async def running(
    way: Live, specs: KernelSpecManager, kernel: str
) -> AsyncIterator[tuple[AsyncKernelManager, AsyncKernelClient]]:
    """A kernel there with a client."""
    manager = AsyncKernelManager(kernel_name=kernel_name(way.id, kernel), kernel_spec_manager=specs)
    await manager.start_kernel()
    client = manager.client()
    try:
        client.start_channels()
        await client.wait_for_ready(timeout=LONG)
        yield manager, client
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)


async def printed(client: AsyncKernelClient, code: str) -> str:
    told: list[str] = []
    reply = await client.execute_interactive(
        code,
        timeout=LONG,
        output_hook=lambda each: told.append(each["content"].get("text", "")),
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(told)


@pytest.mark.scenario("V1")
async def test_all_that_are_there_are_offered_and_say_of_which_environment_they_are(
    way: Live, specs: KernelSpecManager
) -> None:
    offered = {
        name.removeprefix(kernel_name(way.id, "")): about["spec"]
        for name, about in specs.get_all_specs().items()
        if name.startswith(kernel_name(way.id, ""))
    }
    titles = {name: spec["display_name"] for name, spec in offered.items()}
    assert titles == {
        "python3": "Python 3 on gpu-box (ana)",
        "ir": "R on gpu-box (ana)",
        "venv-mine-python3": "Python 3 [mine] on gpu-box (ana)",
        "conda-sci-python3": "Python 3 [sci] on gpu-box (ana)",
    }
    assert offered["ir"]["language"] == "R"


@pytest.mark.scenario("V1")
async def test_r_runs_there(way: Live, specs: KernelSpecManager) -> None:
    async with running(way, specs, "ir") as (_, client):
        code = "x <- c(1, 2, 3); cat(R.version$language, mean(x), Sys.info()[['user']])"
        assert await printed(client, code) == "R 2 ana"


@pytest.mark.scenario("V1")
@pytest.mark.parametrize(
    ("kernel", "variable", "place"),
    [
        pytest.param("venv-mine-python3", "VIRTUAL_ENV", ".virtualenvs/mine", id="Python's"),
        pytest.param("conda-sci-python3", "CONDA_PREFIX", "miniforge3/envs/sci", id="conda's"),
    ],
)
async def test_one_of_an_environment_runs_as_if_it_were_activated(
    way: Live, specs: KernelSpecManager, kernel: str, variable: str, place: str
) -> None:
    async with running(way, specs, kernel) as (_, client):
        code = "import json, os, shutil; print(json.dumps([os.environ.get(name) for name in "
        code += f"({variable!r},)] + [shutil.which('python')]))"
        home = "/home/ana"
        assert json.loads(await printed(client, code)) == [
            f"{home}/{place}",
            f"{home}/{place}/bin/python",
        ]


@pytest.mark.scenario("V1")
async def test_a_whole_notebook_is_executed_there(way: Live, specs: KernelSpecManager) -> None:
    cells = ["kept = 41", "import getpass; print(getpass.getuser())", "kept + 1"]
    made: Any = nbformat.v4
    notebook = made.new_notebook(cells=[made.new_code_cell(each) for each in cells])
    manager = AsyncKernelManager(
        kernel_name=kernel_name(way.id, "python3"), kernel_spec_manager=specs
    )
    try:
        await NotebookClient(notebook, km=manager, timeout=int(LONG)).async_execute()
    finally:
        await manager.shutdown_kernel(now=True)
    outputs = [[each.get("text") or each["data"]["text/plain"] for each in cell["outputs"]]
               for cell in notebook["cells"]]  # fmt: skip
    assert outputs == [[], ["ana\n"], ["42"]]


@pytest.mark.scenario("V16")
async def test_an_interrupt_ends_a_loop_in_c_and_no_variable(
    way: Live, specs: KernelSpecManager
) -> None:
    async with running(way, specs, "python3") as (manager, client):
        await printed(client, "import re; from pathlib import Path; kept = 1")
        code = "Path('begun').touch()\nre.match('(a+)+$', 'a' * 60 + 'b')"
        asked = client.execute(code, stop_on_error=False)
        async with within(LONG, "The beginning of a cell"):
            while (await way.inside("test", "-e", "/home/ana/begun")).returncode:
                await asyncio.sleep(0.05)
        await manager.interrupt_kernel()
        while (reply := await client.get_shell_msg(timeout=LONG))["parent_header"].get(
            "msg_id"
        ) != asked:
            pass
        assert reply["content"].get("ename") == "KeyboardInterrupt", reply["content"]
        assert await printed(client, "print(kept)") == "1\n"


@pytest.mark.scenario("V16")
async def test_one_that_takes_more_memory_than_the_machine_has_says_so(
    way: Live, specs: KernelSpecManager, caplog: pytest.LogCaptureFixture
) -> None:
    group = f"vmshare-sandboxes/{(await way.row(way.id)).cloud_id}"
    if not any(Path("/sys/fs/cgroup").glob(f"*/{group}/memory.*")):
        pytest.skip("This host has no control groups to enforce sizes with.")
    async with running(way, specs, "python3") as (manager, client):
        client.execute("kept = [bytearray(b'x' * (16 << 20)) for _ in range(100)]")
        async with within(LONG, "The end of a kernel that takes all memory"):
            while await manager.is_alive():
                await asyncio.sleep(0.05)
    assert OUT_OF_MEMORY in caplog.text


@pytest.mark.scenario("V16")
async def test_one_that_nobody_comes_back_to_ends_after_its_time(
    way: Live, specs: KernelSpecManager
) -> None:
    name = kernel_name(way.id, "python3")
    spec = specs.get_kernel_spec(name)
    spec.metadata["kernel_provisioner"]["config"]["lives_alone"] = 1.0
    manager = AsyncKernelManager(kernel_name=name, kernel_spec_manager=specs)
    manager._kernel_spec = spec
    await manager.start_kernel()
    try:
        uid = int(await way.says("id -u"))
        await way.until_there(uid, "ipykernel_launcher")
        way.relay.kill()
        async with within(LONG, "The end of a kernel that is alone"):
            while any("ipykernel" in line for line in await way.of(uid)):
                await asyncio.sleep(0.05)
    finally:
        await way.relay.start()
        await manager.shutdown_kernel(now=True)
