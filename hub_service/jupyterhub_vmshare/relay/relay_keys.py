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


@dataclass(frozen=True, slots=True)
class RelayKeys:
    """Which relays are let in; ``names`` are shell patterns."""

    secret: bytes = b""
    names: Sequence[str] = ()

    def who(self, headers: Mapping[str, str]) -> str:
        """The relay's name. Raises `NotFound`: to anybody else there is nothing here."""
        name = headers.get(NAME, "")
        match = _BEARER.fullmatch(headers.get("Authorization", "").strip())
        known = any(fnmatchcase(name, each) for each in self.names)
        if match is None or not known or not self.secret or not 0 < len(name) <= _LONGEST:
            raise NotFound
        if not hmac.compare_digest(match[1].encode(), relay_key_of(self.secret, name).encode()):
            raise NotFound
        return name
