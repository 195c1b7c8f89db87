"""The hub's own spawner hook: it alone says which session is whose (DESIGN: D7).

Its secret comes of the service's token, which the hub has and no session ever sees.
"""

from __future__ import annotations

import hashlib
import hmac
import re
from typing import Final

from jupyterhub_vmshare.errors import NotSignedIn

_PURPOSE: Final = b"vmshare hub hook"
_HEADER: Final = re.compile(r"bearer +([\x21-\x7e]{1,1024})", re.IGNORECASE)

NOT_THE_HUB: Final = "Only the hub itself may say which session is whose."


def hook_secret(service_token: str) -> str:
    """What the hook sends, in hexadecimal. Nobody gets from it to the token."""
    return hmac.new(service_token.encode(), _PURPOSE, hashlib.sha256).hexdigest()


class HubHook:
    """Knows the hook's credential, and no other: neither a person's nor the service's own."""

    def __init__(self, service_token: str) -> None:
        self._secret = hook_secret(service_token).encode()

    def check(self, header: str | None) -> None:
        """Raise ``NotSignedIn`` unless this ``Authorization`` header has the secret."""
        match = _HEADER.fullmatch((header or "").strip())
        given = match[1].encode() if match is not None else b""
        if not hmac.compare_digest(given, self._secret):
            raise NotSignedIn(NOT_THE_HUB)
