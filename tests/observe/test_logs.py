"""Traffic full of secrets, and a log that has none of them."""

from __future__ import annotations

import io
import json
import logging
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest
import structlog

from jupyterhub_vmshare.observe.logs import configure_logs
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService


class Log:
    """What was logged."""

    def __init__(self) -> None:
        self.stream = io.StringIO()

    @property
    def text(self) -> str:
        return self.stream.getvalue()

    @property
    def lines(self) -> list[dict[str, Any]]:
        return [json.loads(line) for line in self.text.splitlines()]

    def requests(self, **fields: object) -> list[dict[str, Any]]:
        wanted = {"event": "request", **fields}
        return [line for line in self.lines if wanted.items() <= line.items()]


@pytest.fixture
def log() -> Iterator[Log]:
    root = logging.getLogger()
    before, level = root.handlers[:], root.level
    found = Log()
    configure_logs(logging.DEBUG, found.stream)
    yield found
    root.handlers[:] = before
    root.setLevel(level)
    structlog.reset_defaults()


def test_every_line_is_json_whoever_wrote_it(log: Log) -> None:
    structlog.get_logger("ours").info("moved", folder="fld_1")
    logging.getLogger("theirs").warning("token=%s in %s", "abcdefgh12345678", {"password": "x"})
    try:
        raise ValueError("Bearer abcdefgh12345678")
    except ValueError:
        logging.getLogger("theirs").exception("failed")
    ours, theirs, failed = log.lines
    assert (ours["event"], ours["folder"], ours["level"]) == ("moved", "fld_1", "info")
    assert theirs["logger"] == "theirs"
    assert "Traceback" in failed["exception"]
    assert "abcdefgh12345678" not in log.text


@pytest.mark.asyncio
async def test_a_request_is_one_line_with_its_route_and_person(
    service: RunningService, api: Api, log: Log
) -> None:
    folder = await api("ana").make_folder("results")
    await api("ana").get(f"/folders/{folder}/people")
    (line,) = log.requests(route="/folders/{folder_id}/people")
    assert (line["status"], line["person"], line["method"]) == (200, "ana", "GET")
    assert line["ms"] > 0


@pytest.mark.asyncio
async def test_the_request_id_is_in_answer_problem_and_log(
    service: RunningService, api: Api, log: Log
) -> None:
    answer = await api("ana").get("/folders/fld_00000000000000000000000000")
    found = answer.headers["X-Request-ID"]
    assert answer.json()["request_id"] == found
    assert len(log.requests(request_id=found, status=404)) == 1


@pytest.mark.asyncio
@pytest.mark.parametrize(
    ("given", "taken"),
    [
        pytest.param("trace-0123456789.a_b", True, id="a plain word"),
        pytest.param("short", False, id="too short to tell apart"),
        pytest.param("x" * 65, False, id="too long"),
        pytest.param('id","level":"error', False, id="quotes that would forge a field"),
        pytest.param("a b c d e f g h", False, id="spaces"),
        pytest.param("-----------", False, id="no letter first"),
    ],
)
async def test_a_given_request_id_is_taken_if_it_is_sane(
    service: RunningService, api: Api, log: Log, given: str, taken: bool
) -> None:
    answer = await api("ana").call("GET", "/me", headers={"X-Request-ID": given})
    assert (answer.headers["X-Request-ID"] == given) is taken
    assert (given in log.text) is taken


@pytest.mark.asyncio
async def test_no_secret_of_all_the_traffic_is_in_the_log(
    service: RunningService, api: Api, log: Log
) -> None:
    hub, ana = service.hub, api("ana")
    secrets = {
        "visitor": hub.visitor_token("ben"),
        "server": hub.server_token("ben"),
        "service": hub.service_token,
        "key": "idem-potency-key-4711",
        "query": "in-the-address-4711",
        "cookie": "in-a-cookie-4711",
        "unknown": "unknown-token-4711",
        "xsrf": "xsrf-4711-4711",
        "file": "very-private-name-4711",
    }
    await ana.call(
        "POST", "/folders", json={"name": "a"}, headers={"Idempotency-Key": secrets["key"]}
    )
    await ana.call(
        "POST", "/folders", json={"name": "b"}, headers={"Idempotency-Key": secrets["key"]}
    )
    for token in ("visitor", "server", "unknown"):
        await api.with_token(secrets[token]).get("/me")
    folder = await ana.make_folder("c")
    await ana.write(folder, secrets["file"], b"x")
    async with httpx2.AsyncClient(base_url=service.api_url) as client:
        await client.get("/me", params={"token": secrets["query"], "_xsrf": secrets["xsrf"]})
        await client.get("/me", headers={"Cookie": f"service-vmshare={secrets['cookie']}"})
        await client.get(
            "/me", headers={"X-XSRFToken": secrets["xsrf"], "Cookie": f"_xsrf={secrets['xsrf']}"}
        )
        await client.request(
            "BREW", "/me", headers={"Authorization": f"Basic {secrets['unknown']}"}
        )
    hub.fail("*/api/user", 500)
    await api.with_token(secrets["visitor"]).get("/people", q="ana")
    page = await client_of_page(api)
    secrets |= page
    assert len(log.requests()) >= 9
    assert [name for name, secret in secrets.items() if secret in log.text] == []


async def client_of_page(api: Api) -> dict[str, str]:
    """Somebody signs in on the service's page; their cookies."""
    api.running.hub.heal()
    page = await api.page("cleo")
    return {
        f"{cookie.name}-cookie": cookie.value
        for cookie in page.client.cookies.jar
        if cookie.value and len(cookie.value) > 8
    }


@pytest.mark.asyncio
async def test_a_crash_is_logged_without_what_it_held(
    service: RunningService, log: Log, monkeypatch: pytest.MonkeyPatch
) -> None:
    token = service.hub.visitor_token("ana")

    async def crash(*args: object, **more: object) -> None:
        raise RuntimeError(f"it broke with Bearer {token}")

    monkeypatch.setattr(service.service.rooms.membership, "refresh", crash)
    # Without the contract, which knows no 500.
    async with httpx2.AsyncClient(base_url=service.api_url) as client:
        headers = {"Authorization": f"Bearer {token}"}
        answer = await client.post("/teams/refresh", headers=headers)
    assert answer.status_code == 500
    assert any("Traceback" in str(line.get("exception")) for line in log.lines)
    assert token not in log.text
    assert token not in answer.text
