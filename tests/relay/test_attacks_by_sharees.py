"""What those try with whom a machine is shared, and who have one beside it, on sandboxes."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import AsyncIterator
from pathlib import Path

import asyncssh
import pytest
import pytest_asyncio

from tests.fixtures.hub_process import ROOT
from tests.fixtures.sandboxes import missing_for_sandboxes
from tests.fixtures.waiting import within
from tests.relay.entrance import PATIENCE, gone
from tests.relay.live import Live, live

pytestmark = [pytest.mark.machines, pytest.mark.asyncio(loop_scope="module")]

TO_THE_NEXT_MINUTE = 600.0
"""Seconds: cron looks once a minute, and a slow machine may take ten times as long."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def whole(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Live]:
    if (because := missing_for_sandboxes()) is not None:
        pytest.skip(because)
    async with live(tmp_path_factory.mktemp("sharees")) as made:
        yield made


@pytest_asyncio.fixture(loop_scope="module")
async def way(whole: Live) -> Live:
    """The same for all tests, shared with nobody."""
    await whole.api("ana").ask("DELETE", f"/machines/{whole.id}/grants")
    return whole


async def ran(conn: asyncssh.SSHClientConnection, command: str) -> str:
    done = await conn.run(command, stdin=asyncssh.DEVNULL)
    assert done.returncode == 0, done.stderr
    return str(done.stdout)


@pytest.mark.scenario("V7")
async def test_cron_and_at_start_nothing_for_who_was_turned_out(way: Live) -> None:
    """Ana has the same jobs: once hers have run, his had their minute."""
    grant = await way.give("ben")
    mark = secrets.token_hex(4)
    for person in ("ana", "ben"):
        async with await way.enter(person) as conn:
            trace = f"/tmp/{mark}-{person}"
            await ran(conn, f"echo '* * * * * touch {trace}-cron' | crontab -")
            await ran(conn, f"echo 'touch {trace}-at' | at now + 1 minute 2>/dev/null")
    [link] = (await way.revoke(grant))["links"]
    assert link["confirmed"]
    async with within(TO_THE_NEXT_MINUTE, "Ana's jobs"):
        while len((await way.inside("sh", "-c", f"ls /tmp/{mark}-ana-*")).stdout.split()) < 2:
            await asyncio.sleep(0.2)
    await asyncio.sleep(1)  # both are started in one sweep through everybody's
    assert (await way.inside("sh", "-c", f"ls /tmp/{mark}-ben-*")).stdout == ""
    async with await way.enter("ana") as conn:
        await ran(conn, "crontab -r")


FILES = """python3 -c '
import itertools, os
for n in itertools.count():
    os.mknod(f"{place}/{{n}}")
'"""
FILLED = [
    pytest.param("cat /dev/zero > {place}/large", id="with bytes"),
    pytest.param(FILES, id="with files"),
]


@pytest.mark.parametrize("fill", FILLED)
async def test_a_sharee_who_fills_the_disk_is_turned_out_all_the_same(way: Live, fill: str) -> None:
    """There is no room left on which it could be written down that he is out."""
    grant = await way.give("ben")
    conn = await way.enter("ben")
    uid = int(await ran(conn, "id -u; tmux new-session -d 'sleep 1000'"))
    await ran(conn, "mkdir /tmp/full")
    filled = await conn.run(fill.format(place="/tmp/full"), stdin=asyncssh.DEVNULL)
    assert "No space left" in str(filled.stderr)
    await way.until_there(uid, "sleep 1000")
    [link] = (await way.revoke(grant))["links"]
    assert (link["confirmed"], link["remaining"]) == (True, 0)
    await gone(conn)
    assert await way.of(uid) == []
    told = (await way.inside("chage", "-l", "ben")).stdout
    assert re.search(r"Account expires\s*: .*1970", told), told
    async with await way.enter("ana") as anas:
        await ran(anas, "sudo -n rm -rf /tmp/full && echo room > ~/room")


@pytest.mark.parametrize("fill", FILLED)
async def test_a_sharee_who_fills_the_drive_keeps_nobody_out(way: Live, fill: str) -> None:
    grant = await way.give("ben")
    async with await way.enter("ana") as anas, await way.enter("ben") as bens:
        await ran(bens, "mkdir /srv/shared/full")
        filled = await bens.run(fill.format(place="/srv/shared/full"), stdin=asyncssh.DEVNULL)
        assert "No space left" in str(filled.stderr)
        assert await ran(anas, "echo mine > ~/mine && cat ~/mine") == "mine\n"
        async with await way.enter("ana") as another:
            assert await ran(another, "whoami") == "ana\n"
        [link] = (await way.revoke(grant))["links"]
        assert (link["confirmed"], link["remaining"]) == (True, 0)
        await ran(anas, "rm -rf /srv/shared/full && echo room > /srv/shared/room")


