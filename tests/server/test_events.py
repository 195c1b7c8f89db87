"""One WebSocket a tab, one stream a visitor."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from tornado.httpclient import HTTPClientError
from tornado.websocket import WebSocketClientConnection

from jupyter_vmshare.routes import streams
from tests.fakes.vmshare import FakeVMShare, Scripted
from tests.server.conftest import Tokens
from tests.server.test_streaming import eventually

Open = Callable[..., Awaitable[WebSocketClientConnection]]


@pytest.fixture
def open_tab(jp_ws_fetch: Any, tokens: Tokens) -> Open:
    async def connect(token: str = "", after: int | None = None, **headers: str) -> Any:
        params = {} if after is None else {"after": after}
        headers = {"Authorization": f"token {token or tokens.ana}", **headers}
        return await jp_ws_fetch("vmshare", "events", headers=headers, params=params)

    return connect


async def next_message(tab: WebSocketClientConnection, *kinds: str) -> dict[str, Any]:
    """The next message of one of these kinds."""
    async with asyncio.timeout(15):
        while True:
            text = await tab.read_message()
            assert text is not None, f"closed: {tab.close_code} {tab.close_reason}"
            message: dict[str, Any] = json.loads(text)
            if message["type"] in kinds:
                return message


async def positions(tab: WebSocketClientConnection, count: int) -> list[int]:
    return [(await next_message(tab, "event"))["event"]["position"] for _ in range(count)]


async def test_an_event_reaches_the_browser(open_tab: Open, service: FakeVMShare) -> None:
    tab = await open_tab()
    assert await next_message(tab, "status") == {"type": "status", "state": "ok", "because": None}
    assert await next_message(tab, "ready") == {"type": "ready", "position": 0, "reset": False}
    position = service.emit("grant.invited", level="view")
    message = await next_message(tab, "event")
    assert message["event"]["type"] == "grant.invited"
    assert message["event"]["position"] == position
    assert message["event"]["data"] == {"level": "view"}


async def test_several_tabs_share_one_stream(
    open_tab: Open, service: FakeVMShare, tokens: Tokens
) -> None:
    tabs = [await open_tab() for _ in range(5)]
    for tab in tabs:
        await next_message(tab, "ready")
    sent = [service.emit("folder.created") for _ in range(3)]
    assert [await positions(tab, 3) for tab in tabs] == [sent] * 5
    assert service.open_streams == [tokens.ana]
    assert service.streams_opened == 1


async def test_two_visitors_have_a_stream_each(
    open_tab: Open, service: FakeVMShare, tokens: Tokens
) -> None:
    for token in (tokens.ana, tokens.ben):
        await next_message(await open_tab(token), "ready")
    assert sorted(service.open_streams) == sorted([tokens.ana, tokens.ben])


async def test_the_last_tab_takes_the_stream_along(open_tab: Open, service: FakeVMShare) -> None:
    first, second = await open_tab(), await open_tab()
    await next_message(second, "ready")
    first.close()
    await asyncio.sleep(0.5)
    assert len(service.open_streams) == 1
    second.close()
    # The service learns it when it next writes, five times a second here.
    await eventually(lambda: service.open_streams == [], 3)


@pytest.mark.parametrize(
    ("after", "missed"),
    [
        pytest.param(7, 3, id="back to before the shared stream began"),
        pytest.param(13, 1, id="back to what is remembered"),
        pytest.param(16, 0, id="nothing missed"),
    ],
)
async def test_a_tab_that_comes_back_misses_nothing(
    open_tab: Open, service: FakeVMShare, after: int, missed: int
) -> None:
    service.emit("one")  # 7
    service.emit("two")  # 10
    first = await open_tab()
    await next_message(first, "ready")
    service.emit("three")  # 13
    assert await positions(first, 1) == [13]
    service.emit("four")  # 16
    assert await positions(first, 1) == [16]
    back = await open_tab(after=after)
    service.emit("five")  # 19
    assert await positions(back, missed + 1) == [10, 13, 16, 19][3 - missed :]
    assert await positions(first, 1) == [19], "the other tab gets nothing twice"
    await eventually(lambda: len(service.open_streams) == 1)


async def test_the_stream_survives_a_restart_of_the_service(
    open_tab: Open, service: FakeVMShare
) -> None:
    tab = await open_tab()
    await next_message(tab, "ready")
    sent = [service.emit("before")]
    assert await positions(tab, 1) == sent
    service.stop()
    assert (await next_message(tab, "status"))["state"] == "unreachable"
    sent = [service.emit("during"), service.emit("during")]
    service.start()
    assert await positions(tab, 2) == sent
    sent = [service.emit("after")]
    assert await positions(tab, 1) == sent
    assert service.came("GET", "/events/stream")[-1].headers["last-event-id"] == "7"


async def test_a_service_that_starts_later_is_found(open_tab: Open, service: FakeVMShare) -> None:
    service.stop()
    tab = await open_tab()
    assert (await next_message(tab, "status"))["state"] == "unreachable"
    service.start()
    await next_message(tab, "ready")


async def test_a_service_that_the_proxy_does_not_know_is_unreachable_at_first(
    open_tab: Open, service: FakeVMShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "ABSENT_AFTER", 2)
    service.refuse_streams = Scripted(404, b"<html>")
    tab = await open_tab()
    states = [(await next_message(tab, "status"))["state"] for _ in range(2)]
    assert states == ["unreachable", "absent"]
    service.refuse_streams = None
    await next_message(tab, "ready")
    service.refuse_streams = Scripted(404, b"<html>")
    service.stop()
    service.start()
    states = [(await next_message(tab, "status"))["state"] for _ in range(3)]
    assert set(states) == {"unreachable"}, "one that was there comes back"


async def test_a_refused_visitor_is_told_and_not_asked_again(
    open_tab: Open, service: FakeVMShare, tokens: Tokens
) -> None:
    because = "This is somebody else's server: open your own server to use shared folders."
    service.refuse_streams = Scripted.problem(403, "forbidden", because)
    tab = await open_tab(tokens.ben)
    message = await next_message(tab, "status")
    assert (message["state"], message["because"]) == ("refused", because)
    assert await tab.read_message() is None
    assert tab.close_code == 1008
    await asyncio.sleep(0.7)
    assert len(service.came("GET", "/events/stream")) == 1
    service.refuse_streams = None
    await next_message(await open_tab(tokens.ben), "ready")


async def test_a_sign_in_that_ends_ends_the_stream(open_tab: Open, service: FakeVMShare) -> None:
    tab = await open_tab()
    await next_message(tab, "ready")
    service.stop()
    service.people.clear()
    service.start()
    while (message := await next_message(tab, "status"))["state"] != "refused":
        assert message["state"] == "unreachable"
    assert await tab.read_message() is None


async def test_a_tab_that_reads_nothing_is_let_go(
    open_tab: Open, service: FakeVMShare, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(streams, "BEHIND", 3)
    tab = streams.Tab(0)
    for _ in range(5):
        tab.tell({"type": "event"})
    assert await tab.next() is None, "it comes back with its position, and misses nothing"


async def test_an_unknown_token_gets_no_stream(open_tab: Open, service: FakeVMShare) -> None:
    with pytest.raises(HTTPClientError) as refused:
        await open_tab("forged")
    assert refused.value.code == 403
    assert service.streams_opened == 0


@pytest.mark.parametrize(
    ("origin", "opens"),
    [
        pytest.param("http://localhost:{port}", True, id="this server's page"),
        pytest.param("http://evil.example", False, id="another origin"),
        pytest.param("null", False, id="a sandboxed page"),
    ],
)
async def test_a_signed_in_browser_opens_it_from_its_own_page_only(
    open_tab: Open,
    cookie: Callable[[str], str],
    tokens: Tokens,
    jp_http_port: int,
    service: FakeVMShare,
    origin: str,
    opens: bool,
) -> None:
    headers = {"Origin": origin.format(port=jp_http_port), "Cookie": cookie(tokens.ana)}
    attempt = open_tab(Authorization="", **headers)
    if opens:
        await next_message(await attempt, "ready")
        assert service.open_streams == [tokens.ana]
    else:
        with pytest.raises(HTTPClientError, match="403"):
            await attempt
        assert service.streams_opened == 0


@pytest.mark.parametrize("after", ["-1", "x", "1e3", "9" * 30, "²"])
async def test_a_position_is_a_number(jp_ws_fetch: Any, tokens: Tokens, after: str) -> None:
    headers = {"Authorization": f"token {tokens.ana}"}
    with pytest.raises(HTTPClientError) as refused:
        await jp_ws_fetch("vmshare", "events", headers=headers, params={"after": after})
    assert refused.value.code == 400
