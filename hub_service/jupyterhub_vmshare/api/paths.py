"""The parts of a path that vary, and what they may look like.

An id of another kind, or of no kind, is no route at all: it answers 404.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from jupyterhub_vmshare.ids import ID_PATTERN


@dataclass(frozen=True, slots=True)
class Parameter:
    """``regex`` is for the router, ``schema`` for the OpenAPI file."""

    regex: str
    schema: dict[str, Any]


def _id(prefix: str) -> Parameter:
    regex = ID_PATTERN.replace("[a-z]{3}", prefix)
    return Parameter(regex, {"type": "string", "pattern": f"^{regex}$"})


PARAMETERS: dict[str, Parameter] = {
    "folder_id": _id("fld"),
    "clone_id": _id("cln"),
    "grant_id": _id("gnt"),
    "upload_id": _id("upl"),
    "hand_over_id": _id("hnd"),
    "person": Parameter("[^/]{1,255}", {"type": "string", "minLength": 1, "maxLength": 255}),
    "snapshot_id": _id("snp"),
    "machine_id": _id("mch"),
    "drive_id": _id("drv"),
    "machine_snapshot_id": _id("msn"),
    "project_id": _id("prj"),
    "link_id": _id("lnk"),
    "ask_id": _id("ask"),
    "rest": Parameter(".*", {"type": "string"}),
}


def pattern(path: str) -> str:
    """The router's regular expression for an OpenAPI path."""
    return re.sub(r"{(\w+)}", lambda m: f"(?P<{m[1]}>{PARAMETERS[m[1]].regex})", path) + "$"