async def test_root_on_one_machine_finds_nothing_of_anothers_drive(way: Live) -> None:
    mark = f"secret-{secrets.token_hex(8)}"
    async with await way.enter("ana") as conn:
        await ran(conn, f"echo {mark} > /srv/shared/{mark}; sync")
    own = way.id
    way.id = await way.make("bens-box", by="ben", drive_gib=1)
    try:
        [device] = [path for path in Path("/sys/block").glob("loop*") if backs(path, way, own)]
        major, minor = (device / "dev").read_text().strip().split(":")
        async with await way.enter("ben") as conn:
            assert await ran(conn, "sudo -n whoami") == "root\n"
            tried = {
                "names": f"sudo -n find / -name {mark} 2>/dev/null",
                "devices": f"sudo -n mknod /tmp/ours b {major} {minor} 2>/dev/null && echo made",
                "block devices": "sudo -n find / -xdev -type b 2>/dev/null",
                "mounts": f"sudo -n grep -l {mark} /proc/self/mountinfo",
            }
            for what, command in tried.items():
                told = await conn.run(command, stdin=asyncssh.DEVNULL)
                assert told.stdout == "", what
            mounted = await ran(conn, "sudo -n cat /proc/self/mountinfo")
            assert len(re.findall(r" /srv/shared ", mounted)) == 1
            assert await ran(conn, "sudo -n ls -A /srv/shared") == ""
        drive = (await way.seen(own))["drives"][0]["drive_id"]
        answer = await way.api("ben").call("PUT", f"/drives/{drive}/writer/{way.id}")
        assert answer.status_code == 404
    finally:
        way.id = own


def backs(device: Path, way: Live, machine: str) -> bool:
    """Whether that loop device is a drive of this keeper's that is on ana's machine."""
    try:
        file = Path((device / "loop/backing_file").read_text().strip())
    except OSError:
        return False
    held = way.keeper.records("machines")
    [mine] = [name for name, record in held.items() if record["mark"] == machine]
    drives = way.keeper.records("drives")
    return any(
        name in file.parts and mine in str(record) and "/drives/" in str(file)
        for name, record in drives.items()
    )


NAMES = [
    pytest.param("x$(touch {owned})", id="a command in parentheses"),
    pytest.param("x`touch {owned}`", id="a command in backquotes"),
    pytest.param("x'; touch {owned}; echo '", id="a command behind a quote"),
    pytest.param('x"; touch {owned}; echo "', id="a command behind a double quote"),
    pytest.param("-oProxyCommand=touch {owned}", id="an option"),
    pytest.param("x | touch {owned} & touch {owned}", id="a pipe"),
]


@pytest.mark.parametrize("shape", NAMES)
async def test_shell_text_in_names_is_a_name(way: Live, shape: str) -> None:
    owned = f"owned-{secrets.token_hex(6)}"
    name, own, hub = shape.format(owned=owned), way.id, way.running.hub
    ana = way.api("ana")
    hub.add_person(name)
    hub.add_group(owned, ["ana", name])
    await ana.ask("POST", "/teams/refresh")
    way.id = await way.make(name, drive_gib=1)
    try:
        assert (await way.seen(way.id))["name"] == name
        taken = await ana.ask("POST", f"/machines/{way.id}/snapshots", {"name": name})
        async with within(PATIENCE, "The snapshot"):
            path = f"/machine-snapshots/{taken['id']}"
            while (await ana.ask("GET", path))["state"] != "ready":
                await asyncio.sleep(0.05)
        await way.state_is("running")
        drive = await ana.ask("POST", "/drives", {"name": f"{name} too", "size_gib": 1})
        await ana.ask("PUT", f"/drives/{drive['id']}/writer/{way.id}")
        image = {"name": f"{name} three", "size": "small", "image": name, "drive_gib": 0}
        assert (await ana.call("POST", "/machines", json=image)).is_client_error
        grant = await way.give(name)
        async with await way.enter(name) as conn:
            assert re.fullmatch(r"p\d+\n[a-z0-9-]+\n", await ran(conn, "whoami; hostname"))
            await way.eventually(conn, "ls /srv/drives | wc -l", "2\n")
        [link] = (await way.revoke(grant))["links"]
        assert (link["person"], link["confirmed"]) == (name, True)
        found = await way.inside("find", "/", "-xdev", "-name", f"{owned}*")
        assert found.stdout == ""
        for place in (ROOT, Path("/"), Path("/root"), way.where, way.keeper.state):
            assert not (place / owned).exists()
        await ana.ask("POST", f"/machines/{way.id}/stop")
    finally:
        way.id = own
