"""Which session is whose: the hub's own hook says it, and nobody else can."""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from typing import Any

import pytest

from jupyterhub_vmshare.people.hook import hook_secret
from jupyterhub_vmshare.spawning import telling
from tests.fakes.hub import FakeHub
from tests.fixtures.api import Api
from tests.fixtures.service import RunningService

BEN = {"person": "ben", "server_name": "", "uid": 1001, "gid": 1001}


async def sessions(api: Api, name: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = (await api(name).ask("GET", "/sessions"))["items"]
    return found


async def told_of(api: Api, name: str, kind: str, count: int) -> list[dict[str, Any]]:
    """What the person's events of that kind say, oldest first, once there are so many."""
    async with asyncio.timeout(30):
        while True:
            items = (await api(name).ask("GET", "/events", params={"limit": 200}))["items"]
            found = [event["data"] for event in reversed(items) if event["type"] == kind]
            if len(found) >= count:
                return found
            await asyncio.sleep(0.02)


CREDENTIALS: list[Any] = [
    pytest.param(lambda hub: None, id="none at all"),
    pytest.param(lambda hub: f"Bearer {hub.server_token('ben')}", id="ben's own server's token"),
    pytest.param(lambda hub: f"Bearer {hub.visitor_token('ben')}", id="ben's own panel's token"),
    pytest.param(lambda hub: f"Bearer {hub.own_token('ben')}", id="a token of ben's making"),
    pytest.param(lambda hub: f"Bearer {hub.own_token('root-hub')}", id="a hub admin's token"),
    pytest.param(lambda hub: f"Bearer {hub.service_token}", id="the service's own token"),
    pytest.param(
        lambda hub: f"Bearer {hook_secret(hub.service_token)}x", id="the secret and a letter"
    ),
    pytest.param(
        lambda hub: f"Bearer {hook_secret(hub.service_token)[:-1]}", id="the secret less a letter"
    ),
    pytest.param(
        lambda hub: f"Bearer {hook_secret(hub.service_token).upper()}", id="the secret in capitals"
    ),
    pytest.param(lambda hub: f"Bearer {hook_secret(secrets.token_hex())}", id="of another token"),
    pytest.param(lambda hub: f"Bearer {hook_secret('')}", id="of no token"),
    pytest.param(lambda hub: "Bearer", id="an empty one"),
    pytest.param(lambda hub: "Bearer é", id="no ASCII"),
    pytest.param(
        lambda hub: f"Basic {hook_secret(hub.service_token)}", id="the secret as a password"
    ),
    pytest.param(lambda hub: "Bearer " + "f" * 20_000, id="a very long one"),
]


@pytest.mark.scenario("M5")
@pytest.mark.parametrize("credential", CREDENTIALS)
@pytest.mark.asyncio
async def test_no_other_credential_claims_a_session(
    api: Api, hub: FakeHub, credential: Callable[[FakeHub], str | None]
) -> None:
    header = credential(hub)
    more = {} if header is None else {"headers": {b"Authorization": header.encode()}}
    for method, body in (("POST", BEN), ("DELETE", {"person": "ben", "server_name": ""})):
        answer = await api.nobody.call(method, "/hub/sessions", json=body, **more)
        assert answer.status_code == 401, answer.text
    assert await sessions(api, "ben") == []


@pytest.mark.parametrize("token", ["", "abc", "é" * 9, "0123abcd" * 8])
def test_the_hub_and_the_service_mean_the_same_secret(token: str) -> None:
    assert hook_secret(token) == telling.hook_secret(token)


@pytest.mark.asyncio
async def test_the_secret_in_the_address_is_no_credential(api: Api, hub: FakeHub) -> None:
    query = {"token": hook_secret(hub.service_token)}
    answer = await api.nobody.call("POST", "/hub/sessions", json=BEN, params=query)
    assert answer.status_code == 401


@pytest.mark.asyncio
async def test_a_page_of_the_service_claims_no_session(api: Api) -> None:
    page = await api.page("root-hub")
    assert (await page.call("POST", "/hub/sessions", json=BEN)).status_code == 401


@pytest.mark.asyncio
async def test_the_hooks_secret_opens_nothing_else(api: Api) -> None:
    for method, path in (("GET", "/me"), ("GET", "/folders"), ("GET", "/sessions")):
        assert (await api.hub_hook.call(method, path)).status_code == 401


@pytest.mark.scenario("M8")
@pytest.mark.asyncio
async def test_without_an_agent_a_session_starts_and_says_why_nothing_appears(api: Api) -> None:
    told = await api.hub_hook.ask("POST", "/hub/sessions", BEN)
    assert told["view"] is None
    assert "agent_socket" in told["because"]
    (seen,) = await sessions(api, "ben")
    assert (seen["id"], seen["server_name"], seen["mounts"]) == (told["id"], "", [])
    assert seen["mounts_available"] is False
    assert seen["because"] == told["because"], "to start it again would not help"
    assert await sessions(api, "ana") == []


@pytest.mark.asyncio
async def test_a_session_that_is_told_again_takes_the_old_ones_place(api: Api) -> None:
    first = await api.hub_hook.ask("POST", "/hub/sessions", BEN)
    second = await api.hub_hook.ask("POST", "/hub/sessions", {**BEN, "uid": 1002})
    other = await api.hub_hook.ask("POST", "/hub/sessions", {**BEN, "server_name": "gpu"})
    assert len({told["id"] for told in (first, second, other)}) == 3
    assert [s["id"] for s in await sessions(api, "ben")] == [second["id"], other["id"]]


@pytest.mark.asyncio
async def test_a_session_ends_once_however_often_it_is_said(api: Api) -> None:
    await api.hub_hook.ask("POST", "/hub/sessions", BEN)
    for _ in range(2):
        answer = await api.hub_hook.call(
            "DELETE", "/hub/sessions", json={"person": "ben", "server_name": ""}
        )
        assert answer.status_code == 204
    assert await sessions(api, "ben") == []
    for kind in ("session.started", "session.ended"):
        (told,) = await told_of(api, "ben", kind, 1)
        assert told["server_name"] == ""


@pytest.mark.asyncio
async def test_the_secret_is_never_in_the_logs(
    service: RunningService, api: Api, caplog: pytest.LogCaptureFixture
) -> None:
    await api.hub_hook.ask("POST", "/hub/sessions", BEN)
    await api.hub_hook.call("POST", "/hub/sessions", json={"person": 3})
    assert hook_secret(service.hub.service_token) not in caplog.text


@pytest.mark.asyncio
async def test_what_a_person_wants_in_their_sessions_is_remembered(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    for wanted in (True, False, False, True):
        method = "PUT" if wanted else "DELETE"
        told = await api("ana").ask(method, f"/folders/{folder}/mount")
        assert told == {"folder_id": folder, "wanted": wanted, "sessions": []}
    assert await told_of(api, "ana", "mount.chosen", 2) == [{"wanted": False}, {"wanted": True}]


@pytest.mark.scenario("F18")
@pytest.mark.asyncio
async def test_why_answers_for_mounts_too(api: Api) -> None:
    folder = await api("ana").make_folder("tests")
    (grant,) = await api("ana").invite(folder, "view", "ben")
    await api("ben").accept(grant)
    for action, allowed in (("mount_read_only", True), ("mount_read_write", False)):
        told = await api("ben").ask("GET", "/why", params={"action": action, "thing": folder})
        assert told["allowed"] is allowed, told
        assert [source["grant_id"] for source in told["sources"]] == [grant]
        asked = {"action": f"folder.{action}", "thing": folder}
        about = await api("ana").ask("GET", "/people/ben/why", params=asked)
        assert about["allowed"] is allowed
        print(told["because"], "|", about["because"])
