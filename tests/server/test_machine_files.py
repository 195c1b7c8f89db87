"""The files of a machine, as the panel asks for them: listed, read, written, and held to ticks."""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from jupyter_server.auth import Authorizer

from jupyter_vmshare.routes.gateway import SETTING
from jupyter_vmshare.routes.machine_links import KeptLinks
from tests.fakes.machine import MACHINE, SERVER, FakeRelay
from tests.fakes.vmshare import FakeVMShare, Scripted
from tests.server.conftest import Ask, Tokens
from tests.server.test_forward import problem

PATIENCE = 30.0
HERE = f"machines/{MACHINE}"
DATA = bytes(range(256)) * 4096


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """The machine's files; its home is their top."""
    found = tmp_path / "of-the-machine"
    found.mkdir()
    (found / "data.bin").write_bytes(DATA)
    (found / "Work").mkdir()
    (found / "Work/deep.txt").write_text("deep\n")
    (found / "to-work").symlink_to("Work")
    (found / "lost").symlink_to("nowhere")
    return found


@pytest.fixture
def relay(service: FakeVMShare, root: Path) -> Iterator[FakeRelay]:
    if not Path(SERVER).exists():
        pytest.skip("OpenSSH's SFTP server is not installed here.")
    relay = FakeRelay(service, root)
    relay.start()
    yield relay
    relay.stop()


async def told(ask: Ask, method: str, path: str, status: int = 200, **more: Any) -> Any:
    response = await ask(method, f"{HERE}/{path}", **more)
    assert response.code == status, response.body
    return json.loads(response.body) if response.body else None


async def refused(ask: Ask, method: str, path: str, **more: Any) -> tuple[int, str, str]:
    response = await ask(method, f"{HERE}/{path}", **more)
    found = problem(response)
    return response.code, found["code"], found["detail"]


