"""The operator's key, under which the service's own secrets lie in the database.

AES-256-GCM; what a secret is for is bound to it, so that none can be put in another's place.
"""

from __future__ import annotations

import os
import re
import secrets
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

from jupyterhub_vmshare.errors import VMShareError

VARIABLE: Final = "VMSHARE_SEALING_KEY"
_KEY: Final = re.compile(r"[0-9a-f]{64}")
_NONCE: Final = 12


class NotSealed(VMShareError):
    """The operator's key is missing, or is not the one that sealed this."""

    status, code = 503, "no-sealing-key"


def new_key() -> str:
    """A key as the operator keeps it: 64 hexadecimal digits."""
    return secrets.token_hex(32)


@dataclass(frozen=True, slots=True, repr=False)
class Sealing:
    """The first key seals; each of them opens, so that a new one can take an old one's place."""

    keys: tuple[bytes, ...]

    @classmethod
    def of(cls, text: str, where: str) -> Sealing:
        """From a key a line. Raises `NotSealed`, and never says what it read."""
        lines = text.split()
        if not lines or not all(_KEY.fullmatch(line) for line in lines):
            raise NotSealed(
                f"{where} holds no sealing key: it has one key a line, of 64 hexadecimal digits."
                " `jupyterhub-vmshare ca new-key` prints one."
            )
        return cls(tuple(bytes.fromhex(line) for line in lines))

    def seal(self, secret: bytes, about: str) -> bytes:
        """The secret, readable with the key and for this use alone."""
        nonce = os.urandom(_NONCE)
        return nonce + AESGCM(self.keys[0]).encrypt(nonce, secret, about.encode())

    def open(self, sealed: bytes, about: str) -> bytes:
        """What was sealed. Raises `NotSealed` where no key fits, or it is for another use."""
        for key in self.keys:
            try:
                return AESGCM(key).decrypt(sealed[:_NONCE], sealed[_NONCE:], about.encode())
            except InvalidTag:
                continue
        raise NotSealed(
            "The sealing key is not the one that the certificate authorities were sealed with."
            " Put that one back, as another line of the same file."
        )


def sealing_of(file: Path, environment: Mapping[str, str] = os.environ) -> Sealing:
    """The operator's key: from the environment, else from a file that nobody else may read.

    Raises `NotSealed` with what to do.
    """
    if text := environment.get(VARIABLE):
        return Sealing.of(text, VARIABLE)
    try:
        with file.open() as opened:
            if stat.S_IMODE(os.fstat(opened.fileno()).st_mode) & 0o077:
                raise NotSealed(f"Others may read {file}, so it is no secret: chmod 600 it.")
            return Sealing.of(opened.read(), str(file))
    except OSError as error:
        raise NotSealed(
            f"The sealing key can't be read from {file} ({error.strerror}). Without it no"
            " certificate for a machine is signed. `jupyterhub-vmshare ca new-key` prints one."
        ) from None
