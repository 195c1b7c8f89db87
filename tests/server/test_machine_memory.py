"""Large files of machines pass through the notebook server without being held there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from jupyter_vmshare.routes.gateway import SETTING
from tests.fakes.machine import FakeRelay
from tests.server.conftest import Ask, Tokens
from tests.server.test_machine_files import HERE, OCTETS, eventually, relay, root
from tests.server.test_streaming import GROWTH, LARGE, peak_growth, raw_request

__all__ = ["relay", "root"]
PIECE = bytes(1_000_000)


async def test_a_download_of_200_mb_needs_no_memory(
    jp_http_port: int, http_server_client: Any, relay: FakeRelay, root: Path, tokens: Tokens
) -> None:
    with (root / "large").open("wb") as file:
        file.truncate(LARGE)
    target = f"/user/ana/vmshare/{HERE}/download?path=large"
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


async def test_an_upload_of_200_mb_needs_no_memory(ask: Ask, relay: FakeRelay, root: Path) -> None:
    async def produce(write: Callable[[bytes], Awaitable[None]]) -> None:
        for _ in range(LARGE // len(PIECE)):
            await write(PIECE)

    with peak_growth() as peak:
        path = f"{HERE}/file?path=large"
        response = await ask("PUT", path, body_producer=produce, headers=OCTETS)
    assert response.code == 201
    assert (root / "large").stat().st_size == LARGE
    (root / "large").unlink()
    assert peak[0] < GROWTH


async def test_a_slow_reader_slows_the_machine_down(
    jp_serverapp: Any,
    jp_http_port: int,
    http_server_client: Any,
    relay: FakeRelay,
    root: Path,
    tokens: Tokens,
) -> None:
    with (root / "large").open("wb") as file:
        file.truncate(LARGE)
    target = f"/user/ana/vmshare/{HERE}/download?path=large"
    with peak_growth() as peak:
        reader, writer = await raw_request(jp_http_port, tokens, f"GET {target} HTTP/1.1")
        await reader.readuntil(b"\r\n\r\n")
        seen = -1

        def stands_still() -> bool:
            nonlocal seen
            before, seen = seen, relay.sent
            return before == seen > 0

        await eventually(stands_still)
        writer.close()
        # It leaves off by itself, and not because the machine goes away at the end of the test.
        links = jp_serverapp.web_app.settings[SETTING].links
        await eventually(lambda: not any(kept.users for kept in links._kept.values()))
    assert relay.sent < LARGE
    assert peak[0] < GROWTH
