"""What a relay shows the service: a key of its own, made as nodes' keys are."""

from __future__ import annotations

import hashlib
import hmac
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Final

from jupyterhub_vmshare.errors import NotFound

NAME: Final = "X-VMShare-Relay"
_BEARER: Final = re.compile(r"bearer +([0-9a-f]{64})", re.IGNORECASE)
_LONGEST: Final = 253


def relay_key_of(secret: bytes, relay: str) -> str:
    """What that relay shows, in hexadecimal. Nobody gets from it to another's, or to a node's."""
    return hmac.new(secret, b"vmshare relay " + relay.encode(), hashlib.sha256).hexdigest()


def relays_secret(service_token: str) -> bytes:
    """What the key of a relay that the hub starts is made from; nobody gets back to the token."""
    made = hmac.new(service_token.encode(), b"vmshare relays", hashlib.sha256)
    return made.hexdigest().encode()


@dataclass(frozen=True, slots=True)
class RelayKeys:
    """Which relays are let in; ``names`` are shell patterns.

    ``secrets``: of each of them a relay's key may be made; with none, nobody is let in.
    """

    secrets: Sequence[bytes] = ()
    names: Sequence[str] = ()

    def who(self, headers: Mapping[str, str]) -> str:
        """The relay's name. Raises `NotFound`: to anybody else there is nothing here."""
        name = headers.get(NAME, "")
        match = _BEARER.fullmatch(headers.get("Authorization", "").strip())
        known = any(fnmatchcase(name, each) for each in self.names)
        if match is None or not known or not 0 < len(name) <= _LONGEST:
            raise NotFound
        keys = [relay_key_of(secret, name) for secret in self.secrets if secret]
        if not any([hmac.compare_digest(match[1].lower(), key) for key in keys]):
            raise NotFound
        return name