async def eventually(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not holds():
            await asyncio.sleep(0.02)


async def test_a_directory_is_listed_in_pages_directories_first(
    ask: Ask, relay: FakeRelay, root: Path
) -> None:
    page = await told(ask, "GET", "entries?path=&limit=2")
    assert (page["path"], page["home"]) == (str(root), str(root))
    assert [each["name"] for each in page["items"]] == ["Work", "to-work"]
    after = page["next"]
    page = await told(ask, "GET", f"entries?path={root}&limit=2&after={after}")
    assert [each["name"] for each in page["items"]] == ["data.bin", "lost"]
    assert page["next"] is None
    [only] = (await told(ask, "GET", "entries?q=WOR&limit=1000"))["items"][:1]
    assert (only["name"], only["kind"], only["size"]) == ("Work", "directory", None)
    link = await told(ask, "GET", "entry?path=to-work")
    assert (link["kind"], link["leads_to"], link["path"]) == (
        *("link", "directory"),
        f"{root}/to-work",
    )
    assert (await told(ask, "GET", "entry?path=lost"))["leads_to"] is None
    assert len(relay.conns) == 1


async def test_a_large_directory_comes_whole_in_pages(
    ask: Ask, relay: FakeRelay, root: Path
) -> None:
    names = {f"{number:03}" for number in range(300)}
    for name in names:
        (root / "Work" / name).touch()
    seen: list[str] = []
    after = ""
    while True:
        page = await told(ask, "GET", f"entries?path=Work&limit=37{after}")
        seen += [each["name"] for each in page["items"]]
        if page["next"] is None:
            break
        after = f"&after={page['next']}"
    assert seen == sorted([*names, "deep.txt"])


PARTS: list[Any] = [
    pytest.param(None, 200, DATA, id="the whole"),
    pytest.param("bytes=10-19", 206, DATA[10:20], id="a part"),
    pytest.param("bytes=1048570-", 206, DATA[1048570:], id="the rest"),
    pytest.param("bytes=-5", 206, DATA[-5:], id="the end"),
    pytest.param("bytes=0-99999999", 206, DATA, id="more than there is"),
    pytest.param("bytes=1-2,5-6", 200, DATA, id="several parts are the whole"),
    pytest.param("lines=1-2", 200, DATA, id="no bytes"),
]


@pytest.mark.parametrize(("part", "status", "data"), PARTS)
async def test_a_file_is_downloaded(
    ask: Ask, relay: FakeRelay, part: str | None, status: int, data: bytes
) -> None:
    response = await ask("GET", f"{HERE}/download?path=data.bin", headers={"Range": part})
    assert (response.code, response.body) == (status, data)
    assert response.headers["Content-Length"] == str(len(data))
    assert response.headers["Content-Disposition"] == "attachment; filename*=UTF-8''data.bin"
    assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_part_that_is_not_there_is_refused(ask: Ask, relay: FakeRelay) -> None:
    response = await ask(
        "GET", f"{HERE}/download?path=data.bin", headers={"Range": "bytes=1048576-"}
    )
    assert response.code == 416
    assert response.headers["Content-Range"] == f"bytes */{len(DATA)}"


async def test_an_empty_file_goes_both_ways(ask: Ask, relay: FakeRelay, root: Path) -> None:
    await told(ask, "PUT", "file?path=empty", 201, body=b"")
    response = await ask("GET", f"{HERE}/download?path=empty")
    assert (response.code, response.body) == (200, b"")


async def test_a_file_is_uploaded_as_it_comes(ask: Ask, relay: FakeRelay, root: Path) -> None:
    async def produce(write: Callable[[bytes], Awaitable[None]]) -> None:
        for start in range(0, len(DATA), 65_536):
            await write(DATA[start : start + 65_536])

    entry = await told(
        ask, "PUT", "file?path=Work/new%20file", 201, body_producer=produce, headers=OCTETS
    )
    assert (entry["path"], entry["size"]) == (f"{root}/Work/new file", len(DATA))
    assert (root / "Work/new file").read_bytes() == DATA


OCTETS = {"Content-Type": "application/octet-stream"}
TAKEN = [
    pytest.param("PUT", "file?path=data.bin", "new", id="a file"),
    pytest.param("PUT", "file?path=Work&overwrite=true", "new", id="a directory"),
    pytest.param("PUT", "file?path=lost", "new", id="a link that leads nowhere"),
    pytest.param("POST", "directories", '{"path": "Work"}', id="a new directory"),
    pytest.param("POST", "moves", '{"source": "lost", "target": "data.bin"}', id="a move"),
]


@pytest.mark.parametrize(("method", "path", "body"), TAKEN)
async def test_nothing_takes_the_place_of_something(
    ask: Ask, relay: FakeRelay, root: Path, method: str, path: str, body: str
) -> None:
    before = sorted(os.listdir(root))
    status, code, _ = await refused(ask, method, path, body=body)
    assert (status, code) == (409, "name-taken")
    assert sorted(os.listdir(root)) == before
    assert (root / "data.bin").read_bytes() == DATA


async def test_a_file_is_replaced_where_that_is_asked(
    ask: Ask, relay: FakeRelay, root: Path
) -> None:
    await told(ask, "PUT", "file?path=data.bin&overwrite=true", 200, body="new")
    assert (root / "data.bin").read_text() == "new"


async def test_things_are_made_moved_and_deleted(ask: Ask, relay: FakeRelay, root: Path) -> None:
    made = await told(ask, "POST", "directories", 201, body='{"path": "made"}')
    assert (made["kind"], made["path"]) == ("directory", f"{root}/made")
    body = json.dumps({"source": "data.bin", "target": f"{root}/made/moved.bin"})
    assert (await told(ask, "POST", "moves", body=body))["name"] == "moved.bin"
    (root / "made/away").symlink_to(root / "Work")
    status, code, _ = await refused(ask, "DELETE", "file?path=made")
    assert (status, code) == (409, "not-empty")
    await told(ask, "DELETE", "file?path=to-work&recursive=true", 204)
    await told(ask, "DELETE", "file?path=made&recursive=true", 204)
    assert sorted(os.listdir(root)) == ["Work", "lost"]
    assert os.listdir(root / "Work") == ["deep.txt"]


TICKS: list[Any] = [
    pytest.param("read_files", "GET", "entries", None, "list files", id="to list"),
    pytest.param("read_files", "GET", "entry?path=lost", None, "list files", id="to look"),
    pytest.param("download", "GET", "download?path=data.bin", None, "download", id="to download"),
    pytest.param("upload", "PUT", "file?path=new", "x", "upload", id="to upload"),
    pytest.param("upload", "DELETE", "file?path=lost", None, "upload", id="to delete"),
    pytest.param("upload", "POST", "directories", '{"path": "d"}', "upload", id="to make"),
    pytest.param(
        "upload", "POST", "moves", '{"source": "lost", "target": "l"}', "upload", id="to move"
    ),
]


@pytest.mark.parametrize(("tick", "method", "path", "body", "word"), TICKS)
async def test_a_tick_that_is_missing_refuses_it_in_the_relays_words(
    ask: Ask,
    relay: FakeRelay,
    root: Path,
    tick: str,
    method: str,
    path: str,
    body: str | None,
    word: str,
) -> None:
    before = sorted(os.listdir(root))
    relay.allowed = relay.allowed - {tick}
    told = await refused(ask, method, path, **({"body": body} if body else {}))
    assert told == (403, "forbidden", f"You may not {word} on this machine.")
    assert sorted(os.listdir(root)) == before


async def test_who_may_only_upload_uploads_and_who_may_only_download_downloads(
    ask: Ask, relay: FakeRelay, root: Path
) -> None:
    relay.allowed = frozenset({"upload"})
    entry = await told(ask, "PUT", "file?path=blind", 201, body="x" * 10)
    assert (entry["path"], entry["size"]) == (f"{root}/blind", 10)
    relay.allowed = frozenset({"download"})
    response = await ask("GET", f"{HERE}/download?path=data.bin")
    assert (response.code, response.body) == (200, DATA)


async def test_without_any_tick_for_files_the_relay_says_so(ask: Ask, relay: FakeRelay) -> None:
    relay.refuses = "You may not use the files of this machine."
    assert await refused(ask, "GET", "entries") == (403, "forbidden", relay.refuses)
    relay.refuses = "The machine is stopped."
    assert await refused(ask, "GET", "entries") == (409, "wrong-state", relay.refuses)
    relay.refuses = None
    await told(ask, "GET", "entries")


UNSEEN: list[Any] = [
    pytest.param("GET", "entries?path=nowhere", None, id="a directory"),
    pytest.param("GET", "entries?path=data.bin", None, id="a file as a directory"),
    pytest.param("GET", "download?path=nowhere", None, id="a file"),
    pytest.param("PUT", "file?path=nowhere/x", "x", id="a place for a file"),
    pytest.param("DELETE", "file?path=nowhere", None, id="what is to be deleted"),
]


@pytest.mark.parametrize(("method", "path", "body"), UNSEEN)
async def test_what_is_not_there_answers_404(
    ask: Ask, relay: FakeRelay, method: str, path: str, body: str | None
) -> None:
    status, code, _ = await refused(ask, method, path, **({"body": body} if body else {}))
    assert (status, code) == (404, "not-found")


async def test_a_machine_one_may_not_see_is_not_there(ask: Ask, service: FakeVMShare) -> None:
    other = "mch_00000000000000000000000002"
    sentence = "There is no such machine."
    unseen = Scripted.problem(404, "not-found", sentence)
    service.answer("POST", f"/machines/{other}/certificates", unseen)
    response = await ask("GET", f"machines/{other}/entries")
    assert (response.code, problem(response)["detail"]) == (404, sentence)
    response = await ask("PUT", f"machines/{other}/file?path=x", body="x" * 100_000)
    assert (response.code, problem(response)["detail"]) == (404, sentence)
    assert (await ask("GET", "machines/..%2f/entries")).code == 404


MALFORMED: list[Any] = [
    pytest.param("GET", "entries?limit=0", None, id="no entries"),
    pytest.param("GET", "download", None, id="no path"),
    pytest.param("PUT", "file", "x", id="no place"),
    pytest.param("POST", "moves", '{"source": "lost"}', id="half a move"),
    pytest.param("POST", "directories", "[", id="no JSON"),
    pytest.param("GET", "download?path=Work", None, id="a directory as a file"),
]


@pytest.mark.parametrize(("method", "path", "body"), MALFORMED)
async def test_what_makes_no_sense_is_refused(
    ask: Ask, relay: FakeRelay, method: str, path: str, body: str | None
) -> None:
    status, _, _ = await refused(ask, method, path, **({"body": body} if body else {}))
    assert status == 400


async def test_each_visitor_has_a_link_of_their_own(
    ask: Ask, relay: FakeRelay, tokens: Tokens, service: FakeVMShare
) -> None:
    as_ben = {"Authorization": f"token {tokens.ben}"}
    for _ in range(3):
        await told(ask, "GET", "entries")
        await told(ask, "GET", "entries", headers=as_ben)
    assert relay.logins == ["ana", "ben"]
    came = service.came("POST", f"/machines/{MACHINE}/certificates")
    assert [each.token for each in came] == [tokens.ana, tokens.ben]
    nobody = await ask("GET", f"{HERE}/entries", headers={"Authorization": None})
    assert nobody.code == 403


async def test_a_link_that_is_cut_is_not_used_again(ask: Ask, relay: FakeRelay) -> None:
    await told(ask, "GET", "entries")
    relay.cut("Your right to this machine has come to its end date.")
    await eventually(lambda: relay.open == 0)
    await told(ask, "GET", "entries")
    assert len(relay.conns) == 2


async def test_a_link_that_is_cut_in_the_middle_of_an_upload_says_why(
    ask: Ask, relay: FakeRelay, root: Path
) -> None:
    because = "Your right to this machine has come to its end date."

    async def produce(write: Callable[[bytes], Awaitable[None]]) -> None:
        await write(DATA)
        await eventually(lambda: any(name.endswith(".part") for name in os.listdir(root)))
        relay.cut(because)
        await eventually(lambda: relay.open == 0)
        await write(DATA)

    found = await refused(ask, "PUT", "file?path=new", body_producer=produce, headers=OCTETS)
    assert found == (409, "link-cut", because)
    assert not (root / "new").exists()


async def test_an_upload_that_breaks_off_leaves_nothing(
    ask: Ask, relay: FakeRelay, root: Path, jp_http_port: int, tokens: Tokens
) -> None:
    before = sorted(os.listdir(root))
    _, writer = await asyncio.open_connection("127.0.0.1", jp_http_port)
    head = f"PUT /user/ana/vmshare/{HERE}/file?path=half HTTP/1.1\r\nHost: localhost\r\n"
    head += f"Authorization: token {tokens.ana}\r\nContent-Length: 1000000\r\n\r\n"
    writer.write(head.encode() + b"x" * 100_000)
    await eventually(lambda: sorted(os.listdir(root)) != before)
    writer.close()
    await eventually(lambda: sorted(os.listdir(root)) == before)


async def test_a_link_is_closed_when_nobody_uses_it(
    ask: Ask, relay: FakeRelay, jp_serverapp: Any
) -> None:
    gateway = jp_serverapp.web_app.settings[SETTING]
    links = gateway.links = KeptLinks(gateway.client, idle=0.0)
    await told(ask, "GET", "entries")
    await eventually(lambda: relay.open == 0 and links.count == 0)


async def test_after_a_certificates_time_the_service_is_asked_again(
    ask: Ask, relay: FakeRelay, jp_serverapp: Any
) -> None:
    gateway = jp_serverapp.web_app.settings[SETTING]
    gateway.links = KeptLinks(gateway.client, longest=0.0)
    await told(ask, "GET", "entries")
    await told(ask, "GET", "entries")
    await eventually(lambda: relay.open == 1)
    assert len(relay.conns) == 2


class ReadOnly(Authorizer):
    """Lets everybody look and nobody change anything."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action == "read"


async def test_the_servers_authorizer_is_asked(
    ask: Ask, relay: FakeRelay, root: Path, jp_serverapp: Any
) -> None:
    jp_serverapp.web_app.settings["authorizer"] = ReadOnly(parent=jp_serverapp)
    await told(ask, "GET", "entries")
    logins, there = list(relay.logins), sorted(root.rglob("*"))
    for method, path, body in (
        ("PUT", "file?path=new", "x"),
        ("DELETE", "file?path=lost", None),
        ("POST", "moves", '{"source": "lost", "target": "l"}'),
        ("POST", "directories", '{"path": "d"}'),
    ):
        response = await ask(method, f"{HERE}/{path}", **({"body": body} if body else {}))
        assert response.code == 403, (method, response.body)
    # Not a byte of it went to the machine.
    assert relay.logins == logins
    assert sorted(root.rglob("*")) == there


async def test_without_a_service_it_is_said(
    ask: Ask, relay: FakeRelay, service: FakeVMShare
) -> None:
    service.stop()
    response = await ask("GET", f"{HERE}/entries")
    assert (response.code, problem(response)["code"]) == (503, "service-unreachable")
    service.start()
