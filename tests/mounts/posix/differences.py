"""Where a mount answers otherwise than the file system below it, and why.

`docs/reference/posix.md` is this table for people.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Final

from tests.mounts.posix.playing import Key, Seen
from tests.mounts.posix.scene import Row


@dataclass(frozen=True)
class Difference:
    """One kind of difference: which calls it concerns, and what they answer in a mount."""

    what: str
    here: str
    because: str
    concerns: Callable[[Key, Seen], bool]
    answered: Callable[[Seen], Seen]
    """From what the file system answers."""


_AS_IF: Final = {
    "in a directory without any bit": ("closed", "in a directory", "open"),
    "in a directory without its write bit": ("guarded", "in a directory", "open"),
    "a new name in a directory without any bit": ("closed", "a new name in a directory", "open"),
    "a new name in a directory without its write bit": (
        "guarded", "a new name in a directory", "open",
    ),
    "a file without any bit": ("bare", "a file with the read bit alone", "readable"),
}  # fmt: skip
"""A path, the name in it, and another path with its name that the mount treats it like."""
_KEPT: Final = {"closed": "drwx------", "guarded": "drwxr-xr-x"}


def _renamed(row: Row, name: str, other: str) -> Row:
    path = "/".join(name if part == other else part for part in row.path.split("/"))
    return row._replace(path=path, kind=_KEPT.get(path, row.kind))


def _as_if(key: Key, native: Mapping[Key, Seen]) -> Seen:
    name, path, other = _AS_IF[key[1]]
    seen = native[key[0], path]
    gone, came = (
        frozenset(_renamed(row, name, other) for row in rows) for rows in (seen.gone, seen.came)
    )
    return Seen(seen.answer, gone, came)


def _with_kinds(change: Callable[[str], str]) -> Callable[[Seen], Seen]:
    def answered(seen: Seen) -> Seen:
        came = frozenset(row._replace(kind=change(row.kind)) for row in seen.came)
        return replace(seen, came=came)

    return answered


def _refused(errno: str) -> Callable[[Seen], Seen]:
    return lambda seen: Seen(errno)


def _maker_keeps(kind: str) -> str:
    if kind.startswith("d"):
        return "drwx" + kind[4:]
    return kind if kind.startswith("l") else kind[0] + "r" + kind[2:]


MODES: Final = Difference(
    "files and directories whose mode says no",
    "as if a file had its read bit, and a directory all three; without its write bit a file "
    "answers `EACCES` here, too",
    "What may be done is decided by level, and all sessions see a file as their own.",
    lambda key, seen: key[1] in _AS_IF,
    lambda seen: seen,
)
DIFFERENCES: Final = (
    Difference(
        "set-user-id and set-group-id",
        "the bits are dropped, and the rest of the mode is set",
        "A program that one person makes must not run as another. The sticky bit stays.",
        lambda key, seen: "set-id" in key[0] and seen.answer == "ok",
        _with_kinds(lambda kind: kind.replace("s", "x")),
    ),
    Difference(
        "fifos, sockets, devices",
        "`EPERM`",
        "They lead to processes of one machine, and a folder is the same on all.",
        lambda key, seen: seen.answer == "ok" and key[0] in ("mkfifo", "a socket's name"),
        _refused("EPERM"),
    ),
    Difference(
        "a file without a name (`O_TMPFILE`)",
        "`EOPNOTSUPP`",
        "The FUSE library of this system can't pass it on. Programs fall back to a file that they "
        "remove at once.",
        lambda key, seen: "O_TMPFILE" in key[0],
        _refused("EOPNOTSUPP"),
    ),
    Difference(
        "taking from oneself the right to read a file, or to use a directory",
        "a file keeps its maker's `r`, a directory its maker's `rwx`; the rest of the mode is set",
        "The store's files have one owner, the service, whoever made them: without these bits the "
        "explorer could not read them either.",
        lambda key, seen: (key[0] == "chmod" or "umask 777" in key[0]) and seen.answer == "ok",
        _with_kinds(_maker_keeps),
    ),
    MODES,
)


def expected(key: Key, native: Mapping[Key, Seen]) -> tuple[Seen, list[Difference]]:
    """What a mount should answer, and by which differences; none: as the file system does."""
    seen, reasons = native[key], []
    if key[1] in _AS_IF:
        seen, reasons = _as_if(key, native), [MODES]
    for difference in DIFFERENCES:
        if difference is not MODES and difference.concerns(key, seen):
            seen = difference.answered(seen)
            reasons.append(difference)
    return seen, reasons
