"""Tokens that are forged, foreign, over or in the wrong place: a clear 4xx, nothing changed."""

from __future__ import annotations

import time
from collections.abc import Callable

import httpx2
import pytest

from tests.attacks.conftest import USE, Scene

pytestmark = [pytest.mark.usefixtures("untouched"), pytest.mark.slow]

API = "/services/vmshare/api"


def unscoped(scene: Scene) -> str:
    return scene.hub.process.token_for("ana", ["read:users:name!user"])


def of_another_user_scope(scene: Scene) -> str:
    return scene.hub.process.token_for("ana", ["access:services!service=vmshare"])


def of_a_service(scene: Scene) -> str:
    return scene.hub.process.token


def of_the_service_itself(scene: Scene) -> str:
    return scene.hub.service_token


@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        pytest.param(lambda _: "f" * 32, 401, "not-signed-in", id="forged"),
        pytest.param(lambda _: "é" * 8, 401, "not-signed-in", id="no token at all"),
        pytest.param(lambda _: "x" * 9000, 401, "not-signed-in", id="too long to be one"),
        pytest.param(lambda _: "a b", 401, "not-signed-in", id="of two words"),
        pytest.param(unscoped, 403, "forbidden", id="of ana, without the scope"),
        pytest.param(of_another_user_scope, 403, "forbidden", id="of ana, with access alone"),
        pytest.param(of_a_service, 403, "forbidden", id="of another service"),
        pytest.param(of_the_service_itself, 403, "forbidden", id="of the service itself"),
    ],
)
def test_a_token_that_is(
    scene: Scene, make: Callable[[Scene], str], status: int, code: str
) -> None:
    headers = {b"Authorization": f"Bearer {make(scene)}".encode()}
    for method in ("GET", "POST"):
        url = f"{scene.hub.api_url}/folders"
        answer = httpx2.request(method, url, headers=headers, json={"name": "forged"})
        told = answer.json()
        assert (answer.status_code, told["code"]) == (status, code), f"{method}: {told}"
        if status == 403:
            assert told["rule"] == "credential.scope"


def test_a_token_in_the_address_is_no_credential(scene: Scene) -> None:
    token = scene.hub.process.token_for("ana", [USE])
    with scene.hub.client(None) as nobody:
        assert nobody.get("/me", params={"token": token}).status_code == 401


def test_a_token_that_was_revoked_or_is_over_stops_within_ten_seconds(scene: Scene) -> None:
    hub = scene.hub.process
    made = hub.api("POST", "users/ana/tokens", {"scopes": [USE]})
    short = hub.api("POST", "users/ana/tokens", {"scopes": [USE], "expires_in": 2})
    with scene.hub.client(made["token"]) as ana, scene.hub.client(short["token"]) as soon:
        assert (ana.get("/me").status_code, soon.get("/me").status_code) == (200, 200)
        hub.api("DELETE", f"users/ana/tokens/{made['id']}")
        deadline = time.monotonic() + 13
        while (ana.get("/me").status_code, soon.get("/me").status_code) != (401, 401):
            assert time.monotonic() < deadline, "still good after ten seconds"
            time.sleep(0.5)


def test_the_pages_cookie_needs_the_xsrf_token_for_reading_too(scene: Scene) -> None:
    with scene.hub.process.sign_in("ana") as browser:
        browser.client.get("/services/vmshare/", headers={"Sec-Fetch-Mode": "navigate"})
        good = {"X-XSRFToken": browser.xsrf("/services/vmshare/")}
        assert browser.client.get(f"{API}/me", headers=good).json()["credential"]["kind"] == "page"
        wrong = {"X-XSRFToken": browser.xsrf("/hub/")}
        attempts: list[dict[str, str]] = [{}, wrong, {"X-XSRFToken": "1"}]
        for headers in attempts:
            for method in ("GET", "POST"):
                url = f"{API}/folders"
                answer = browser.client.request(
                    method, url, headers=headers, json={"name": "cross-site"}
                )
                assert (answer.status_code, answer.json()["rule"]) == (403, "credential.xsrf")


def test_a_cookie_of_somebody_elses_making_is_no_login(scene: Scene) -> None:
    with scene.hub.process.sign_in("ana") as browser:
        browser.client.get("/services/vmshare/", headers={"Sec-Fetch-Mode": "navigate"})
        jar = {c.name: c.value or "" for c in browser.client.cookies.jar}
        signed = jar["service-vmshare"]
        xsrf = {"X-XSRFToken": browser.xsrf("/services/vmshare/")}
    forged = signed[:-4] + ("0000" if not signed.endswith("0000") else "1111")
    cookies = {"service-vmshare": forged, "_xsrf": xsrf["X-XSRFToken"]}
    answer = httpx2.get(f"{scene.hub.api_url}/me", headers=xsrf, cookies=cookies)
    assert answer.status_code in (401, 403), answer.text


def test_no_token_reaches_the_logs(scene: Scene) -> None:
    token = scene.hub.process.token_for("ana", [USE])
    with scene.hub.client(token) as ana:
        assert ana.get("/folders", params={"token": token}).status_code == 422
        ana.get("/folders")
    log = scene.hub.process.log.read_text(errors="replace")
    for secret in (token, scene.hub.service_token, scene.server_token()):
        assert secret not in log
