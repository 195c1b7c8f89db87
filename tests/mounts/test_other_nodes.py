"""Nodes on which the service does not run: their agents dial in, over networks that may be bad."""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from tornado.httpclient import HTTPClientError, HTTPRequest
from tornado.websocket import WebSocketClientConnection, websocket_connect

from jupyterhub_vmshare.db.database import utc_now
from jupyterhub_vmshare.mounts.linking import Service
from jupyterhub_vmshare.mounts.node_keys import NodeKeys, key_of, secret_in
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api
from tests.fixtures.guard_binary import missing
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld
from tests.mounts.agent.node import PROGRAMS, Node
from tests.mounts.conftest import UIDS
from tests.mounts.test_through_the_guard import RealClock

pytestmark = [pytest.mark.asyncio]

HELLO = {"ok": True, "version": 1, "node": "n", "can_mount": True, "missing": [], "guard": None}
NETWORKS = itertools.count()
SECRET = b"of this test"
PATIENCE = 90.0
"""Seconds; a connection that was swallowed is given up after ten, and made again within ten."""


@pytest_asyncio.fixture
async def running(
    tmp_path: Path, database_url: str, hub: FakeHub, small_world: SmallWorld
) -> AsyncIterator[RunningService]:
    """A service with no agent of its own."""
    told: dict[str, Any] = {"address": "0.0.0.0:0", "nodes": NodeKeys(SECRET, ("near", "far*"))}
    async with running_service(
        tmp_path, database_url, hub, small_world, clock=RealClock(), **told
    ) as made:
        yield made


# --- who is let in ---


def dialled(running: RunningService, node: str, key: str, **headers: str) -> HTTPRequest:
    service = Service(f"{running.url}{running.service.settings.prefix}", node, key)
    request = service.request
    request.headers.update(headers)
    return request


STRANGERS = [
    pytest.param("near", key_of(SECRET, "far"), {}, id="the key of another node"),
    pytest.param("near", key_of(b"another", "near"), {}, id="the key of another service"),
    pytest.param("near", "", {}, id="no key"),
    pytest.param("middle", key_of(SECRET, "middle"), {}, id="a node that nobody named"),
    pytest.param("local", key_of(SECRET, "local"), {}, id="the service's own node"),
    pytest.param("near", key_of(SECRET, "near"), {"Origin": "https://x.example"}, id="a page"),
]


@pytest.mark.parametrize(("node", "key", "headers"), STRANGERS)
async def test_nobody_else_is_let_in(
    running: RunningService, node: str, key: str, headers: dict[str, str]
) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await websocket_connect(dialled(running, node, key, **headers))
    assert refused.value.code in (403, 404)


async def read_to_the_end(link: WebSocketClientConnection) -> None:
    while await link.read_message() is not None:
        pass


async def test_a_node_that_dials_is_asked_what_it_can_do(running: RunningService) -> None:
    first = await websocket_connect(dialled(running, "near", key_of(SECRET, "near")))
    asked = json.loads(str(await first.read_message()))
    assert asked["do"] == "hello"
    await first.write_message(json.dumps({"order": asked["order"], **HELLO}))
    first_ends = asyncio.create_task(read_to_the_end(first))
    # A network may have swallowed the first one without a word: the second is as good.
    second = await websocket_connect(dialled(running, "near", key_of(SECRET, "near")))
    async with asyncio.timeout(30):
        assert json.loads(str(await second.read_message()))["do"] == "hello"
        await first_ends  # one node has one connection


async def test_a_secret_is_made_once_and_is_the_services_alone(tmp_path: Path) -> None:
    secret = secret_in(tmp_path / "data")
    assert len(secret) == 64
    assert secret_in(tmp_path / "data") == secret
    [path] = (tmp_path / "data").iterdir()
    assert path.stat().st_mode & 0o777 == 0o600
    assert key_of(secret, "near") != key_of(secret, "far")


# --- two nodes, each in a network of its own ---


@dataclass
class Network:
    """A switch on this machine, and nodes plugged into it."""

    name: str
    net: str

    @property
    def here(self) -> str:
        """This machine's own address."""
        return f"{self.net}.1"

    def plug(self, node: Node, number: int) -> None:
        """Give a node a cable and an address."""
        outer, inner = f"{self.name}{number}", f"{self.name}{number}i"
        ip("link", "add", outer, "type", "veth", "peer", "name", inner)
        ip("link", "set", inner, "netns", str(node.first))
        ip("link", "set", outer, "master", self.name, "up")
        for words in (
            ("link", "set", "lo", "up"),
            ("addr", "add", f"{self.net}.{number + 1}/24", "dev", inner),
            ("link", "set", inner, "up"),
        ):
            subprocess.run(node.inside("ip", *words), check=True)

    def swallow(self, number: int) -> None:
        """What the node sends, and what is sent to it, is gone; nobody is told."""
        ip("link", "set", f"{self.name}{number}", "nomaster")

    def heal(self, number: int) -> None:
        ip("link", "set", f"{self.name}{number}", "master", self.name)


def ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)


