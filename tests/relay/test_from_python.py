"""The way in from Python: the room that notebooks, the notebook server and kernels go through."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import asyncssh
import pytest
import pytest_asyncio

from jupyter_vmshare.client import AsyncClient, Client, NotAllowed, NotFound
from jupyter_vmshare.client.errors import NameTaken
from jupyter_vmshare.reach import (
    LinkCut,
    NotEmpty,
    NotLetIn,
    RelayUnreachable,
    connected,
    run,
)
from jupyterhub_vmshare.relay.carriage import CIPHERS
from jupyterhub_vmshare.relay.ways import ALIAS, RelayAddress
from tests.relay.entrance import PATIENCE
from tests.relay.scene import Scene

pytestmark = pytest.mark.asyncio(loop_scope="module")
TICKS = frozenset({"open_terminal", "read_files", "upload", "download", "open_app"})


@pytest_asyncio.fixture(loop_scope="module")
async def ben(way: Scene) -> AsyncIterator[AsyncClient]:
    """Ben's client, of a notebook of his, with a grant on ana's machine."""
    await way.give("ben")
    async with client_of(way, "ben") as client:
        yield client


def client_of(way: Scene, person: str) -> AsyncClient:
    running = way.running
    url = running.url + running.service.settings.prefix
    return AsyncClient(url, running.hub.server_token(person))


async def test_a_command_is_heard_as_it_writes_and_ends(way: Scene, ben: AsyncClient) -> None:
    heard: list[tuple[str, bytes]] = []
    async with connected(ben, way.id) as link:
        line = "echo out; echo err >&2; read word; echo $word; exit 7"
        done = await run(
            link, line, stdin="given\n", deliver=lambda kind, data: heard.append((kind, data))
        )
    assert (done.exit_status, done.stdout, done.stderr) == (7, "out\ngiven\n", "err\n")
    assert b"".join(data for kind, data in heard if kind == "stdout") == b"out\ngiven\n"
    assert ("stderr", b"err\n") in heard


async def test_both_halves_of_the_way_are_under_the_fastest_cipher_that_authenticates(
    way: Scene, ben: AsyncClient
) -> None:
    async with connected(ben, way.id) as link:
        await run(link, "true")
        [[onwards]] = [links for links in way.relay.links._links.values() if links]
        for half in (link.conn, onwards.machine):
            for direction in ("send_cipher", "recv_cipher"):
                assert half.get_extra_info(direction) == CIPHERS[0]


async def test_words_reach_a_command_as_they_are(way: Scene, ben: AsyncClient) -> None:
    words = ["a b", "$(id)", "'; exit 3; '", "*", ""]
    async with connected(ben, way.id) as link:
        done = await run(link, ["printf", "<%s>", *words])
    assert done.stdout == "".join(f"<{word}>" for word in words)


async def test_one_client_that_does_not_await_does_as_well(way: Scene) -> None:
    await way.give("ben")
    running = way.running
    url = running.url + running.service.settings.prefix
    with Client(url, running.hub.server_token("ben")) as client:
        async with connected(client, way.id) as link:
            assert (await run(link, "echo here")).stdout == "here\n"


@pytest.mark.parametrize("how", ["interrupted", "too slow"])
async def test_a_command_ends_with_its_cell(way: Scene, ben: AsyncClient, how: str) -> None:
    began = asyncio.Event()
    async with connected(ben, way.id) as link:
        uid = int((await run(link, "id -u")).stdout)
        within = 0.5 if how == "too slow" else None
        line = "echo begun; exec sleep 4321"
        work = asyncio.create_task(
            run(link, line, within=within, deliver=lambda _kind, _data: began.set())
        )
        if how == "interrupted":
            await asyncio.wait_for(began.wait(), PATIENCE)
            work.cancel()
        with pytest.raises(TimeoutError if within else asyncio.CancelledError):
            await work
        await way.until(lambda: not any("4321" in each for each in way.machine.of(uid)))


async def test_one_that_does_not_listen_is_killed(way: Scene, ben: AsyncClient) -> None:
    began = asyncio.Event()
    async with connected(ben, way.id) as link:
        uid = int((await run(link, "id -u")).stdout)
        line = "trap '' INT TERM; echo begun; while true; do sleep 0.1; done"
        work = asyncio.create_task(run(link, line, deliver=lambda _kind, _data: began.set()))
        await asyncio.wait_for(began.wait(), PATIENCE)
        work.cancel()
        with pytest.raises(asyncio.CancelledError):
            await work
        await way.until(lambda: not any("trap" in each for each in way.machine.of(uid)))


async def test_a_revoke_ends_it_with_the_relays_own_sentence(way: Scene) -> None:
    grant = await way.give("ben")
    began = asyncio.Event()
    async with client_of(way, "ben") as client, connected(client, way.id) as link:
        files = await link.files()
        work = asyncio.create_task(
            run(link, "echo begun; sleep 1000", deliver=lambda _kind, _data: began.set())
        )
        await asyncio.wait_for(began.wait(), PATIENCE)
        await way.revoke(grant, "ben")
        with pytest.raises(LinkCut) as cut:
            await work
        with pytest.raises(LinkCut):
            await files.entry("")
        await asyncio.wait_for(link.closed(), PATIENCE)
        assert str(cut.value) == link.because == str(await link.why())
        assert not link.is_open
        assert "machine" in str(cut.value)


async def test_where_the_relay_says_nothing_the_service_tells_why(way: Scene) -> None:
    grant = await way.give("ben")
    async with client_of(way, "ben") as client, connected(client, way.id) as link:
        link.conn.abort()
        assert "broke off" in str(await link.why())
        await way.revoke(grant, "ben")
        assert str(await link.why()) == "You may not use this machine any more."


REFUSED: list[Any] = [
    pytest.param({"open_terminal"}, "run", "open a terminal", id="no terminal"),
    pytest.param({"read_files"}, "entries", "list files", id="no list"),
    pytest.param({"download"}, "read", "download", id="no download"),
    pytest.param({"upload"}, "write", "upload", id="no upload"),
    pytest.param(
        {"read_files", "upload", "download"}, "entries", "use the files", id="no files at all"
    ),
]


@pytest.mark.parametrize(("without", "what", "sentence"), REFUSED)
async def test_what_a_tick_refuses_is_said_in_the_relays_words(
    way: Scene, ben: AsyncClient, without: set[str], what: str, sentence: str
) -> None:
    way.rights.without["ben"] = frozenset(without)
    async with connected(ben, way.id) as link:
        with pytest.raises(NotAllowed, match=f"You may not .*{sentence}"):
            if what == "run":
                await run(link, "true")
            elif what == "write":
                async with (await link.files()).writing("new.txt") as write:
                    await write(b"x")
            else:
                files = await link.files()
                found: Any = files.entries("/etc") if what == "entries" else None
                async for _ in found or files.read("/etc/hostname"):
                    pass


async def test_a_machine_of_which_one_may_know_nothing_is_not_there(way: Scene) -> None:
    async with client_of(way, "dan") as client:
        with pytest.raises(NotFound):
            async with connected(client, way.id):
                pass


async def test_whoever_was_turned_away_meanwhile_is_not_let_in(way: Scene) -> None:
    grant = await way.give("ben")
    async with client_of(way, "ben") as client, connected(client, way.id) as link:
        await way.revoke(grant, "ben")
        with pytest.raises((NotLetIn, NotAllowed, LinkCut)):
            await run(link, "true")


def plain_key(_host: str) -> Any:
    return asyncssh.generate_private_key("ssh-ed25519")


def strange_certificate(host: str) -> Any:
    """Of an authority of somebody else's, for the name that the relay goes by."""
    key, authority = plain_key(host), plain_key(host)
    made = authority.generate_host_certificate(key, "relay", principals=[host])
    return key, made


