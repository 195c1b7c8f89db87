"""Lists of folders, as the hub service sends them."""

from __future__ import annotations

from typing import Any

from jupyterhub_vmshare.ids import new_id
from tests.mounts.agent.node import BEN


def folder(identity: str, **changes: Any) -> dict[str, Any]:
    return {
        "folder": identity,
        "name": "tests",
        "level": "edit",
        "grant": new_id("gnt"),
        "owner": "ana",
        "until": None,
        "limit": None,
        "used": None,
        **changes,
    }


def session(identity: str, *folders: dict[str, Any], **changes: Any) -> dict[str, Any]:
    told = {"id": identity, "version": 1, "person": "ben", "uid": BEN, "gid": BEN}
    return {**told, "folders": list(folders), **changes}


def states(answer: dict[str, Any]) -> dict[str, str]:
    assert answer["ok"], answer
    return {one["folder"]: one["state"] for one in answer["folders"]}
