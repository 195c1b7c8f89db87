"""What breaks: connections, answers, services, machines. No byte that was told of is lost."""

from __future__ import annotations

import asyncio
import os
import random
import resource
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import httpx2
import pytest

from jupyterhub_vmshare.db.tables import uploads
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService, running_service
from tests.fixtures.world import SmallWorld
from tests.uploads.speaking import Tus, checksum

pytestmark = pytest.mark.asyncio


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Bytes lie in the store; what rows do on PostgreSQL, ``test_protocol.py`` shows."""
    return sqlite_url


async def broken(
    tus: Tus,
    service: RunningService,
    upload: str,
    offset: int,
    data: bytes,
    first: Callable[[], Awaitable[None]] | None = None,
) -> None:
    """Send these bytes of an endless request, and after something else vanish, by a reset."""
    token = tus.person.client.headers["Authorization"]
    _, writer = await asyncio.open_connection("127.0.0.1", service.service.port)
    prefix = service.service.settings.prefix
    head = (
        f"PATCH {prefix}api{tus.where}/{upload} HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n"
        f"Tus-Resumable: 1.0.0\r\nContent-Type: application/offset+octet-stream\r\n"
        f"Upload-Offset: {offset}\r\nTransfer-Encoding: chunked\r\n\r\n"
    )
    writer.write(head.encode() + f"{len(data):x}\r\n".encode() + data)
    await writer.drain()
    if first is not None:
        await first()
    writer.transport.abort()


async def come(part: Path) -> None:
    """Until something has come, by the store: asking the service would end the request."""
    async with asyncio.timeout(30):
        while not part.exists() or part.stat().st_size == 0:
            await asyncio.sleep(0.01)


async def finished(tus: Tus, upload: str, content: bytes) -> None:
    """Sends the rest, however often: what vanished may come to life once more, and take over."""
    for _ in range(50):
        if (offset := await tus.offset(upload)) == len(content):
            return
        answer = await tus.patch(upload, offset, content[offset : offset + 300_000])
        assert answer.status_code in (204, 409, 423)
    raise AssertionError("it never came to its end")


@pytest.mark.scenario("F5")
async def test_200_broken_connections_and_one_file(
    tus: Tus, service: RunningService, tree: Path
) -> None:
    content = os.urandom(200 * 10_000)
    upload = await tus.begin(len(content))
    offset = 0
    for _ in range(200):
        if offset >= len(content):
            break
        size = random.randrange(1, 30_000)
        await broken(tus, service, upload, offset, content[offset : offset + size])
        offset = await tus.offset(upload)
    await finished(tus, upload, content)
    assert (tree / "big").read_bytes() == content


async def test_what_came_before_the_break_is_kept(
    tus: Tus, service: RunningService, parts: Path
) -> None:
    upload = await tus.begin(10_000_000)
    content, part = os.urandom(3_000_000), parts / f"{tus.folder}.{upload}"
    await broken(tus, service, upload, 0, content, lambda: come(part))
    offset = await tus.offset(upload)
    assert offset > 0
    assert part.read_bytes() == content[:offset]


async def test_a_lost_last_answer_is_asked_for(tus: Tus, tree: Path) -> None:
    upload = await tus.begin(5)
    await tus.patch(upload, 0, b"hello")  # and nobody hears the answer
    assert await tus.offset(upload) == 5
    again = await tus.patch(upload, 0, b"hello")
    assert again.status_code in (404, 409)
    assert (tree / "big").read_bytes() == b"hello"


async def test_a_death_between_the_name_and_its_record_loses_nothing(
    tus: Tus, service: RunningService, tree: Path
) -> None:
    upload = await tus.begin(5)
    await tus.patch(upload, 0, b"hello")
    async with service.service.db.write() as tx:
        await tx.conn.execute(uploads.update().values(state="whole"))
    assert [one["state"] for one in await tus.unfinished()] == ["whole"]
    assert await tus.offset(upload) == 5
    assert await tus.unfinished() == []
    assert (tree / "big").read_bytes() == b"hello"


async def test_a_later_request_takes_over_from_one_that_hangs(
    tus: Tus, tree: Path, parts: Path
) -> None:
    upload = await tus.begin(4_000_000)
    ended = asyncio.Event()

    async def hangs() -> AsyncIterator[bytes]:
        yield b"1" * 2_000_000
        await ended.wait()
        yield b"x" * 2_000_000

    first = asyncio.create_task(tus.patch(upload, 0, hangs()))
    await come(parts / f"{tus.folder}.{upload}")
    again = await tus.patch(upload, 0, b"1")
    assert (again.status_code, again.json()["code"]) == (409, "wrong-offset")
    offset = await tus.offset(upload)
    assert 0 < offset <= 2_000_000
    rest = b"1" * (2_000_000 - offset) + b"2" * 2_000_000
    assert (await tus.patch(upload, offset, rest)).status_code == 204
    ended.set()
    answer = await first
    assert (answer.status_code, answer.json()["code"]) == (409, "taken-over")
    assert (tree / "big").read_bytes() == b"1" * 2_000_000 + b"2" * 2_000_000


async def test_of_many_at_once_one_writes(tus: Tus, tree: Path) -> None:
    content = os.urandom(500_000)
    upload = await tus.begin(len(content))
    offset, rounds = 0, 0
    while offset < len(content):
        piece = content[offset : offset + 100_000]
        answers = await asyncio.gather(*(tus.patch(upload, offset, piece) for _ in range(6)))
        assert {answer.status_code for answer in answers} <= {204, 404, 409, 423}
        offset, rounds = await tus.offset(upload), rounds + 1
        assert rounds < 50
    assert (tree / "big").read_bytes() == content


async def test_broken_bytes_with_a_checksum_are_not_kept(tus: Tus, tree: Path) -> None:
    """Nobody can tell whether half of them is right."""
    upload = await tus.begin(4_000_000)
    halfway = asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield b"1" * 2_000_000
        halfway.set()
        await asyncio.sleep(60)

    sending = asyncio.create_task(tus.patch(upload, 0, half(), checksum(b"1" * 4_000_000)))
    await halfway.wait()
    assert await tus.offset(upload) == 0
    sending.cancel()
    await finished(tus, upload, b"2" * 4_000_000)
    assert (tree / "big").read_bytes() == b"2" * 4_000_000


async def test_a_service_that_starts_again_goes_on(
    tmp_path: Path, sqlite_url: str, hub: FakeHub, small_world: SmallWorld
) -> None:
    content = os.urandom(1_000_000)
    halfway, stopped = asyncio.Event(), asyncio.Event()

    async def half() -> AsyncIterator[bytes]:
        yield content[100_000:600_000]
        halfway.set()
        await stopped.wait()
        while True:
            yield content

    async with AsyncExitStack() as stack:
        first = await stack.enter_async_context(
            running_service(tmp_path, sqlite_url, hub, small_world, grace=0.1)
        )
        api = Api(first, stack)
        tus = Tus(api("ana"), await api("ana").make_folder("tests"))
        upload = await tus.begin(len(content))
        await tus.patch(upload, 0, content[:100_000])
        sending = asyncio.create_task(tus.patch(upload, 100_000, half()))
        await halfway.wait()
        await first.service.stop()
        stopped.set()
        with pytest.raises(httpx2.TransportError):
            await sending
    async with AsyncExitStack() as stack:
        second = await stack.enter_async_context(
            running_service(tmp_path, sqlite_url, hub, small_world)
        )
        tus = Tus(Api(second, stack)("ana"), tus.folder)
        offset = await tus.offset(upload)
        assert 100_000 <= offset <= 600_000
        await tus.patch(upload, offset, content[offset:])
        home = tmp_path / "store" / tus.folder[-2:] / tus.folder / "files"
        assert (home / "big").read_bytes() == content


async def test_bytes_that_were_never_told_of_are_thrown_away(
    tus: Tus, parts: Path, tree: Path
) -> None:
    """After a power cut a file may be longer than what was synced, with anything at its end."""
    upload = await tus.begin(10)
    await tus.patch(upload, 0, b"hello")
    with (parts / f"{tus.folder}.{upload}").open("ab") as part:
        part.write(b"\0" * 5_000)
    assert await tus.offset(upload) == 5
    assert (await tus.patch(upload, 5, b"world")).status_code == 204
    assert (tree / "big").read_bytes() == b"helloworld"


async def test_bytes_that_are_not_there_are_not_made_up(tus: Tus, parts: Path) -> None:
    """A store that was restored from yesterday's copy, and a database that was not."""
    upload = await tus.begin(10)
    await tus.patch(upload, 0, b"hello")
    os.truncate(parts / f"{tus.folder}.{upload}", 2)
    answer = await tus.patch(upload, 5, b"world")
    assert (answer.status_code, answer.json()["code"]) == (404, "not-found")


async def test_300_mb_in_constant_memory(tus: Tus, tree: Path) -> None:
    size = 300 << 20

    async def body() -> AsyncIterator[bytes]:
        for _ in range(size >> 20):
            yield b"1" * (1 << 20)

    upload = await tus.begin(size)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert (await tus.patch(upload, 0, body())).status_code == 204
    assert (tree / "big").stat().st_size == size
    # Client and service share this process; kilobytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 60_000
