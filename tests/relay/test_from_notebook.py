"""`run`, `put` and `get` of a machine, as a notebook's cell calls them, through a real relay."""

from __future__ import annotations

import asyncio
import io
import sys
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from jupyter_client.manager import start_new_kernel

from jupyter_vmshare.client import NotAllowed
from jupyter_vmshare.client.errors import NameTaken
from jupyter_vmshare.reach import CommandFailed
from jupyter_vmshare.widgets.connect import AsyncVMShare, connect, connect_async
from jupyter_vmshare.widgets.machines import Machine
from tests.relay.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest_asyncio.fixture(loop_scope="module")
async def box(way: Scene) -> AsyncIterator[Machine]:
    """The machine in ben's notebook, which does not await."""
    await way.give("ben")
    vm = await asyncio.to_thread(connect, *where(way))
    yield await asyncio.to_thread(lambda: vm.machines[way.id])
    vm.close()


def where(way: Scene) -> tuple[str, str]:
    running = way.running
    return running.url + running.service.settings.prefix, running.hub.server_token("ben")


async def test_a_cell_shows_what_a_command_writes(box: Machine, capfd: Any) -> None:
    done = await asyncio.to_thread(box.run, "echo grüße; echo wrong >&2; exit 3")
    shown = capfd.readouterr()
    # The service of the test writes its log there, too.
    assert "grüße" in shown.out.splitlines()
    assert "wrong" in shown.err.splitlines()
    assert (done.stdout, done.stderr, done.exit_status, done.ok) == (
        *("grüße\n", "wrong\n"),
        *(3, False),
    )
    with pytest.raises(CommandFailed, match="exit status 3"):
        done.check()
    quiet = await asyncio.to_thread(lambda: box.run("echo $((6000 + 66))", show=False))
    assert (quiet.stdout, "6066" in repr(quiet)) == ("6066\n", False)
    assert "6066" not in capfd.readouterr().out.splitlines()


async def test_both_colours_do_the_same(way: Scene, box: Machine, tmp_path: Path) -> None:
    vm: AsyncVMShare = await connect_async(*where(way))
    other = await vm.machines.get(way.id)
    done = await other.run(["cat"], stdin="given", show=False)
    assert done.check().stdout == "given"
    (tmp_path / "a.txt").write_text("here")
    await other.put(tmp_path / "a.txt", "both.txt", overwrite=True)
    await other.get("both.txt", tmp_path / "b.txt")
    assert (tmp_path / "b.txt").read_text() == "here"
    await vm.close()


