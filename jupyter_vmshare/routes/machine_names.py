"""Names on machines, which are bytes, as text that JSON and addresses can carry, and back.

A byte that is no part of UTF-8 is shown as one of 128 characters of Unicode's private use; where a
name has such a character itself, that is shown byte by byte. So each name has a text of its own, by
which it is found again: nothing has to be guessed, and no other file is meant.
"""

from __future__ import annotations

from typing import Final

_PRIVATE: Final = 0xF700
_SURROGATE: Final = 0xDC00
"""Where Python's ``surrogateescape`` has a byte."""
_HIGH: Final = range(0x80, 0x100)


def shown(path: str) -> str:
    """A path or a sentence with paths in it, as it is told; the path is of ``surrogateescape``."""
    return "".join(map(_told, path))


def named(text: str) -> str:
    """The path that is told as ``text``."""
    pieces = (_bytes(each) for each in text)
    return b"".join(pieces).decode("utf-8", "surrogateescape")


def readable(name: str) -> str:
    """A name for where it only has to be read: with a mark in place of what is no text."""
    return name.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


def _told(each: str) -> str:
    code = ord(each)
    if code - _SURROGATE in _HIGH:
        return chr(code - _SURROGATE + _PRIVATE)
    if code - _PRIVATE in _HIGH:
        return "".join(chr(byte + _PRIVATE) for byte in each.encode())
    return each


def _bytes(each: str) -> bytes:
    byte = ord(each) - _PRIVATE
    return bytes((byte,)) if byte in _HIGH else each.encode("utf-8", "surrogateescape")
