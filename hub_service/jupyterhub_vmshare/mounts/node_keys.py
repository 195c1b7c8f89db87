"""Which other nodes may dial in, and what each shows.

A node's key is made from the service's secret and the node's name, so that the service keeps no
list of keys, and no node gets from its own to another's.
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.mounts.sessions import LOCAL

SECRET_FILE: Final = "node-secret"  # noqa: S105 (a file's name)
_LONGEST: Final = 253


def key_of(secret: bytes, node: str) -> str:
    """What the agent of that node shows, in hexadecimal."""
    return hmac.new(secret, b"vmshare node " + node.encode(), hashlib.sha256).hexdigest()


def secret_in(data: Path) -> bytes:
    """The secret in the service's data directory; made when there is none."""
    path = data / SECRET_FILE
    data.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = data / f".{SECRET_FILE}-{secrets.token_hex(8)}"
    if not path.exists():
        draft.touch(mode=0o600)
        draft.write_text(secrets.token_hex(32))
        try:
            os.link(draft, path)  # of two that begin at once, one wins
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes().strip()


@dataclass(frozen=True, slots=True)
class NodeKeys:
    """What is taken as a node's credential.

    ``names`` are shell patterns; with none of them no other node is let in.
    """

    secret: bytes = b""
    names: Sequence[str] = ()

    def lets_in(self, node: str, key: str) -> bool:
        """Whether this is that node's key, and the node one of ours."""
        known = any(fnmatchcase(node, name) for name in self.names)
        if not known or not self.secret or node == LOCAL or not 0 < len(node) <= _LONGEST:
            return False
        return hmac.compare_digest(key.encode(), key_of(self.secret, node).encode())
