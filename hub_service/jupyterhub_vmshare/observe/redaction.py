"""Keeping secrets out of the logs. Pure.

Two nets: a value under a telling key is hidden whatever it is, and text is searched for what looks
like a credential. What is hidden stays hidden: there is no level of logging that shows it.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any, Final, Literal
from urllib.parse import parse_qsl, urlencode

HIDDEN: Final = "[hidden]"

_SECRET_KEY = re.compile(r"token|secret|passw|cookie|authori[sz]ation|xsrf|csrf|api_?key", re.I)
_HASHED_KEY = re.compile(r"idempotency[-_]key", re.I)

# Values of all other parameters may be names of files and people, or what somebody mistyped.
_TOLD_PARAMETERS: Final = frozenset({"after", "before", "limit", "overwrite", "relation", "state"})

_IN_TEXT: Final = (
    # What SQLAlchemy adds to its errors: everything that was about to be stored.
    (re.compile(r"\[parameters: .*\]", re.S), f"[parameters: {HIDDEN}]"),
    (re.compile(r"(://[^/\s:@]*:)[^/\s@]+@"), rf"\1{HIDDEN}@"),
    (re.compile(r"\b(bearer|token|basic)(\s+)[\w.~+/=-]{8,}", re.I), rf"\1\2{HIDDEN}"),
    (
        re.compile(
            # Begun within a word, it would go through a long one once for each of its letters.
            r"""((?:["']|(?<![\w-]))[\w-]*(?:token|secret|passw(?:or)?d|cookie|authori[sz]ation|xsrf|code|state)"""
            r"""["']?\s*[=:]\s*)("[^"]*"|'[^']*'|[^\s,;&"'}\])]+)""",
            re.I,
        ),
        rf"\1{HIDDEN}",
    ),
    # Tokens of JupyterHub are 32 hexadecimal digits; hashes of events (64) are not secret.
    (re.compile(r"(?<![0-9a-fA-F])[0-9a-fA-F]{32}(?![0-9a-fA-F])"), HIDDEN),
)

# Each of the patterns above needs one of these; most fields of most lines have none.
_SUSPECT = re.compile(r"[\s:=]|[0-9a-fA-F]{32}")


def hashed(value: str) -> str:
    """A short mark by which two lines can be told to speak of the same value."""
    return "sha256:" + hashlib.sha256(value.encode("utf-8", "replace")).hexdigest()[:12]


def text(value: str) -> str:
    """The text without what looks like a credential."""
    if not _SUSPECT.search(value):
        return value
    for pattern, instead in _IN_TEXT:
        value = pattern.sub(instead, value)
    return value


def query(value: str) -> str:
    """A query string with the values of harmless parameters only."""
    pairs = parse_qsl(value, keep_blank_values=True)
    told = [(name, each if name in _TOLD_PARAMETERS else HIDDEN) for name, each in pairs]
    return urlencode([(text(name), text(each)) for name, each in told], safe="[]")


def field(name: str, value: Any) -> Any:
    """One field of a log line, ready to be shown."""
    treated = _treatment(name)
    if treated != "shown":
        return HIDDEN if treated == "hidden" else hashed(str(value))
    if isinstance(value, str):
        return text(value)
    if isinstance(value, Mapping):
        return {str(key): field(str(key), inner) for key, inner in value.items()}
    if isinstance(value, list | tuple | set | frozenset):
        return [field("", inner) for inner in value]
    if value is None or isinstance(value, bool | int | float):
        return value
    return text(str(value))


@lru_cache(1024)
def _treatment(name: str) -> Literal["shown", "hidden", "hashed"]:
    """What becomes of a field of this name. Names are few, and come with every line."""
    if _HASHED_KEY.search(name):
        return "hashed"
    return "hidden" if _SECRET_KEY.search(name) else "shown"
