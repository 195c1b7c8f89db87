"""Long transfers: broken ones, revoked ones, large ones."""

from __future__ import annotations

import asyncio
import os
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Literal

import httpx2
import pytest
import pytest_asyncio

from jupyterhub_vmshare.api.sending import CHECKED_EVERY
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api, Person
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld

pytestmark = pytest.mark.asyncio

LARGE = 64 * 1024 * 1024


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Bytes lie in the store, not in the database: one kind is enough here."""
    return sqlite_url


@pytest_asyncio.fixture
async def folder(api: Api) -> str:
    """ana's folder, in which dan may edit."""
    folder = await api("ana").make_folder("tests")
    [grant] = await api("ana").invite(folder, "edit", "dan")
    await api("dan").accept(grant)
    return folder


@pytest.fixture
def store_of(service: RunningService) -> Path:
    return service.service.settings.store


@pytest.fixture
def tree(store_of: Path, folder: str) -> Path:
    return store_of / folder[-2:] / folder / "files"


def drafts(store: Path) -> list[str]:
    return os.listdir(store / ".incoming")


async def until(true: Callable[[], bool]) -> None:
    for _ in range(500):
        if true():
            return
        await asyncio.sleep(0.01)
    raise AssertionError("it never came true")


async def in_two_halves(between: Callable[[], Awaitable[None]]) -> AsyncIterator[bytes]:
    """A body whose second half waits for something to happen."""
    yield b"1" * 2_000_000
    await between()
    yield b"2" * 2_000_000


async def slow_upload(
    person: Person, folder: str, between: Callable[[], Awaitable[None]], **query: str
) -> httpx2.Response:
    return await person.call(
        "PUT",
        f"/folders/{folder}/file",
        params={"path": "big", **query},
        content=in_two_halves(between),
    )


async def test_a_client_that_vanishes_leaves_nothing(
    api: Api, service: RunningService, folder: str, tree: Path, store_of: Path
) -> None:
    dan = api("dan")
    token = dan.client.headers["Authorization"]
    _, writer = await asyncio.open_connection("127.0.0.1", service.service.port)
    head = (
        f"PUT {service.service.settings.prefix}api/folders/{folder}/file?path=big HTTP/1.1\r\n"
        f"Host: x\r\nAuthorization: {token}\r\nContent-Length: 10000000\r\n\r\n"
    )
    writer.write(head.encode() + b"1" * 3_000_000)
    await writer.drain()
    await until(lambda: len(drafts(store_of)) == 1)
    writer.transport.abort()
    await until(lambda: drafts(store_of) == [])
    assert os.listdir(tree) == []


@pytest.mark.parametrize("what", ["revoked", "lowered", "run out", "trashed"])
async def test_who_loses_access_while_uploading_leaves_nothing(
    api: Api, service: RunningService, folder: str, tree: Path, store_of: Path, what: str
) -> None:
    ana, dan = api("ana"), api("dan")
    [grant] = (await ana.ask("GET", f"/folders/{folder}/people"))["grants"]
    version = {"If-Match": f'"{grant["version"]}"'}

    async def lose() -> None:
        await until(lambda: len(drafts(store_of)) == 1)
        if what == "revoked":
            await ana.ask("DELETE", f"/grants/{grant['id']}")
        elif what == "lowered":
            await ana.ask("PATCH", f"/grants/{grant['id']}", {"level": "view"}, headers=version)
        elif what == "trashed":
            await ana.ask("POST", f"/folders/{folder}/trash")
        else:
            ends = {"ends_at": "2026-11-27T18:00:00Z"}
            await ana.ask("PATCH", f"/grants/{grant['id']}", ends, headers=version)
            service.clock.advance(hours=9)

    answer = await slow_upload(dan, folder, lose)
    assert answer.status_code == (403 if what == "lowered" else 404), answer.text
    assert (os.listdir(tree), drafts(store_of)) == ([], [])


async def test_what_another_made_meanwhile_is_not_replaced(
    api: Api, folder: str, tree: Path, store_of: Path
) -> None:
    async def be_first() -> None:
        await api("ana").write(folder, "big", b"first")

    answer = await slow_upload(api("dan"), folder, be_first)
    assert (answer.status_code, answer.json()["code"]) == (409, "exists")
    assert ((tree / "big").read_bytes(), drafts(store_of)) == (b"first", [])


