"""Where the service is, seen from one spawner."""

from __future__ import annotations

from typing import Any


class SessionUrl:
    """The service's address for one spawner: the hub may live under a ``base_url``."""

    def __init__(self, origin: str, name: str) -> None:
        self.origin, self.name = origin.rstrip("/"), name

    def __call__(self, spawner: Any) -> str:
        """Called by the spawner when it puts the environment together."""
        base_url = str(spawner.hub.base_url).removesuffix("hub/")
        return f"{self.origin}{base_url}services/{self.name}/"

    def __repr__(self) -> str:
        return f"{self.origin}<base_url>/services/{self.name}/"
