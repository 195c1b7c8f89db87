"""The extension where it lives: JupyterLab of a real hub, behind its proxy, before the service."""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from typing import Any

import httpx2
import pytest
import websocket

from tests.fixtures.real_hub import RealHub
from tests.fixtures.signed_in import SignedIn

FETCH = {"Sec-Fetch-Mode": "cors", "Sec-Fetch-Site": "same-origin"}
SIZE = 60_000_000
pytestmark = pytest.mark.slow


@contextmanager
def at_home(hub: RealHub, name: str) -> Iterator[tuple[SignedIn, str]]:
    """A person in a browser, in their own JupyterLab, with the panel's headers."""
    with hub.process.sign_in(name) as person:
        path = person.start_server()
        person.client.headers.update(FETCH)
        yield person, f"{path}vmshare/"


def open_socket(person: SignedIn, path: str) -> websocket.WebSocket:
    """A WebSocket as the browser opens it: cookies, origin, and no header of its own."""
    url = str(person.client.base_url.join(path)).replace("http", "ws", 1)
    jar = person.client.cookies.jar
    server = path.partition("vmshare/")[0]
    cookies = "; ".join(f"{c.name}={c.value}" for c in jar if c.path in (server, "/"))
    origin = str(person.client.base_url).rstrip("/")
    header = ["Sec-Fetch-Mode: websocket"]
    return websocket.create_connection(
        url, timeout=20, origin=origin, cookie=cookies, header=header
    )


def until(socket: websocket.WebSocket, kind: str) -> dict[str, Any]:
    while (message := json.loads(socket.recv()))["type"] != kind:
        pass
    found: dict[str, Any] = message
    return found


@pytest.mark.scenario("F2")
def test_ben_sees_an_invitation_live_through_the_whole_chain(real_hub: RealHub) -> None:
    with at_home(real_hub, "ana") as (ana, to_ana), at_home(real_hub, "ben") as (ben, to_ben):
        session = ben.client.get(f"{to_ben}session").json()
        assert (session["service"], session["own_server"]) == ("ok", True), session
        with closing(open_socket(ben, f"{to_ben}events")) as socket:
            until(socket, "ready")
            made = ana.client.post(f"{to_ana}api/folders", json={"name": "live"})
            assert made.status_code == 201, made.text
            folder = made.json()["id"]
            began = time.monotonic()
            grants = {"grants": [{"receiver": "ben", "level": "view"}]}
            ana.client.post(f"{to_ana}api/folders/{folder}/grants", json=grants)
            event = until(socket, "event")["event"]
            assert time.monotonic() - began < 3
            assert (event["type"], event["thing_name"]) == ("grant.invited", "live")


def test_a_large_file_goes_through_the_whole_chain(real_hub: RealHub) -> None:
    with at_home(real_hub, "ana") as (ana, here):
        folder = ana.client.post(f"{here}api/folders", json={"name": "large"}).json()["id"]
        chunk = bytes(range(256)) * 256

        def body() -> Iterator[bytes]:
            yield from (chunk for _ in range(SIZE // len(chunk)))

        address = f"{here}api/folders/{folder}/"
        put = ana.client.put(f"{address}file?path=a.bin", content=body())
        assert put.status_code == 201, put.text
        size = put.json()["size"]
        assert size == SIZE // len(chunk) * len(chunk)
        with ana.client.stream("GET", f"{address}download?path=a.bin") as got:
            assert sum(map(len, got.iter_bytes())) == size
        part = ana.client.get(f"{address}file?path=a.bin", headers={"Range": "bytes=65530-65545"})
        assert (part.status_code, part.content) == (206, (chunk * 2)[65530:65546])


def test_a_visitor_of_anas_server_is_sent_to_their_own(real_hub: RealHub) -> None:
    with at_home(real_hub, "ana") as (ana, to_ana):
        ana.client.post(f"{to_ana}api/folders", json={"name": "anas own"})
        real_hub.process.share_server("ana", "ben")
        with real_hub.process.sign_in("ben") as ben:
            ben.visit(to_ana.removesuffix("vmshare/"))
            ben.client.headers.update(FETCH)
            session = ben.client.get(f"{to_ana}session").json()
            assert (session["user"], session["own_server"]) == ("ben", False)
            assert session["service"] == "refused"
            assert "own server" in session["because"]
            for method, path in (("GET", "folders"), ("GET", "me"), ("POST", "teams/refresh")):
                told = ben.client.request(method, f"{to_ana}api/{path}")
                assert told.status_code == 403, told.text
                assert "anas own" not in told.text
            with closing(open_socket(ben, f"{to_ana}events")) as socket:
                assert until(socket, "status")["state"] == "refused"
        real_hub.process.unshare_server("ana")


def test_a_page_without_the_xsrf_token_gets_nothing(real_hub: RealHub) -> None:
    with at_home(real_hub, "ana") as (ana, here):
        del ana.client.headers["X-XSRFToken"]
        for method in ("GET", "POST"):
            told = answer_of_the_server(ana.client, method, f"{here}api/folders")
            assert told.status_code == 403, told.text
        with httpx2.Client(base_url=ana.client.base_url, headers=FETCH) as stranger:
            told = answer_of_the_server(stranger, "GET", f"{here}api/folders")
            assert told.status_code == 403, told.text


def answer_of_the_server(client: httpx2.Client, method: str, path: str) -> httpx2.Response:
    """What the notebook server says. 503 is the proxy's word that it did not get through to it."""
    for _ in range(10):
        told = client.request(method, path, follow_redirects=False)
        if told.status_code != 503:
            break
        time.sleep(0.5)
    return told


def test_a_terminal_on_the_server_finds_everything_by_itself(real_hub: RealHub) -> None:
    with at_home(real_hub, "ana") as (ana, here):
        home = here.removesuffix("vmshare/")
        terminal = ana.client.post(f"{home}api/terminals").json()["name"]
        url = str(ana.client.base_url.join(f"{home}terminals/websocket/{terminal}"))
        header = [f"Authorization: token {real_hub.process.token_for('ana')}"]
        opened = websocket.create_connection(url.replace("http", "ws", 1), 20, header=header)
        with closing(opened) as socket:
            # Written in two parts, so that the line itself is not taken for its answer.
            line = f"{sys.executable} -m jupyter_vmshare.cli doctor; echo en''d $?\r"
            socket.send(json.dumps(["stdin", line]))
            shown = ""
            while "end " not in shown:
                kind, *data = json.loads(socket.recv())
                shown += data[0] if kind == "stdout" else ""
    assert "credential: You are ana" in shown, shown
    assert "end 0" in shown, shown
    assert "FAILED" not in shown
