"""The pictures of machines' kernels, as launchers show them.

A machine has a root of its own, who may call anything a picture: what comes is PNG or nothing,
since a browser runs what is in an SVG or a page that it opens from here. Without one a kernel is
shown as one of this server's of the same language is.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
from pathlib import Path
from typing import Any, Final

from jupyter_client.kernelspec import KernelSpecManager

LONGEST: Final = 20_000
"""Bytes, as the machine's part has it."""
_PNG: Final = b"\x89PNG\r\n\x1a\n"
_FILE: Final = "logo-64x64.png"


def png_of(told: Any) -> str | None:
    """What a machine says is a kernel's picture, in base64; None: it is none that is taken."""
    if not isinstance(told, str) or len(told) > 2 * LONGEST:
        return None
    with contextlib.suppress(binascii.Error, ValueError):
        found = base64.b64decode(told, validate=True)
        if found.startswith(_PNG) and len(found) <= LONGEST:
            return told
    return None


class Logos:
    """A directory for each picture, as Jupyter wants them.

    Args:
        place: Where they lie.
    """

    def __init__(self, place: Path) -> None:
        self._place = place

    def directory(self, logo: str | None) -> Path | None:
        """Of that picture; None: there is none."""
        if (logo := png_of(logo)) is None:
            return None
        found = self._place / hashlib.sha256(logo.encode()).hexdigest()[:32]
        file = found / _FILE
        if not file.exists():
            try:
                found.mkdir(parents=True, exist_ok=True)
                file.write_bytes(base64.b64decode(logo))
            except OSError:
                return None
        return found


def of_language(language: str, manager: KernelSpecManager, local: dict[str, str]) -> str | None:
    """The directory of a local kernel of that language which has a picture."""
    for name, place in local.items():
        with contextlib.suppress(Exception):  # whatever a manager of somebody else's raises
            if not any(Path(place).glob("logo-*")):
                continue
            if manager.get_kernel_spec(name).language.lower() == language.lower():
                return place
    return None
