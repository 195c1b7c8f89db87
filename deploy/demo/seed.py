"""What is there to share: ana's folder ``tests``, made as she would make it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator

import httpx2

_USE = "custom:vmshare:use"


def seed(url: str, seed_token: str) -> None:
    """Makes the folder with its files."""
    with _as_ana(url, seed_token) as ana:
        _make_tests(ana)


def seed_machine(url: str, seed_token: str) -> None:
    """Makes a machine, which comes up by itself."""
    with _as_ana(url, seed_token) as ana:
        there = ana.get("/machines").raise_for_status().json()["items"]
        if not any(each["name"] == "gpu-box" for each in there):
            cloud = ana.get("/cloud").raise_for_status().json()
            asked = {"name": "gpu-box", "size": cloud["sizes"][0]["id"], "drive_gib": 1}
            asked["image"] = cloud["images"][0]["id"]
            ana.post("/machines", json=asked).raise_for_status()


@contextlib.contextmanager
def _as_ana(url: str, seed_token: str) -> Iterator[httpx2.Client]:
    """The service's HTTP API, with a token of ana's that ends with this."""
    hub = {"Authorization": f"token {seed_token}"}
    asked = {"scopes": [_USE], "note": "what the demonstration begins with", "expires_in": 300}
    told = httpx2.post(f"{url}/hub/api/users/ana/tokens", json=asked, headers=hub, timeout=30)
    told.raise_for_status()
    token = told.json()
    try:
        headers = {"Authorization": f"Bearer {token['token']}"}
        api = f"{url}/services/vmshare/api"
        with httpx2.Client(base_url=api, headers=headers, timeout=30) as ana:
            yield ana
    finally:
        path = f"{url}/hub/api/users/ana/tokens/{token['id']}"
        httpx2.delete(path, headers=hub, timeout=30).raise_for_status()


def _make_tests(ana: httpx2.Client) -> None:
    folder = _tests_of(ana)
    made = ana.post(f"/folders/{folder}/directories", json={"path": "myfolder"})
    if made.status_code != 409:  # there already: an earlier start was cut off
        made.raise_for_status()
    files = {
        "hello.txt": "Hello from ana.\n",
        "myfolder/reef.csv": "site,depth_m,corals\nnorth,4,17\nsouth,9,31\n",
    }
    for path, text in files.items():
        target = f"/folders/{folder}/file"
        asked = {"path": path, "overwrite": "true"}
        ana.put(target, params=asked, content=text.encode()).raise_for_status()


def _tests_of(ana: httpx2.Client) -> str:
    """The folder's id; it may be there already, from a start that was cut off."""
    made = ana.post("/folders", json={"name": "tests"})
    if made.status_code == 201:
        return str(made.json()["id"])
    found = ana.get("/folders", params={"relation": "mine", "q": "tests"}).raise_for_status()
    return next(str(item["id"]) for item in found.json()["items"] if item["name"] == "tests")
