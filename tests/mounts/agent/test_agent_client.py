"""The service's side of the connection, with the agent itself and with wrong ones."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.mounts.agent_client import AgentClient
from jupyterhub_vmshare.mounts.dialled import over_unix
from jupyterhub_vmshare.mounts.messages import (
    Event,
    FolderWanted,
    GuardRestarted,
    Hello,
    SessionWanted,
)
from jupyterhub_vmshare.mounts.port import AgentRefused, AgentUnreachable
from tests.mounts.agent.node import BEN, PATIENCE, Node

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]
HELLO = {"ok": True, "version": 1, "node": "n", "can_mount": True, "missing": [], "guard": None}


class Client:
    """A client, and what it was told."""

    def __init__(self, path: Path) -> None:
        self.events: asyncio.Queue[Event] = asyncio.Queue()
        self.connects: asyncio.Queue[Hello] = asyncio.Queue()
        self.agent = AgentClient(
            over_unix(str(path)),
            on_event=self.events.put_nowait,
            on_connected=self.connects.put_nowait,
        )

    async def connected(self) -> Hello:
        async with asyncio.timeout(PATIENCE):
            return await self.connects.get()


@asynccontextmanager
async def client_of(path: Path) -> AsyncIterator[Client]:
    made = Client(path)
    await made.agent.start()
    try:
        yield made
    finally:
        await made.agent.close()


@asynccontextmanager
async def played(path: Path, serve: Serve) -> AsyncIterator[None]:
    """An agent that does what a test says."""
    server = await asyncio.start_unix_server(serve, path)
    try:
        yield
    finally:
        server.close()
        path.unlink(missing_ok=True)


async def order(reader: asyncio.StreamReader) -> dict[str, Any]:
    return dict(json.loads(await reader.readline()))


def say(writer: asyncio.StreamWriter, **words: Any) -> None:
    writer.write(json.dumps(words).encode() + b"\n")


def wanted(node: Node, **changes: Any) -> SessionWanted:
    folder = FolderWanted(node.folder(), "tests", "edit", "owner", "ben")
    told = {"id": new_id("ses"), "version": 1, "person": "ben", "uid": BEN, "gid": BEN}
    return SessionWanted(**{**told, "folders": (folder,), **changes})


@pytest.mark.mounts
@pytest.mark.asyncio
async def test_orders_are_answered_by_the_agent(node: Node) -> None:
    node.start()
    async with client_of(node.run / "agent.sock") as client:
        hello = await client.connected()
        assert (hello.can_mount, hello.missing) == (True, ())
        session = wanted(node)
        seen = await client.agent.session(session)
        assert [folder.state for folder in seen.folders] == ["mounted"]
        assert (await client.agent.report()).sessions == (seen,)
        with pytest.raises(AgentRefused) as refused:
            await client.agent.session(SessionWanted(session.id, 0, "ben", BEN, BEN))
        assert refused.value.why.code == "stale"
        assert (await client.agent.keep([session.id])).ended == ()
        assert (await client.agent.end(session.id)).ended == (session.id,)


@pytest.mark.mounts
@pytest.mark.asyncio
@pytest.mark.scenario("M6")
async def test_after_the_agents_death_the_connection_is_taken_up_again(node: Node) -> None:
    node.start()
    async with client_of(node.run / "agent.sock") as client:
        await client.connected()
        session = wanted(node)
        await client.agent.session(session)
        node.kill_agent()
        with pytest.raises(AgentUnreachable):
            while True:
                await client.agent.report()
        node.start()
        await client.connected()
        node.kill_guard()
        async with asyncio.timeout(PATIENCE):
            assert await client.events.get() == GuardRestarted((session.id,))


@pytest.mark.asyncio
async def test_an_agent_that_starts_later_is_found(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        say(writer, **HELLO, order=(await order(reader))["order"])
        await reader.read()

    path = tmp_path / "agent.sock"
    async with client_of(path) as client:
        with pytest.raises(AgentUnreachable):
            await client.agent.report()
        await asyncio.sleep(0.3)
        async with played(path, serve):
            assert (await client.connected()).node == "n"


@pytest.mark.asyncio
async def test_answers_may_come_in_any_order_and_events_in_between(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        say(writer, **HELLO, order=(await order(reader))["order"])
        first, second = await order(reader), await order(reader)
        say(writer, order=second["order"], ok=True, ended=second["sessions"])
        say(writer, event="lost", session="ses_x")
        say(writer, event="of_a_later_version")
        say(writer, order=first["order"], ok=True, ended=first["sessions"])
        await reader.read()

    path = tmp_path / "agent.sock"
    async with played(path, serve), client_of(path) as client:
        await client.connected()
        keep = client.agent.keep
        answers = await asyncio.gather(keep(["ses_a"]), keep(["ses_b"]))
        assert [answer.ended for answer in answers] == [("ses_a",), ("ses_b",)]
        assert client.events.qsize() == 1


@pytest.mark.parametrize(
    "answer",
    [
        pytest.param(b"", id="it hangs up"),
        pytest.param(b"good morning\n", id="it does not speak JSON"),
        pytest.param(b'{"order": 2, "ok": true}\n', id="it leaves out what was asked"),
        pytest.param(b'{"order": 2, "ok": false}\n', id="it refuses without saying why"),
        pytest.param(b"x" * (1 << 21), id="it never ends its line"),
        pytest.param(None, id="it says nothing"),
    ],
)
@pytest.mark.asyncio
async def test_a_wrong_agent_is_one_that_can_t_be_reached(
    answer: bytes | None, tmp_path: Path
) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        say(writer, **HELLO, order=(await order(reader))["order"])
        await order(reader)
        if answer is None:
            await reader.read()
        else:
            writer.write(answer)
            writer.close()

    path = tmp_path / "agent.sock"
    async with played(path, serve), client_of(path) as client:
        await client.connected()
        with pytest.raises(AgentUnreachable):
            await client.agent.report(limit=1.0)


@pytest.mark.asyncio
async def test_a_list_that_is_too_long_is_not_sent(tmp_path: Path) -> None:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        say(writer, **HELLO, order=(await order(reader))["order"])
        assert await reader.read() == b""

    path = tmp_path / "agent.sock"
    folders = tuple(FolderWanted("f" * 500, "n", "edit", "owner", "ben") for _ in range(2000))
    async with played(path, serve), client_of(path) as client:
        await client.connected()
        with pytest.raises(AgentRefused):
            await client.agent.session(SessionWanted("ses_x", 1, "ben", BEN, BEN, folders))
