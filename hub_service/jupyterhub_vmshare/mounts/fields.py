"""Reading one JSON object strictly: each key has its type, and nothing else is in it."""

from __future__ import annotations

import json
import math
import re
from collections.abc import Iterable
from typing import Any, NoReturn

LINE_LIMIT = 1 << 20
"""The longest line, in bytes, that either side reads."""


class BadMessage(Exception):
    """A message that makes no sense; the text is a sentence that says why."""


def object_of(line: bytes, *, limit: int = LINE_LIMIT) -> dict[str, Any]:
    """The one object that a line holds. Doubled keys and numbers that are none are refused."""
    if len(line) > limit:
        raise BadMessage(f"A line is {limit} bytes at most.")
    try:
        found = json.loads(line, object_pairs_hook=_without_doubles, parse_constant=_no_number)
    except (ValueError, RecursionError):
        raise BadMessage("This is no line of JSON.") from None
    if not isinstance(found, dict):
        raise BadMessage("A message is a JSON object.")
    return found


def _without_doubles(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise BadMessage("A key is there twice.")
    return found


def _no_number(name: str) -> NoReturn:
    raise BadMessage(f"{name} is no number.")


class Fields:
    """The keys of one object. Each is asked for with its type; `done` refuses what is left over.

    Args:
        raw: What should be an object.
        what: How messages call it, such as "a folder".
    """

    def __init__(self, raw: object, what: str) -> None:
        if not isinstance(raw, dict):
            raise BadMessage(f"{what} should be an object.")
        self._raw = raw
        self._what = what
        self._asked: set[str] = set()

    def take(self, name: str) -> Any:
        """The value, of whatever type."""
        self._asked.add(name)
        try:
            return self._raw[name]
        except KeyError:
            raise BadMessage(f"{self._what} lacks {name!r}.") from None

    def text(self, name: str, *, pattern: str = "", most: int = 1024) -> str:
        """A text that is not empty and can be written as UTF-8, without NUL."""
        found = self.take(name)
        if not isinstance(found, str) or not _plain(found, most):
            self.refuse(name, f"a text of {most} bytes at most")
        if pattern and not re.fullmatch(pattern, found):
            self.refuse(name, f"like {pattern}")
        return found

    def text_or_none(self, name: str, *, most: int = 1024) -> str | None:
        """A text, or null."""
        return None if self.take(name) is None else self.text(name, most=most)

    def one_of(self, name: str, known: Iterable[str]) -> str:
        """One of some words."""
        found = self.text(name)
        if found not in known:
            self.refuse(name, f"one of {', '.join(known)}")
        return found

    def whole(self, name: str, *, least: int = 0, most: int = 2**63 - 1) -> int:
        """A whole number in a range."""
        found = self.take(name)
        if isinstance(found, bool) or not isinstance(found, int) or not least <= found <= most:
            self.refuse(name, f"a whole number from {least} to {most}")
        return found

    def whole_or_none(self, name: str) -> int | None:
        """A whole number that is not negative, or null."""
        return None if self.take(name) is None else self.whole(name)

    def number(self, name: str) -> float:
        """A finite number that is not negative."""
        found = self.take(name)
        if isinstance(found, bool) or not isinstance(found, int | float):
            self.refuse(name, "a number")
        # The bound keeps whole numbers in it that are too large for a float.
        if not 0 <= found < 1e15 or not math.isfinite(found):
            self.refuse(name, "a number that is not negative, and finite")
        return float(found)

    def number_or_none(self, name: str) -> float | None:
        """A finite number that is not negative, or null."""
        return None if self.take(name) is None else self.number(name)

    def truth(self, name: str) -> bool:
        """True or false."""
        found = self.take(name)
        if not isinstance(found, bool):
            self.refuse(name, "true or false")
        return found

    def has(self, name: str) -> bool:
        """Whether it is there: an older version leaves out what it does not know."""
        return name in self._raw

    def items(self, name: str) -> list[Any]:
        """A list of whatever."""
        found = self.take(name)
        if not isinstance(found, list):
            self.refuse(name, "a list")
        return found

    def done(self) -> None:
        """Nothing else may be there: what this version does not know, it can't have obeyed."""
        if unknown := sorted(set(self._raw) - self._asked):
            raise BadMessage(f"{self._what} has {unknown[0]!r}, which is not known here.")

    def refuse(self, name: str, wanted: str) -> NoReturn:
        """Say what the key should have been."""
        raise BadMessage(f"{name!r} of {self._what} should be {wanted}.")


def _plain(text: str, most: int) -> bool:
    try:
        return 0 < len(text.encode()) <= most and "\0" not in text
    except UnicodeEncodeError:
        return False
