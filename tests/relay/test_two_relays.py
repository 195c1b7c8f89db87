"""Two relays of one service: people come in by either, and what is taken away holds at both."""

from __future__ import annotations

import asyncio
import re
import signal
from collections.abc import AsyncIterator
from dataclasses import dataclass

import asyncssh
import pytest
import pytest_asyncio

from tests.fixtures.sandboxes import missing_for_sandboxes
from tests.fixtures.waiting import within
from tests.relay.entrance import PATIENCE, gone, stays
from tests.relay.live import Live, live
from tests.relay.relay_process import RelayProcess

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]


@dataclass
class Both:
    """Where people come in."""

    way: Live
    first: RelayProcess
    second: RelayProcess

    async def enter(self, person: str, relay: RelayProcess) -> asyncssh.SSHClientConnection:
        """By one of the two."""
        self.way.relay = relay
        try:
            return await self.way.enter(person)
        finally:
            self.way.relay = self.first

    async def is_locked(self, person: str) -> bool:
        """As the machine has it."""
        told = (await self.way.inside("chage", "-l", person)).stdout
        return re.search(r"Account expires\s*: .*1970", told) is not None

    async def on(self, *people: str) -> None:
        """Wait until these are on the machine, as the service tells it."""
        async with within(PATIENCE, f"{people} on the machine"):
            while sorted((await self.way.seen(self.way.id))["on"]) != sorted(people):
                await asyncio.sleep(0.05)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Both]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    where = tmp_path_factory.mktemp("two")
    async with live(where) as way:
        second = RelayProcess(way.relay.service, where / "second.log", name="relay-2")
        try:
            await second.start()
            yield Both(way, way.relay, second)
        finally:
            second.kill()


@pytest_asyncio.fixture(loop_scope="module")
async def both(whole: Both) -> Both:
    """The same for all tests, shared with nobody."""
    await whole.way.api("ana").ask("DELETE", f"/machines/{whole.way.id}/grants")
    return whole


async def echoed(cats: asyncssh.SSHClientProcess[str], word: str) -> None:
    cats.stdin.write(f"{word}\n")
    async with within(PATIENCE, f"The echo of {word}"):
        assert await cats.stdout.readline() == f"{word}\n"


async def uid_of(conn: asyncssh.SSHClientConnection) -> int:
    return int(str((await conn.run("id -u", stdin=asyncssh.DEVNULL)).stdout))


@pytest.mark.scenario("V7")
async def test_a_revoke_reaches_the_links_of_both(both: Both) -> None:
    way, grant = both.way, await both.way.give("ben")
    bens = [await both.enter("ben", relay) for relay in (both.first, both.second)]
    anas = await both.enter("ana", both.second)
    cats = await anas.create_process("cat")
    terminals = [await conn.create_process("sleep 1000", term_type="xterm") for conn in bens]
    uid = await uid_of(bens[0])
    assert await uid_of(bens[1]) == uid
    await both.on("ana", "ben")
    [link] = (await way.revoke(grant))["links"]
    assert (link["person"], link["confirmed"], link["remaining"]) == ("ben", True, 0)
    for conn, terminal in zip(bens, terminals, strict=True):
        await gone(conn)
        assert "not shared with you any more" in str(await terminal.stderr.read())
    assert await way.of(uid) == []
    assert await both.is_locked("ben")
    await echoed(cats, "still here")
    anas.close()
    await both.on()


async def test_one_that_is_killed_takes_its_own_links_alone(both: Both) -> None:
    way, grant = both.way, await both.way.give("ben")
    first, second = await both.enter("ben", both.first), await both.enter("ben", both.second)
    uid = await uid_of(first)
    cats = await second.create_process("cat")
    both.first.kill()
    await gone(first)
    await echoed(cats, "still here")
    assert not await both.is_locked("ben")
    [link] = (await way.revoke(grant))["links"]
    assert (link["confirmed"], link["remaining"]) == (True, 0)
    await gone(second)
    await both.first.start()
    assert await way.of(uid) == []
    assert await both.is_locked("ben")
    assert (await way.ask_for_certificate("ben", way.id))[0] == 404


async def test_a_lock_that_comes_late_does_not_undo_what_was_given_since(both: Both) -> None:
    """One relay stands still while ben loses the machine, gets it again and comes in."""
    way, grant = both.way, await both.way.give("ben")
    before = await both.enter("ben", both.second)
    await uid_of(before)
    both.second.signal(signal.SIGSTOP)
    try:
        [link] = (await way.revoke(grant))["links"]
        assert (link["confirmed"], link["remaining"]) == (True, 0)  # the other one has seen to it
        again = await way.give("ben")
        after = await both.enter("ben", both.first)
        cats = await after.create_process("cat")
        await echoed(cats, "in again")
    finally:
        both.second.signal(signal.SIGCONT)
    await gone(before)
    async with within(PATIENCE, "The second relay"):
        while not await both.second.is_well():
            await asyncio.sleep(0.05)
    async with await both.enter("ben", both.second) as beside:
        await uid_of(beside)
    await echoed(cats, "still here")
    assert not await both.is_locked("ben")
    after.close()
    await way.revoke(again)


async def test_who_comes_and_goes_by_either_is_told_once(both: Both) -> None:
    """Ana is on as long as one of the two has a link of hers."""
    await both.on()
    before = await told(both)
    first, second = await both.enter("ana", both.first), await both.enter("ana", both.second)
    for conn in (first, second):
        await stays(conn)
    await both.on("ana")
    first.close()
    await first.wait_closed()
    cats = await second.create_process("cat")
    await echoed(cats, "here")
    await both.on("ana")
    second.close()
    await both.on()
    opened, closed = await told(both)
    assert (opened, closed) == (before[0] + 1, before[1] + 1)


async def told(both: Both) -> tuple[int, int]:
    """How often ana has heard that somebody came, and that somebody went."""
    ana = both.way.api("ana")
    return (
        len(await ana.events("machine.link_opened")),
        len(await ana.events("machine.link_closed")),
    )
