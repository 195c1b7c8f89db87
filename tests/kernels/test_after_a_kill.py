"""A notebook server is killed; the next one has its kernels on machines, with all variables."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.kernels.local import LocalMachine
from tests.kernels.server import PATIENCE, Server
from tests.kernels.test_provisioner import until

NOTEBOOK = {"path": "a.ipynb", "name": "a.ipynb", "type": "notebook", "kernel": {"name": "on-box"}}


@pytest.fixture
def server(box: LocalMachine, tmp_path: Path) -> Iterator[Server]:
    data = {"JUPYTER_DATA_DIR": os.environ["JUPYTER_DATA_DIR"]}
    found = Server(tmp_path, box.home, data)
    found.start()
    yield found
    found.end()


async def run(server: Server, kernel_id: str, code: str) -> str:
    async with asyncio.timeout(PATIENCE):
        tab = await server.tab(kernel_id)
        try:
            return await tab.run(code)
        finally:
            tab.close()


def say(server: Server, kernel_id: str, code: str) -> str:
    return asyncio.run(run(server, kernel_id, code))


@pytest.mark.scenario("V16")
def test_a_server_that_was_killed_finds_kernels_and_notebooks_again(
    server: Server, box: LocalMachine
) -> None:
    session = server.ask("POST", "api/sessions", NOTEBOOK)
    kernel_id = session["kernel"]["id"]
    pid = int(say(server, kernel_id, "import os; kept = 41; print(os.getpid())"))
    kept = list(server.runtime.glob("vmshare-kernels-*/*"))
    assert len(kept) == 3
    for file in [*kept, kept[0].parent]:
        assert file.stat().st_mode & 0o077 == 0, file
    server.end()
    server.start()
    [again] = server.ask("GET", "api/sessions")
    assert (again["id"], again["path"]) == (session["id"], "a.ipynb")
    assert again["kernel"]["id"] == kernel_id
    assert say(server, kernel_id, "print(kept + 1, os.getpid())") == f"42 {pid}\n"
    # From now on it is as one that this server has started.
    server.ask("POST", f"api/kernels/{kernel_id}/restart")
    assert say(server, kernel_id, "print('kept' in globals())") == "False\n"
    pid = int(say(server, kernel_id, "import os; print(os.getpid())"))
    server.ask("DELETE", f"api/sessions/{session['id']}")
    until(lambda: not Path(f"/proc/{pid}").exists())
    assert not list(server.runtime.glob("vmshare-kernels-*/*.json"))


@pytest.mark.slow
def test_a_server_that_ends_in_order_leaves_no_kernel(server: Server) -> None:
    kernel_id = server.ask("POST", "api/kernels", {"name": "on-box"})["id"]
    pid = int(say(server, kernel_id, "import os; print(os.getpid())"))
    server.end(signal.SIGTERM)
    until(lambda: not Path(f"/proc/{pid}").exists())
    server.start()
    assert server.ask("GET", "api/kernels") == []


@pytest.mark.slow
@pytest.mark.scenario("V16")
def test_a_kernel_that_died_meanwhile_is_reported(server: Server) -> None:
    kernel_id = server.ask("POST", "api/kernels", {"name": "on-box"})["id"]
    parent = int(say(server, kernel_id, "import os; print(os.getppid())"))
    server.end()
    os.kill(parent, signal.SIGKILL)
    server.start()
    until(lambda: "Its variables are lost" in server.log())
