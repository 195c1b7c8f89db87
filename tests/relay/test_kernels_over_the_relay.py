"""A kernel on a machine behind the relay, as a notebook server has it."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import nbformat
import pytest
import pytest_asyncio
from jupyter_client.asynchronous.client import AsyncKernelClient
from jupyter_client.kernelspec import KernelSpecManager
from jupyter_client.manager import AsyncKernelManager
from nbclient import NotebookClient

from jupyter_vmshare.cli import main
from jupyter_vmshare.client import AsyncClient
from jupyter_vmshare.kernels.loop import over_there
from jupyter_vmshare.kernels.reaching import let_go
from jupyter_vmshare.kernels.specs import (
    MachineKernels,
    kernel_name,
    offer_those_of_machines,
)
from jupyterhub_vmshare.db.tables import machines
from jupyterhub_vmshare.relay.ways import RelayAddress
from tests.fixtures.waiting import within
from tests.relay.entrance import PATIENCE
from tests.relay.machine import PYTHON
from tests.relay.scene import Scene

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(240)]

SPEC = {
    "argv": [PYTHON, "-m", "ipykernel_launcher", "-f", "{connection_file}"],
    "display_name": "Python 3 (ipykernel)",
    "language": "python",
}


def url_of(way: Scene) -> str:
    """The service's."""
    return way.running.url + way.running.service.settings.prefix