async def test_an_interrupt_of_the_cell_ends_the_command(
    way: Scene, box: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    uid = int((await asyncio.to_thread(box.run, "id -u", show=False)).stdout)

    class Interrupting(io.StringIO):
        """As Ctrl+C does, in the thread that waits, once the command has begun."""

        def write(self, text: str) -> int:
            if text == "begun\n":
                raise KeyboardInterrupt
            return len(text)

    monkeypatch.setattr(sys, "stdout", Interrupting())
    with pytest.raises(KeyboardInterrupt):
        await asyncio.to_thread(box.run, "echo begun; exec sleep 4321")
    await way.until(lambda: not any("4321" in each for each in way.machine.of(uid)))
    assert not any(thread.name == "vmshare-reach" for thread in threading.enumerate())


async def test_a_file_goes_there_and_back_with_progress(box: Machine, tmp_path: Path) -> None:
    data = bytes(range(256)) * 4096
    here = tmp_path / "data.bin"
    here.write_bytes(data)
    told: list[tuple[int, int | None]] = []
    await asyncio.to_thread(box.run, "rm -rf went; mkdir went", show=False)
    sent = await asyncio.to_thread(
        lambda: box.put(here, "went/", progress=lambda *what: told.append(what))
    )
    assert (sent.files, sent.size) == (1, len(data))
    assert sent.path.endswith("/went/data.bin")
    assert (told[0], told[-1]) == ((0, len(data)), (len(data), len(data)))
    assert sorted(told) == told
    with pytest.raises(NameTaken):
        await asyncio.to_thread(box.put, here, "went")
    await asyncio.to_thread(lambda: box.put(here, "went", overwrite=True))
    with pytest.raises(FileExistsError):
        await asyncio.to_thread(box.get, "went/data.bin", tmp_path)
    got = await asyncio.to_thread(box.get, "went/data.bin", tmp_path / "again.bin")
    assert (tmp_path / "again.bin").read_bytes() == data
    assert got.path == str(tmp_path / "again.bin")


@pytest.mark.slow
async def test_in_a_kernel_there_is_a_bar(
    way: Scene, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    await way.give("ben")
    url, token = where(way)
    monkeypatch.setenv("VMSHARE_SERVICE_URL", url)
    monkeypatch.setenv("VMSHARE_TOKEN", token)
    (tmp_path / "data.bin").write_bytes(bytes(1000))
    cells = [
        f"import jupyter_vmshare\nbox = jupyter_vmshare.connect().machines[{way.id!r}]",
        f"box.put({str(tmp_path / 'data.bin')!r}, 'bar.bin', overwrite=True)",
        f"box.get('bar.bin', {str(tmp_path / 'again.bin')!r}, progress=False)",
    ]
    shown = await asyncio.to_thread(in_a_kernel, cells)
    assert [
        sum("application/vnd.jupyter.widget-view+json" in one for one in each) for each in shown
    ] == [0, 1, 0]
    assert "1.0 KB of 1.0 KB" in str(shown[1])
    assert "'bar_style': 'success'" in str(shown[1])
    assert (tmp_path / "again.bin").read_bytes() == bytes(1000)


def in_a_kernel(cells: list[str]) -> list[list[dict[str, Any]]]:
    """What each cell shows, and tells what it showed."""
    manager, client = start_new_kernel(startup_timeout=60)
    shown: list[list[dict[str, Any]]] = []
    try:
        for cell in cells:
            told: list[dict[str, Any]] = []
            reply = client.execute_interactive(cell, timeout=60, output_hook=told.append)
            assert reply["content"]["status"] == "ok", reply["content"]
            shown.append([{**one["content"], **one["content"].get("data", {})} for one in told])
    finally:
        client.stop_channels()
        manager.shutdown_kernel(now=True)
    return shown


async def test_a_directory_goes_there_and_back(box: Machine, tmp_path: Path) -> None:
    top = tmp_path / "tree"
    (top / "in/ner").mkdir(parents=True)
    (top / "a").write_text("a")
    (top / "in/ner/b").write_text("bb")
    (top / "out").symlink_to("/etc")
    await asyncio.to_thread(box.run, "rm -rf tree", show=False)
    sent = await asyncio.to_thread(box.put, top)
    assert (sent.files, sent.size, sent.failed) == (2, 3, {})
    again = await asyncio.to_thread(box.put, top)
    assert again.files == 0
    assert all("already" in because for because in again.failed.values())
    assert len(again.failed) == 2
    await asyncio.to_thread(box.run, "ln -s /etc tree/away", show=False)
    back = tmp_path / "back"
    got = await asyncio.to_thread(box.get, "tree", back)
    assert (got.files, got.failed) == (2, {})
    found = sorted(str(each.relative_to(back)) for each in back.rglob("*"))
    assert found == ["a", "in", "in/ner", "in/ner/b"]


@pytest.mark.parametrize(
    ("tick", "act"),
    [
        pytest.param("open_terminal", lambda box, _: box.run("true"), id="run"),
        pytest.param("upload", lambda box, here: box.put(here), id="put"),
        pytest.param("download", lambda box, _: box.get("/etc/hostname", "got"), id="get"),
    ],
)
async def test_what_a_tick_refuses_is_said(
    way: Scene,
    box: Machine,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    tick: str,
    act: Any,
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "x").write_text("x")
    way.rights.without["ben"] = frozenset({tick})
    with pytest.raises(NotAllowed, match="You may not"):
        await asyncio.to_thread(act, box, tmp_path / "x")
    assert not (tmp_path / "got").exists()
