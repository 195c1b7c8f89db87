"""A service that is told to stop answers what it was asked before."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest

from tests.fixtures.api import Api


@pytest.mark.asyncio
async def test_an_upload_under_way_is_finished(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    service, halfway = api.running.service, asyncio.Event()

    async def body() -> AsyncIterator[bytes]:
        yield b"first half, "
        halfway.set()
        await asyncio.sleep(0.3)
        yield b"second half"

    upload = asyncio.create_task(
        api("ana").call("PUT", f"/folders/{folder}/file", params={"path": "a"}, content=body())
    )
    await halfway.wait()
    stopping = asyncio.create_task(service.stop())
    assert (await upload).status_code == 201
    await stopping
