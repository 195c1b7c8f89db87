"""Ids with a prefix that tells the kind (``fld_…``, ``gnt_…``).

ULIDs: sortable by the time they were made, 80 random bits, safe in paths and URLs. Those that one
process makes are in the order of their making also within a millisecond.
"""

from __future__ import annotations

import secrets
import time

_ALPHABET = "0123456789abcdefghjkmnpqrstvwxyz"
ID_PATTERN = r"[a-z]{3}_[0-9a-hjkmnp-tv-z]{26}"


_last = 0


def new_id(prefix: str) -> str:
    """A fresh id of the kind that ``prefix`` names, such as ``fld``."""
    global _last
    number = (time.time_ns() // 1_000_000) << 80 | secrets.randbits(80)
    if number <= _last:
        # Not `+ 1`: the next id must stay as hard to guess as any other.
        number = _last + 1 + secrets.randbits(72)
    _last = number
    return f"{prefix}_" + "".join(_ALPHABET[number >> shift & 31] for shift in range(125, -1, -5))
