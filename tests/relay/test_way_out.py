"""People are out as soon as their right has come to an end, and nothing of theirs is left."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncssh
import pytest

from jupyterhub_vmshare.errors import HubUnreachable
from tests.fixtures.waiting import has_come
from tests.relay.entrance import PATIENCE, gone, said
from tests.relay.scene import Scene, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_whoever_the_hub_does_not_know_any_more_is_out_and_stays_out(way: Scene) -> None:
    hub = way.running.hub
    hub.add_person("gus")
    await way.give("gus")
    conn = await way.enter("gus")
    uid = int(str((await conn.run("id -u; tmux new-session -d 'sleep 1000'")).stdout))
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = key.export_public_key().decode()
    _, told = await way.ask_for_certificate("gus", way.id, line)
    hub.remove_person("gus")
    hub.fail("*/users/gus")
    with pytest.raises(HubUnreachable):  # while it does not answer nobody has left
        await way.running.service.telling.turn_leavers_out()
    hub.heal()
    assert not conn.is_closed()
    await way.running.service.telling.turn_leavers_out()
    await gone(conn)
    await way.until(lambda: way.machine.of(uid) == [])
    shown = (key, asyncssh.import_certificate(told["certificate"]))
    async with await way.knock(username=told["user"], client_keys=[shown]) as again:
        status, sentence = await said(again)
    assert status == 255
    assert "does not know your account" in sentence


LEFT: list[Any] = [
    pytest.param("sleep 1000", id="what runs on the link"),
    pytest.param("nohup sleep 1000 >/dev/null 2>&1 &", id="nohup"),
    pytest.param("tmux new-session -d 'sleep 1000'", id="tmux"),
    pytest.param("setsid sh -c 'setsid sleep 1000 &' >/dev/null 2>&1 &", id="a daemon"),
]


@pytest.mark.scenario("V7")
@pytest.mark.parametrize("left", LEFT)
async def test_a_revoke_cuts_the_link_locks_the_account_and_ends_everything(
    way: Scene, left: str
) -> None:
    grant = await way.give("ben")
    conn = await way.enter("ben")
    uid = int(str((await conn.run("id -u")).stdout))
    await conn.create_process(left, stdin=asyncssh.DEVNULL)
    await way.until(lambda: any("sleep 1000" in each for each in way.machine.of(uid)))
    other = await way.enter("ana")
    await way.revoke(grant, "ben")
    [row] = [
        each
        for each in await way.running.service.telling.settled([way.id], PATIENCE)
        if each.person == "ben"
    ]
    assert not row.is_open
    assert not row.is_to_be_locked
    assert row.processes >= 1
    assert row.remaining == 0
    await gone(conn)
    assert await asyncio.to_thread(way.machine.of, uid) == []
    principals = ("/usr/local/sbin/vmshare-machine", "principals", "ben")
    assert await asyncio.to_thread(way.machine.run, *principals) == ""
    assert (await said(other))[0] == 0
    other.close()


@pytest.mark.scenario("V7")
@pytest.mark.parametrize(
    "taken",
    [
        pytest.param("DELETE /grants/{grant}", id="one grant"),
        pytest.param("DELETE /machines/{machine}/grants", id="stop sharing with all"),
        pytest.param("POST /grants/revoke", id="many at once"),
    ],
)
async def test_the_answer_of_a_revoke_says_who_was_cut_off(way: Scene, taken: str) -> None:
    ana, ben = way.api("ana"), way.api("ben")
    asked = {"grants": [{"receiver": "ben"}]}
    told = await ana.ask("POST", f"/machines/{way.id}/users", asked)
    [grant] = [str(each["grant"]["id"]) for each in told["results"]]
    await ben.accept(grant)
    conn = await way.enter("ben")
    uid = int(str((await conn.run("id -u")).stdout))
    await conn.create_process("sleep 1000", stdin=asyncssh.DEVNULL)
    await way.until(lambda: any("sleep 1000" in each for each in way.machine.of(uid)))
    method, place = taken.format(grant=grant, machine=way.id).split()
    body = {"grants": [grant]} if method == "POST" else None
    [link] = (await ana.ask(method, place, body))["links"]
    processes = link.pop("processes")
    assert link == {
        "person": "ben",
        "machine_id": way.id,
        "channels": 1,
        "remaining": 0,
        "confirmed": True,
    }
    assert processes >= 1
    await gone(conn)
    assert await asyncio.to_thread(way.machine.of, uid) == []


async def test_access_can_be_given_again(way: Scene) -> None:
    grant = await way.give("ben")
    async with await way.enter("ben") as conn:
        assert (await said(conn))[0] == 0
    await way.revoke(grant, "ben")
    await way.running.service.telling.settled([way.id], PATIENCE)
    again = await way.give("ben")
    async with await way.enter("ben") as conn:
        assert (await said(conn))[0] == 0
    await way.revoke(again, "ben")


async def test_a_downgrade_that_takes_the_terminal_ends_what_ran(way: Scene) -> None:
    grant = await way.give("ben")
    conn = await way.enter("ben")
    uid = int(str((await conn.run("id -u")).stdout))
    await conn.run("tmux new-session -d 'sleep 1000'")
    way.rights.without["ben"] = frozenset({"open_terminal"})
    await way.running.service.telling.look()
    await way.running.service.telling.settled([way.id], PATIENCE)
    await gone(conn)
    assert await asyncio.to_thread(way.machine.of, uid) == []
    async with await way.enter("ben") as again:
        assert "may not open a terminal" in (await said(again))[1]
        async with again.start_sftp_client() as sftp:
            assert await sftp.listdir("/srv")
    await way.revoke(grant, "ben")


async def test_less_than_that_closes_what_is_not_allowed_any_more(way: Scene) -> None:
    grant = await way.give("ben")
    conn = await way.enter("ben")
    await serve(way, conn, 8711)
    reader, _writer = await conn.open_connection("localhost", 8711)
    way.rights.without["ben"] = frozenset({"open_app", "read_files", "upload", "download"})
    # As the owner of a co-owned machine: without sudo the account would be locked first.
    await way.running.service.telling.look()
    async with asyncio.timeout(PATIENCE):
        assert await reader.read() == b""
    await way.revoke(grant, "ben")
    await gone(conn)


async def test_what_is_lost_while_a_slow_machine_opens_it_is_not_opened(way: Scene) -> None:
    """Its helper is asked first whose program listens there, and stands still meanwhile."""
    way.rights.without["ben"] = frozenset({"run_kernel"})  # no sudo, whose loss would cut all
    grant = await way.give("ben")
    conn = await way.enter("ben")
    await serve(way, conn, 8712)
    told = await asyncio.to_thread(way.machine.run, "pgrep", "-f", "vmshare-machine serve")
    pids = told.split()
    await asyncio.to_thread(way.machine.run, "kill", "-STOP", *pids)
    helper = way.relay._helpers.known(way.id)
    assert helper is not None
    try:
        opening = asyncio.create_task(conn.open_connection("localhost", 8712))
        await way.until(helper._turn.locked)
        way.rights.without["ben"] = frozenset({"run_kernel", "open_app"})
        await way.running.service.telling.look()
    finally:
        await asyncio.to_thread(way.machine.run, "kill", "-CONT", *pids)
    with pytest.raises(asyncssh.ChannelOpenError):
        await opening
    await way.revoke(grant, "ben")
    await gone(conn)


async def test_who_loses_a_right_while_they_come_in_has_to_come_again(way: Scene) -> None:
    """Else they would keep what they had when the service was asked."""
    way.rights.without["ben"] = frozenset({"run_kernel"})
    grant = await way.give("ben")
    async with await way.enter("ben") as first:
        assert (await said(first))[0] == 0
        told = await asyncio.to_thread(way.machine.run, "pgrep", "-f", "vmshare-machine serve")
        pids = told.split()
        await asyncio.to_thread(way.machine.run, "kill", "-STOP", *pids)
        helper = way.relay._helpers.known(way.id)
        assert helper is not None
        try:
            conn = await way.enter("ben")
            coming = asyncio.create_task(said(conn))
            await way.until(helper._turn.locked)
            way.rights.without["ben"] = frozenset({"run_kernel", "open_app"})
            await way.running.service.telling.look()
            await way.until(lambda: ("ben", way.id) in way.relay.links._missed)
        finally:
            await asyncio.to_thread(way.machine.run, "kill", "-CONT", *pids)
        status, sentence = await coming
    assert (status, "has just changed" in sentence) == (255, True), sentence
    conn.close()
    await way.revoke(grant, "ben")


async def test_an_end_date_fires_without_the_service(way: Scene) -> None:
    grant = await way.give("ben")
    conn = await way.enter("ben")
    uid = int(str((await conn.run("id -u")).stdout))
    await conn.run("tmux new-session -d 'sleep 1000'")
    telling = way.running.service.telling
    ends = datetime.now(UTC) + timedelta(seconds=2)
    await way.ends(grant, ends)
    await telling.look()
    away, telling.relays = telling.relays, set()  # the service says nothing more
    try:
        await gone(conn)
        assert has_come(ends)
        await way.until(lambda: way.machine.of(uid) == [])
    finally:
        telling.relays = away
