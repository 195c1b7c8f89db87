"""Clients of tus that are not ours: tus-js-client (through Node) and tuspy."""

from __future__ import annotations

import asyncio
import json
import os
import resource
import shutil
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from tusclient.client import TusClient

from tests.fixtures.api import Api
from tests.fixtures.service import RunningService
from tests.uploads.cutting import cutting
from tests.uploads.speaking import Tus

pytestmark = pytest.mark.asyncio

SCRIPT = Path(__file__).with_name("foreign.mjs")
Run = Callable[..., Awaitable[list[dict[str, Any]]]]


@pytest.fixture
def database_url(sqlite_url: str) -> str:
    """Bytes lie in the store; what rows do on PostgreSQL, ``test_protocol.py`` shows."""
    return sqlite_url


@pytest.fixture
def js(tus: Tus, service: RunningService) -> Run:
    """Runs tus-js-client once, as dan; what it told."""

    async def run(file: Path, *, port: int | None = None, **asked: Any) -> list[dict[str, Any]]:
        prefix = service.service.settings.prefix
        endpoint = f"http://127.0.0.1:{port or service.service.port}{prefix}api{tus.where}"
        token = tus.person.client.headers["Authorization"].split()[1]
        told = {"endpoint": endpoint, "token": token, "file": str(file), **asked}
        told.setdefault("metadata", {"path": "big", "filetype": "text/plain"})
        process = await asyncio.create_subprocess_exec(
            "node",
            str(SCRIPT),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
        )
        out, _ = await process.communicate(json.dumps(told).encode())
        assert process.returncode == 0
        return [json.loads(line) for line in out.splitlines()]

    return run


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """Something to upload."""
    path = tmp_path / "here.bin"
    path.write_bytes(os.urandom(3_000_000))
    return path


@pytest.mark.parametrize(
    "asked",
    [
        pytest.param({}, id="in one request"),
        pytest.param({"chunkSize": 400_000}, id="in pieces"),
        pytest.param({"during": True, "chunkSize": 400_000}, id="beginning with bytes"),
        pytest.param({"parallel": 4}, id="in four parallel parts"),
        pytest.param(
            {"metadata": {"filename": "big", "filetype": "x"}}, id="by its file name alone"
        ),
    ],
)
async def test_tus_js_client_uploads(js: Run, file: Path, tree: Path, asked: Any) -> None:
    told = await js(file, **asked)
    assert told[-1]["event"] == "done", told
    assert (tree / "big").read_bytes() == file.read_bytes()


async def test_tus_js_client_goes_on_in_another_process(
    js: Run, file: Path, tree: Path, tmp_path: Path
) -> None:
    remember = str(tmp_path / "remembered.json")
    first = await js(file, remember=remember, chunkSize=100_000, leaveAt=1_000_000)
    assert first[-1]["event"] == "left", first
    assert os.listdir(tree) == []
    second = await js(file, remember=remember, chunkSize=100_000)
    assert (second[0]["earlier"], second[-1]["event"]) == (1, "done"), second
    assert (tree / "big").read_bytes() == file.read_bytes()


@pytest.mark.scenario("F5")
async def test_tus_js_client_over_200_broken_connections(
    js: Run, service: RunningService, tree: Path, tmp_path: Path
) -> None:
    file = tmp_path / "long.bin"
    file.write_bytes(os.urandom(30_000_000))
    async with cutting(service.service.port, 200) as broken:
        told = await js(file, port=broken.port, retries=50)
    assert told[-1]["event"] == "done", told[-3:]
    assert (tree / "big").read_bytes() == file.read_bytes()
    assert broken.cut > 100, "most of them broke in the middle of bytes"


@pytest.mark.parametrize("parallel", [1, 3], ids=["as one", "in parts"])
async def test_tus_js_client_is_told_of_what_is_there(
    js: Run, api: Api, tus: Tus, file: Path, tree: Path, parallel: int
) -> None:
    await api("ana").write(tus.folder, "big", b"first")
    told = await js(file, parallel=parallel)
    assert (told[-1]["event"], told[-1]["status"]) == ("failed", 409), told
    assert (tree / "big").read_bytes() == b"first"
    metadata = {"path": "big", "overwrite": "true"}
    assert (await js(file, parallel=parallel, metadata=metadata))[-1]["event"] == "done"
    assert (tree / "big").read_bytes() == file.read_bytes()


@pytest.mark.parametrize("checked", [True, False], ids=["with checksums", "without"])
async def test_tuspy_uploads_and_goes_on(
    tus: Tus, service: RunningService, file: Path, tree: Path, checked: bool
) -> None:
    prefix = service.service.settings.prefix
    endpoint = f"http://127.0.0.1:{service.service.port}{prefix}api{tus.where}"
    headers = {"Authorization": tus.person.client.headers["Authorization"]}

    def upload(url: str | None, chunks: int | None) -> str:
        client = TusClient(endpoint, headers=headers)
        uploader = client.uploader(
            str(file),
            chunk_size=300_000,
            metadata={"path": "big"},
            url=url,
            upload_checksum=checked,
        )
        if chunks is None:
            uploader.upload()
        else:
            uploader.upload(stop_at=chunks * 300_000)
        return str(uploader.url)

    url = await asyncio.to_thread(upload, None, 3)
    assert await tus.offset(url.rpartition("/")[2]) == 900_000
    await asyncio.to_thread(upload, url, None)
    assert (tree / "big").read_bytes() == file.read_bytes()


@pytest.mark.slow
@pytest.mark.timeout(1200)
@pytest.mark.parametrize("parallel", [1, 3], ids=["as one", "in parts"])
async def test_10_gib_in_constant_memory(
    js: Run, tree: Path, tmp_path: Path, parallel: int
) -> None:
    size = 10 << 30
    if (free := shutil.disk_usage(tmp_path).free) < 25 << 30:  # the parts, and what they become
        pytest.skip(f"This needs 25 GiB of disk under {tmp_path}; {free >> 30} are free.")
    file = tmp_path / "sparse.bin"
    with file.open("wb") as sparse:
        sparse.truncate(size - 5)
        sparse.seek(size - 5)
        sparse.write(b"hello")
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    told = await js(file, parallel=parallel)
    assert told[-1]["event"] == "done", told
    # Of the service and the test; kilobytes.
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100_000
    assert (tree / "big").stat().st_size == size
    with (tree / "big").open("rb") as came:
        came.seek(-6, os.SEEK_END)
        assert came.read() == b"\0hello"
