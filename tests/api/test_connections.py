"""A proxy uses its connections to the service again, for other people's requests too.

So a refusal leaves the connection open, or says that it closes it: one that closes in silence
makes somebody else's next request fail.
"""

from __future__ import annotations

import asyncio
import json

import pytest

from tests.fixtures.service import RunningService

NOBODY = "/services/vmshare/api/folders"


@pytest.mark.parametrize(
    ("request_line", "body"),
    [
        pytest.param(f"GET {NOBODY}", b"", id="nobody reads"),
        pytest.param(f"POST {NOBODY}", b"{}", id="nobody writes"),
        pytest.param(f"POST {NOBODY}", b"", id="nobody writes nothing"),
        pytest.param("GET /services/vmshare/api/nowhere", b"", id="an address that is not there"),
        pytest.param("POST /services/vmshare/api/nowhere", b"{}", id="a body for nowhere"),
        pytest.param(f"DELETE {NOBODY}", b"", id="a method that is not taken"),
        pytest.param(f"PATCH {NOBODY}", b"{}", id="a method that is not taken, with a body"),
        pytest.param(f"HEAD {NOBODY}", b"", id="a method that no route takes"),
        pytest.param(f"TRACE {NOBODY}", b"", id="a method that nobody takes"),
        pytest.param("GET /elsewhere", b"", id="an address outside"),
    ],
)
@pytest.mark.asyncio
async def test_after_a_refusal_the_connection_goes_on_or_says_that_it_ends(
    service: RunningService, request_line: str, body: bytes
) -> None:
    reader, writer = await asyncio.open_connection("127.0.0.1", service.service.port)
    try:
        for _ in range(2):
            head = await exchange(reader, writer, request_line, body)
            assert head.split(b" ", 2)[1].startswith(b"4"), head
            if b"connection: close" in head.lower():
                return
        await asyncio.sleep(0.05)  # a silent end would come now
        head = await exchange(reader, writer, "GET /services/vmshare/api/openapi.json", b"")
        assert head.startswith(b"HTTP/1.1 200")
    finally:
        writer.close()


async def exchange(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request_line: str, body: bytes
) -> bytes:
    """Sends one request; reads one whole answer, of which the head is returned."""
    head = f"{request_line} HTTP/1.1\r\nHost: service\r\nContent-Type: application/json\r\n"
    writer.write(f"{head}Content-Length: {len(body)}\r\n\r\n".encode() + body)
    answer = await asyncio.wait_for(reader.readuntil(b"\r\n\r\n"), 5)
    length = [
        int(line.split(b":")[1])
        for line in answer.splitlines()
        if line.lower().startswith(b"content-length")
    ]
    if length and not request_line.startswith("HEAD"):
        body = await asyncio.wait_for(reader.readexactly(length[0]), 5)
        if b"json" in answer:
            json.loads(body)
    return answer
