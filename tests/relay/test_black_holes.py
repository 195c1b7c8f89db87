"""Networks that swallow everything without a word, between a relay and each whom it speaks with."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

from tests.fixtures.waiting import has_come
from tests.relay.cables import why_no_network
from tests.relay.entrance import PATIENCE, gone, said
from tests.relay.holes import LONG, Holes, holes
from tests.relay.machine import why_not

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]

CROWD = [f"guest{number}" for number in range(10)]
"""More than are locked at a time."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Holes]:
    if reason := why_not() or why_no_network():
        pytest.skip(reason)
    async with AsyncExitStack() as stack:
        try:
            made = await stack.enter_async_context(holes(tmp_path_factory.mktemp("holes")))
        except OSError as error:
            pytest.skip(f"No network can be made here: {error}")
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def way(whole: Holes) -> AsyncIterator[Holes]:
    """The same for all tests, shared with nobody, with every cable whole before and after."""
    await whole.clear()
    yield whole
    for cable in whole.network.cables.values():
        cable.heal()
    async with asyncio.timeout(LONG):
        while not await whole.relay.is_well():
            await asyncio.sleep(0.1)


async def there(way: Holes, person: str) -> tuple[asyncssh.SSHClientConnection, int]:
    """A connection of theirs, with something left on the machine; and their uid there."""
    conn = await way.enter(person)
    done = await conn.run("id -u; tmux new-session -d 'sleep 1000'", stdin=asyncssh.DEVNULL)
    return conn, int(str(done.stdout))


async def test_a_person_behind_a_black_hole_is_cut_off_all_the_same(way: Holes) -> None:
    await way.user("ben")
    conn, uid = await there(way, "ben")
    way.network.cables["people"].swallow()
    told = await way.stop_sharing(PATIENCE)
    assert (told["ben"]["confirmed"], told["ben"]["remaining"]) == (True, 0)
    assert way.machine.of(uid) == []
    way.network.cables["people"].heal()
    await gone(conn)


async def test_whoever_is_swallowed_leaves_no_link_behind(way: Holes) -> None:
    """Neither end says goodbye: each asks the other whether it is there."""
    conn = await way.enter("ana", keepalive_interval=1, keepalive_count_max=3)
    await conn.create_process("sleep 1002", term_type="xterm", stdin=asyncssh.DEVNULL)
    with way.at(way.second):
        other = await way.enter("ana")
        cats = await other.create_process("cat")
        cats.stdin.write("here\n")
        assert await cats.stdout.readline() == "here\n"
    assert await way.links() == 2
    way.network.cables["people"].swallow()
    # The relay has hung up on the machine, so what ran in the terminal is gone.
    await until(lambda: not runs(way, "sleep 1002"), LONG)
    await gone(conn)
    way.network.cables["people"].heal()
    async with asyncio.timeout(LONG):
        while await way.links():
            await asyncio.sleep(0.1)
    other.abort()


async def test_a_machine_behind_a_black_hole_is_told_of_and_holds_up_no_other(way: Holes) -> None:
    for person in CROWD:
        way.running.hub.add_person(person)
    grants = [await way.give(person) for person in CROWD]
    crowd = [await there(way, person) for person in CROWD]
    with way.at(way.second):
        await way.user("ben")
        ben, bens = await there(way, "ben")
    way.network.cables["first"].swallow()
    for grant in grants:
        await _over(way, grant)
        await way.running.service.telling.look()
    # Their links are cut at once, whatever the machine says.
    for conn, _ in crowd:
        await gone(conn)
    # By now the helper's connection is given up, and all of them wait for another one.
    await asyncio.sleep(6)
    # Meanwhile the other machine obeys within the time of the answer.
    with way.at(way.second):
        told = await way.stop_sharing(PATIENCE)
        assert (told["ben"]["confirmed"], told["ben"]["remaining"]) == (True, 0), told
        await gone(ben)
        assert way.machine.of(bens) == []
    assert [each.person for each in await way.rows() if each.is_to_be_locked] == CROWD
    way.network.cables["first"].heal()
    await way.is_locked(*CROWD)
    for _, uid in crowd:
        assert way.machine.of(uid) == []


async def test_the_answer_says_which_machine_has_not_confirmed(way: Holes) -> None:
    await way.user("ben")
    conn, uid = await there(way, "ben")
    way.network.cables["first"].swallow()
    told = await way.stop_sharing(PATIENCE)
    assert told["ben"]["confirmed"] is False
    await gone(conn)
    assert way.machine.of(uid) != [], "nobody can have told it"
    way.network.cables["first"].heal()
    await way.is_locked("ben")
    assert way.machine.of(uid) == []


async def test_all_who_want_to_a_silent_machine_are_told_at_the_same_time(way: Holes) -> None:
    conns = [await way.enter("ana") for _ in range(6)]
    way.network.cables["first"].swallow()
    async with asyncio.timeout(LONG):
        told = await asyncio.gather(*(said(conn) for conn in conns))
    assert {status for status, _ in told} == {255}
    assert all("does not answer" in sentence for _, sentence in told), told
    # Once it answers, the same connections are good for it.
    way.network.cables["first"].heal()
    async with asyncio.timeout(LONG):
        for conn in conns:
            while await said(conn) != (0, ""):
                await asyncio.sleep(0.5)
    for conn in conns:
        conn.abort()


@pytest.mark.parametrize(
    "silent",
    [
        pytest.param(("service",), id="the service"),
        pytest.param(("service", "first"), id="the service and the machine"),
    ],
)
async def test_an_end_date_fires_while_others_are_swallowed(
    way: Holes, silent: tuple[str, ...]
) -> None:
    grant = await way.give("ben")
    conn, uid = await there(way, "ben")
    ends = datetime.now(UTC) + timedelta(seconds=4)
    await way.ends(grant, ends)
    await way.running.service.telling.look()
    await asyncio.sleep(0.5)  # it is on its way over a loop of this machine's
    for end in silent:
        way.network.cables[end].swallow()
    await gone(conn)
    assert has_come(ends)
    way.network.cables["first"].heal()
    if "first" in silent:  # it was not told at the time: the service has it told when it is back
        way.network.cables["service"].heal()
    await until(lambda: way.machine.of(uid) == [], LONG)


async def test_a_service_that_is_swallowed_says_what_it_could_not_confirm(way: Holes) -> None:
    await way.user("ben")
    conn, uid = await there(way, "ben")
    anas = await way.enter("ana")
    cats = await anas.create_process("cat")
    cats.stdin.write("here\n")
    assert await cats.stdout.readline() == "here\n"
    way.network.cables["service"].swallow()
    told = await way.stop_sharing(PATIENCE)
    assert told["ben"]["confirmed"] is False
    assert not conn.is_closed(), "nobody can have told the relay"
    cats.stdin.write("still here\n")
    assert await cats.stdout.readline() == "still here\n"
    way.network.cables["service"].heal()
    async with asyncio.timeout(LONG):
        await conn.wait_closed()
    await way.is_locked("ben")
    assert way.machine.of(uid) == []
    cats.stdin.write("and now\n")
    assert await cats.stdout.readline() == "and now\n"
    anas.abort()


async def _over(way: Holes, grant: str) -> None:
    """It ends as a revoke ends it, and nobody waits for a machine."""
    await way.ends(grant, datetime.now(UTC) - timedelta(seconds=1))


def runs(way: Holes, command: str) -> bool:
    return command in way.machine.run("ps", "-eo", "args=")


async def until(holds: Any, seconds: float) -> None:
    async with asyncio.timeout(seconds):
        while not await asyncio.to_thread(holds):
            await asyncio.sleep(0.05)
