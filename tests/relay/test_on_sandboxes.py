"""The way in on real sandboxes, through a relay that is a process of its own."""

from __future__ import annotations

import asyncio
import json
import re
import signal
from collections.abc import AsyncIterator

import asyncssh
import pytest
import pytest_asyncio

from tests.fixtures.sandboxes import missing_for_sandboxes
from tests.relay.entrance import PATIENCE, gone
from tests.relay.live import Live, live

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    async with live(tmp_path_factory.mktemp("live")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def way(whole: Live) -> Live:
    """The same for all tests, shared with nobody."""
    await whole.api("ana").ask("DELETE", f"/machines/{whole.id}/grants")
    return whole


async def uid_of(conn: asyncssh.SSHClientConnection) -> int:
    return int(str((await conn.run("id -u")).stdout))


# Each sleeps a number of its own, by which it is found.
LEFT = {
    "1001": "nohup sleep 1001 >/dev/null 2>&1 &",
    "1002": "tmux new-session -d 'sleep 1002'",
    "1003": "echo 'sleep 1003' | at now 2>/dev/null",
    "1004": "setsid sh -c 'setsid sleep 1004 &' >/dev/null 2>&1",
    "1005": "sh -c \"trap '' HUP TERM INT; sleep 1005\" >/dev/null 2>&1 &",
    "1006": "sh -c 'kill -STOP $$; sleep 1006' >/dev/null 2>&1 &",
}
# It goes on as another process all the time, and leaves a trace each time.
FLEETING = """
import os, time
while True:
    if os.fork():
        os._exit(0)
    time.sleep(0.001)
    with open("/tmp/fleeting", "a") as trace:
        trace.write(".")
"""


@pytest.mark.scenario("V7")
async def test_ana_stops_sharing_and_nothing_of_ben_is_left(way: Live) -> None:
    await way.give("ben")
    conn, anas = await way.enter("ben"), await way.enter("ana")
    uid = await uid_of(conn)
    for line in LEFT.values():
        await conn.run(line, stdin=asyncssh.DEVNULL, stdout=asyncssh.DEVNULL)
    await conn.run("cat > fleeting.py", input=FLEETING)
    await conn.run("setsid python3 fleeting.py >/dev/null 2>&1 &", stdin=asyncssh.DEVNULL)
    terminal = await conn.create_process("sleep 1000", term_type="xterm")
    await conn.run("echo '* * * * * sleep 1008' | crontab -", stdin=asyncssh.DEVNULL)
    await conn.run("echo mine > /srv/shared/bens", stdin=asyncssh.DEVNULL)
    await way.until_there(uid, "1000", *LEFT)
    assert await trace(way) < await later(way)
    told = await way.api("ana").ask("DELETE", f"/machines/{way.id}/grants")
    [link] = told["links"]
    assert (link["person"], link["confirmed"], link["remaining"]) == ("ben", True, 0)
    assert link["channels"] >= 1
    assert link["processes"] >= len(LEFT)
    await gone(conn)
    assert "not shared with you any more" in str(await terminal.stderr.read())
    assert await way.of(uid) == []
    assert await trace(way) == await later(way)
    # What cron and at would start yet: an account that is over runs nothing.
    told_by_chage = (await way.inside("chage", "-l", "ben")).stdout
    assert re.search(r"Account expires\s*: .*1970", told_by_chage), told_by_chage
    status, problem = await way.ask_for_certificate("ben", way.id)
    assert status == 404, problem
    # Ana's own connection has not blinked, and what he left for everybody is there.
    assert (await anas.run("cat /srv/shared/bens")).stdout == "mine\n"
    anas.close()


async def trace(way: Live) -> int:
    """How far the fleeting one has come."""
    return int((await way.inside("stat", "-c", "%s", "/tmp/fleeting")).stdout)


async def later(way: Live) -> int:
    """The same, after it could have gone on."""
    await asyncio.sleep(0.5)
    return await trace(way)


@pytest.mark.scenario("V2")
async def test_everybody_is_themselves_there_and_only_owners_are_root(way: Live) -> None:
    grant = await way.give("ben")
    async with await way.enter("ben") as ben, await way.enter("ana") as ana:
        assert (await ben.run("whoami")).stdout == "ben\n"
        assert (await ana.run("whoami; sudo -n whoami")).stdout == "ana\nroot\n"
        assert (await ben.run("sudo -n whoami")).returncode != 0
        assert (await ben.run("ls /home/ana")).returncode != 0
        await ana.run("echo hello > /srv/shared/hello")
        done = await ben.run("echo and ben >> /srv/shared/hello; cat /srv/shared/hello")
        assert done.stdout == "hello\nand ben\n"
    assert (await way.inside("stat", "-c", "%U:%G", "/srv/shared/hello")).stdout == "ana:users\n"
    await way.revoke(grant)


@pytest.mark.scenario("V1")
async def test_a_machine_has_what_keeps_kernels_and_says_which_it_could_start(way: Live) -> None:
    async with await way.enter("ana") as conn:
        done = await conn.run("/usr/bin/python3 -IS /usr/local/lib/vmshare_kernels list")
    assert json.loads(str(done.stdout)) == {"kernels": [], "specs": {}}


@pytest.mark.scenario("V10")
async def test_a_channel_and_a_busy_processor_keep_a_machine_on(way: Live) -> None:
    machine = await way.make("idle-box")
    own, way.id = way.id, machine
    try:
        await way.api("ana").ask("PUT", f"/machines/{machine}/idle-policy", {"minutes": 60})
        async with await way.enter("ana") as conn:
            uid = await uid_of(conn)
            terminal = await conn.create_process("cat", term_type="xterm")
            await way.is_kept_on()
            command = "setsid sh -c 'while :; do :; done' >/dev/null 2>&1 &"
            await conn.run(command, stdin=asyncssh.DEVNULL)
            terminal.close()
        await way.is_kept_on()
        await way.inside("pkill", "-KILL", "-u", str(uid))
        await way.nothing_of(uid)
        async with asyncio.timeout(2 * PATIENCE):
            while (await way.seen(machine))["state"] != "stopped":
                # Again: the first look is over a time in which it was busy.
                await way.unused_for(61)
                await way.running.service.telling.ask_for_use()
                await asyncio.sleep(1)
    finally:
        way.id = own


async def test_a_killed_relay_takes_links_with_it_and_nothing_else(way: Live) -> None:
    grant = await way.give("ben")
    conn = await way.enter("ben")
    uid = await uid_of(conn)
    await conn.run("tmux new-session -d 'sleep 1000'")
    way.relay.kill()
    await gone(conn)
    assert await way.of(uid) != []  # what runs there goes on: nobody took the right away
    cutting = way.running.service.rooms.cutting
    within, cutting._within = cutting._within, 0.1
    try:
        [link] = (await way.revoke(grant))["links"]  # there is no relay that could obey
    finally:
        cutting._within = within
    assert not link["confirmed"]
    await way.relay.start()
    await way.nothing_of(uid)
    async with await way.enter("ana") as anas:
        assert (await anas.run("true")).returncode == 0


async def test_a_relay_that_hangs_obeys_as_soon_as_it_goes_on(way: Live) -> None:
    grant = await way.give("ben")
    conn, anas = await way.enter("ben"), await way.enter("ana")
    uid = await uid_of(conn)
    cats = await anas.create_process("cat")
    await conn.run("tmux new-session -d 'sleep 1000'")
    way.relay.signal(signal.SIGSTOP)
    cutting = way.running.service.rooms.cutting
    within, cutting._within = cutting._within, 0.1
    try:
        [link] = (await way.revoke(grant))["links"]
    finally:
        cutting._within = within
        way.relay.signal(signal.SIGCONT)
    assert not link["confirmed"]
    await gone(conn)
    await way.nothing_of(uid)
    # Nobody else's connection is touched by that.
    cats.stdin.write("still here\n")
    assert await cats.stdout.readline() == "still here\n"
    anas.close()


async def test_without_the_service_links_go_on_and_machines_too(way: Live) -> None:
    async with await way.enter("ana") as conn:
        cats = await conn.create_process("cat")
        cats.stdin.write("here\n")
        assert await cats.stdout.readline() == "here\n"
        server = way.running.service._server
        assert server is not None
        server.stop()
        await server.close_all_connections()
        port = way.running.service.port
        try:
            cats.stdin.write("still here\n")
            assert await cats.stdout.readline() == "still here\n"
            assert (await conn.run("echo and new ones")).stdout == "and new ones\n"
        finally:
            from tornado.netutil import bind_sockets

            server.add_sockets(bind_sockets(port, "127.0.0.1"))
            way.running.service._server = server
        async with asyncio.timeout(PATIENCE):
            while not await way.relay.is_well():
                await asyncio.sleep(0.05)
        assert (await conn.run("echo later")).stdout == "later\n"
