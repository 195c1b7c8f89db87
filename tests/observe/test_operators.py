"""What a scraper and a load balancer see."""

from __future__ import annotations

import re

import httpx2
import pytest
import sqlalchemy as sa

from jupyterhub_vmshare.observe import health as health_module
from tests.audit.sse import listening
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService


async def get(service: RunningService, path: str, token: str | None = None) -> httpx2.Response:
    headers = {"Authorization": f"Bearer {token}"} if token else {}
    async with httpx2.AsyncClient(base_url=service.api_url.removesuffix("/api")) as client:
        return await client.get(path, headers=headers)


async def metrics(service: RunningService) -> dict[str, float]:
    """All samples by name and labels."""
    token = service.hub.token("ana", {"read:metrics"})
    answer = await get(service, "/metrics", token)
    assert answer.status_code == 200
    lines = re.findall(r"^(vmshare\S+) (\S+)$", answer.text, re.M)
    return {name: float(value) for name, value in lines}


@pytest.mark.asyncio
async def test_health_is_public_and_ok(service: RunningService) -> None:
    answer = await get(service, "/health")
    assert answer.status_code == 200
    told = answer.json()
    assert (told["status"], told["database"], told["hub"]) == ("ok", "ok", "ok")


@pytest.mark.asyncio
async def test_without_its_hub_the_service_is_unavailable_after_a_while(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_module, "BELIEVED", 0)
    assert (await get(service, "/health")).status_code == 200
    await service.hub.stop()
    assert (await get(service, "/health")).status_code == 200  # it may be restarting
    monkeypatch.setattr(health_module, "RECENT", 0)
    answer = await get(service, "/health")
    assert (answer.status_code, answer.json()["hub"]) == (503, "unreachable")


@pytest.mark.asyncio
async def test_another_schema_version_is_unavailable(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_module, "BELIEVED", 0)
    async with service.service.db.write() as transaction:
        await transaction.conn.execute(sa.text("update alembic_version set version_num = '9999'"))
    answer = await get(service, "/health")
    assert (answer.status_code, answer.json()["database"]) == (503, "another schema version")


@pytest.mark.asyncio
async def test_without_its_database_the_service_is_unavailable(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_module, "BELIEVED", 0)
    async with service.service.db.write() as transaction:
        await transaction.conn.execute(sa.text("drop table alembic_version"))
    answer = await get(service, "/health")
    assert (answer.status_code, answer.json()["database"]) == (503, "unreachable")


@pytest.mark.asyncio
async def test_many_questions_are_one_look(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(health_module, "BELIEVED", 60)
    await get(service, "/health")
    before = len(service.hub.asked("/hub/api/"))
    for _ in range(20):
        await get(service, "/health")
    assert len(service.hub.asked("/hub/api/")) == before


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("scopes", "status"),
    [
        pytest.param(None, 401, id="nobody"),
        pytest.param({"custom:vmshare:use"}, 403, id="a token for sharing"),
        pytest.param({"read:metrics"}, 200, id="a scraper"),
    ],
)
async def test_metrics_are_for_scrapers(
    service: RunningService, scopes: set[str] | None, status: int
) -> None:
    token = None if scopes is None else service.hub.token("ana", scopes)
    answer = await get(service, "/metrics", token)
    assert answer.status_code == status
    assert ("vmshare_" in answer.text) is (status == 200)


@pytest.mark.asyncio
async def test_an_unknown_token_gets_no_metrics(service: RunningService) -> None:
    assert (await get(service, "/metrics", "unknown-token")).status_code == 401


@pytest.mark.asyncio
async def test_requests_are_counted_by_route_and_never_by_path(
    service: RunningService, api: Api
) -> None:
    folders = [await api("ana").make_folder(name) for name in ("a", "b", "c")]
    for folder in folders:
        await api("ana").get(f"/folders/{folder}/people")
    await api("ana").get("/no/such/path")
    found = await metrics(service)
    labels = 'method="GET",route="/folders/{folder_id}/people",status="200"'
    assert found[f"vmshare_http_requests_total{{{labels}}}"] == 3
    assert found[f"vmshare_http_request_duration_seconds_count{{{labels}}}"] == 3
    assert not any(folder in name for folder in folders for name in found)
    assert not any("no/such" in name for name in found)


@pytest.mark.asyncio
async def test_an_invented_method_makes_no_new_label(service: RunningService) -> None:
    async with httpx2.AsyncClient(base_url=service.api_url) as client:
        for method in ("BREW", "WHEN"):
            await client.request(method, "/me")
    found = await metrics(service)
    assert not any("BREW" in name or "WHEN" in name for name in found)
    assert any('method="other"' in name for name in found)


@pytest.mark.asyncio
async def test_the_state_of_the_service_is_told(service: RunningService, api: Api) -> None:
    folder = await api("ana").make_folder("results")
    ben, _ = await api("ana").invite(folder, "view", "ben", "cleo")
    await api("ben").accept(ben)
    async with listening(service.api_url, service.hub.visitor_token("ana")) as stream:
        await stream.until(lambda: bool(stream.events))
        found = await metrics(service)
    assert found["vmshare_event_streams_open"] == 1
    assert found["vmshare_sequencer_lease_held"] == 1
    assert found["vmshare_events_without_position"] == 0
    assert found["vmshare_events_position"] >= 4
    assert found['vmshare_grants{state="active"}'] == 1
    assert found['vmshare_grants{state="pending"}'] == 1
    assert found["vmshare_database_write_wait_seconds_count"] > 3


@pytest.mark.asyncio
async def test_a_sequencer_that_lags_is_seen(service: RunningService, api: Api) -> None:
    service.service.feed.sequencer.stop()
    async with service.service.db.write():
        pass  # its last turn is over
    await api("ana").make_folder("late")
    service.clock.advance(seconds=90)
    found = await metrics(service)
    assert found["vmshare_events_without_position"] >= 1
    assert found["vmshare_sequencer_lag_seconds"] == pytest.approx(90, abs=1)


@pytest.mark.asyncio
async def test_streams_stay_out_of_the_latencies(service: RunningService) -> None:
    async with listening(service.api_url, service.hub.visitor_token("ana")) as stream:
        await stream.until(lambda: bool(stream.events))
    await stream.until(lambda: service.service.feed.streams.open_streams == 0)
    found = await metrics(service)
    assert any("/events/stream" in name for name in found)
    assert not any("duration" in name and "/events/stream" in name for name in found)
