"""Descriptors that programs pass to each other over unix sockets."""

from __future__ import annotations

import os
import socket
import time
from typing import Final

_LISTENING: Final[dict[str, socket.socket]] = {}


def listen(name: str) -> None:
    """Be ready to take descriptors under this name (an abstract one: no file)."""
    _LISTENING[name] = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    _LISTENING[name].bind(f"\0{name}")
    _LISTENING[name].listen(8)


def take(name: str) -> int:
    """The descriptor that somebody gives."""
    peer, _ = _LISTENING[name].accept()
    with peer:
        _, (descriptor,), _, _ = socket.recv_fds(peer, 1, 1)
    return descriptor


def give(name: str, descriptor: int) -> None:
    """Give one to who listens."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as peer:
        peer.connect(f"\0{name}")
        socket.send_fds(peer, [b"x"], [descriptor])
        time.sleep(0.05)
        os.close(descriptor)
