"""The confirm page deletes for nobody but the person who typed the name on it (D12 c)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import Any

import httpx2
import pytest

from tests.attacks.conftest import SHOWN, USE, Scene
from tests.fixtures.signed_in import SignedIn

pytestmark = [pytest.mark.usefixtures("untouched"), pytest.mark.slow]

PREFIX = "/services/vmshare/"


@pytest.fixture(scope="module")
def ana(scene: Scene) -> Iterator[SignedIn]:
    with scene.hub.process.sign_in("ana") as browser:
        browser.client.get(PREFIX, headers=SHOWN)
        yield browser


def page_of(scene: Scene) -> str:
    return f"{PREFIX}confirm/delete-folder/{scene.doomed}"


def form_of(page: httpx2.Response) -> str:
    found = re.search(r'name="form" value="([^"]+)"', page.text)
    assert found, page.text
    return found[1]


def filled(scene: Scene, ana: SignedIn, **other: Any) -> dict[str, Any]:
    """What the right request would be; a test changes one thing of it."""
    form = form_of(ana.client.get(page_of(scene), headers=SHOWN))
    right: dict[str, Any] = {
        "method": "POST",
        "url": page_of(scene),
        "data": {"form": form, "name": "last words"},
        "headers": {**SHOWN, "Origin": scene.hub.url},
    }
    return {**right, **other}


def test_the_page_can_be_framed_and_opened_by_nobody(scene: Scene, ana: SignedIn) -> None:
    headers = ana.client.get(page_of(scene), headers=SHOWN).headers
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert "default-src 'none'" in headers["Content-Security-Policy"]
    assert headers["X-Frame-Options"] == "DENY"
    assert headers["Cross-Origin-Opener-Policy"] == "same-origin"
    assert headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Sec-Fetch-Dest": "iframe"}, id="a frame"),
        pytest.param({"Sec-Fetch-Dest": "object"}, id="an object"),
        pytest.param({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, id="fetch"),
        pytest.param({"Sec-Fetch-Mode": "no-cors", "Sec-Fetch-Dest": "image"}, id="an image"),
        pytest.param({"Sec-Fetch-Mode": "websocket"}, id="a socket"),
    ],
)
def test_it_does_not_show_itself_to(scene: Scene, ana: SignedIn, headers: dict[str, str]) -> None:
    answer = ana.client.get(page_of(scene), headers={**SHOWN, **headers})
    assert answer.status_code == 403
    assert "last words" not in answer.text


@pytest.mark.parametrize(
    "headers",
    [
        pytest.param({"Origin": "https://evil.example"}, id="another origin"),
        pytest.param({"Origin": "null"}, id="an origin that hides"),
        pytest.param({"Origin": ""}, id="no origin"),
        pytest.param({"Sec-Fetch-Site": "cross-site"}, id="another site"),
        pytest.param({"Sec-Fetch-Site": "same-site"}, id="another host of the site"),
        pytest.param({"Sec-Fetch-Mode": "cors", "Sec-Fetch-Dest": "empty"}, id="fetch"),
        pytest.param({"Sec-Fetch-Dest": "iframe"}, id="a frame"),
    ],
)
def test_it_takes_no_confirmation_from(
    scene: Scene, ana: SignedIn, headers: dict[str, str]
) -> None:
    right = filled(scene, ana)
    answer = ana.client.request(**{**right, "headers": {**right["headers"], **headers}})
    assert answer.status_code == 403, answer.text


def test_it_takes_no_token_of_any_kind_in_the_header(scene: Scene, ana: SignedIn) -> None:
    process = scene.hub.process
    tokens = {
        "the server's": scene.server_token(),
        "the visitor's": scene.stolen_token("ana"),
        "her own": process.token_for("ana", [USE]),
        "her own, with every scope": process.token_for("ana"),
    }
    right = filled(scene, ana)
    for what, token in tokens.items():
        for kind in ("token", "Bearer"):
            stolen = {"Authorization": f"{kind} {token}"}
            with httpx2.Client(base_url=scene.hub.url) as thief:
                seen = thief.get(page_of(scene), headers={**SHOWN, **stolen})
                done = thief.request(**{**right, "headers": {**right["headers"], **stolen}})
            assert (seen.status_code, done.status_code) == (403, 403), what
            assert "last words" not in seen.text, what


@pytest.mark.parametrize(
    "data",
    [
        pytest.param({"form": ""}, id="no form token"),
        pytest.param({"form": "1.2.3"}, id="a forged form token"),
        pytest.param({"name": "tests"}, id="another name"),
        pytest.param({"name": ""}, id="no name"),
    ],
)
def test_it_does_not_delete_with(scene: Scene, ana: SignedIn, data: dict[str, str]) -> None:
    right = filled(scene, ana)
    answer = ana.client.request(**{**right, "data": {**right["data"], **data}})
    assert answer.status_code in (409, 422), answer.text


def test_a_form_of_another_session_or_person_fits_nobody_else(scene: Scene, ana: SignedIn) -> None:
    right = filled(scene, ana)
    with scene.hub.process.sign_in("ana") as again:
        again.client.get(PREFIX, headers=SHOWN)
        assert again.client.request(**right).status_code == 409
    with scene.hub.process.sign_in("ben") as ben:
        ben.client.get(PREFIX, headers=SHOWN)
        assert ben.client.get(page_of(scene), headers=SHOWN).status_code == 404
        assert ben.client.request(**right).status_code == 404


def test_a_hub_admin_deletes_nobodys_folder(scene: Scene) -> None:
    with scene.hub.process.sign_in("root-hub") as admin:
        admin.client.get(PREFIX, headers=SHOWN)
        assert admin.client.get(page_of(scene), headers=SHOWN).status_code == 404


def test_without_signing_in_nothing_is_shown_and_nothing_done(scene: Scene, ana: SignedIn) -> None:
    right = filled(scene, ana)
    with httpx2.Client(base_url=scene.hub.url) as nobody:
        assert nobody.get(page_of(scene), headers=SHOWN).status_code == 302
        assert nobody.request(**right).status_code == 401


def test_the_api_has_no_way_to_delete_for_ever(scene: Scene) -> None:
    with scene.hub.person("ana") as ana:
        assert ana.delete(f"/folders/{scene.folder}").status_code == 405
