"""Links that are kept for the next kernel: what they give, and what they don't."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from jupyter_vmshare.kernels import reaching
from jupyter_vmshare.kernels.channel import Ears, NotAllowed
from jupyter_vmshare.kernels.links import Links
from jupyter_vmshare.kernels.loop import over_there
from jupyter_vmshare.kernels.reaching import RelayWay, specs_kept
from tests.fixtures.waiting import within
from tests.relay.entrance import PATIENCE
from tests.relay.scene import Scene
from tests.relay.test_kernels_over_the_relay import as_the_server_of, url_of

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.timeout(120)]


@pytest_asyncio.fixture(loop_scope="module", autouse=True)
async def _as_ana(way: Scene, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[None]:
    as_the_server_of(way, "ana", monkeypatch)
    yield
    await over_there(reaching.let_go())


def links_of(way: Scene, person: str = "ana") -> list[int]:
    """The channels of each of their links."""
    return [each.channels for each in way.relay.links.held() if each.person == person]


async def until_links(way: Scene, *channels: int, person: str = "ana") -> None:
    async with within(PATIENCE, f"{channels} channels of {person}"):
        while links_of(way, person) != list(channels):
            await asyncio.sleep(0.02)


async def opened(way: Scene, lost: asyncio.Event) -> tuple[RelayWay, Any]:
    """A channel of the machine's part, as kernels have one."""
    loop = asyncio.get_running_loop()

    def gone(_why: Exception) -> None:
        loop.call_soon_threadsafe(lost.set)

    async def open_it() -> tuple[RelayWay, Any]:
        found = RelayWay(way.id, url_of(way))
        ears = Ears(came=lambda _: None, drained=lambda: None, lost=gone)
        return found, await found.open(("attach", "0" * 32, "a session"), ears)

    return await over_there(open_it())


async def test_what_listed_the_kernels_is_the_way_of_the_next_one(way: Scene) -> None:
    await over_there(specs_kept(url_of(way), way.id))
    await until_links(way, 0)
    connections = set(way.relay.links._links["ana", way.id])
    lost = asyncio.Event()
    found, _ = await opened(way, lost)
    async with within(PATIENCE, "the end of a channel to no kernel"):
        await lost.wait()
    assert way.relay.links._links["ana", way.id] == connections
    await over_there(found.close())


async def test_whoever_has_but_a_link_that_is_kept_is_not_there(way: Scene) -> None:
    await over_there(specs_kept(url_of(way), way.id))
    await until_links(way, 0)
    async with within(PATIENCE, "ana being gone"):
        while (await way.api("ana").ask("GET", f"/machines/{way.id}"))["on"]:
            await asyncio.sleep(0.02)
    assert links_of(way) == [0]


@pytest.mark.scenario("V7")
async def test_a_revoke_cuts_it_within_a_second_and_it_opens_nothing_any_more(
    way: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    grant = await way.give("ben")
    as_the_server_of(way, "ben", monkeypatch)
    await over_there(specs_kept(url_of(way), way.id))
    await until_links(way, 0, person="ben")
    began = time.monotonic()
    revoking = asyncio.create_task(way.revoke(grant, "ben"))
    await until_links(way, person="ben")
    assert time.monotonic() - began < 1
    await revoking
    with pytest.raises(NotAllowed):
        await opened(way, asyncio.Event())


async def test_a_link_of_one_token_is_not_another_ones(
    way: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    await over_there(specs_kept(url_of(way), way.id))
    as_the_server_of(way, "ben", monkeypatch)
    with pytest.raises(NotAllowed):
        await opened(way, asyncio.Event())


async def test_it_ends_after_its_time(way: Scene) -> None:
    links = Links(kept=0.2)

    async def use() -> None:
        shared = links.join(url_of(way), way.id)
        await shared.link()
        links.leave(shared)
        assert shared.is_open

    await over_there(use())
    async with within(PATIENCE, "the end of a link that is kept"):
        while links._shared or links._closing:
            await asyncio.sleep(0.02)
    await until_links(way)


async def test_the_newest_are_kept_and_no_more_than_so_many(way: Scene) -> None:
    links = Links(most=1)
    other = await way.make("other-box")

    async def use(machine: str) -> Any:
        shared = links.join(url_of(way), machine)
        await shared.link()
        links.leave(shared)
        return shared

    first, second = await over_there(use(way.id)), await over_there(use(other))
    async with within(PATIENCE, "the end of the older link"):
        while first.is_open:
            await asyncio.sleep(0.02)
    assert second.is_open
    await over_there(links.let_go())
    assert not second.is_open
