"""Events over HTTP: pages, and streams that resume, beat and end."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable

import httpx2
import pytest

from jupyterhub_vmshare.api import events as events_api
from jupyterhub_vmshare.audit.watch import Watch
from jupyterhub_vmshare.db.database import NewEvent
from jupyterhub_vmshare.ids import new_id
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService
from tests.fixtures.world import SmallWorld

from .sse import listening


@pytest.fixture(scope="module")
def small_world() -> SmallWorld:
    """Nobody is in a team, so that nothing happens but what the tests do."""
    return SmallWorld(teams={})


async def until(true: Callable[[], bool]) -> None:
    async with asyncio.timeout(15):
        while not true():
            await asyncio.sleep(0.01)


async def happen(
    service: RunningService, count: int = 1, *people: str, thing: str | None = None
) -> None:
    """Things that ana did, seen by herself and ``people``; they have their positions then."""
    feed, before = service.service.feed, service.service.feed.streams.position
    async with service.service.db.write() as transaction:
        for number in range(count):
            seen_by = frozenset({"ana", *people})
            event = NewEvent("folder.created", "ana", seen_by, thing, f"folder {number}")
            await transaction.record(event)
    await until(lambda: feed.streams.position >= before + count)


@pytest.mark.asyncio
async def test_a_page_has_the_callers_events_newest_first(
    service: RunningService, api: Api
) -> None:
    await happen(service, 3, "ben")
    await happen(service, 2)
    page = await api("ben").ask("GET", "/events")
    assert [item["position"] for item in page["items"]] == [3, 2, 1]
    assert (page["position"], page["next"]) == (5, None)
    assert set(page["items"][0]) == {
        "position", "type", "at", "actor", "thing_id", "thing_name", "data"
    }  # fmt: skip


@pytest.mark.asyncio
async def test_pages_join_without_gap_or_double(service: RunningService, api: Api) -> None:
    await happen(service, 7)
    found: list[int] = []
    before: dict[str, str] = {}
    while True:
        page = await api("ana").ask("GET", "/events", params={"limit": "3", **before})
        found += [item["position"] for item in page["items"]]
        if page["next"] is None:
            break
        before = {"before": page["next"]}
    assert found == [7, 6, 5, 4, 3, 2, 1]


@pytest.mark.asyncio
async def test_what_happened_to_one_folder_then_is_found_however_much_happened_since(
    service: RunningService, api: Api
) -> None:
    reef, other = new_id("fld"), new_id("fld")
    moments = []
    for _ in range(3):
        moments.append(service.clock())
        await happen(service, 1, thing=reef)
        await happen(service, 2, thing=other)
        service.clock.advance(minutes=1)

    async def found(**query: str) -> list[int]:
        page = await api("ana").ask("GET", "/events", params=query)
        return [item["position"] for item in page["items"]]

    then = moments[1].isoformat()
    assert await found(thing=reef) == [7, 4, 1]
    assert await found(thing=reef, since=then) == [7, 4]
    assert await found(thing=reef, until=then) == [4, 1]
    assert await found(since=then, until=then) == [6, 5, 4]
    assert await found(thing=reef, since=then, until=then, limit="1") == [4]


@pytest.mark.asyncio
@pytest.mark.parametrize(
    "query",
    [
        pytest.param({"thing": "../x"}, id="no id of a thing"),
        pytest.param({"since": "yesterday"}, id="no moment"),
        pytest.param({"limit": "0"}, id="no items"),
        pytest.param({"limit": "201"}, id="too many items"),
        pytest.param({"before": "0"}, id="before the first"),
        pytest.param({"before": "x"}, id="before no number"),
        pytest.param({"before": "9" * 30}, id="before a huge number"),
        pytest.param({"person": "ben"}, id="somebody else's"),
    ],
)
async def test_a_senseless_page_is_refused(api: Api, query: dict[str, str]) -> None:
    answer = await api("ana").get("/events", **query)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid-fields")


@pytest.mark.asyncio
async def test_a_stream_begins_with_ready_and_goes_on_live(service: RunningService) -> None:
    await happen(service, 2)
    async with listening(service.api_url, service.hub.visitor_token("ana")) as stream:
        await stream.until(lambda: len(stream.events) == 1)
        (ready,) = stream.events
        assert (ready.id, ready.name, ready.data) == (2, "ready", {"position": 2})
        await happen(service, 2)
        await stream.until(lambda: len(stream.events) == 3)
        assert [event.id for event in stream.events[1:]] == [3, 4]
        assert stream.events[1].name == stream.events[1].data["type"] == "folder.created"
        kind = stream.response.headers["Content-Type"]
        assert kind.startswith("text/event-stream")


@pytest.mark.asyncio
@pytest.mark.parametrize("how", ["header", "query", "both"])
async def test_a_stream_resumes_where_it_was(service: RunningService, how: str) -> None:
    await happen(service, 250)
    token = service.hub.visitor_token("ana")
    last, query = (None if how == "query" else 7), ({} if how == "header" else {"after": 7})
    if how == "both":
        query = {"after": 1}  # a browser repeats the address and adds the header
    async with listening(service.api_url, token, last=last, **query) as stream:
        await happen(service, 3)
        await stream.until(lambda: stream.events[-1].id == 253)
        assert stream.events[0].id == 7  # coming again before the past arrived skips nothing
        assert [event.id for event in stream.events[1:]] == list(range(8, 254))


@pytest.mark.asyncio
async def test_a_position_of_the_future_starts_at_the_head_with_a_reset(
    service: RunningService,
) -> None:
    await happen(service, 2)
    token = service.hub.visitor_token("ana")
    async with listening(service.api_url, token, last=4711) as stream:
        await stream.until(lambda: bool(stream.events))
        assert (stream.events[0].name, stream.events[0].id) == ("reset", 2)
        await happen(service)
        await stream.until(lambda: len(stream.events) == 2)
        assert stream.events[1].id == 3


@pytest.mark.asyncio
@pytest.mark.parametrize("last", ["x", "-1", "1.5", "9" * 17, "9" * 16, "0x10", "٣", "7, 8"])
async def test_a_senseless_position_is_malformed(service: RunningService, last: str) -> None:
    token = service.hub.visitor_token("ana")
    headers = [(b"Authorization", f"Bearer {token}".encode()), (b"Last-Event-ID", last.encode())]
    async with httpx2.AsyncClient() as client:
        answer = await client.get(f"{service.api_url}/events/stream", headers=headers)
    assert (answer.status_code, answer.json()["code"]) == (400, "malformed")


@pytest.mark.asyncio
@pytest.mark.parametrize("after", ["x", "-1", "9" * 16])
async def test_a_senseless_after_is_bad_input(api: Api, after: str) -> None:
    answer = await api("ana").get("/events/stream", after=after)
    assert answer.status_code == 422


@pytest.mark.asyncio
async def test_a_stream_carries_nobody_elses_events(service: RunningService) -> None:
    tokens = {name: service.hub.visitor_token(name) for name in ("ben", "cleo")}
    async with (
        listening(service.api_url, tokens["ben"], after=0) as ben,
        listening(service.api_url, tokens["cleo"], after=0) as cleo,
    ):
        await happen(service, 1)
        await happen(service, 1, "ben")
        await happen(service, 1, "ben", "cleo")
        await cleo.until(lambda: len(cleo.events) == 2)
        await ben.until(lambda: len(ben.events) == 3)
        assert [event.id for event in ben.events[1:]] == [2, 3]
        assert [event.id for event in cleo.events[1:]] == [3]


@pytest.mark.asyncio
async def test_an_idle_stream_beats(service: RunningService) -> None:
    service.service.feed.streams.heartbeat = 0.2
    async with listening(service.api_url, service.hub.visitor_token("ana")) as stream:
        await stream.until(lambda: stream.beats >= 3)


@pytest.mark.asyncio
async def test_nobody_gets_no_stream(service: RunningService, api: Api) -> None:
    answer = await api.nobody.get("/events/stream")
    assert answer.status_code == 401


@pytest.mark.asyncio
async def test_an_idle_stream_ends_when_its_credential_is_gone(service: RunningService) -> None:
    streams = service.service.feed.streams
    streams.heartbeat, streams.watch = 0.2, Watch(seconds=0.3)
    token = service.hub.visitor_token("ana")
    async with listening(service.api_url, token) as stream:
        await stream.until(lambda: stream.beats >= 2)
        service.hub.revoke(token)
        await stream.until(lambda: stream.ended, seconds=3)
    assert streams.open_streams == 0


@pytest.mark.asyncio
async def test_nothing_is_sent_to_a_credential_that_is_gone(service: RunningService) -> None:
    service.service.feed.streams.watch = Watch(seconds=0.3)
    token = service.hub.visitor_token("ana")
    async with listening(service.api_url, token) as stream:
        await stream.until(lambda: bool(stream.events))
        service.hub.revoke(token)
        await asyncio.sleep(0.4)
        await happen(service)
        await stream.until(lambda: stream.ended, seconds=3)
        assert stream.names == ["ready"]


@pytest.mark.asyncio
async def test_while_the_hub_is_away_events_are_held_back_and_not_lost(
    service: RunningService,
) -> None:
    service.service.feed.streams.watch = Watch(seconds=0.3)
    async with listening(service.api_url, service.hub.visitor_token("ana")) as stream:
        await stream.until(lambda: bool(stream.events))
        service.hub.fail("*/api/user", 503)
        await asyncio.sleep(0.4)
        await happen(service, 3)
        await asyncio.sleep(0.5)
        assert stream.names == ["ready"]
        service.hub.heal()
        await stream.until(lambda: len(stream.events) == 4)
        assert not stream.ended


@pytest.mark.asyncio
async def test_a_client_that_goes_is_forgotten(service: RunningService) -> None:
    streams = service.service.feed.streams
    async with listening(service.api_url, service.hub.visitor_token("ana")) as stream:
        await stream.until(lambda: bool(stream.events))
        assert streams.open_streams == 1
    await stream.until(lambda: streams.open_streams == 0)


@pytest.mark.asyncio
async def test_a_client_that_does_not_read_is_dropped(
    service: RunningService, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(events_api, "STALLED_SECONDS", 0.5)
    streams = service.service.feed.streams
    token = service.hub.visitor_token("ana")
    _, writer = await asyncio.open_connection("127.0.0.1", service.service.port, limit=1024)
    prefix = service.service.settings.prefix
    writer.write(
        f"GET {prefix}api/events/stream HTTP/1.1\r\nHost: x\r\n"
        f"Authorization: Bearer {token}\r\n\r\n".encode()
    )
    await until(lambda: streams.open_streams == 1)
    writer.transport.pause_reading()  # type: ignore[attr-defined]
    long = "x" * 250
    for _ in range(60):
        async with service.service.db.write() as transaction:
            for _ in range(100):
                event = NewEvent("folder.renamed", "ana", frozenset({"ana"}), None, long,
                                 {"from": long, "to": long})  # fmt: skip
                await transaction.record(event)
        if streams.open_streams == 0:
            break
    await until(lambda: streams.open_streams == 0)
    writer.close()


@pytest.mark.asyncio
async def test_one_person_can_not_open_streams_without_end(
    service: RunningService, monkeypatch: pytest.MonkeyPatch, api: Api
) -> None:
    monkeypatch.setattr(events_api, "STREAMS_A_PERSON", 1)
    async with listening(service.api_url, service.hub.visitor_token("ana")) as stream:
        await stream.until(lambda: bool(stream.events))
        answer = await api("ana").get("/events/stream")
        assert (answer.status_code, answer.json()["code"]) == (429, "too-many-requests")


@pytest.mark.asyncio
async def test_streams_end_promptly_when_the_service_stops(service: RunningService) -> None:
    async with listening(service.api_url, service.hub.visitor_token("ana")) as stream:
        await stream.until(lambda: bool(stream.events))
        began = time.monotonic()
        service.service.feed.end_streams()
        await stream.until(lambda: stream.ended, seconds=2)
        assert time.monotonic() - began < 1
