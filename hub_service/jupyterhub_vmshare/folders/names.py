"""What folders, aliases and files may be called, and free names where one is taken."""

from __future__ import annotations

import unicodedata
from collections.abc import Container, Iterator
from itertools import count

from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.storage.port import Parts, parse_path

MOST_BYTES = 255
RESERVED = ".vmshare"

# They make a name look like another one: "gpj.exe" for "exe.jpg".
_OVERRIDES = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
_UNSEEN = frozenset({"Cc", "Cf", "Cs", "Zs", "Zl", "Zp", "Mn", "Me"})


def checked(name: str, what: str = "name") -> str:
    """The name in NFC, if something new may be called so.

    Raises:
        BadInput: with what to change.
    """
    name = _normalised(name, what)
    problem = _problem(name)
    if problem is not None:
        raise BadInput(f"This {what} {problem}")
    return name


def new_place(path: str) -> Parts:
    """Where something new is to be: its last name by the rules, the way there as it is."""
    parts = parse_path(path)
    if not parts:
        raise BadInput("Give the path of something inside the folder.")
    return (*parts[:-1], checked(parts[-1]))


def _normalised(name: str, what: str) -> str:
    try:
        name.encode()
    except UnicodeEncodeError:
        raise BadInput(f"This {what} is not valid Unicode text.") from None
    return unicodedata.normalize("NFC", name)


def _problem(name: str) -> str | None:
    """What is wrong with a name, as the end of a sentence; None when nothing is."""
    if name.strip() != name:
        return "begins or ends with a space. Take it away."
    if not any(unicodedata.category(letter) not in _UNSEEN for letter in name):
        return "has nothing in it that can be seen. Choose one with a letter or a digit."
    if name in (".", "..") or "/" in name:
        return "can't be . or .. or have a / in it. Choose another one."
    if name.startswith(RESERVED):
        return f"begins with {RESERVED}, which is kept for the service. Choose another one."
    if any(unicodedata.category(letter) in ("Cc", "Zl", "Zp") for letter in name):
        return "has a control character or a line break in it. Take it away."
    if not _OVERRIDES.isdisjoint(name):
        return "has a character in it that changes the direction of text. Take it away."
    if (size := len(name.encode())) > MOST_BYTES:
        return f"is {size} bytes long, and {MOST_BYTES} is the most. Shorten it."
    return None


def free_name(name: str, taken: Container[str], *, owner: str | None = None) -> str:
    """A name like ``name`` that is not taken, such as ``tests (ana)`` or ``tests 2``."""
    return next(choice for choice in alternatives(name, owner) if choice not in taken)


def alternatives(name: str, owner: str | None = None) -> Iterator[str]:
    """Names to try, the best first. With an owner they say whose it is."""
    if owner is not None:
        name = _with_end(name, f" ({owner})")
        yield name
    for number in count(2):
        yield _with_end(name, f" {number}")


def _with_end(name: str, end: str) -> str:
    """The name with an end, shortened in its middle so that it still is a name."""
    end = end.replace("/", "_")
    room = MOST_BYTES - len(end.encode())
    if room < 1:  # a person's name may be as long as a folder's
        return name.encode()[: MOST_BYTES - 4].decode(errors="ignore").rstrip() + " (2)"
    return name.encode()[:room].decode(errors="ignore").rstrip() + end
