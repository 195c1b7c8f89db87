"""What a system call answers inside a mounted folder, per level: the contract of the mounts."""

from __future__ import annotations

import errno
import re
import signal
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from jupyterhub_vmshare.policy.tables import Sheet, read_sheet, read_text
from jupyterhub_vmshare.words import LEVELS, ThingKind

FRESH_SECONDS: Final = 600.0
"""How long after closing it a maker may still delete a name at Edit, unless the operator says."""

Kind = Literal["ok", "errno", "signal", "no_effect", "not_applicable"]


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call answers. `names` are the errnos, any of which will do, or the signal;
    `at_open` says that it is the open before the call that answers so."""

    kind: Kind
    names: tuple[str, ...] = ()
    at_open: bool = False

    @property
    def numbers(self) -> frozenset[int]:
        """The errnos as numbers; empty for anything but an errno."""
        known = self.names if self.kind == "errno" else ()
        return frozenset(getattr(errno, name) for name in known)


OK: Final = Outcome("ok")

_WORDS: Final[dict[str, Outcome]] = {
    "ok": OK,
    "-": Outcome("not_applicable"),
    "no effect": Outcome("no_effect"),
}
_AT_OPEN: Final = " at its open"


def parse_outcome(text: str) -> Outcome:
    """`ok`, `-`, `no effect`, a signal, or errnos (`EROFS or EPERM`, `EROFS at its open`)."""
    if text in _WORDS:
        return _WORDS[text]
    names = tuple(text.removesuffix(_AT_OPEN).split(" or "))
    if all(re.fullmatch("E[A-Z]+", name) and hasattr(errno, name) for name in names):
        return Outcome("errno", names, text.endswith(_AT_OPEN))
    if len(names) == 1 and text.startswith("SIG") and hasattr(signal, text):
        return Outcome("signal", names)
    raise ValueError(f"{text!r} is no outcome")


def parse_operations(sheet: Sheet) -> Mapping[str, Mapping[str, Outcome]]:
    """Outcomes by operation and level."""
    return MappingProxyType(dict(_rows(sheet)))


def _rows(sheet: Sheet) -> Iterator[tuple[str, Mapping[str, Outcome]]]:
    levels = LEVELS[ThingKind.FOLDER]
    if sheet.header != ("operation", *levels):
        raise sheet.fail(0, f"the columns are {', '.join(sheet.header)}")
    seen: set[str] = set()
    for line, (operation, *cells) in sheet.lines:
        if operation in seen:
            raise sheet.fail(line, f"{operation!r} is there twice")
        seen.add(operation)
        try:
            outcomes = [parse_outcome(cell) for cell in cells]
        except ValueError as error:
            raise sheet.fail(line, str(error)) from None
        yield operation, MappingProxyType(dict(zip(levels, outcomes, strict=True)))


_SHEET: Final = read_sheet("mount_operations", read_text("mount_operations"))
OPERATIONS: Final = parse_operations(_SHEET)
NOTES: Final = _SHEET.comments


def outcome(operation: str, level: str) -> Outcome:
    """What `operation`, as the table spells it, answers at a folder level."""
    return OPERATIONS[operation][level]
