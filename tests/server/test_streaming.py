"""Large files pass through the notebook server without being held there."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.vmshare import CHUNK, FakeVMShare
from tests.server.conftest import Ask, Tokens
from tests.server.test_forward import FOLDER

LARGE = 200_000_000
GROWTH = 40_000_000
# What sockets may hold on the way: several connections' send and receive buffers.
IN_BUFFERS = 30_000_000


def resident() -> int:
    return int(Path("/proc/self/statm").read_text().split()[1]) * 4096


@contextmanager
def peak_growth() -> Iterator[list[int]]:
    """How much the process grew at most: both ends and the middle are in it."""
    before, peak, stop = resident(), [0], threading.Event()

    def watch() -> None:
        while not stop.wait(0.02):
            peak[0] = max(peak[0], resident() - before)

    thread = threading.Thread(target=watch)
    thread.start()
    try:
        yield peak
    finally:
        stop.set()
        thread.join()


async def eventually(holds: Callable[[], bool], seconds: float = 5) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it never came to be"
        await asyncio.sleep(0.02)


async def raw_request(port: int, tokens: Tokens, head: str) -> Any:
    reader, writer = await asyncio.open_connection("127.0.0.1", port, limit=1 << 16)
    lines = f"{head}\r\nHost: localhost\r\nAuthorization: token {tokens.ana}\r\n"
    writer.write(lines.encode() + b"\r\n")
    return reader, writer


async def test_a_download_of_200_mb_needs_no_memory(
    jp_http_port: int, http_server_client: Any, service: FakeVMShare, tokens: Tokens
) -> None:
    target = f"/user/ana/vmshare/api/folders/{FOLDER}/download?path={LARGE}"
    with peak_growth() as peak:
        reader, writer = await raw_request(jp_http_port, tokens, f"GET {target} HTTP/1.1")
        head = await reader.readuntil(b"\r\n\r\n")
        received = 0
        while received < LARGE:
            received += len(await reader.read(1 << 20))
        writer.close()
    assert f"Content-Length: {LARGE}".encode() in head
    assert received == LARGE
    assert peak[0] < GROWTH


async def test_an_upload_of_200_mb_needs_no_memory(ask: Ask, service: FakeVMShare) -> None:
    async def produce(write: Callable[[bytes], Awaitable[None]]) -> None:
        for _ in range(LARGE // len(CHUNK)):
            await write(CHUNK)

    with peak_growth() as peak:
        path = f"api/folders/{FOLDER}/file?path=a.bin"
        headers = {"Content-Type": "application/octet-stream"}
        response = await ask("PUT", path, body_producer=produce, headers=headers)
    assert (response.code, service.received) == (201, LARGE // len(CHUNK) * len(CHUNK))
    assert peak[0] < GROWTH


async def test_a_slow_reader_slows_the_service_down(
    jp_serverapp: Any,
    jp_http_port: int,
    http_server_client: Any,
    service: FakeVMShare,
    tokens: Tokens,
) -> None:
    target = f"/user/ana/vmshare/api/folders/{FOLDER}/download?path={LARGE}"
    reader, writer = await raw_request(jp_http_port, tokens, f"GET {target} HTTP/1.1")
    await reader.readline()
    await asyncio.sleep(1)
    assert 0 < service.sent < IN_BUFFERS
    # The reader goes away: the service need not send the rest to nobody.
    writer.close()
    sent = service.sent
    await asyncio.sleep(0.5)
    assert service.sent < sent + IN_BUFFERS
    settled = service.sent
    await asyncio.sleep(0.3)
    assert service.sent == settled < LARGE


async def test_an_upload_that_stops_halfway_reaches_the_service_as_broken(
    jp_serverapp: Any,
    jp_http_port: int,
    http_server_client: Any,
    service: FakeVMShare,
    tokens: Tokens,
) -> None:
    head = (
        f"PUT /user/ana/vmshare/api/folders/{FOLDER}/file?path=x HTTP/1.1\r\nContent-Length: 900000"
    )
    _, writer = await raw_request(jp_http_port, tokens, head)
    writer.write(CHUNK * 4)
    await eventually(lambda: service.received >= len(CHUNK) * 4)
    writer.close()
    await eventually(lambda: service.broken_uploads == 1)
    assert service.came("PUT", "/file") == [], "half a file must not be taken for a whole one"


async def test_a_slow_service_slows_the_upload_down(
    jp_http_port: int, http_server_client: Any, service: FakeVMShare, tokens: Tokens
) -> None:
    service.is_stalled = True
    target = f"/user/ana/vmshare/api/folders/{FOLDER}/file?path=x"
    head = f"PUT {target} HTTP/1.1\r\nContent-Length: {LARGE}"
    _, writer = await raw_request(jp_http_port, tokens, head)
    taken = 0
    with pytest.raises(TimeoutError):
        while taken < LARGE:
            writer.write(CHUNK)
            await asyncio.wait_for(writer.drain(), 1)
            taken += len(CHUNK)
    assert taken < IN_BUFFERS
    service.is_stalled = False
    await eventually(lambda: service.received > taken / 2)
    writer.close()
