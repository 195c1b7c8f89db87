"""From HTTP to a program in a running session: the service, the agent and the guard together."""

from __future__ import annotations

import asyncio
import os
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
import pytest_asyncio

from jupyterhub_vmshare.db.database import utc_now
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api
from tests.fixtures.service import ScriptedClock, running_service
from tests.fixtures.world import SmallWorld
from tests.mounts.agent.conftest import _node
from tests.mounts.agent.node import SERVICE, Node, say
from tests.mounts.test_hub_hook import told_of

pytestmark = [pytest.mark.mounts, pytest.mark.asyncio]

UIDS = {"ana": 2001, "ben": 2002, "dan": 2004}


class RealClock(ScriptedClock):
    """The time that the guard goes by, too."""

    def __call__(self) -> datetime:
        return utc_now()


class Whole:
    """People with an API and sessions on a node; the service may die and come back."""

    def __init__(self, node: Node, url: str, hub: FakeHub, world: SmallWorld) -> None:
        self.node, self._world = node, (node.where, url, hub, world)
        self._life = AsyncExitStack()
        self.api: Api

    async def start(self) -> None:
        address = str(self.node.run / "agent.sock")
        running = await self._life.enter_async_context(
            running_service(*self._world, clock=RealClock(), agent_socket=address, cut_within=20)
        )
        self.api = Api(running, self._life)

    async def stop(self) -> None:
        await self._life.aclose()
        self._life = AsyncExitStack()

    async def session(self, name: str) -> subprocess.Popen[bytes]:
        uid = UIDS[name]
        body = {"person": name, "server_name": "", "uid": uid, "gid": uid, "wait_seconds": 30}
        told = await self.api.hub_hook.ask("POST", "/hub/sessions", body)
        assert told["view"], told
        return await asyncio.to_thread(self.node.session, told["view"])

    async def folder(self, owner: str, name: str) -> str:
        folder = await self.api(owner).make_folder(name)
        await self.write(owner, folder, "hello.txt", b"ahoy")
        return folder

    async def write(self, name: str, folder: str, path: str, content: bytes) -> None:
        await self.api(name).write(folder, path, content, overwrite="true")
        # This process is root; the service's own account would have made them so.
        for top, _, files in os.walk(self.node.store):
            for made in (top, *(f"{top}/{file}" for file in files)):
                os.chown(made, SERVICE, SERVICE)

    async def share(self, folder: str, level: str, name: str, **more: Any) -> str:
        (grant,) = await self.api("ana").invite(folder, level, name, **more)
        await self.api(name).accept(grant)
        return grant


@pytest.fixture
def node() -> Iterator[Node]:
    yield from _node(real=True)


@pytest_asyncio.fixture
async def whole(
    node: Node, database_url: str, hub: FakeHub, small_world: SmallWorld
) -> AsyncIterator[Whole]:
    node.start()
    made = Whole(node, database_url, hub, small_world)
    await made.start()
    yield made
    await made.stop()


async def says(session: subprocess.Popen[bytes], command: str, *, expected: str) -> None:
    """Waits until the command in the session prints that."""
    async with asyncio.timeout(20):
        while expected not in await prints(session, command):
            await asyncio.sleep(0.05)


async def is_seen(whole: Whole, name: str, *expected: tuple[str, str, bool]) -> None:
    """Waits until the service says that of somebody's one session: reports may be on their way."""
    found: list[tuple[str, str, bool]] | None = None
    async with asyncio.timeout(20):
        while found != list(expected):
            (session,) = (await whole.api(name).ask("GET", "/sessions"))["items"]
            mounts = session["mounts"]
            found = [(mount["name"], mount["state"], mount["read_only"]) for mount in mounts]


async def prints(session: subprocess.Popen[bytes], command: str) -> str:
    return await asyncio.to_thread(say, session, command)


@pytest.mark.scenario("M1")
@pytest.mark.scenario("F3")
async def test_what_is_accepted_is_readable_in_the_session_that_runs(whole: Whole) -> None:
    ben = await whole.session("ben")
    assert await prints(ben, "ls /mnt/m") == ""
    folder = await whole.folder("ana", "tests")
    (grant,) = await whole.api("ana").invite(folder, "view", "ben")
    assert await prints(ben, "ls /mnt/m") == ""
    began = time.monotonic()
    await whole.api("ben").accept(grant)
    await says(ben, "cat /mnt/m/tests/hello.txt", expected="ahoy")
    print(f"accepted to readable: {(time.monotonic() - began) * 1000:.0f} ms")
    assert "Read-only" in await prints(ben, "echo x > /mnt/m/tests/new")
    await is_seen(whole, "ben", ("tests", "mounted", True))


@pytest.mark.scenario("F6")
async def test_a_new_name_breaks_no_open_file(whole: Whole) -> None:
    folder = await whole.folder("ana", "tests")
    await whole.share(folder, "view", "ben")
    ben = await whole.session("ben")
    await prints(ben, "cd /mnt/m/tests; exec 8<hello.txt")
    await whole.api("ana").ask(
        "PATCH", f"/folders/{folder}", {"name": "results"}, headers={"If-Match": '"1"'}
    )
    await says(ben, "cat /mnt/m/results/hello.txt", expected="ahoy")
    assert await prints(ben, "cat <&8; cat hello.txt") == "ahoyahoy"


