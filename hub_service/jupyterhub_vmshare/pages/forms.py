"""A token for one form: one browser session, one verb, one thing in one version, a few minutes.

It stands in the form alone. A cookie can be tossed by any server on the same host, and read by
any script there; this can be neither.
"""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

LIFETIME: Final = 600
"""Seconds between seeing what will happen and confirming it."""


@dataclass(frozen=True, slots=True)
class Form:
    """What a form's token is bound to. ``session`` is the token of the service's own login."""

    session: str
    person: str
    verb: str
    thing_id: str
    version: int


class FormTokens:
    """Makes and checks them, with a key that only the service's replicas have."""

    def __init__(self, secret: bytes, clock: Callable[[], datetime]) -> None:
        self._key = hmac.digest(secret, b"vmshare forms", "sha256")
        self._clock = clock

    def make(self, form: Form) -> str:
        """A token for ``form``, from now on."""
        head = f"{int(self._clock().timestamp()) + LIFETIME}.{secrets.token_hex(8)}"
        return f"{head}.{self._seal(head, form)}"

    def fits(self, token: str, form: Form) -> bool:
        """Whether ``token`` was made for exactly this form, and is not over."""
        head, _, seal = token.rpartition(".")
        if not hmac.compare_digest(seal.encode(), self._seal(head, form).encode()):
            return False
        # Only what we sealed gets here, so it is a number.
        return int(head.partition(".")[0]) > self._clock().timestamp()

    def _seal(self, head: str, form: Form) -> str:
        session = hashlib.sha256(form.session.encode()).hexdigest()
        parts = (head, session, form.person, form.verb, form.thing_id, str(form.version))
        # Lengths keep two different lists of parts from looking the same.
        message = "".join(f"{len(part)}:{part}" for part in parts)
        return hmac.new(self._key, message.encode(), hashlib.sha256).hexdigest()
