"""What is forwarded to the service, as whom, and what never is."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from jupyter_server.auth import Authorizer
from tornado.simple_httpclient import HTTPStreamClosedError

from jupyter_vmshare.routes.contract import NOT_FORWARDED, Contract
from jupyter_vmshare.routes.forward import forwarded_query, moved
from tests.fakes.vmshare import FakeVMShare, Scripted
from tests.server.conftest import Ask, Tokens

FOLDER = "fld_01hzzzzzzzzzzzzzzzzzzzzzzz"


def problem(response: Any) -> dict[str, Any]:
    assert response.headers["Content-Type"].startswith("application/problem+json")
    found: dict[str, Any] = json.loads(response.body)
    return found


async def test_a_request_arrives_as_the_visitors_own(
    ask: Ask, service: FakeVMShare, tokens: Tokens
) -> None:
    told = Scripted.json({"id": FOLDER}, 201, ETag='"3"', **{"Set-Cookie": "stolen=1"})
    service.answer("POST", f"/folders/{FOLDER}/grants", told)
    headers = {
        "Authorization": f"token {tokens.ben}",
        "Idempotency-Key": "k1",
        "X-Request-ID": "r1",
        "Cookie": "_xsrf=1; jupyterhub-session-id=s",
        "Origin": "http://localhost",
        "X-Forwarded-For": "10.0.0.1",
        "X-XSRFToken": "x",
    }
    response = await ask(
        "POST", f"api/folders/{FOLDER}/grants", headers=headers, body='{"grants": []}'
    )
    assert (response.code, json.loads(response.body)) == (201, {"id": FOLDER})
    assert response.headers["ETag"] == '"3"'
    assert "Set-Cookie" not in response.headers
    (came,) = service.requests
    assert came.token == tokens.ben
    assert came.body == b'{"grants": []}'
    assert came.headers["idempotency-key"] == "k1"
    assert came.headers["x-request-id"] == "r1"
    assert "cookie" not in came.headers


@pytest.mark.parametrize(
    ("query", "kept"),
    [
        pytest.param("q=a%20b&after=x%2By", "q=a%20b&after=x%2By", id="as it came"),
        pytest.param("token=secret&q=1", "q=1", id="without a token"),
        pytest.param("q=1&%74oken=secret", "q=1", id="without a token in disguise"),
        pytest.param("_xsrf=2%7C&q=1&no_track_activity=1", "q=1", id="without what is meant here"),
        pytest.param("&&q=&", "q=", id="an empty value stays"),
        pytest.param("q=1&1795394176875", "q=1", id="without JupyterLab's number against caches"),
    ],
)
async def test_the_query_is_forwarded(
    ask: Ask, service: FakeVMShare, query: str, kept: str
) -> None:
    service.answer("GET", "/people", Scripted.json({"items": []}))
    assert (await ask("GET", f"api/people?{query}")).code == 200
    assert service.requests[0].query == kept == forwarded_query(query)


@pytest.mark.parametrize(
    "path",
    [
        pytest.param("../hub/api/users", id="dots"),
        pytest.param("folders/../me", id="dots inside"),
        pytest.param("folders/%2e%2e", id="encoded dots"),
        pytest.param("people/%2E%2e/why", id="encoded dots where a name stands"),
        pytest.param("people/%252e%252e/why", id="doubly encoded dots"),
        pytest.param("people/a%2Fb/why", id="an encoded slash"),
        pytest.param("people/a%252fb/why", id="a doubly encoded slash"),
        pytest.param("people/a%5Cb/why", id="an encoded backslash"),
        pytest.param("people/a%00b/why", id="an encoded NUL"),
        pytest.param("people/a%0d%0aHost:x/why", id="an encoded line break"),
        pytest.param("people/a%25%30%61b/why", id="a doubly encoded line break"),
        pytest.param("people/a%ff/why", id="no UTF-8"),
        pytest.param("people/a%2/why", id="half an escape"),
        pytest.param("people//why", id="an empty name"),
        pytest.param("/me", id="a second slash"),
        pytest.param("//evil.example/me", id="another host"),
        pytest.param("http://evil.example/me", id="a whole URL"),
        pytest.param("@evil.example/me", id="a user part"),
        pytest.param("me/", id="a slash at the end"),
        pytest.param("me;x=1", id="a path parameter"),
        pytest.param("ME", id="another case"),
        pytest.param("%6de", id="an encoded letter"),
        pytest.param("", id="nothing"),
        pytest.param("health", id="a page outside the API"),
        pytest.param("../confirm/delete-folder/x", id="the confirm page"),
        pytest.param("events/stream", id="the live stream, which is a WebSocket here"),
    ],
)
async def test_nothing_else_is_forwarded(ask: Ask, service: FakeVMShare, path: str) -> None:
    response = await ask("GET", f"api/{path}")
    assert response.code == 404
    assert problem(response)["code"] == "not-found"
    assert service.requests == []


@pytest.mark.parametrize("name", ["ana", "ana%20b", "%C3%A4%F0%9F%98%80", "a.b", "a@x.org", "..a"])
def test_a_name_may_be_in_a_path(name: str) -> None:
    contract = Contract([("GET", "/people/{name}/why")])
    assert contract.methods(f"people/{name}/why") == {"GET"}


def test_every_route_of_the_contract_is_forwarded_but_the_stream_and_the_hubs() -> None:
    from jupyterhub_vmshare.api.openapi import stored

    contract = Contract.shipped()
    operations = [(m.upper(), p) for p, ms in stored()["paths"].items() for m in ms]
    hubs = {("POST", "/hub/sessions"), ("DELETE", "/hub/sessions")}
    assert len(operations) > 10
    assert hubs <= set(operations)
    for method, path in operations:
        asked = path.strip("/").replace("{", "").replace("}", "")
        forwarded = (method, path) not in NOT_FORWARDED | hubs
        assert (method in contract.methods(asked)) == forwarded, path


async def test_another_method_is_refused(ask: Ask, service: FakeVMShare) -> None:
    response = await ask("DELETE", "api/me")
    assert response.code == 405
    assert response.headers["Allow"] == "GET"
    assert service.requests == []


# --- who acts ---------------------------------------------------------------------------------


@pytest.mark.parametrize("who", ["ana", "ben", "server"])
async def test_a_token_in_the_header_is_the_one_that_acts(
    ask: Ask, service: FakeVMShare, tokens: Tokens, who: str
) -> None:
    token = getattr(tokens, who)
    service.answer("GET", "/me", Scripted.json({}))
    await ask("GET", "api/me", headers={"Authorization": f"Bearer {token}"})
    assert [came.token for came in service.requests] == [token]


async def test_a_browser_acts_with_its_own_sign_in(
    ask: Ask, service: FakeVMShare, tokens: Tokens, cookie: Callable[[str], str]
) -> None:
    service.answer("GET", "/me", Scripted.json({}))
    response = await ask(
        "GET", "api/me", headers={"Authorization": None, "Cookie": cookie(tokens.ben)}
    )
    assert response.code == 200
    assert [came.token for came in service.requests] == [tokens.ben]


async def test_a_browser_never_acts_with_the_servers_token(
    ask: Ask, service: FakeVMShare, tokens: Tokens, cookie: Callable[[str], str]
) -> None:
    response = await ask(
        "GET", "api/me", headers={"Authorization": None, "Cookie": cookie(tokens.server)}
    )
    assert (response.code, problem(response)["code"]) == (401, "not-signed-in")
    assert service.requests == []


async def test_nobody_gets_nothing(ask: Ask, service: FakeVMShare) -> None:
    for headers in ({"Authorization": None}, {"Authorization": "token forged"}):
        response = await ask("GET", "api/me", headers=headers)
        assert (response.code, problem(response)["code"]) == (403, "forbidden")
    assert service.requests == []


async def test_a_browsers_post_needs_its_xsrf_token(
    ask: Ask, service: FakeVMShare, tokens: Tokens, cookie: Callable[[str], str]
) -> None:
    headers = {"Authorization": None, "Cookie": cookie(tokens.ana)}
    response = await ask("POST", "api/teams/refresh", headers=headers)
    assert (response.code, problem(response)["code"]) == (403, "forbidden")
    assert service.requests == []


class Reader(Authorizer):
    """Somebody who may look at this server, and no more."""

    def is_authorized(self, handler: Any, user: Any, action: str, resource: str) -> bool:
        return action == "read" and resource == "vmshare"


class TestAnAuthorizer:
    @pytest.fixture
    def jp_server_config(self, jp_server_config: dict[str, Any]) -> dict[str, Any]:
        jp_server_config["ServerApp"]["authorizer_class"] = Reader
        return jp_server_config

    async def test_lets_read(self, ask: Ask, service: FakeVMShare) -> None:
        service.answer("GET", "/me", Scripted.json({}))
        assert (await ask("GET", "api/me")).code == 200

    async def test_lets_write_nothing(self, ask: Ask, service: FakeVMShare) -> None:
        assert (await ask("POST", "api/teams/refresh")).code == 403
        assert service.requests == []


# --- uploads that can be resumed ----------------------------------------------------------------

UPLOADS = f"folders/{FOLDER}/uploads"
UPLOAD = f"{UPLOADS}/upl_01hzzzzzzzzzzzzzzzzzzzzzzz"
TUS = {"Tus-Resumable": "1.0.0"}


async def test_an_upload_begins_at_an_address_of_this_server(
    ask: Ask, service: FakeVMShare
) -> None:
    headers = {"Location": f"/services/vmshare/api/{UPLOAD}", **TUS}
    service.answer("POST", f"/{UPLOADS}", Scripted.json({}, 201, **headers))
    sent = {"Upload-Length": "5", "Upload-Metadata": "path YQ==", "Upload-Concat": "partial"}
    response = await ask("POST", f"api/{UPLOADS}", headers={**TUS, **sent}, body="")
    assert response.code == 201
    assert response.headers["Location"] == f"/user/ana/vmshare/api/{UPLOAD}"
    assert response.headers["Tus-Resumable"] == "1.0.0"
    (came,) = service.requests
    for name, value in {**TUS, **sent}.items():
        assert came.headers[name.lower()] == value


async def test_its_bytes_pass_with_what_is_said_of_them(ask: Ask, service: FakeVMShare) -> None:
    told = Scripted(204, b"", {"Upload-Offset": "5", "Upload-Expires": "later", **TUS})
    service.answer("PATCH", f"/{UPLOAD}", told)
    kind = {"Content-Type": "application/offset+octet-stream"}
    sent = {**TUS, **kind, "Upload-Offset": "0", "Upload-Checksum": "sha1 abc"}
    response = await ask("PATCH", f"api/{UPLOAD}", headers=sent, body=b"hello")
    assert (response.code, response.headers["Upload-Offset"]) == (204, "5")
    (came,) = service.requests
    assert came.body == b"hello"
    for name, value in sent.items():
        assert came.headers[name.lower()] == value


async def test_how_far_it_is_is_asked_by_head(ask: Ask, service: FakeVMShare) -> None:
    parts = f"final;/services/vmshare/api/{UPLOAD} /services/vmshare/api/{UPLOAD}"
    told = {"Upload-Offset": "2", "Upload-Length": "5", "Upload-Concat": parts, **TUS}
    service.answer("HEAD", f"/{UPLOAD}", Scripted(200, b"", told))
    response = await ask("HEAD", f"api/{UPLOAD}", headers=TUS)
    assert (response.code, response.body) == (200, b"")
    assert response.headers["Upload-Offset"] == "2"
    here = f"/user/ana/vmshare/api/{UPLOAD}"
    assert response.headers["Upload-Concat"] == f"final;{here} {here}"
    service.answer("HEAD", f"/{UPLOAD}", Scripted.problem(404, "not-found", "Gone."))
    assert (await ask("HEAD", f"api/{UPLOAD}", headers=TUS)).code in (200, 404)


@pytest.mark.parametrize(
    ("header", "expected"),
    [
        ("/services/vmshare/api/a/b", "/user/ana/vmshare/api/a/b"),
        ("final;/services/vmshare/api/a /services/vmshare/api/b", "final;/here/a /here/b"),
        ("partial", "partial"),
        ("http://evil.example/services/vmshare/api/a", "/here/"),
        ("//evil.example/x", "/here/"),
    ],
)
def test_an_address_elsewhere_is_never_passed_on(header: str, expected: str) -> None:
    here = "/here/" if "/here/" in expected else "/user/ana/vmshare/api/"
    assert moved(header, "/services/vmshare/api/", here) == expected


# --- what goes wrong on the way ---------------------------------------------------------------


async def test_a_refusal_of_the_service_arrives_unchanged(ask: Ask, service: FakeVMShare) -> None:
    told = Scripted.problem(403, "forbidden", "No.", rule="grant.level", because="View is held.")
    service.answer("DELETE", f"/folders/{FOLDER}/grants", told)
    response = await ask("DELETE", f"api/folders/{FOLDER}/grants")
    assert response.code == 403
    assert problem(response) == json.loads(told.body)


@pytest.mark.parametrize(
    ("status", "kind", "answered", "code"),
    [
        pytest.param(404, "text/html", 503, "service-absent", id="the proxy knows no service"),
        pytest.param(503, "text/html", 503, "service-unreachable", id="the proxy finds it down"),
        pytest.param(302, "text/html", 502, "unexpected-answer", id="a redirect"),
        pytest.param(403, "text/html", 403, "forbidden", id="the hub refuses"),
        pytest.param(401, "text/html", 401, "not-signed-in", id="the hub knows no such token"),
        pytest.param(500, "application/json", 502, "unexpected-answer", id="no problem document"),
    ],
)
async def test_what_the_service_did_not_write_becomes_a_problem(
    ask: Ask, service: FakeVMShare, status: int, kind: str, answered: int, code: str
) -> None:
    headers = {"Content-Type": kind, "Location": "http://evil.example/"}
    service.answer("GET", "/me", Scripted(status, b"<html>secret</html>", headers))
    response = await ask("GET", "api/me")
    assert (response.code, problem(response)["code"]) == (answered, code)
    assert b"secret" not in response.body
    assert "Location" not in response.headers


async def test_a_service_that_is_down_is_a_sentence(ask: Ask, service: FakeVMShare) -> None:
    service.stop()
    response = await ask("POST", "api/teams/refresh")
    assert (response.code, problem(response)["code"]) == (503, "service-unreachable")
    service.start()
    service.answer("POST", "/teams/refresh", Scripted(204))
    assert (await ask("POST", "api/teams/refresh")).code == 204


async def test_a_service_that_drops_the_connection_is_a_sentence(
    ask: Ask, service: FakeVMShare
) -> None:
    service.answer("GET", "/me", Scripted(drop=True))
    assert problem(await ask("GET", "api/me"))["code"] == "service-unreachable"


@pytest.mark.parametrize("of_known_length", [True, False], ids=["with its length", "chunked"])
async def test_half_a_file_does_not_look_whole(
    ask: Ask, service: FakeVMShare, of_known_length: bool
) -> None:
    service.answer("GET", "/break-after", Scripted(body=b"100000"))
    if not of_known_length:
        service.answer("GET", "/of-unknown-length", Scripted())
    with pytest.raises(HTTPStreamClosedError):
        await ask("GET", f"api/folders/{FOLDER}/download?path=300000")


async def test_a_refused_upload_is_answered_before_it_is_sent(
    ask: Ask, service: FakeVMShare
) -> None:
    refusal = Scripted.problem(403, "forbidden", "You hold View.", rule="table.upload")
    service.answer("PUT", "/file", refusal)
    response = await ask("PUT", f"api/folders/{FOLDER}/file?path=x", body=b"x" * 3_000_000)
    assert (response.code, problem(response)["rule"]) == (403, "table.upload")
    assert service.received == 0


async def test_a_part_of_a_file(ask: Ask, service: FakeVMShare) -> None:
    headers = {"Range": "bytes=1000-"}
    response = await ask("GET", f"api/folders/{FOLDER}/download?path=5000", headers=headers)
    assert response.code == 206
    assert response.headers["Content-Range"] == "bytes 1000-4999/5000"
    assert response.headers["Content-Disposition"] == "attachment; filename*=utf-8''a.bin"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert response.body == (bytes(range(256)) * 20)[1000:5000]
    assert "Set-Cookie" not in response.headers
