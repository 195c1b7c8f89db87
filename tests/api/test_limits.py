"""What a person can make the service keep in memory, ask the hub, or choke on."""

from __future__ import annotations

import asyncio

import httpx2
import pytest

from jupyterhub_vmshare.steady import steadily
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService


@pytest.mark.parametrize("page", ["", "health", "pages.css", "oauth_callback", "nowhere"])
@pytest.mark.asyncio
async def test_pages_take_no_large_body(service: RunningService, page: str) -> None:
    url = f"{service.url}{service.service.settings.prefix}{page}"
    async with httpx2.AsyncClient() as client:
        try:
            answer = await client.post(url, content=b"x" * 10_000_000)
        except httpx2.TransportError:
            return  # closed in the middle of the body, as tornado does
        assert answer.status_code == 400


@pytest.mark.parametrize(
    "path",
    ["/people?q=%00", "/folders?q=a%00b", "/people/%00/why?action=read_file", "/people/a%00/why"],
)
@pytest.mark.asyncio
async def test_a_nul_is_refused_before_the_database_sees_it(api: Api, path: str) -> None:
    answer = await api("ana").call("GET", path)
    assert answer.status_code in (400, 404)


@pytest.mark.asyncio
async def test_a_worker_goes_on_after_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    turns: list[int] = []

    async def turn() -> None:
        turns.append(len(turns))
        if len(turns) == 1:
            raise OSError("the disk is full")
        await asyncio.sleep(0)

    monkeypatch.setattr("jupyterhub_vmshare.steady._AFTER_ERROR", 0.0)
    worker = asyncio.create_task(steadily("test", turn))
    async with asyncio.timeout(10):
        while len(turns) < 3:
            await asyncio.sleep(0.01)
    worker.cancel()
    with pytest.raises(asyncio.CancelledError):
        await worker


@pytest.mark.asyncio
async def test_a_hub_admins_question_is_shown_to_the_owner(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    admin = await api.page("root-hub")
    asked = {"action": "read_file", "thing": folder}
    await admin.ask("GET", "/people/ben/why", params=asked)
    async with asyncio.timeout(20):
        while True:
            page = await api("ana").ask("GET", "/events")
            told = [e for e in page["items"] if e["type"] == "admin.asked_why"]
            if told:
                break
            await asyncio.sleep(0.05)
    assert (told[0]["actor"], told[0]["data"]) == ("root-hub", {"person": "ben"})
