"""What goes wrong on the way, met by clients of tus that are not ours."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest
from tusclient.client import TusClient
from tusclient.exceptions import TusUploadFailed
from tusclient.uploader.uploader import Uploader

from tests.fixtures.service import RunningService
from tests.uploads.meddling import meddling
from tests.uploads.speaking import Tus
from tests.uploads.test_foreign_clients import Run, database_url, file, js  # noqa: F401

pytestmark = pytest.mark.asyncio

CHUNK = 300_000
FIRST = b"\0" * 1000
"""How the file begins: nothing else that is sent looks so."""


@pytest.fixture
def beginning(file: Path) -> Path:  # noqa: F811 (the fixture)
    """The file, with a beginning that can be found on its way."""
    with file.open("r+b") as there:
        there.write(FIRST)
    return file


def tuspy(
    tus: Tus, service: RunningService, local: Path, port: int = 0, retries: int = 0
) -> Uploader:
    """One upload as dan, from the beginning."""
    prefix, port = service.service.settings.prefix, port or service.service.port
    endpoint = f"http://127.0.0.1:{port}{prefix}api{tus.where}"
    headers = {"Authorization": tus.person.client.headers["Authorization"]}
    return TusClient(endpoint, headers=headers).uploader(
        str(local),
        chunk_size=CHUNK,
        metadata={"path": "big"},
        upload_checksum=True,
        retries=retries,
        retry_delay=0,
    )


@pytest.mark.parametrize("stale", [0, CHUNK, 4 * CHUNK], ids=["its beginning", "before", "beyond"])
async def test_a_wrong_offset_is_refused_and_asked_for(
    tus: Tus, service: RunningService, beginning: Path, tree: Path, stale: int
) -> None:
    uploader = tuspy(tus, service, beginning)
    await asyncio.to_thread(uploader.upload, 2 * CHUNK)
    uploader.offset, uploader.stop_at = stale, beginning.stat().st_size
    with pytest.raises(TusUploadFailed) as refused:
        await asyncio.to_thread(uploader.upload_chunk)
    assert refused.value.status_code == 409
    uploader.retries = 1
    await asyncio.to_thread(uploader.upload)
    assert (tree / "big").read_bytes() == beginning.read_bytes()


async def test_bytes_that_changed_on_the_way_are_sent_again(
    tus: Tus, service: RunningService, beginning: Path, tree: Path
) -> None:
    changed: list[bool] = []

    def flip(data: bytes) -> bytes:
        if FIRST in data and not changed:
            changed.append(True)
            return data.replace(FIRST, b"\1" + FIRST[1:], 1)
        return data

    async with meddling(service.service.port, up=flip) as port:
        uploader = tuspy(tus, service, beginning, port)
        with pytest.raises(TusUploadFailed) as refused:
            await asyncio.to_thread(uploader.upload)
        assert (refused.value.status_code, changed) == (460, [True])
        assert await tus.offset(str(uploader.url).rpartition("/")[2]) == 0
        await asyncio.to_thread(uploader.upload)
    assert (tree / "big").read_bytes() == beginning.read_bytes()


async def test_a_last_answer_that_is_lost_is_asked_for(
    js: Run,  # noqa: F811
    service: RunningService,
    beginning: Path,
    tree: Path,
) -> None:
    lost: list[bool] = []

    def swallow(data: bytes) -> bytes | None:
        if b"Upload-Offset: %d\r\n" % beginning.stat().st_size in data and not lost:
            lost.append(True)
            return None
        return data

    async with meddling(service.service.port, down=swallow) as port:
        told = await js(beginning, port=port, chunkSize=1_000_000, retries=5)
    assert lost and told[-1]["event"] == "done", told
    assert [event["event"] for event in told].count("again") == 1
    assert (tree / "big").read_bytes() == beginning.read_bytes()


async def test_what_expired_is_begun_anew(
    js: Run,  # noqa: F811
    service: RunningService,
    beginning: Path,
    tree: Path,
    parts: Path,
    tmp_path: Path,
) -> None:
    remember = str(tmp_path / "remembered.json")
    first = await js(beginning, remember=remember, chunkSize=100_000, leaveAt=1_000_000)
    assert first[-1]["event"] == "left", first
    service.clock.advance(days=2)
    await service.service.uploads.sweep()
    assert os.listdir(parts) == []
    second = await js(beginning, remember=remember)
    assert (second[0]["earlier"], second[-1]["event"]) == (1, "done"), second
    assert (tree / "big").read_bytes() == beginning.read_bytes()
