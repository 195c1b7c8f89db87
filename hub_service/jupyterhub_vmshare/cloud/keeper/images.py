"""What machines begin with: ``images/<name>/<when it was made>/``, the newest counts.

A machine keeps the one that it was made from: what it has written fits on that alone.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from jupyterhub_vmshare.cloud.keeper import messages
from jupyterhub_vmshare.cloud.keeper.holdings import Refused


class Images:
    """The images below one directory: each has ``image.json``, and what its kind is made of."""

    def __init__(self, where: Path) -> None:
        self._where = where

    def all(self) -> list[dict[str, Any]]:
        """What can be chosen, by name."""
        found = []
        for place in sorted(self._where.iterdir() if self._where.exists() else ()):
            if (newest := self._newest(place.name)) is not None:
                told = json.loads((newest / "image.json").read_text())
                found.append({
                    "id": place.name,
                    "name": told["name"],
                    "description": told["description"],
                    "disk_gib": told["disk_gib"],
                })  # fmt: skip
        return found

    def place(self, version: str) -> Path:
        """Where one version lies, such as ``debian/20260126T050000``."""
        return self._where / version

    def newest(self, name: str, disk_gib: int) -> str:
        """The version that a new machine with such a disk begins with."""
        place = self._newest(name)
        if place is None:
            raise Refused(messages.REFUSED, "There is no such image.")
        least = json.loads((place / "image.json").read_text())["disk_gib"]
        if least > disk_gib:
            because = f"This image needs a size with a disk of {least} GiB or more."
            raise Refused(messages.REFUSED, because)
        return f"{name}/{place.name}"

    def _newest(self, name: str) -> Path | None:
        versions = [path.parent for path in (self._where / name).glob("[0-9]*/image.json")]
        return max(versions, default=None)
