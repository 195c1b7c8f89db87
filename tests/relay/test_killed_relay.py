"""The relay is killed in each named step of its own, on real sandboxes, and started again.

Who was coming in comes again, as the same account; who was to be turned out is out, once and
whole; and nothing of a link that is gone stays on the machine.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import AsyncIterator
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path

import asyncssh
import pytest
import pytest_asyncio

from jupyterhub_vmshare.db.tables import grants
from jupyterhub_vmshare.relay import door
from tests.fixtures.sandboxes import missing_for_sandboxes
from tests.fixtures.waiting import within
from tests.relay.entrance import PATIENCE, gone
from tests.relay.live import Live, live

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]

COMING_IN = ("relay.open.agreed", "relay.open.ensured", "relay.open.connected")
TURNED_OUT = ("relay.lock.cut", "relay.lock.locked", "relay.lock.told")
ENDING = ("relay.end.cut", "relay.end.locked")
STEPS = (*COMING_IN, *TURNED_OUT, *ENDING)


async def test_no_step_of_the_relay_is_forgotten() -> None:
    code = "".join(path.read_text() for path in Path(door.__file__).parent.glob("*.py"))
    assert sorted(re.findall(r'\breached\("([^"]+)"\)', code)) == sorted(STEPS)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    where = tmp_path_factory.mktemp("killed")
    async with live(where, armed=where / "armed") as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def way(whole: Live) -> Live:
    """The same for all tests, shared with nobody."""
    await whole.api("ana").ask("DELETE", f"/machines/{whole.id}/grants")
    return whole


def arm(way: Live, step: str) -> None:
    assert way.relay.armed is not None
    way.relay.armed.write_text(step)


async def died_and_back(way: Live) -> None:
    await way.relay.died()
    await way.relay.start()


async def who_is(way: Live, person: str) -> int:
    """Somebody comes in as themselves; their uid."""
    async with await way.enter(person) as conn:
        told = str((await conn.run("id -un; id -u", stdin=asyncssh.DEVNULL)).stdout).split()
    assert told[0] == person
    return int(told[1])


async def accounts_of(way: Live, uid: int) -> list[str]:
    """Every account of the machine that is of that uid."""
    told = (await way.inside("cat", "/etc/passwd")).stdout.splitlines()
    return [line.split(":")[0] for line in told if line.split(":")[2] == str(uid)]


async def nobody_is_on(way: Live) -> None:
    """As the service tells it."""
    async with within(PATIENCE, "The end of who is on"):
        while (await way.seen(way.id))["on"]:
            await asyncio.sleep(0.05)


async def cuts(way: Live) -> int:
    """How often it was told that ben was cut off."""
    told = await way.api("ana").events("machine.link_cut")
    return len([each for each in told if each["data"]["person"] == "ben"])


@pytest.mark.parametrize("step", COMING_IN)
async def test_killed_while_somebody_comes_in(way: Live, step: str) -> None:
    grant = await way.give("ben")
    arm(way, step)
    conn = await way.enter("ben")
    with suppress(asyncssh.Error, OSError):
        await conn.run("sleep 1000", stdin=asyncssh.DEVNULL)
    await gone(conn)
    await died_and_back(way)
    uid = await who_is(way, "ben")
    assert await accounts_of(way, uid) == ["ben"]
    await way.nothing_of(uid)
    await nobody_is_on(way)
    [link] = (await way.revoke(grant))["links"]
    assert (link["person"], link["confirmed"], link["remaining"]) == ("ben", True, 0)
    assert await way.of(uid) == []


@pytest.mark.scenario("V7")
@pytest.mark.parametrize("step", TURNED_OUT)
async def test_killed_while_somebody_is_turned_out(way: Live, step: str) -> None:
    grant, before = await way.give("ben"), await cuts(way)
    conn = await way.enter("ben")
    uid = int(str((await conn.run("id -u; tmux new-session -d 'sleep 1000'")).stdout))
    await way.until_there(uid, "sleep 1000")
    arm(way, step)
    revoking = asyncio.create_task(way.revoke(grant))
    await died_and_back(way)
    [link] = (await revoking)["links"]
    assert (link["person"], link["confirmed"], link["remaining"]) == ("ben", True, 0)
    await gone(conn)
    assert await way.of(uid) == []
    told = (await way.inside("chage", "-l", "ben")).stdout
    assert re.search(r"Account expires\s*: .*1970", told), told
    assert (await way.ask_for_certificate("ben", way.id))[0] == 404
    await nobody_is_on(way)
    assert await cuts(way) == before + 1
    await who_is(way, "ana")


@pytest.mark.parametrize("step", ENDING)
async def test_killed_at_an_end_date(way: Live, step: str) -> None:
    grant, telling = await way.give("ben"), way.running.service.telling
    conn = await way.enter("ben")
    uid = int(str((await conn.run("id -u; tmux new-session -d 'sleep 1000'")).stdout))
    await way.until_there(uid, "sleep 1000")
    arm(way, step)
    async with way.running.service.db.write() as tx:
        ends = {"ends_at": datetime.now(UTC) + timedelta(seconds=3)}
        await tx.conn.execute(grants.update().where(grants.c.id == grant).values(**ends))
    await telling.look()
    telling.relays = set()  # the service tells nothing more: the relay knows by itself
    await way.relay.died()
    await gone(conn)
    await way.relay.start()
    await way.nothing_of(uid)
    await nobody_is_on(way)
    await way.running.service.telling.settled([way.id], PATIENCE)
    rows = await way.running.service.ways.accounts_on([way.id])
    [row] = [each for each in rows if each.person == "ben"]
    assert (row.is_open, row.is_to_be_locked, row.remaining) == (False, False, 0)
