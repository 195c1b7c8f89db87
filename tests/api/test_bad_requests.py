"""Paths that climb, credentials that are none, keys, versions and ranges that make no sense."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest

from tests.api.conftest import Scene
from tests.api.test_bad_input import refused

pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.usefixtures("untouched")]

BAD, INVALID, MALFORMED = (422, "bad-input"), (422, "invalid-fields"), (400, "malformed")
KEY = "Idempotency-Key"

# As they stand in the address, so that both spellings of a dot and a slash can be sent.
CLIMBING: list[Any] = [
    pytest.param("..", id="two dots"),
    pytest.param("../notes.txt", id="one up"),
    pytest.param("data/../notes.txt", id="down and up"),
    pytest.param("data/../../../etc/passwd", id="down and up and up"),
    pytest.param("%2e%2e", id="two dots in hex"),
    pytest.param("%2e%2e%2fnotes.txt", id="one up in hex"),
    pytest.param("..%2fnotes.txt", id="one up, the slash in hex"),
    pytest.param("/etc/passwd", id="absolute"),
    pytest.param("%2fetc%2fpasswd", id="absolute in hex"),
    pytest.param("data//x", id="an empty part"),
    pytest.param("./notes.txt", id="a dot"),
    pytest.param("notes.txt/", id="a slash after"),
    pytest.param("notes.txt%00.png", id="a NUL"),
    pytest.param("x" * 256, id="a long name"),
    pytest.param("a/" * 2500 + "a", id="a long way"),
]
GOING_NOWHERE: list[Any] = [
    pytest.param("..%5cnotes.txt", id="backslashes"),
    pytest.param("%252e%252e%252fnotes.txt", id="hex in hex"),
    pytest.param("C:%5cnotes.txt", id="a drive's letter"),
    pytest.param("~root", id="a home"),
    pytest.param("$HOME", id="a variable"),
]
READS = ("entries", "entry", "file", "download")


@pytest.mark.parametrize("path", CLIMBING)
async def test_a_path_that_climbs(scene: Scene, path: str) -> None:
    top, ana = scene.path("/folders/{folder_id}"), scene.api("ana")
    for what in READS:
        refused(await ana.call("GET", f"{top}/{what}?path={path}"), BAD, INVALID, MALFORMED)
    for method, more in (("PUT", {"content": b"x"}), ("DELETE", {})):
        answer = await ana.call(method, f"{top}/file?path={path}", **more)
        refused(answer, BAD, INVALID, MALFORMED)


@pytest.mark.parametrize("path", CLIMBING)
async def test_a_path_in_a_body_that_climbs(scene: Scene, path: str) -> None:
    top, ana, path = scene.path("/folders/{folder_id}"), scene.api("ana"), unquote(path)
    refused(await ana.call("POST", f"{top}/directories", json={"path": path}), BAD, INVALID)
    for body in ({"source": path, "target": "x"}, {"source": "notes.txt", "target": path}):
        refused(await ana.call("POST", f"{top}/moves", json=body), BAD, INVALID)


@pytest.mark.parametrize("path", GOING_NOWHERE)
async def test_a_path_that_is_only_a_name(scene: Scene, path: str) -> None:
    top, ana = scene.path("/folders/{folder_id}"), scene.api("ana")
    for what in READS:
        refused(await ana.call("GET", f"{top}/{what}?path={path}"), (404, "not-found"))
    refused(await ana.call("DELETE", f"{top}/file?path={path}"), (404, "not-found"))


TOKENS: list[Any] = [
    pytest.param(lambda hub: "Bearer " + "f" * 32, 401, id="forged"),
    pytest.param(lambda hub: "Bearer " + "x" * 9000, 401, id="too long"),
    pytest.param(lambda hub: "Bearer", 401, id="missing"),
    pytest.param(lambda hub: "Bearer a b", 401, id="of two words"),
    pytest.param(lambda hub: "Basic YW5hOmFuYQ==", 401, id="a password"),
    pytest.param(lambda hub: f"Bearer {hub.visitor_token('ben', at='ana')}", 403, id="foreign"),
    pytest.param(lambda hub: f"Bearer {hub.token('ana', [])}", 403, id="without a scope"),
    pytest.param(lambda hub: f"Bearer {hub.service_token}", 403, id="the service's own"),
    pytest.param(lambda hub: f"Bearer {_expired(hub)}", 401, id="expired"),
]


def _expired(hub: Any) -> str:
    token: str = hub.visitor_token("ana")
    hub.revoke(token)
    return token


@pytest.mark.parametrize(("make", "status"), TOKENS)
async def test_a_credential_that_is(scene: Scene, make: Any, status: int) -> None:
    header = make(scene.running.hub)
    if len(header) > 20:
        scene.secrets.add(header.partition(" ")[2])
    for method, path in (("GET", "/me"), ("GET", "/folders"), ("POST", "/folders")):
        more = {"json": {"name": "forged"}} if method == "POST" else {}
        headers = {"Authorization": header}
        answer = await scene.api.nobody.call(method, path, headers=headers, **more)
        refused(answer, (status, {401: "not-signed-in", 403: "forbidden"}[status]))


async def test_a_token_in_the_address(scene: Scene) -> None:
    token = scene.running.hub.visitor_token("ana")
    for name in ("token", "access_token", "api_key"):
        answer = await scene.api.nobody.get("/folders", **{name: token})
        refused(answer, (401, "not-signed-in"))
        refused(await scene.api("ana").get("/folders", **{name: token}), INVALID)


async def test_a_cookie_without_its_xsrf_token(scene: Scene) -> None:
    page = await scene.api.page("ana")
    scene.secrets |= {str(c.value) for c in page.client.cookies.jar if c.value and len(c.value) > 9}
    for given in (None, "", "1", "x" * 100):
        headers = {"X-XSRFToken": given} if given is not None else {}
        kept = page.client.headers.pop("X-XSRFToken")
        try:
            for method in ("GET", "POST"):
                more = {"json": {"name": "cross-site"}} if method == "POST" else {}
                answer = await page.call(method, "/folders", headers=headers, **more)
                assert refused(answer, (403, "forbidden"))["rule"] == "credential.xsrf"
        finally:
            page.client.headers["X-XSRFToken"] = kept


@pytest.mark.parametrize("key", ["", "two words", "x" * 65, "é", "a\tb"])
async def test_an_idempotency_key(scene: Scene, key: str) -> None:
    headers = {KEY.encode(): key.encode()}
    answer = await scene.api("ana").call("POST", "/folders", json={"name": "x"}, headers=headers)
    refused(answer, MALFORMED)


async def test_an_idempotency_key_that_was_used(scene: Scene) -> None:
    ana, headers = scene.api("ana"), {KEY: "used"}
    again = await ana.call("POST", "/folders", json={"name": "kept"}, headers=headers)
    assert (again.status_code, again.headers["Idempotent-Replayed"]) == (201, "true")
    assert again.json()["name"] == "kept"
    reused = (422, "idempotency-key-reused")
    refused(await ana.call("POST", "/folders", json={"name": "x"}, headers=headers), reused)
    body = {"grants": [{"receiver": "dan", "level": "view"}]}
    path = scene.path("/folders/{folder_id}/grants")
    refused(await ana.call("POST", path, json=body, headers=headers), reused)


VERSIONS = ["", "*", "1", 'W/"1"', '"one"', '"99999999999"', '"1", "2"', '"-1"', '"7"']


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_if_match(scene: Scene, version: str) -> None:
    for path, body in (("/folders/{folder_id}", {"name": "x"}), ("/grants/{grant_id}", {})):
        told = await scene.api("ana").call(
            "PATCH", scene.path(path), json=body, headers={"If-Match": version}
        )
        refused(told, (412, "changed-meanwhile"))


async def test_a_change_without_a_version(scene: Scene) -> None:
    for path, body in (("/folders/{folder_id}", {"name": "x"}), ("/grants/{grant_id}", {})):
        answer = await scene.api("ana").call("PATCH", scene.path(path), json=body)
        refused(answer, (428, "precondition-required"))


RANGES = ["", "bytes", "bytes=", "bytes=-", "bytes=x-y", "bytes=3-1", "lines=0-1", "bytes=0-1,3-4"]


@pytest.mark.parametrize("asked", RANGES)
async def test_a_range_that_can_not_be_read_is_no_range(scene: Scene, asked: str) -> None:
    path = scene.path("/folders/{folder_id}/file?path=notes.txt")
    answer = await scene.api("ana").call("GET", path, headers={"Range": asked})
    assert (answer.status_code, answer.content) == (200, b"hello")


@pytest.mark.parametrize("asked", ["bytes=5-", "bytes=99999999-", "bytes=-0"])
async def test_a_range_outside(scene: Scene, asked: str) -> None:
    path = scene.path("/folders/{folder_id}/file?path=notes.txt")
    answer = await scene.api("ana").call("GET", path, headers={"Range": asked})
    refused(answer, (416, "range-unsatisfiable"))
    assert answer.headers["Content-Range"] == "bytes */5"