async def test_who_may_not_is_told_before_anything_is_kept(
    api: Api, folder: str, store_of: Path
) -> None:
    made = []

    async def look() -> None:
        await asyncio.sleep(0.3)
        made.extend(drafts(store_of))

    answer = await slow_upload(api("eve"), folder, look)
    assert answer.status_code == 404
    assert made == []


@pytest_asyncio.fixture
async def strict(
    tmp_path: Path, hub: FakeHub, small_world: SmallWorld
) -> AsyncIterator[RunningService]:
    """A service that takes 3 MB at most, and that remembers nobody for long."""
    url = f"sqlite:///{tmp_path}/strict.sqlite"
    async with running_service(
        tmp_path, url, hub, small_world, most_upload=3_000_000, hub_max_age=0.1
    ) as running:
        yield running


@pytest_asyncio.fixture
async def strict_api(strict: RunningService) -> AsyncIterator[Api]:
    async with AsyncExitStack() as stack:
        yield Api(strict, stack)


@pytest.mark.parametrize("announced", [True, False], ids=["announced", "in chunks"])
async def test_an_upload_over_the_limit_is_refused(
    tmp_path: Path, strict_api: Api, announced: bool
) -> None:
    ana = strict_api("ana")
    folder = await ana.make_folder("tests")

    async def nothing() -> None:
        return None

    body: bytes | AsyncIterator[bytes] = b"1" * 4_000_000 if announced else in_two_halves(nothing)
    answer = await ana.call("PUT", f"/folders/{folder}/file", params={"path": "big"}, content=body)
    assert (answer.status_code, answer.json()["code"]) == (413, "too-large")
    assert drafts(tmp_path / "store") == []
    assert await ana.all(f"/folders/{folder}/entries") == []
    assert (await ana.write(folder, "big", b"1" * 3_000_000))["size"] == 3_000_000


async def broken_download(person: Person, folder: str, then: Callable[[], Awaitable[None]]) -> int:
    """How many bytes came of a download that broke after ``then``."""
    got = 0
    where = f"/folders/{folder}/download"
    with pytest.raises(httpx2.RemoteProtocolError):
        async with person.client.stream("GET", where, params={"path": "big"}) as answer:
            assert answer.headers["Content-Length"] == str(LARGE)
            async for piece in answer.aiter_raw():
                if got == 0:
                    await then()
                    await asyncio.sleep(CHECKED_EVERY + 0.2)
                got += len(piece)
    return got


def make_large(tree: Path) -> None:
    with (tree / "big").open("wb") as file:
        file.truncate(LARGE)


@pytest.mark.parametrize("what", ["revoked", "trashed"])
async def test_a_running_download_ends_with_the_access(
    api: Api, folder: str, tree: Path, what: str
) -> None:
    make_large(tree)

    async def lose() -> None:
        if what == "revoked":
            await api("ana").ask("DELETE", f"/folders/{folder}/grants")
        else:
            await api("ana").ask("POST", f"/folders/{folder}/trash")

    assert 0 < await broken_download(api("dan"), folder, lose) < LARGE


async def test_a_running_download_ends_with_the_token(
    strict: RunningService, strict_api: Api
) -> None:
    ana = strict_api("ana")
    folder = await ana.make_folder("tests")
    make_large(strict.service.settings.store / folder[-2:] / folder / "files")

    async def sign_out() -> None:
        strict.hub.revoke(ana.client.headers["Authorization"].split()[1])

    assert 0 < await broken_download(ana, folder, sign_out) < LARGE


async def test_a_hub_that_is_away_ends_no_download(strict: RunningService, strict_api: Api) -> None:
    ana = strict_api("ana")
    folder = await ana.make_folder("tests")
    make_large(strict.service.settings.store / folder[-2:] / folder / "files")
    got = 0
    where = f"/folders/{folder}/download"
    async with ana.client.stream("GET", where, params={"path": "big"}) as answer:
        async for piece in answer.aiter_raw():
            if got == 0:
                strict.hub.fail("*/user", 503)
                await asyncio.sleep(CHECKED_EVERY + 0.2)
            got += len(piece)
    assert got == LARGE


