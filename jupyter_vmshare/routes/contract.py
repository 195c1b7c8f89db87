"""Which requests are forwarded: those that the service's OpenAPI file names, and no others."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Mapping
from importlib import resources
from typing import Any, Self
from urllib.parse import unquote

# The live stream reaches browsers through the WebSocket: six SSE streams would use up a browser's
# connections to the origin.
# Jupyter Server answers OPTIONS itself.
NOT_FORWARDED = frozenset({("GET", "/events/stream"), ("OPTIONS", "/folders/{folder_id}/uploads")})
# The hub's own hook calls these, with a secret that no session has.
_HUB_HOOK = "hub_hook"
METHODS = frozenset({"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE"})
_FORBIDDEN = re.compile(r"[/\\\x00-\x1f\x7f]")


class Contract:
    """The methods and paths of the service's API.

    A path is compared segment by segment as it stands in the request line, never after decoding,
    so that what is compared is what is sent.
    """

    def __init__(self, routes: Iterable[tuple[str, str]]) -> None:
        self._routes = [
            (method, template.strip("/").split("/"))
            for method, template in routes
            if (method, template) not in NOT_FORWARDED
        ]

    @classmethod
    def shipped(cls) -> Self:
        """The contract of this installation; an empty one, which forwards nothing, without it."""
        file = resources.files("jupyterhub_vmshare.api") / "openapi.json"
        return cls.from_openapi(json.loads(file.read_text("utf-8")) if file.is_file() else {})

    @classmethod
    def from_openapi(cls, document: Mapping[str, Any]) -> Self:
        """The contract that an OpenAPI document describes."""
        return cls(
            (method.upper(), path.removeprefix("/api"))
            for path, operations in document.get("paths", {}).items()
            for method, operation in operations.items()
            if method.upper() in METHODS and operation.get("x-action") != _HUB_HOOK
        )

    def methods(self, path: str) -> frozenset[str]:
        """What may be asked of a path, as it stands in the request line; empty: no such path."""
        asked = path.split("/")
        return frozenset(method for method, template in self._routes if _fits(asked, template))


def _fits(asked: list[str], template: list[str]) -> bool:
    return len(asked) == len(template) and all(
        _is_harmless(part) if name.startswith("{") else part == name
        for part, name in zip(asked, template, strict=True)
    )


def _is_harmless(part: str) -> bool:
    """Whether a parameter stays one segment, however often somebody decodes it."""
    if not part.isascii() or re.search(r"%(?![0-9A-Fa-f]{2})", part):
        return False
    while True:
        try:
            decoded = unquote(part, errors="strict")
        except UnicodeDecodeError:
            return False
        if decoded in {"", ".", ".."} or _FORBIDDEN.search(decoded):
            return False
        if decoded == part:
            return True
        part = decoded