@pytest.fixture
def network() -> Iterator[Network]:
    if lacking := missing(*PROGRAMS, "ip", guard=False):
        pytest.skip(lacking)
    # Cables go a moment after the node that they were plugged into: the next has other names.
    number = os.getpid() + 7 * next(NETWORKS)
    made = Network(f"vms{number % 1_000_000}", f"198.18.{number % 250}")
    try:
        ip("link", "add", made.name, "type", "bridge")
    except subprocess.CalledProcessError:
        pytest.skip("No network can be made here: it needs root with CAP_NET_ADMIN.")
    try:
        ip("addr", "add", f"{made.here}/24", "dev", made.name)
        ip("link", "set", made.name, "up")
        yield made
    finally:
        ip("link", "delete", made.name)


@dataclass
class Cluster:
    """The service here, and two nodes that dial it."""

    running: RunningService
    network: Network
    near: Node
    far: Node
    api: Api

    async def share(self, name: str, **more: Any) -> str:
        folder = await self.api("ana").make_folder(name)
        people = ("ben", "cleo")
        grants = await self.api("ana").invite(folder, "edit", *people, **more)
        for grant, person in zip(grants, people, strict=True):
            await self.api(person).accept(grant)
        return folder


@pytest_asyncio.fixture
async def cluster(
    running: RunningService, network: Network, tmp_path: Path
) -> AsyncIterator[Cluster]:
    port = running.service.port
    nodes = {}
    async with AsyncExitStack() as stack:
        for number, name in enumerate(("near", "far"), start=1):
            node = nodes[name] = Node(net=True)
            node.store = tmp_path / "store"
            network.plug(node, number)
            key = node.where / "node-key"
            key.touch(0o600)
            key.write_text(key_of(SECRET, name))
            url = f"http://{network.here}:{port}{running.service.settings.prefix}"
            await asyncio.to_thread(node.start)
            where = (f"--service={url}", f"--agent-socket={node.run}/agent.sock", "--allow-http")
            link = subprocess.Popen(
                node.inside(
                    *(sys.executable, "-m", "jupyterhub_vmshare", "link", *where),
                    *(f"--node={name}", f"--node-key-file={key}"),
                )
            )
            stack.callback(link.wait, PATIENCE)
            stack.callback(node.close)  # and everything that runs in it
        yield Cluster(running, network, nodes["near"], nodes["far"], Api(running, stack))


async def until(
    ask: Callable[[], Any], wanted: Callable[[Any], bool], story: Callable[[], str]
) -> None:
    found = None
    try:
        async with asyncio.timeout(PATIENCE):
            while not wanted(found := await asyncio.to_thread(ask)):
                await asyncio.sleep(0.05)
    except TimeoutError:
        pytest.fail(f"still {found}\n{story()}")


def mounted(node: Node) -> dict[str, str]:
    """What the node's one session has, by itself and now."""
    return {
        folder["folder"]: folder["level"]
        for session in node.ask("report")["sessions"]
        for folder in session["folders"]
        if folder["state"] == "mounted"
    }


@pytest.mark.mounts
@pytest.mark.slow
@pytest.mark.scenario("M4")
async def test_a_node_behind_a_black_hole_holds_up_no_other_and_catches_up(
    cluster: Cluster,
) -> None:
    near, far = cluster.near, cluster.far
    folder = await cluster.share("tests")
    await until(lambda: (near.hello(), far.hello()), all, near.log)
    for name, node in (("ben", "near"), ("cleo", "far")):
        async with asyncio.timeout(PATIENCE):
            while (await started(cluster, name, node)) is None:
                await asyncio.sleep(0.1)
    for one in (near, far):
        await until(partial(mounted, one), lambda has: has == {folder: "edit"}, one.log)
    end = utc_now() + timedelta(seconds=3)
    brief = await cluster.share("brief", ends_at=end.isoformat())
    await until(lambda: brief in mounted(far) or utc_now() > end, bool, far.log)

    cluster.network.swallow(2)
    told = await cluster.api("ana").ask("DELETE", f"/folders/{folder}/grants")
    assert told["unconfirmed"] >= 1
    await until(lambda: mounted(near), lambda has: folder not in has, near.log)
    assert folder in mounted(far), "nobody can have told it"
    ((closing,),) = [
        [mount["state"] for mount in one["mounts"] if mount["folder_id"] == folder]
        for one in (await cluster.api("cleo").ask("GET", "/sessions"))["items"]
    ]
    assert closing == "closing"
    # What has an end date ends there by itself.
    await until(lambda: mounted(far), lambda has: brief not in has, far.log)

    # The silence is noticed, and nobody's start waits for that node any more.
    async with asyncio.timeout(PATIENCE):
        while (await cluster.api("cleo").ask("GET", "/sessions"))["items"][0]["mounts_available"]:
            await asyncio.sleep(0.2)
    assert await started(cluster, "dan", "far") is None

    cluster.network.heal(2)
    await until(lambda: mounted(far), lambda has: has == {}, far.log)


async def started(cluster: Cluster, name: str, node: str) -> str | None:
    """The session's id, once the node has dialled in."""
    uid = UIDS[name] + 1000
    body = {"person": name, "server_name": "", "uid": uid, "gid": uid, "node": node}
    told = await cluster.api.hub_hook.ask("POST", "/hub/sessions", {**body, "wait_seconds": 10})
    return str(told["id"]) if told["view"] else None