def as_the_server_of(way: Scene, person: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """What the hub tells somebody's notebook server."""
    monkeypatch.setenv("VMSHARE_SERVICE_URL", url_of(way))
    monkeypatch.setenv("VMSHARE_TOKEN", way.running.hub.server_token(person))


@pytest.fixture
def _as_ana(way: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    as_the_server_of(way, "ana", monkeypatch)


@pytest_asyncio.fixture(loop_scope="module")
async def kernels(
    way: Scene,
    _as_ana: None,
    tmp_path: Path,
) -> AsyncIterator[MachineKernels]:
    """The kernels of ana's machines, on which there is a Python."""
    place = "/usr/local/share/jupyter/kernels/python3"
    await asyncio.to_thread(way.machine.run, "mkdir", "-p", place)
    await asyncio.to_thread(way.machine.run, "tee", f"{place}/kernel.json", given=json.dumps(SPEC))
    found = MachineKernels(tmp_path / "kernels.json", url_of(way))

    async def refresh() -> None:
        async with AsyncClient() as client:
            await found.refresh(client)

    await over_there(refresh())
    yield found
    found.stop()
    await over_there(let_go())  # the next test has another token


def manager_of(way: Scene, kernels: MachineKernels) -> AsyncKernelManager:
    specs = KernelSpecManager()
    offer_those_of_machines(specs, kernels)
    return AsyncKernelManager(kernel_name=kernel_name(way.id, "python3"), kernel_spec_manager=specs)


async def start(way: Scene, kernels: MachineKernels) -> AsyncKernelManager:
    manager = manager_of(way, kernels)
    await manager.start_kernel()
    return manager


async def ready(manager: AsyncKernelManager) -> AsyncKernelClient:
    client = manager.client()
    client.start_channels()
    await client.wait_for_ready(timeout=2 * PATIENCE)
    return client


async def run(client: AsyncKernelClient, code: str) -> str:
    printed: list[str] = []
    reply = await client.execute_interactive(
        code,
        timeout=2 * PATIENCE,
        output_hook=lambda each: printed.append(each["content"].get("text", "")),
    )
    assert reply["content"]["status"] == "ok", reply["content"]
    return "".join(printed)


@pytest.mark.scenario("V1")
async def test_they_are_listed_at_the_terminal_as_one_may_have_them(
    way: Scene,
    kernels: MachineKernels,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    async def listed() -> list[dict[str, Any]]:
        assert await asyncio.to_thread(main, ["kernels", "--json"]) == 0
        # The service logs to the same standard output.
        [told] = [line for line in capsys.readouterr().out.splitlines() if line.startswith("[")]
        return list(json.loads(told))

    monkeypatch.setenv("JUPYTERHUB_USER", "ana")
    python = {"name": kernel_name(way.id, "python3"), "display_name": "Python 3"}
    found = [one for one in await listed() if one["machine_id"] == way.id]
    assert [(one["name"], one["display_name"]) for one in found] == [tuple(python.values())]
    as_the_server_of(way, "ben", monkeypatch)
    assert await listed() == []


async def test_the_kernels_of_a_machine_are_offered_beside_the_local_ones(
    way: Scene,
    kernels: MachineKernels,
) -> None:
    manager = KernelSpecManager()
    offer_those_of_machines(manager, kernels)
    specs = manager.get_all_specs()
    offered = specs[kernel_name(way.id, "python3")]["spec"]
    assert offered["display_name"] == "Python 3 on gpu-box (ana)"
    assert "python3" in specs


@pytest.mark.scenario("V1")
async def test_a_kernel_runs_under_ones_own_account_and_survives_the_relay(
    way: Scene,
    kernels: MachineKernels,
) -> None:
    manager = await start(way, kernels)
    try:
        client = await ready(manager)
        assert await run(client, "import getpass; print(getpass.getuser())") == "ana\n"
        await run(client, "kept = 41")
        await way.relay.stop()
        way.relay = way.new_relay()
        await way.relay.start()
        port = await way.relay.listening()
        way.running.service.ways.address = RelayAddress("127.0.0.1", port)
        assert await run(client, "print(kept + 1)") == "42\n"
        client.stop_channels()
    finally:
        await manager.shutdown_kernel(now=True)


@pytest.mark.scenario("V1")
async def test_a_whole_notebook_is_executed_on_a_machine(
    way: Scene, kernels: MachineKernels
) -> None:
    cells = ["kept = 41", "import getpass; print(getpass.getuser())", "kept + 1", "1 / 0"]
    made: Any = nbformat.v4
    notebook = made.new_notebook(cells=[made.new_code_cell(each) for each in cells])
    manager = manager_of(way, kernels)
    patience = int(4 * PATIENCE)
    try:
        await NotebookClient(
            notebook, km=manager, timeout=patience, allow_errors=True
        ).async_execute()
    finally:
        await manager.shutdown_kernel(now=True)
    assert [each.outputs for each in notebook.cells[:2]] == [
        [],
        [{"output_type": "stream", "name": "stdout", "text": "ana\n"}],
    ]
    assert notebook.cells[2].outputs[0]["data"]["text/plain"] == "42"
    assert notebook.cells[3].outputs[0]["ename"] == "ZeroDivisionError"


SAID = "This machine is not shared with you any more."
ATTACK = """
import glob, os, socket, sys
held = []
for path in (sys.argv[1], f"{sys.argv[1]}/k-1", f"{sys.argv[1]}/door"):
    try:
        socket.socket(socket.AF_UNIX).connect(path)
    except PermissionError:
        held.append(path)
for what in ("environ", "mem", "maps", "fd"):
    path = f"/proc/{sys.argv[2]}/{what}"
    try:
        os.listdir(path) if what == "fd" else open(path, "rb").read(1)
    except PermissionError:
        held.append(path)
print(len(held))
"""


@pytest.mark.scenario("V16")
async def test_another_account_on_the_machine_gets_at_nothing_of_a_kernel(
    way: Scene, kernels: MachineKernels
) -> None:
    manager = await start(way, kernels)
    try:
        client = await ready(manager)
        told = await run(client, "import os, sys; print(os.getpid(), sys.argv[-1])")
        client.stop_channels()
        pid, connection = told.split()
        place = str(Path(connection).parent)
        attacker = ("setpriv", "--reuid=20999", "--regid=65534", "--clear-groups")
        words = (*attacker, "/usr/bin/python3", "-c", ATTACK, place, pid)
        assert await asyncio.to_thread(way.machine.run, *words) == "7\n"
    finally:
        await manager.shutdown_kernel(now=True)


SEARCH = """
import os, re, sys
needles = [bytes.fromhex(each) for each in sys.stdin.read().split()]
found, looked = set(), 0

def look(where, data):
    global looked
    looked += len(data)
    found.update((where, number) for number, each in enumerate(needles) if each in data)

for pid in filter(str.isdigit, os.listdir("/proc")):
    if int(pid) == os.getpid():
        continue
    try:
        areas = open(f"/proc/{pid}/maps").read()
        memory = open(f"/proc/{pid}/mem", "rb", 0)
        for what in ("environ", "cmdline"):
            look(what, open(f"/proc/{pid}/{what}", "rb").read())
    except OSError:
        continue
    for start, end in re.findall("^([0-9a-f]+)-([0-9a-f]+) rw", areas, re.M):
        try:
            memory.seek(int(start, 16))
            look("memory", memory.read(int(end, 16) - int(start, 16)))
        except (OSError, OverflowError, ValueError):
            pass
for place in ("/home", "/root", "/run", "/tmp", "/var/lib/vmshare", "/etc", "/dev/shm"):
    for root, _, names in os.walk(place):
        for name in names:
            path = os.path.join(root, name)
            own = name.startswith("ssh_host_")
            if os.path.isfile(path) and not os.path.islink(path) and not own:
                try:
                    look("files", open(path, "rb").read())
                except OSError:
                    pass
print(looked > 1 << 20, sorted(found))
"""


@pytest.mark.scenario("V16")
async def test_root_on_the_machine_finds_no_token_and_no_key_of_who_has_a_kernel_there(
    way: Scene, kernels: MachineKernels
) -> None:
    """In no process's memory and in no file; what the kernel itself was told is found."""
    manager = await start(way, kernels)
    try:
        client = await ready(manager)
        await run(client, "kept = ''.join(['a-word-', 'of-the-kernel'])")
        client.stop_channels()
        token = os.environ["VMSHARE_TOKEN"].encode()
        needles = [token, b"BEGIN OPENSSH PRIVATE " + b"KEY", b"a-word-of-the-kernel"]
        given = "\n".join(each.hex() for each in needles)
        words = ("/usr/bin/python3", "-c", SEARCH)
        told = await asyncio.to_thread(way.machine.run, *words, given=given)
        assert told == f"True {[('memory', 2)]}\n"
    finally:
        await manager.shutdown_kernel(now=True)


@pytest.mark.scenario("V7")
async def test_a_kernel_ends_with_the_access_and_the_server_knows_why(
    way: Scene,
    kernels: MachineKernels,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    grant = await way.give("ben")
    as_the_server_of(way, "ben", monkeypatch)
    manager = await start(way, kernels)
    try:
        client = await ready(manager)
        uid = int(await run(client, "import os; print(os.getuid())"))
        asked = client.execute("import time; print('begun', flush=True); time.sleep(1000)")
        printed = [await printed_in(client, asked)]
        await way.revoke(grant, "ben")
        assert await asyncio.to_thread(way.machine.of, uid) == []
        async with asyncio.timeout(PATIENCE):
            while await manager.is_alive():
                await asyncio.sleep(0.02)
        assert SAID in caplog.text
        # The cell that ran says so itself.
        printed.append(await printed_in(client, asked))
        assert printed == [("stdout", "begun\n"), ("stderr", f"{SAID}\n")]
        client.stop_channels()
    finally:
        await manager.shutdown_kernel(now=True)


async def printed_in(client: AsyncKernelClient, asked: str) -> tuple[str, str]:
    """What a cell prints next, and where."""
    while True:
        message = await client.get_iopub_msg(timeout=2 * PATIENCE)
        if message["parent_header"].get("msg_id") == asked and message["msg_type"] == "stream":
            return message["content"]["name"], message["content"]["text"]


@pytest.mark.scenario("V7")
async def test_what_is_offered_follows_the_access_while_the_server_runs(
    way: Scene, kernels: MachineKernels, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    as_the_server_of(way, "ben", monkeypatch)
    name, offered = (
        kernel_name(way.id, "python3"),
        MachineKernels(tmp_path / "bens.json", url_of(way)),
    )
    try:
        grant = await way.give("ben")
        # An event that ben hears, since `give` makes none.
        await way.revoke(await way.give("cleo"), "ben")
        await way.until(lambda: name in offered.all())
        await way.revoke(grant, "ben")
        await way.until(lambda: name not in offered.all())
    finally:
        offered.stop()


@pytest.mark.scenario("V10")
async def test_a_kernel_that_does_nothing_keeps_its_machine_on(
    way: Scene, kernels: MachineKernels
) -> None:
    await way.api("ana").ask("PUT", f"/machines/{way.id}/idle-policy", {"minutes": 60})
    manager = await start(way, kernels)
    client = await ready(manager)
    try:
        await run(client, "print()")
        # The first look is over a time in which it was busy.
        assert [await is_in_use(way) for _ in range(5)] == [True] * 5
    finally:
        client.stop_channels()
        await manager.shutdown_kernel(now=True)
    async with within(PATIENCE, "A look that sees nobody"):
        while await is_in_use(way):
            await asyncio.sleep(0.2)
    await way.api("ana").ask("PUT", f"/machines/{way.id}/idle-policy", {"minutes": None})


async def is_in_use(way: Scene) -> bool:
    """What the next look at the machine says."""
    long_ago, ours = datetime.now(UTC) - timedelta(minutes=55), machines.c.id == way.id
    then = {"active_at": long_ago, "heard_at": long_ago}
    async with way.running.service.db.write() as tx:
        await tx.conn.execute(machines.update().where(ours).values(**then))
    await asyncio.sleep(0.5)  # a look is over what happened since the one before
    async with within(PATIENCE, "A look at the machine"):
        while True:
            await way.running.service.telling.ask_for_use()
            async with way.running.service.db.read() as conn:
                found = (await conn.execute(machines.select().where(ours))).one()
            if found.heard_at != long_ago:
                return bool(found.active_at != long_ago)
            await asyncio.sleep(0.1)
