"""What must not come to be of a machine's files: from another page, or over somebody's file."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from tests.fakes.machine import FakeRelay
from tests.server.conftest import Ask, Tokens
from tests.server.test_machine_files import DATA, HERE, OCTETS, eventually, refused, relay, root

__all__ = ["relay", "root"]
WRITES = [
    pytest.param("PUT", "file?path=new", "x", id="to upload"),
    pytest.param("DELETE", "file?path=lost", None, id="to delete"),
    pytest.param("POST", "directories", '{"path": "new"}', id="to make"),
    pytest.param("POST", "moves", '{"source": "lost", "target": "new"}', id="to move"),
]


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_another_page_can_change_nothing_in_a_browsers_name(
    ask: Ask,
    relay: FakeRelay,
    root: Path,
    tokens: Tokens,
    cookie: Callable[[str], str],
    method: str,
    path: str,
    body: str | None,
) -> None:
    before = sorted(os.listdir(root))
    headers = {"Authorization": None, "Cookie": cookie(tokens.ana), "Content-Type": "text/plain"}
    more = {"body": body} if body else {}
    status, code, _ = await refused(ask, method, path, headers=headers, **more)
    assert (status, code) == (403, "forbidden")
    assert sorted(os.listdir(root)) == before
    assert relay.logins == []


@pytest.mark.parametrize(("method", "path", "body"), WRITES)
async def test_nobody_changes_nothing(
    ask: Ask, relay: FakeRelay, root: Path, method: str, path: str, body: str | None
) -> None:
    before = sorted(os.listdir(root))
    more = {"body": body} if body else {}
    response = await ask(method, f"{HERE}/{path}", headers={"Authorization": None}, **more)
    assert response.code in {401, 403}
    assert sorted(os.listdir(root)) == before
    assert relay.logins == []


async def test_what_came_to_be_during_an_upload_is_not_replaced(
    ask: Ask, relay: FakeRelay, root: Path
) -> None:
    async def produce(write: Callable[[bytes], Awaitable[None]]) -> None:
        await write(DATA)
        await eventually(lambda: any(name.endswith(".part") for name in os.listdir(root)))
        (root / "new").write_text("theirs")
        await write(DATA)

    status, code, _ = await refused(
        ask, "PUT", "file?path=new", body_producer=produce, headers=OCTETS
    )
    assert (status, code) == (409, "name-taken")
    assert (root / "new").read_text() == "theirs"
    assert not any(name.endswith(".part") for name in os.listdir(root))


async def test_what_is_shown_as_a_file_can_run_nowhere(ask: Ask, relay: FakeRelay) -> None:
    response = await ask("GET", f"{HERE}/download?path=data.bin")
    assert response.headers["Content-Security-Policy"] == "sandbox; default-src 'none'"
    assert response.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("../../../../../../etc/hostname", id="dots lead out of the home"),
        pytest.param("/etc/hostname", id="from the root"),
        pytest.param("Work/../../../../../../../../etc/hostname", id="dots in the middle"),
    ],
)
async def test_a_path_is_the_machines_and_never_this_servers(
    ask: Ask, relay: FakeRelay, root: Path, path: str
) -> None:
    """There is one file system in this test: what is asked for is asked of the machine."""
    before = relay.sent
    response = await ask("GET", f"{HERE}/download?path={path}")
    assert response.code in {200, 404}
    assert relay.sent > before
    relay.allowed = frozenset()
    response = await ask("GET", f"{HERE}/download?path={path}")
    assert response.code == 403


async def test_a_path_with_a_nul_is_refused(ask: Ask, relay: FakeRelay) -> None:
    assert await refused(ask, "GET", "entry?path=data.bin%00.txt") == (
        *(400, "bad-input"),
        "A path has no such character in it.",
    )
