"""``jupyter vmshare ssh``, ``cp``, ``forward`` and ``ssh-config``, with OpenSSH's own programs."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator
from pathlib import Path

import httpx2
import pytest
import pytest_asyncio

from tests.relay.entrance import PATIENCE
from tests.relay.machine import why_not
from tests.relay.scene import Scene, scene

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Scene]:
    if reason := why_not():
        pytest.skip(reason)
    async with scene(tmp_path_factory.mktemp("terminal")) as made:
        yield made


def terminal(way: Scene, person: str, home: Path) -> dict[str, str]:
    """The environment of somebody's terminal on the hub."""
    return {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(home),
        "VMSHARE_SERVICE_URL": way.running.url + way.running.service.settings.prefix,
        "JUPYTERHUB_API_TOKEN": way.running.hub.server_token(person),
        "JUPYTERHUB_USER": person,
    }


async def run(way: Scene, home: Path, *words: str, person: str = "ana") -> tuple[int, str, str]:
    """A command's status, and what it wrote."""
    started = await asyncio.create_subprocess_exec(
        *words,
        env=terminal(way, person, home),
        cwd=home,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    async with asyncio.timeout(PATIENCE):
        out, err = await started.communicate()
    return started.returncode or 0, out.decode(), err.decode()


VMSHARE = (sys.executable, "-m", "jupyter_vmshare.cli")


async def test_a_machine_by_its_name(way: Scene, tmp_path: Path) -> None:
    told = await run(way, tmp_path, *VMSHARE, "ssh", "gpu-box", "id -un; exit 3")
    assert told[:2] == (3, "ana\n"), told
    status, _, err = await run(way, tmp_path, *VMSHARE, "ssh", "nothing")
    assert status == 1
    assert "no machine called 'nothing'" in err
    status, _, err = await run(way, tmp_path, *VMSHARE, "ssh", way.id, person="dan")
    assert status == 1
    assert list(tmp_path.rglob("*key*")) == []  # nothing is left of a connection


async def test_files_there_and_back(way: Scene, tmp_path: Path) -> None:
    (tmp_path / "a b; c").write_text("hello")
    told = await run(way, tmp_path, *VMSHARE, "cp", "a b; c", "gpu-box:/srv/shared/there")
    assert told[0] == 0, told
    told = await run(way, tmp_path, *VMSHARE, "cp", "gpu-box:/srv/shared/there", "back")
    assert told[0] == 0, told
    assert (tmp_path / "back").read_text() == "hello"
    status, _, err = await run(way, tmp_path, *VMSHARE, "cp", "one", "two")
    assert status == 1
    assert "One side is a machine" in err


async def test_plain_ssh_and_rsync_know_the_machine(way: Scene, tmp_path: Path) -> None:
    status, config, err = await run(way, tmp_path, *VMSHARE, "ssh-config")
    assert status == 0, err
    file = tmp_path / "config"
    file.write_text(config)
    told = await run(way, tmp_path, "ssh", "-F", str(file), "gpu-box", "id -un")
    assert told[:2] == (0, "ana\n"), told
    (tmp_path / "data").mkdir()
    (tmp_path / "data" / "file").write_text("x")
    ssh = f"ssh -F {file}"
    told = await run(way, tmp_path, "rsync", "-a", "-e", ssh, "data/", "gpu-box:/srv/shared/data/")
    assert told[0] == 0, told
    there = await asyncio.to_thread(way.machine.run, "cat", "/srv/shared/data/file")
    assert there == "x"
    assert (tmp_path / ".ssh" / "vmshare" / way.id).stat().st_mode & 0o077 == 0


async def test_a_program_on_the_machine_answers_here(way: Scene, tmp_path: Path) -> None:
    serve = "setsid python3 -m http.server --bind 127.0.0.1 8731 >/dev/null 2>&1 &"
    assert (await run(way, tmp_path, *VMSHARE, "ssh", "gpu-box", serve))[0] == 0
    await way.until(lambda: way.machine.order("listener", port=8731)["done"]["uids"])
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    forwarding = await asyncio.create_subprocess_exec(
        *(*VMSHARE, "forward", "gpu-box", f"{port}:8731"),
        env=terminal(way, "ana", tmp_path),
        stdout=asyncio.subprocess.PIPE,
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(PATIENCE), httpx2.AsyncClient() as client:
            while True:
                try:
                    answer = await client.get(f"http://127.0.0.1:{port}/")
                except httpx2.TransportError:
                    await asyncio.sleep(0.05)
                    continue
                assert answer.status_code == 200
                break
    finally:
        os.killpg(forwarding.pid, 15)
        await forwarding.wait()
