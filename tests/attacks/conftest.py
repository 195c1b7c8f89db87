"""What the attackers of DESIGN's D12 have in their hands, on a real hub."""

from __future__ import annotations

import contextlib
import re
from base64 import b64encode
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx2
import pytest

from jupyterhub_vmshare.ids import new_id
from tests.fixtures.contract import the_contract
from tests.fixtures.hub_process import descendants
from tests.fixtures.real_hub import RealHub
from tests.fixtures.signed_in import SignedIn

USE = "custom:vmshare:use"
SHOWN = {
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Sec-Fetch-Site": "same-origin",
}
"""What a browser says of a page that somebody opens."""


@dataclass
class Scene:
    """A hub on which ana owns a folder that nobody else knows of, and runs a server."""

    hub: RealHub
    folder: str
    doomed: str
    grant: str
    server: str
    others: dict[str, str]
    """Of everything else that a path may name: one of ana's."""

    def server_token(self) -> str:
        """``JUPYTERHUB_API_TOKEN`` of ana's server, as a terminal on it reads it."""
        return environment_of_server(self.hub, "ana")["JUPYTERHUB_API_TOKEN"]

    def stolen_token(self, visitor: str) -> str:
        """A visitor's OAuth token, as an extension in ana's server gets hold of it.

        The server is the OAuth client; whoever owns it has the client's secret.
        """
        with self.hub.process.sign_in(visitor) as browser:
            code = browser.authorise("jupyterhub-user-ana", "/user/ana/oauth_callback")
        form = {
            "client_id": "jupyterhub-user-ana",
            "client_secret": self.server_token(),
            "redirect_uri": "/user/ana/oauth_callback",
            "grant_type": "authorization_code",
            "code": code,
        }
        answer = httpx2.post(f"{self.hub.url}/hub/api/oauth2/token", data=form)
        return str(answer.raise_for_status().json()["access_token"])

    def operations(self) -> list[tuple[str, str, dict[str, Any]]]:
        """Every operation of the contract that asks which person calls, aimed at ana's things.

        Method, path, and what to send along.
        """
        found: list[tuple[str, str, dict[str, Any]]] = []
        for path, methods in the_contract().document["paths"].items():
            aimed = re.sub(r"{folder_id}", self.folder, path)
            aimed = re.sub(r"{(grant|invitation)_id}", self.grant, aimed).replace("{person}", "ana")
            for name, what in self.others.items():
                aimed = aimed.replace(f"{{{name}}}", what)
            assert "{" not in aimed, f"{path}: what to aim at is missing here"
            found += [
                (method.upper(), aimed, {"json": {}} if "requestBody" in operation else {})
                for method, operation in methods.items()
                if operation["x-action"] not in ("public", "hub_hook")
            ]
        return found


def environment_of_server(hub: RealHub, owner: str) -> dict[str, str]:
    """The environment of a person's notebook server, read as its own account would."""
    assert hub.process.pid is not None
    for pid in descendants(hub.process.pid):
        with contextlib.suppress(OSError):
            pairs = Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
            told = dict(pair.decode().split("=", 1) for pair in pairs if b"=" in pair)
            if told.get("JUPYTERHUB_USER") == owner:
                return told
    raise AssertionError(f"{owner}'s server is not running")


@pytest.fixture(scope="module")
def scene(real_hub: RealHub) -> Iterator[Scene]:
    """ana's server is shared with ben; a folder is offered to cleo, another one in the trash."""
    with real_hub.process.sign_in("ana") as browser, real_hub.person("ana") as ana:
        server = browser.start_server()
        folder = ana.post("/folders", json={"name": "secret plans"}).json()["id"]
        doomed = ana.post("/folders", json={"name": "last words"}).json()["id"]
        ana.post(f"/folders/{doomed}/trash").raise_for_status()
        asked = {"grants": [{"receiver": "cleo", "level": "view"}]}
        told = ana.post(f"/folders/{folder}/grants", json=asked).json()
        others = _others(ana, browser, folder)
        real_hub.process.share_server("ana", "ben")
        yield Scene(real_hub, folder, doomed, told["results"][0]["grant"]["id"], server, others)


# This hub has no cloud: a credential that opens nothing is refused before anything is looked for.
_NO_CLOUD = {
    "machine_id": new_id("mch"),
    "drive_id": new_id("drv"),
    "machine_snapshot_id": new_id("msn"),
    "project_id": new_id("prj"),
    "link_id": new_id("lnk"),
    "ask_id": new_id("ask"),
}


def _others(ana: httpx2.Client, browser: SignedIn, folder: str) -> dict[str, str]:
    """A copy of the folder, a snapshot, an upload that waits, and an offer to hand it over."""
    tus = {
        "Tus-Resumable": "1.0.0",
        "Upload-Length": "5",
        "Upload-Metadata": f"path {b64encode(b'plan').decode()}",
    }
    begun = {
        "clone_id": ana.post(f"/folders/{folder}/clones", json={"name": "copied plans"}),
        "snapshot_id": ana.post(f"/folders/{folder}/snapshots"),
        "upload_id": ana.post(f"/folders/{folder}/uploads", headers=tus),
    }
    page = f"/services/vmshare/confirm/hand-over/{folder}"
    form = re.search(r'name="form" value="([^"]+)"', browser.client.get(page, headers=SHOWN).text)
    assert form
    sent = {"form": form[1], "to": "cleo"}
    origin = {"Origin": str(browser.client.base_url).rstrip("/")}
    browser.client.post(page, data=sent, headers=SHOWN | origin).raise_for_status()
    [offer] = ana.get("/hand-overs").raise_for_status().json()["items"]
    made = {name: str(answer.raise_for_status().json()["id"]) for name, answer in begun.items()}
    return made | _NO_CLOUD | {"hand_over_id": offer["id"]}


@pytest.fixture
def untouched(scene: Scene) -> Iterator[None]:
    """Whatever the test does: afterwards ana's folder and its people are what they were."""
    with scene.hub.person("ana") as ana:
        before = _state(ana, scene)
        yield
        assert _state(ana, scene) == before


def _state(ana: httpx2.Client, scene: Scene) -> list[object]:
    folders = [
        (folder["id"], folder["name"], folder["shared_with"])
        for query in ({}, {"state": "trashed"})
        for folder in ana.get("/folders", params=query).raise_for_status().json()["items"]
        if folder["id"] in (scene.folder, scene.doomed)
    ]
    paths = (f"/folders/{scene.folder}/people", f"/folders/{scene.folder}/entries")
    return [folders, *(ana.get(path).raise_for_status().json() for path in paths)]
