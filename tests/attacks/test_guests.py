"""A guest on ana's shared server, and ana's server with a guest's token (D12 a, b).

Without subdomains both live in one origin, so the service alone can keep them apart.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterator

import httpx2
import pytest
from tornado.httpclient import HTTPRequest
from tornado.websocket import websocket_connect

from tests.attacks.conftest import USE, Scene
from tests.fixtures.signed_in import SignedIn

pytestmark = [pytest.mark.usefixtures("untouched"), pytest.mark.slow]


@pytest.fixture(scope="module")
def ben_at_ana(scene: Scene) -> Iterator[SignedIn]:
    """ben in his browser, in the JupyterLab that runs on ana's server."""
    with scene.hub.process.sign_in("ben") as ben:
        ben.visit(scene.server)
        yield ben


def refusal(answer: httpx2.Response) -> tuple[int, str | None]:
    return answer.status_code, answer.json().get("rule")


def refused(method: str, answer: httpx2.Response, wanted: tuple[int, str]) -> bool:
    """An answer to HEAD has no body that could name the rule."""
    if method == "HEAD":
        return answer.status_code == wanted[0]
    return refusal(answer) == wanted


FOREIGN = (403, "credential.foreign_server")
SHARED = (403, "credential.read_only")
READING = {"GET", "HEAD", "OPTIONS"}


def test_a_guest_is_told_to_open_his_own_server(scene: Scene, ben_at_ana: SignedIn) -> None:
    told = ben_at_ana.client.get(f"{scene.server}vmshare/session").json()
    assert (told["user"], told["own_server"], told["service"]) == ("ben", False, "refused")
    assert "own server" in told["because"]


def test_a_guest_neither_sees_nor_answers_anything_through_the_panel(
    scene: Scene, ben_at_ana: SignedIn
) -> None:
    for method, path, more in scene.operations():
        if path != "/events/stream":
            url = f"{scene.server}vmshare/api{path}"
            answer = ben_at_ana.client.request(method, url, **more)
            # The notebook server itself answers OPTIONS, with nothing.
            nothing = method == "OPTIONS" and not answer.content
            fine = nothing or answer.status_code in (403, 404, 405)
            assert fine, f"{method} {path}: {answer.text}"
            assert "secret plans" not in answer.text


def test_a_guests_socket_on_anas_server_carries_none_of_anas_events(
    scene: Scene, ben_at_ana: SignedIn
) -> None:
    cookies = "; ".join(f"{c.name}={c.value}" for c in ben_at_ana.client.cookies.jar)
    url = f"{scene.hub.url}{scene.server}vmshare/events".replace("http", "ws", 1)
    received = asyncio.run(_listen(url, cookies, scene))
    assert "secret plans" not in "".join(received)
    assert not [message for message in received if '"event"' in message and "EventView" in message]
    assert any("own server" in message for message in received), received


async def _listen(url: str, cookies: str, scene: Scene) -> list[str]:
    headers = {"Cookie": cookies, "Origin": scene.hub.url}
    connection = await websocket_connect(HTTPRequest(url, headers=headers))
    await asyncio.to_thread(_make_noise, scene)
    received: list[str] = []
    deadline = time.monotonic() + 3
    while time.monotonic() < deadline:
        try:
            message = await asyncio.wait_for(connection.read_message(), 1)
        except TimeoutError:
            continue
        if message is None:
            break
        received.append(str(message))
    connection.close()
    return received


def _make_noise(scene: Scene) -> None:
    with scene.hub.person("ana") as ana:
        alias = f"/folders/{scene.folder}"
        version = ana.get(alias).headers["ETag"]
        ana.patch(alias, json={"name": "secret plans 2"}, headers={"If-Match": version})
        version = ana.get(alias).headers["ETag"]
        ana.patch(alias, json={"name": "secret plans"}, headers={"If-Match": version})


def test_anas_server_can_do_nothing_with_bens_token(scene: Scene) -> None:
    with scene.hub.client(scene.stolen_token("ben")) as thief:
        for method, path, more in scene.operations():
            answer = thief.request(method, path, **more)
            assert refused(method, answer, FOREIGN), f"{method} {path}: {answer.text}"


def test_a_hub_admins_token_opens_nothing_through_anas_server_either(scene: Scene) -> None:
    with scene.hub.client(scene.stolen_token("root-hub")) as thief:
        assert refusal(thief.get("/folders")) == FOREIGN
        assert refusal(thief.get(f"/folders/{scene.folder}")) == FOREIGN


def test_bens_token_does_not_pass_as_the_pages_cookie(scene: Scene) -> None:
    token = scene.stolen_token("ben")
    with httpx2.Client(base_url=scene.hub.url, cookies={"service-vmshare": token}) as thief:
        assert thief.get("/services/vmshare/api/me").status_code == 401
        page = thief.get("/services/vmshare/", follow_redirects=False)
    assert page.status_code == 302


def test_the_server_token_of_a_shared_server_reads_and_changes_nothing(scene: Scene) -> None:
    with scene.hub.client(scene.server_token()) as guest_in_terminal:
        credential = guest_in_terminal.get("/me").json()["credential"]
        assert (credential["kind"], credential["read_only"]) == ("kernel", True)
        assert "shared" in credential["because"]
        for method, path, more in scene.operations():
            # Asking the hub again for the teams changes nothing of hers, and an archive is read.
            if method not in READING and not path.endswith(("/teams/refresh", "/archive")):
                answer = guest_in_terminal.request(method, path, **more)
                assert refusal(answer) == SHARED, f"{method} {path}: {answer.text}"


def test_the_server_token_writes_again_soon_after_the_sharing_ends(scene: Scene) -> None:
    hub = scene.hub.process
    hub.unshare_server("ana")
    try:
        with scene.hub.client(scene.server_token()) as ana:
            wait_until(lambda: not ana.get("/me").json()["credential"]["read_only"])
            folder = ana.post("/folders", json={"name": "by the kernel"}).raise_for_status().json()
            hub.share_server("ana", "ben")
            wait_until(lambda: ana.get("/me").json()["credential"]["read_only"])
            assert refusal(ana.post(f"/folders/{folder['id']}/trash")) == SHARED
    finally:
        hub.unshare_server("ana")
        with scene.hub.person("ana") as ana:
            [made] = [
                f for f in ana.get("/folders").json()["items"] if f["name"] == "by the kernel"
            ]
            ana.post(f"/folders/{made['id']}/trash").raise_for_status()
        hub.share_server("ana", "ben")


def wait_until(holds: object, seconds: float = 13) -> None:
    """D12 believes the hub for ten seconds at most."""
    assert callable(holds)
    deadline = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < deadline, "still not, after ten seconds"
        time.sleep(0.5)


def test_bens_own_token_is_his_and_shows_nothing_of_anas(scene: Scene) -> None:
    with scene.hub.client(scene.hub.process.token_for("ben", [USE])) as ben:
        assert ben.get("/me").json()["name"] == "ben"
        assert ben.get("/folders").json()["items"] == []
        assert ben.get("/invitations").json()["items"] == []
        assert ben.get(f"/folders/{scene.folder}").status_code == 404
        assert ben.post(f"/invitations/{scene.grant}/accept").status_code == 404
