"""The cell that ran when its kernel ended says why, in its own output."""

from __future__ import annotations

import asyncio
import os
import socket
from collections.abc import Callable
from queue import Empty
from typing import Any

import pytest
from jupyter_client.blocking.client import BlockingKernelClient

from jupyter_vmshare.kernels.ends import KILLED_THERE, LOST
from jupyter_vmshare.kernels.loop import kernels_loop
from jupyter_vmshare.kernels.news import News, board
from jupyterhub_vmshare.relay.machine.vmshare_kernels.carrying import Pump
from tests.kernels.conftest import PATIENCE, Started
from tests.kernels.test_news import SENTENCE, kill, refuse
from tests.kernels.test_provisioner import lines, until

pytestmark = pytest.mark.scenario("V7")
TALKS = "import time\nfor n in range(500): print(f'line {n}', flush=True)\ntime.sleep(1000)"
"""Fewer than 1,000 messages: a kernel drops more where it is faster than its own socket."""
ENDS = [
    pytest.param(refuse, SENTENCE, id="the access ended"),
    pytest.param(kill("getpid"), KILLED_THERE, id="the kernel was killed"),
    pytest.param(kill("getppid"), LOST, id="the supervisor was killed"),
]
SILENCE = 2.0
"""Longer than whoever has something to say takes for it."""


def heard_of(client: BlockingKernelClient, asked: str, end: str = "\n") -> list[dict[str, Any]]:
    """What is printed in a cell until it ends so on standard error."""
    found: list[dict[str, Any]] = []
    while True:
        message = client.get_iopub_msg(timeout=PATIENCE)
        if message["parent_header"].get("msg_id") == asked and message["msg_type"] == "stream":
            found.append(message)
            if message["content"]["name"] == "stderr":
                assert message["content"]["text"].endswith(end)
                return found


def text_of(messages: list[dict[str, Any]]) -> str:
    return "".join(each["content"]["text"] for each in messages)


def is_silent(client: BlockingKernelClient) -> bool:
    """Whether nothing is printed any more."""
    while True:
        try:
            message = client.get_iopub_msg(timeout=SILENCE)
        except Empty:
            return True
        if message["msg_type"] == "stream":
            return False


@pytest.mark.parametrize(("act", "because"), ENDS)
def test_the_cell_that_runs_says_why_after_its_last_line_and_once(
    doomed: Started, act: Callable[[Started], None], because: str
) -> None:
    act = prepared(doomed, act)
    other = BlockingKernelClient()  # with a session of its own, as another browser has
    other.load_connection_info(doomed.manager.get_connection_info())
    other.start_channels()
    try:
        other.wait_for_ready(timeout=PATIENCE)
        asked = doomed.client.execute(TALKS)
        printed = ""
        while not printed.endswith("line 499\n"):
            message = doomed.client.get_iopub_msg(timeout=PATIENCE)
            if message["msg_type"] == "stream":
                printed += message["content"]["text"]
                session = message["header"]["session"]
        act(doomed)
        [last] = heard_of(doomed.client, asked)
        assert printed == lines(500)
        assert last["content"] == {"name": "stderr", "text": f"{because}\n"}
        assert last["header"]["session"] == session
        # It may have died before it had told the other one its last line.
        text = text_of(heard_of(other, asked))
        assert lines(500).startswith(text.removesuffix(f"{because}\n"))
        assert is_silent(doomed.client)
        assert is_silent(other)
    finally:
        doomed.machine.refused = None
        other.stop_channels()
    doomed.manager.restart_kernel(now=True)
    doomed.client.wait_for_ready(timeout=PATIENCE)
    assert doomed.run("print(1)") == "1\n"


def prepared(kernel: Started, act: Callable[[Started], None]) -> Callable[[Started], None]:
    """While a cell runs, the kernel can't be asked for its number: it is asked before."""
    told = kernel.run("import os; print(os.getpid(), os.getppid())")

    class Known:
        machine = kernel.machine

        def run(self, code: str) -> str:
            return told.split()["getppid" in code]

    return lambda _: act(Known())  # type: ignore[arg-type]


@pytest.mark.parametrize(("act", "because"), ENDS)
def test_where_no_cell_runs_nothing_is_printed(
    doomed: Started, act: Callable[[Started], None], because: str
) -> None:
    try:
        doomed.run("print(1)")
        prepared(doomed, act)(doomed)
        until(lambda: not doomed.manager.is_alive())
        assert is_silent(doomed.client)
    finally:
        doomed.machine.refused = None


def test_the_end_of_the_access_is_the_reason_though_it_is_heard_after_the_kill(
    doomed: Started,
) -> None:
    """As a revoke does it: first it kills what runs, then nobody is let in any more."""
    machine = doomed.machine

    def turn_out(news: News) -> None:
        if news.state == "ended" and machine.refused is None:
            machine.refused = SENTENCE
            loop = kernels_loop()
            loop.call_soon_threadsafe(loop.call_later, 0.3, machine.links[-1].fail)

    end = board.listen(turn_out)
    try:
        act = prepared(doomed, kill("getpid"))
        asked = doomed.client.execute(TALKS)
        while doomed.client.get_iopub_msg(timeout=PATIENCE)["msg_type"] != "stream":
            pass
        act(doomed)
        assert heard_of(doomed.client, asked)[-1]["content"]["text"] == f"{SENTENCE}\n"
    finally:
        end()
        machine.refused = None


def test_what_came_for_a_connection_is_passed_on_before_it_ends() -> None:
    data = os.urandom(4_000_000)

    async def passed_on() -> bytes:
        gone = asyncio.Event()
        ours, theirs = socket.socketpair()
        descriptor = ours.detach()
        pump = Pump(descriptor, descriptor, got=lambda _: None, gone=gone.set)
        pump.write(data)
        pump.finish()
        reader, writer = await asyncio.open_unix_connection(sock=theirs)
        try:
            async with asyncio.timeout(PATIENCE):
                got = await reader.read(-1)
                assert not gone.is_set()  # not before the other end knows
                writer.close()
                await gone.wait()
                return got
        finally:
            writer.close()

    assert asyncio.run(passed_on()) == data
