"""People come in through the relay, as far as they may, and no further."""

from __future__ import annotations

import asyncio
import contextlib
from datetime import UTC, datetime, timedelta
from typing import Any

import asyncssh
import pytest

from tests.relay.entrance import PATIENCE, gone, said, stays
from tests.relay.scene import Scene, serve

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_openssh_itself_comes_in_and_knows_the_relay(way: Scene) -> None:
    status, out, err = await way.openssh("ana", "id -un; cat; exit 7", given=b"hello")
    assert (status, out) == (7, "ana\nhello"), err
    status, out, err = await way.openssh("ana", options=["-tt"], given=b"tty; echo $TERM; exit 3\n")
    assert status == 3, err
    assert "/dev/pts/" in out


async def test_those_who_see_its_people_see_who_is_on_it(way: Scene) -> None:
    async def on() -> list[str]:
        return list((await way.api("ana").ask("GET", f"/machines/{way.id}"))["on"])

    async def until(*names: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while await on() != list(names):
                await asyncio.sleep(0.02)

    conn = await way.enter("ana")
    await stays(conn)
    await until("ana")
    listed = await way.api("ana").ask("GET", "/machines")
    assert [each["on"] for each in listed["items"] if each["id"] == way.id] == [["ana"]]
    conn.close()
    await until()


async def test_who_has_a_machine_hears_who_comes_and_goes(way: Scene) -> None:
    kinds = {"machine.link_opened": "came", "machine.link_closed": "went"}

    async def heard(person: str) -> list[str]:
        told = await way.api(person).ask("GET", f"/events?thing={way.id}&limit=200")
        news = [each for each in told["items"] if each["type"] in kinds]
        return [f"{each['data']['person']} {kinds[each['type']]}" for each in reversed(news)]

    async def until(person: str, *news: str) -> None:
        async with asyncio.timeout(PATIENCE):
            while (await heard(person))[len(before[person]) :] != list(news):
                await asyncio.sleep(0.02)

    grant = await way.give("ben")
    async with await way.enter("ben") as conn:
        await stays(conn)
    async with asyncio.timeout(PATIENCE):  # and with him all who were here in tests before
        while (await way.api("ana").ask("GET", f"/machines/{way.id}"))["on"]:
            await asyncio.sleep(0.02)
    async with asyncio.timeout(PATIENCE):
        while (await heard("ben"))[-1:] != ["ben went"]:
            await asyncio.sleep(0.02)
    before = {name: await heard(name) for name in ("ana", "ben")}
    first, second = await way.enter("ana"), await way.enter("ana")
    for conn in (first, second):
        await stays(conn)
    await until("ben", "ana came")
    bens = await way.enter("ben")
    await stays(bens)
    first.close()
    await until("ana", "ana came", "ben came")  # she has another connection
    second.close()
    await until("ben", "ana came", "ben came", "ana went")
    bens.close()
    await until("ana", "ana came", "ben came", "ana went", "ben went")
    await way.revoke(grant, "ben")


async def test_an_owner_is_root_if_they_want(way: Scene) -> None:
    async with await way.enter("ana") as conn:
        assert (await conn.run("sudo -n id -u")).stdout == "0\n"


async def test_everything_that_is_written_arrives_both_ways(way: Scene) -> None:
    payload = bytes(range(256)) * 20_000
    async with await way.enter("ana") as conn:
        done: Any = await conn.run("cat; echo oops >&2", input=payload, encoding=None)
    assert (done.stdout, done.stderr) == (payload, b"oops\n")


async def test_files_go_both_ways_and_none_leaves_its_account(way: Scene) -> None:
    async with await way.enter("ana") as conn, conn.start_sftp_client() as sftp:
        async with sftp.open("notes.txt", "wb") as file:
            await file.write(b"x" * 300_000)
        assert await sftp.getsize("notes.txt") == 300_000
        async with sftp.open("notes.txt", "rb") as file:
            back: Any = await file.read()
        assert back == b"x" * 300_000
        assert "notes.txt" in await sftp.listdir(".")
        for path in ("/root/x", "../../root/x", "/etc/../root/x", "/proc/1/root/root/x"):
            with pytest.raises(asyncssh.SFTPError):
                async with sftp.open(path, "wb") as file:
                    await file.write(b"x")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            await sftp.listdir("/root")
        with pytest.raises(asyncssh.SFTPPermissionDenied):
            async with sftp.open("/etc/shadow", "rb") as file:
                await file.read()
        await sftp.rename("notes.txt", "a\nname; $(reboot)\x1b[31m")
        assert "a\nname; $(reboot)\x1b[31m" in await sftp.listdir(".")
        await sftp.remove("a\nname; $(reboot)\x1b[31m")


TICKS: list[Any] = [
    pytest.param({"open_terminal"}, {"list", "write", "read"}, id="no terminal"),
    pytest.param({"upload"}, {"run", "list", "read"}, id="no upload"),
    pytest.param({"download"}, {"run", "list", "write"}, id="no download"),
    pytest.param({"read_files"}, {"run", "write", "read"}, id="no listing"),
    pytest.param({"read_files", "upload", "download"}, {"run"}, id="no files at all"),
]


@pytest.mark.parametrize(("cleared", "left"), TICKS)
async def test_each_request_is_held_to_its_own_tick(
    way: Scene, cleared: set[str], left: set[str]
) -> None:
    fresh = "rm -f /srv/shared/made; touch /srv/shared/given"
    await asyncio.to_thread(way.machine.run, "sh", "-c", fresh)
    grant = await way.give("ben")
    way.rights.without["ben"] = frozenset(cleared)
    conn = await way.enter("ben")
    could = set()
    if (await said(conn))[0] == 0:
        could.add("run")
    with contextlib.suppress(asyncssh.Error):
        async with conn.start_sftp_client() as sftp:
            with contextlib.suppress(asyncssh.SFTPPermissionDenied):
                await sftp.listdir("/srv/shared")
                could.add("list")
            with contextlib.suppress(asyncssh.SFTPPermissionDenied):
                async with sftp.open("/srv/shared/made", "wb") as file:
                    await file.write(b"x")
                could.add("write")
            with contextlib.suppress(asyncssh.SFTPPermissionDenied):
                async with sftp.open("/srv/shared/given", "rb") as file:
                    await file.read(1, 0)
                could.add("read")
    conn.close()
    assert could == left
    # To open a file for writing makes it, or empties it.
    there = await asyncio.to_thread(way.machine.run, "ls", "/srv/shared")
    assert ("made" in there.split()) == ("write" in left)
    await way.revoke(grant, "ben")


async def test_a_program_of_ones_own_is_forwarded_and_nothing_else(way: Scene) -> None:
    way.rights.without["ana"] = frozenset({"run_kernel"})  # no sudo: nobody else's ports
    grant = await way.give("ben")
    conn, other = await way.enter("ana"), await way.enter("ben")
    await serve(way, conn, 8701)
    await serve(way, other, 8702)
    reader, writer = await conn.open_connection("localhost", 8701)
    writer.write(b"GET / HTTP/1.0\r\n\r\n")
    assert (await reader.read()).startswith(b"HTTP/1.0 200")
    refusals = {
        ("localhost", 8702): "somebody else's",
        ("localhost", 8703): "No program of yours",
        ("10.0.0.1", 80): "to no other host",
        ("169.254.169.254", 80): "to no other host",
        ("machine", 22): "to no other host",
        ("127.0.0.2", 8701): "to no other host",
    }
    for (host, port), sentence in refusals.items():
        with pytest.raises(asyncssh.ChannelOpenError, match=sentence):
            await conn.open_connection(host, port)
    with pytest.raises(asyncssh.ChannelOpenError, match="no sockets"):
        await conn.open_unix_connection("/run/secret.sock")
    with pytest.raises(asyncssh.ChannelListenError):
        await conn.forward_remote_port("", 0, "127.0.0.1", 9)
    assert "Ports are forwarded to programs on the machine only" in (await said(conn))[1]
    way.rights.without["ben"] = frozenset({"open_app"})
    conn.close()
    await way.revoke(grant, "ben")
    await gone(other)


async def test_agents_and_displays_stay_where_they_are(way: Scene) -> None:
    status, out, err = await way.openssh(
        "ana", "echo agent=$SSH_AUTH_SOCK display=$DISPLAY", options=["-A", "-X"]
    )
    assert (status, out) == (0, "agent= display=\n"), err


async def test_only_languages_of_the_environment_go_on(way: Scene) -> None:
    async with await way.enter("ana") as conn:
        env = {"LC_ALL": "C.UTF-8", "LD_PRELOAD": "/tmp/x.so", "BASH_ENV": "/tmp/x"}
        done = await conn.run("echo $LC_ALL/$LD_PRELOAD/$BASH_ENV", env=env)
        assert done.stdout == "C.UTF-8//\n"


async def test_whoever_may_not_connect_gets_no_certificate(way: Scene) -> None:
    assert (await way.ask_for_certificate("dan", way.id))[0] == 404
    status, told = await way.ask_for_certificate("ana", way.id, "ssh-rsa " + "A" * 60)
    assert status == 422, told


WRONG: list[Any] = [
    pytest.param({"as_": "ben"}, id="ana's as ben's"),
    pytest.param({"machine": "mch_" + "0" * 26}, id="for another machine"),
    pytest.param({"user": "ana"}, id="under a plain name"),
    pytest.param({"late": timedelta(hours=-1)}, id="an expired one"),
    pytest.param({"kind": "machines"}, id="that the machines' authority signed"),
    pytest.param({"kind": None}, id="that somebody else's authority signed"),
]


@pytest.mark.parametrize("wrong", WRONG)
async def test_no_other_certificate_is_let_in(way: Scene, wrong: dict[str, Any]) -> None:
    from jupyterhub_vmshare.relay.certificates import Issuer, Kind, login

    key = asyncssh.generate_private_key("ssh-ed25519")
    kind = wrong.get("kind", "people")
    if kind is None:
        signer = asyncssh.generate_private_key("ssh-ed25519")
    else:
        signer = (await way.running.service.ways.authorities.issuer(Kind(kind))).signer
    issuer = Issuer(signer, datetime.now(UTC) + wrong.get("late", timedelta()))
    made = issuer.for_person(key.convert_to_public(), "ana", wrong.get("machine", way.id))
    user = wrong.get("user", login(wrong.get("as_", "ana"), way.id))
    with pytest.raises(asyncssh.PermissionDenied):
        await way.knock(username=user, client_keys=[(key, asyncssh.import_certificate(made))])
    with pytest.raises(asyncssh.PermissionDenied):
        await way.knock(username=user, client_keys=[key], password="x")


async def test_a_certificate_that_outlived_the_right_opens_nothing(way: Scene) -> None:
    grant = await way.give("ben")
    key = asyncssh.generate_private_key("ssh-ed25519")
    line = key.export_public_key().decode()
    _, told = await way.ask_for_certificate("ben", way.id, line)
    await way.revoke(grant, "ben")
    shown = (key, asyncssh.import_certificate(told["certificate"]))
    async with await way.knock(username=told["user"], client_keys=[shown]) as conn:
        status, sentence = await said(conn)
        assert status == 255
        assert "no such machine" in sentence


async def test_strangers_at_the_door_do_not_keep_others_out(way: Scene) -> None:
    """Some say nothing, some half a word; each may stand there for some seconds."""
    slow = [await asyncio.open_connection("127.0.0.1", way.relay.port) for _ in range(15)]
    for _, writer in slow[:5]:
        writer.write(b"SSH-2.0-slow")
    async with asyncio.timeout(PATIENCE):
        while way.relay.state()["at_the_door"] > 0:
            await asyncio.sleep(0.05)
        for reader, _ in slow:
            await reader.read()
    async with await way.enter("ana") as conn:
        assert (await said(conn))[0] == 0
    for _, writer in slow:
        writer.close()


async def test_one_person_has_so_many_links_and_no_more(way: Scene) -> None:
    conns = [await way.enter("ana") for _ in range(5)]
    told = [await said(conn) for conn in conns]
    assert [status for status, _ in told] == [0, 0, 0, 0, 255]
    assert "close one first" in told[-1][1]
    for conn in conns:
        conn.close()
        await conn.wait_closed()


async def test_a_machine_that_is_another_one_is_not_believed(way: Scene) -> None:
    """Whoever sits behind the address has no host key that the cloud told of."""
    from sqlalchemy import update

    from jupyterhub_vmshare.db.tables import machines

    other = await way.make("other-box")
    own = way.id
    async with way.running.service.db.write() as tx:
        key = asyncssh.generate_private_key("ssh-ed25519").export_public_key().decode().strip()
        changed = update(machines).where(machines.c.id == other).values(host_keys=[key])
        await tx.conn.execute(changed)
    way.id = other
    try:
        async with await way.enter("ana") as conn:
            status, sentence = await said(conn)
        assert status == 255
        assert "is not the machine that was made" in sentence
    finally:
        way.id = own


async def test_links_go_on_without_the_service_and_nobody_new_comes_in(way: Scene) -> None:
    conn = await way.enter("ana")
    assert (await said(conn))[0] == 0
    later = await way.enter("ana")
    server = way.running.service._server
    assert server is not None
    server.stop()
    await server.close_all_connections()
    try:
        assert (await said(conn))[0] == 0
        status, sentence = await said(later)
        assert status == 255
        assert "does not answer" in sentence
    finally:
        conn.close()
        later.close()
        way.running.service._listen(server)