@pytest.mark.parametrize(
    "shown",
    [
        pytest.param(plain_key, id="a plain host key"),
        pytest.param(strange_certificate, id="a stranger's certificate"),
    ],
)
async def test_what_is_not_the_relay_is_not_believed(
    way: Scene, ben: AsyncClient, monkeypatch: pytest.MonkeyPatch, shown: Any
) -> None:
    other = await asyncssh.listen("127.0.0.1", 0, server_host_keys=[shown(ALIAS)])
    at = RelayAddress("127.0.0.1", other.get_port())
    monkeypatch.setattr(way.running.service.ways, "address", at)
    with pytest.raises(RelayUnreachable, match="can't show that it is the service's relay"):
        async with connected(ben, way.id):
            pass
    other.close()
    await other.wait_closed()


async def test_a_relay_that_is_away_is_said_to_be(
    way: Scene, ben: AsyncClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    monkeypatch.setattr(way.running.service.ways, "address", RelayAddress("127.0.0.1", port))
    with pytest.raises(RelayUnreachable, match="does not answer"):
        async with connected(ben, way.id):
            pass


async def test_settings_of_this_computer_have_no_part_in_it(
    way: Scene, ben: AsyncClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh/config").write_text("Host *\n  User root\n  ProxyCommand false\n")
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("SSH_AUTH_SOCK", str(tmp_path / "agent"))
    async with connected(ben, way.id) as link:
        done = await run(link, "echo ${SSH_AUTH_SOCK:-no agent}")
    assert done.stdout == "no agent\n"
    assert [path.name for path in (tmp_path / ".ssh").iterdir()] == ["config"]


async def test_files_are_written_read_moved_and_deleted(way: Scene, ben: AsyncClient) -> None:
    data = bytes(range(256)) * 4096
    async with connected(ben, way.id) as link:
        files = await link.files()
        await files.make_directory("work")
        async with files.writing("work/a.bin") as write:
            await write(data[:1000])
            await write(data[1000:])
        entry = await files.entry("work/a.bin")
        assert (entry.kind, entry.size) == ("file", len(data))
        assert entry.path == f"{await files.home()}/work/a.bin"
        got = b"".join([chunk async for chunk in files.read("work/a.bin", 10, 500_000)])
        assert got == data[10:500_010]
        await run(link, "cd work && ln -s /etc there && ln -s nowhere lost")
        found = {each.name: each async for each in files.entries("work")}
        assert {name: (each.kind, each.leads_to) for name, each in found.items()} == {
            "a.bin": ("file", None),
            "there": ("link", "directory"),
            "lost": ("link", None),
        }
        await files.move("work/a.bin", "work/b.bin")
        with pytest.raises(NotEmpty):
            await files.delete("work")
        await files.delete("work", recursive=True)
        assert not await files.is_there("work")
        assert await files.is_there("/etc/hostname")


async def test_nothing_takes_the_place_of_something_unless_asked(
    way: Scene, ben: AsyncClient
) -> None:
    async with connected(ben, way.id) as link:
        files = await link.files()
        await run(link, "rm -rf d a b; mkdir d; echo old >a; echo other >b")

        async def put(path: str, *, overwrite: bool = False) -> None:
            async with files.writing(path, overwrite=overwrite) as write:
                await write(b"new\n")

        for path, overwrite in (("a", False), ("d", True), ("d", False)):
            with pytest.raises(NameTaken):
                await put(path, overwrite=overwrite)
        for refused in (files.move("a", "b"), files.make_directory("d")):
            with pytest.raises(NameTaken):
                await refused
        assert (await run(link, "cat a b")).stdout == "old\nother\n"
        await put("a", overwrite=True)
        assert (await run(link, "cat a; ls -A | grep part")).stdout == "new\n"


async def test_a_file_that_breaks_off_leaves_nothing(way: Scene, ben: AsyncClient) -> None:
    async with connected(ben, way.id) as link:
        files = await link.files()

        async def half() -> None:
            async with files.writing("half.bin") as write:
                await write(b"x" * 100_000)
                raise RuntimeError

        with pytest.raises(RuntimeError):
            await half()
        assert "part" not in (await run(link, "ls -A")).stdout
        assert not await files.is_there("half.bin")


async def test_what_lies_on_the_machine_has_the_accounts_rights(
    way: Scene, ben: AsyncClient
) -> None:
    async with connected(ben, way.id) as link:
        files = await link.files()
        with pytest.raises(NotAllowed, match="Your account on the machine"):
            async for _ in files.read("/etc/shadow"):
                pass
        with pytest.raises(NotFound, match="There is no /nowhere"):
            await files.entry("/nowhere")
