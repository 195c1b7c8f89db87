"""Byte ranges (RFC 9110, section 14) and file names in headers (RFC 6266, RFC 8187). Pure."""

from __future__ import annotations

import re
from urllib.parse import quote

from jupyterhub_vmshare.errors import RangeUnsatisfiable

_SINGLE = re.compile(r"bytes=\s*(\d{0,18})-(\d{0,18})\s*", re.IGNORECASE)


def span_of(header: str | None, size: int) -> tuple[int, int] | None:
    """The asked-for bytes as ``(start, end)``, the end not included; None: the whole file.

    Of several ranges, or of what can't be read, the whole file is sent, as the RFC has it.
    """
    match = _SINGLE.fullmatch(header.strip()) if header else None
    if match is None or match[0].strip().endswith("=-"):
        return None
    first, last = match[1], match[2]
    if first == "":
        start, end = max(size - int(last), 0), size
    else:
        start, end = int(first), size if last == "" else min(int(last) + 1, size)
        if last and int(last) < start:
            return None
    if start >= end:
        raise RangeUnsatisfiable(f"The file has {size} bytes; this range lies outside of it.")
    return start, end


def range_counts(if_range: str | None, etag: str) -> bool:
    """Whether a range may be answered: the client's part must be of this very content.

    A date is too coarse to tell, so it never matches.
    """
    return if_range is None or if_range.strip() == etag


def disposition(kind: str, name: str) -> str:
    """``Content-Disposition`` for any name: plain for old clients, exact for all others."""
    plain = "".join(letter if _plain(letter) else "_" for letter in name)
    return f"{kind}; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _plain(letter: str) -> bool:
    # Quotes and backslashes would need escapes, and a % is decoded by some clients.
    return " " <= letter <= "~" and letter not in '"\\%;'
