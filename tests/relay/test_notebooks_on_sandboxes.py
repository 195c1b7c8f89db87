"""`run`, `put` and `get` as a notebook's cell calls them, on a real sandbox."""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from jupyter_vmshare.client import VMShareError
from jupyter_vmshare.reach import LinkCut
from jupyter_vmshare.widgets.connect import connect
from jupyter_vmshare.widgets.machines import Machine
from tests.fixtures.sandboxes import missing_for_sandboxes
from tests.relay.live import Live, live

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]
ODD = b"caf\xe9.txt"


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    async with live(tmp_path_factory.mktemp("live")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def box(way: Live) -> AsyncIterator[Machine]:
    """The machine in ben's notebook; it is shared with him for the length of a test."""
    await way.give("ben")
    running = way.running
    url = running.url + running.service.settings.prefix
    vm = await asyncio.to_thread(connect, url, running.hub.server_token("ben"))
    yield await asyncio.to_thread(lambda: vm.machines[way.id])
    await way.api("ana").ask("DELETE", f"/machines/{way.id}/grants")
    vm.close()


@pytest.mark.scenario("V2")
async def test_a_command_runs_under_their_own_account(box: Machine) -> None:
    done = await asyncio.to_thread(box.run, "whoami; id -gn; sudo -n true", show=False)
    assert (done.stdout, done.ok) == ("ben\nusers\n", False)
    done = await asyncio.to_thread(box.run, ["cat"], stdin="x" * 1_000_000, show=False)
    assert len(done.check().stdout) == 1_000_000


@pytest.mark.scenario("V2")
async def test_a_directory_goes_there_and_back_whatever_its_files_are_called(
    box: Machine, tmp_path: Path
) -> None:
    top = tmp_path / "run7"
    (top / "in").mkdir(parents=True)
    (top / "in/data.bin").write_bytes(os.urandom(1_000_000))
    with open(os.fsencode(top) + b"/" + ODD, "wb") as file:
        file.write(b"odd")
    sent = await asyncio.to_thread(box.put, top, "/srv/shared/")
    assert (sent.files, sent.failed) == (2, {})
    listed = await asyncio.to_thread(box.run, "ls -b /srv/shared/run7", show=False)
    assert listed.stdout.split() == [r"caf\351.txt", "in"]
    got = await asyncio.to_thread(box.get, "/srv/shared/run7", tmp_path / "back")
    assert (got.files, got.failed) == (2, {})
    assert sorted(os.listdir(os.fsencode(tmp_path / "back"))) == [ODD, b"in"]
    assert (tmp_path / "back/in/data.bin").read_bytes() == (top / "in/data.bin").read_bytes()
    one = f"/srv/shared/run7/{os.fsdecode(ODD)}"
    copied = await asyncio.to_thread(box.get, one, tmp_path)
    repr(copied).encode()  # what a cell shows has to be text
    with open(os.fsencode(tmp_path) + b"/" + ODD, "rb") as file:
        assert file.read() == b"odd"


@pytest.mark.scenario("V7")
async def test_a_revoke_ends_the_command_with_why(way: Live, box: Machine) -> None:
    running = asyncio.create_task(asyncio.to_thread(box.run, "exec sleep 1009", show=False))
    uid = int((await way.inside("id", "-u", "ben")).stdout)
    await way.until_there(uid, "sleep 1009")
    await way.api("ana").ask("DELETE", f"/machines/{way.id}/grants")
    with pytest.raises(LinkCut, match="not shared with you any more"):
        await running
    assert await way.of(uid) == []
    with pytest.raises(VMShareError):
        await asyncio.to_thread(box.run, "true", show=False)