@pytest.mark.scenario("F8")
async def test_lowering_and_kicking_out_reach_a_program_with_an_open_file(whole: Whole) -> None:
    folder = await whole.folder("ana", "tests")
    grant = await whole.share(folder, "edit", "dan")
    dan = await whole.session("dan")
    await prints(dan, "exec 7>/mnt/m/tests/his; exec 8</mnt/m/tests/hello.txt; echo one >&7")
    told = await whole.api("ana").ask(
        "PATCH", f"/grants/{grant}", {"level": "view"}, headers={"If-Match": '"2"'}
    )
    assert (told["sessions_cut"], told["unconfirmed"]) == (1, 0), told
    told_dan = await prints(dan, "/bin/echo two >&7 && echo written")
    assert "write error" in told_dan
    assert "written" not in told_dan
    assert await prints(dan, "cat /mnt/m/tests/his") == "one"
    began = time.monotonic()
    told = await whole.api("ana").ask("DELETE", f"/grants/{grant}")
    print(f"revoke answered after {(time.monotonic() - began) * 1000:.0f} ms: {told}")
    assert (told["sessions_cut"], told["descriptors_cut"], told["unconfirmed"]) == (1, 2, 0), told
    # At once: the answer came after the fact.
    assert "ahoy" not in await prints(dan, "cat <&8; cat /mnt/m/tests/hello.txt; ls /mnt/m")
    (lost,) = await told_of(whole.api, "dan", "mount.unmounted", 1)
    assert lost["level"] == "view"


@pytest.mark.scenario("F12")
async def test_an_end_date_holds_while_the_service_is_down(whole: Whole) -> None:
    folder = await whole.folder("ana", "tests")
    grant = await whole.share(folder, "edit", "ben")
    ben = await whole.session("ben")
    assert await prints(ben, "cat /mnt/m/tests/hello.txt") == "ahoy"
    await prints(ben, "exec 8</mnt/m/tests/hello.txt")
    ends = datetime.fromtimestamp(time.time() + 1.5, UTC)
    strong = ends.isoformat(timespec="milliseconds").replace("+00:00", "Z")
    told = {"ends_at": strong}
    await whole.api("ana").ask("PATCH", f"/grants/{grant}", told, headers={"If-Match": '"2"'})
    async with asyncio.timeout(20):
        while whole.node.end_dates() == [None]:
            await asyncio.sleep(0.02)
    await whole.stop()
    await says(ben, "cat /mnt/m/tests/hello.txt", expected="No such file")
    assert utc_now() >= ends
    assert "ahoy" not in await prints(ben, "cat <&8")
    await whole.start()
    await is_seen(whole, "ben")
    await told_of(whole.api, "ben", "mount.unmounted", 1)


@pytest.mark.scenario("M6")
async def test_agent_and_guard_die_and_what_changed_meanwhile_is_there(whole: Whole) -> None:
    folder = await whole.folder("ana", "tests")
    grant = await whole.share(folder, "edit", "ben")
    ben = await whole.session("ben")
    await asyncio.to_thread(whole.node.kill_agent)
    await asyncio.to_thread(whole.node.kill_guard)
    told = await whole.api("ana").ask("DELETE", f"/grants/{grant}")
    assert (told["sessions_cut"], told["unconfirmed"]) == (0, 1), told
    other = await whole.folder("ana", "other")
    await whole.share(other, "view", "ben")
    await asyncio.to_thread(whole.node.start)
    await says(ben, "cat /mnt/m/other/hello.txt", expected="ahoy")
    assert await prints(ben, "ls /mnt/m") == "other"


async def test_files_made_in_a_session_are_the_explorers_too(whole: Whole) -> None:
    folder = await whole.folder("ana", "tests")
    await whole.share(folder, "edit", "ben")
    ben = await whole.session("ben")
    await prints(ben, "cat /mnt/m/tests/hello.txt; echo his > /mnt/m/tests/his")
    path = f"/folders/{folder}/file"
    answer = await whole.api("ana").get(f"/folders/{folder}/download", path="his")
    assert answer.text == "his\n"
    # The other way round: what the explorer replaces and renames is not stale in the session.
    await whole.write("ana", folder, "hello.txt", b"new")
    await says(ben, "cat /mnt/m/tests/hello.txt", expected="new")
    moved = {"source": "his", "target": "hers"}
    await whole.api("ana").ask("POST", f"/folders/{folder}/moves", moved)
    await says(ben, "ls /mnt/m/tests", expected="hers")
    assert "his" not in (await prints(ben, "ls /mnt/m/tests")).split()
    assert (await whole.api("ana").call("DELETE", path, params={"path": "hers"})).is_success
    await says(ben, "ls /mnt/m/tests | wc -l", expected="1")
