"""Terminals on machines while the network swallows everything, or the relay is gone."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio

from tests.relay.cables import why_no_network
from tests.relay.holes import LONG, Holes, holes
from tests.relay.machine import why_not
from tests.relay.screen import Screen

pytestmark = [
    pytest.mark.machines,
    pytest.mark.timeout(4 * LONG),
    pytest.mark.asyncio(loop_scope="module"),
]


def network_of(where: Path) -> AbstractAsyncContextManager[Holes]:
    """With the relay's own patience."""
    return holes(where, keepalive=15)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def way(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holes]:
    if reason := why_not() or why_no_network():
        pytest.skip(reason)
    async with AsyncExitStack() as stack:
        try:
            made = await stack.enter_async_context(network_of(tmp_path_factory.mktemp("holes")))
        except OSError as error:
            pytest.skip(f"No network can be made here: {error}")
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def opened(way: Holes, tmp_path: Path) -> AsyncIterator[Callable[..., Screen]]:
    screens: list[Screen] = []

    def open_screen(*words: str) -> Screen:
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(tmp_path),
            "TERM": "xterm-256color",
            "VMSHARE_SERVICE_URL": way.running.url + way.running.service.settings.prefix,
            "VMSHARE_TOKEN": way.running.hub.server_token("ana"),
        }
        command = (sys.executable, "-m", "jupyter_vmshare.cli", "terminal", way.id, *words)
        screens.append(Screen(command, environment, tmp_path, rows=24, columns=80))
        return screens[-1]

    yield open_screen
    for each in screens:
        each.end()


async def swallow_people(way: Holes) -> None:
    """Twenty seconds in which the notebook server and the relay hear nothing of each other."""
    way.network.cables["people"].swallow()
    await asyncio.sleep(20)
    way.network.cables["people"].heal()


async def kill_the_relay(way: Holes) -> None:
    """Without a word."""
    way.relay.kill()
    await asyncio.sleep(1)
    await way.relay.start()


@pytest.mark.scenario("V16")
async def test_twenty_seconds_without_a_network_end_no_terminal(
    way: Holes, opened: Callable[..., Screen]
) -> None:
    screen = opened()
    await screen.sees(r"\$ ", LONG)
    await screen.says("here=before; echo is $here", "is (before)")
    screen.forget()
    swallowed = asyncio.create_task(swallow_people(way))
    await asyncio.sleep(5)
    screen.line("echo again: $here")
    await swallowed
    await screen.sees("again: before", LONG)
    assert "Press Enter" not in screen.text


@pytest.mark.scenario("V16")
@pytest.mark.parametrize("befalls", [swallow_people, kill_the_relay])
async def test_what_keeps_running_is_come_back_to(
    way: Holes, opened: Callable[..., Screen], befalls: Callable[[Holes], Awaitable[None]]
) -> None:
    screen = opened("--keep")
    await screen.sees(r"\$ ", LONG)
    await screen.says("here=before; echo is $here", "is (before)")
    await befalls(way)
    if befalls is kill_the_relay:
        await screen.sees("Coming back to what runs on", LONG)
        await screen.sees(r"(?s)Coming back.*\$ ", LONG)
    assert await screen.says("echo again: $here", r"again: (before)") == "before"
