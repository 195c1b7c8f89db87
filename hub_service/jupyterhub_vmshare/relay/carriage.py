"""How SSH carries much at once, on both of a link's halves: which ciphers, and how large pieces.

Each packet costs asyncssh the same in Python, whatever is in it.
"""

from __future__ import annotations

from typing import Final

CIPHERS: Final = (
    "aes256-gcm@openssh.com",
    "aes128-gcm@openssh.com",
    "chacha20-poly1305@openssh.com",
)
"""Those that authenticate what they encrypt, the fastest first where a processor has AES; the
client's order counts."""
PACKET: Final = 1 << 17
"""Bytes of one packet at most."""
WINDOW: Final = 1 << 22
"""Bytes of a channel that may be under way, and that an end keeps which is not read."""