@pytest.mark.parametrize(
    ("kind", "question"),
    [("panel", "*/user"), ("kernel", "*/user"), ("kernel", "*/shares/*")],
    ids=["a panel's", "a kernel's", "a kernel's, about its shares"],
)
async def test_a_hub_that_is_away_at_the_end_fails_no_upload(
    strict: RunningService, strict_api: Api, kind: Literal["panel", "kernel"], question: str
) -> None:
    ana = strict_api("ana", kind)
    store = strict.service.settings.store
    folder = await strict_api("ana").make_folder("tests")

    async def restart() -> None:
        await until(lambda: len(drafts(store)) == 1)
        strict.hub.fail(question, 503)
        await asyncio.sleep(0.2)

    answer = await ana.call(
        "PUT", f"/folders/{folder}/file", params={"path": "a"}, content=small(restart)
    )
    assert (answer.status_code, answer.json()["size"]) == (201, 2)
    late = await ana.call("PUT", f"/folders/{folder}/file", params={"path": "b"}, content=b"b")
    assert late.status_code in (403, 503), "nothing new begins on a guess"


@pytest.mark.parametrize("what", ["revoked", "signed out", "server shared"])
async def test_what_the_hub_or_the_grants_say_still_ends_an_upload(
    strict: RunningService, strict_api: Api, what: str
) -> None:
    dan, ana = strict_api("dan", "kernel"), strict_api("ana")
    store = strict.service.settings.store
    folder = await ana.make_folder("tests")
    [grant] = await ana.invite(folder, "edit", "dan")
    await strict_api("dan").accept(grant)

    async def lose() -> None:
        await until(lambda: len(drafts(store)) == 1)
        if what == "revoked":
            await ana.ask("DELETE", f"/grants/{grant}")
            strict.hub.fail("*/user", 503)
        elif what == "signed out":
            strict.hub.revoke(dan.client.headers["Authorization"].split()[1])
        else:
            strict.hub.share("dan", user="eve")
        await asyncio.sleep(0.2)

    answer = await dan.call(
        "PUT", f"/folders/{folder}/file", params={"path": "a"}, content=small(lose)
    )
    status = {"revoked": 404, "signed out": 401, "server shared": 403}[what]
    assert answer.status_code == status, answer.text
    assert os.listdir(store / folder[-2:] / folder / "files") == []


async def small(between: Callable[[], Awaitable[None]]) -> AsyncIterator[bytes]:
    """Two bytes, with something between them."""
    yield b"1"
    await between()
    yield b"2"


async def test_a_version_that_changes_while_uploading_is_not_replaced(
    api: Api, folder: str, tree: Path, store_of: Path
) -> None:
    ana, dan = api("ana"), api("dan")
    await ana.write(folder, "big", b"seen")
    where = f"/folders/{folder}/file"
    seen = (await dan.call("GET", where, params={"path": "big"})).headers["ETag"]

    async def be_first() -> None:
        await until(lambda: len(drafts(store_of)) == 1)
        await ana.write(folder, "big", b"first", overwrite="true")

    over = {"path": "big", "overwrite": "true"}
    headers = {"If-Match": seen}
    content = in_two_halves(be_first)
    answer = await dan.call("PUT", where, params=over, content=content, headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (412, "changed-meanwhile")
    assert ((tree / "big").read_bytes(), drafts(store_of)) == (b"first", [])


async def test_a_file_cut_short_meanwhile_breaks_the_download(
    api: Api, folder: str, tree: Path
) -> None:
    make_large(tree)
    with pytest.raises(httpx2.RemoteProtocolError):
        async with api("dan").client.stream(
            "GET", f"/folders/{folder}/file", params={"path": "big"}
        ) as answer:
            async for _ in answer.aiter_raw():
                os.truncate(tree / "big", 1000)


async def test_an_upload_and_a_download_of_300_mb_in_constant_memory(
    api: Api, folder: str, tree: Path
) -> None:
    size = 300 * 1024 * 1024
    ana = api("ana")

    async def body() -> AsyncIterator[bytes]:
        for _ in range(size // (1 << 20)):
            yield b"1" * (1 << 20)

    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    await ana.ask("PUT", f"/folders/{folder}/file", params={"path": "big"}, content=body())
    got = 0
    async with ana.client.stream(
        "GET", f"/folders/{folder}/download", params={"path": "big"}
    ) as answer:
        async for piece in answer.aiter_raw():
            got += len(piece)
    assert got == (tree / "big").stat().st_size == size
    # Client and service share this process; kilobytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
