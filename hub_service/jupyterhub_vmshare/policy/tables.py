"""The permission tables, read once when this module is imported, strictly, and frozen.

A table that is not right (an unknown rule, a doubled action, a rule without its explanation)
stops the import: a service must not run on a table that it reads differently than people do.
"""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from importlib.resources import files
from types import MappingProxyType
from typing import Final

from jupyterhub_vmshare.policy.rules import RULES
from jupyterhub_vmshare.words import ThingKind


class TableError(ValueError):
    """A table is not right. The message names the file, the row and what is wrong."""


@dataclass(frozen=True, slots=True)
class Cell:
    """`yes` is open without rules, `if:a+b` open with both, `no` is not open."""

    opens: bool
    rules: tuple[str, ...] = ()

    def __str__(self) -> str:
        if self.rules:
            return f"if:{'+'.join(self.rules)}"
        return "yes" if self.opens else "no"


YES: Final = Cell(True)
NO: Final = Cell(False)


@dataclass(frozen=True, slots=True)
class Table:
    """Cells by action and column; columns stand strongest first.

    Rows of a table about several kinds of things are called `object.action`. `rules` explains
    each rule as the file's comments do; `notes` are the other comments.
    """

    name: str
    columns: tuple[str, ...]
    rows: Mapping[str, Mapping[str, Cell]]
    rules: Mapping[str, str]
    notes: tuple[str, ...]

    def cell(self, action: str, column: str) -> Cell:
        """A cell; what the table does not have is `no`."""
        row = self.rows.get(action)
        return NO if row is None else row.get(column, NO)


@dataclass(frozen=True, slots=True)
class Sheet:
    """A file as it stands: comments, the header, and rows with their line numbers."""

    name: str
    comments: tuple[str, ...]
    header: tuple[str, ...]
    lines: tuple[tuple[int, tuple[str, ...]], ...]

    def fail(self, line: int, what: str) -> TableError:
        """An error that names the place."""
        return TableError(f"{self.name}, line {line}: {what}")


def read_sheet(name: str, text: str) -> Sheet:
    """Parses one file. Every row must be as wide as the header, with nothing empty or padded."""
    comments = tuple(line[1:].strip() for line in text.splitlines() if line.startswith("#"))
    numbered = [
        (number, line)
        for number, line in enumerate(text.splitlines(), 1)
        if line.strip() and not line.startswith("#")
    ]
    parsed = [(number, tuple(next(csv.reader([line], strict=True)))) for number, line in numbered]
    if not parsed:
        raise TableError(f"{name}: there is no header")
    sheet = Sheet(name, comments, parsed[0][1], tuple(parsed[1:]))
    for number, row in parsed:
        if len(row) != len(sheet.header):
            raise sheet.fail(number, f"{len(row)} cells, the header has {len(sheet.header)}")
        if any(not cell or cell != cell.strip() for cell in row):
            raise sheet.fail(number, "an empty or padded cell")
    if len(set(sheet.header)) != len(sheet.header):
        raise TableError(f"{name}: a column is there twice")
    return sheet


def parse_cell(text: str) -> Cell:
    """`yes`, `no`, `if:a` or `if:a+b`; raises ValueError for anything else."""
    if text in ("yes", "no"):
        return YES if text == "yes" else NO
    if not re.fullmatch(r"if:[a-z_]+(\+[a-z_]+)*", text):
        raise ValueError(f"{text!r} is no cell")
    names = tuple(text.removeprefix("if:").split("+"))
    unknown = [name for name in names if name not in RULES]
    if unknown:
        raise ValueError(f"the rule {unknown[0]!r} is unknown")
    return Cell(True, names)


def parse_table(name: str, text: str, columns: tuple[str, ...]) -> Table:
    """A decision table whose columns must be these, in this order."""
    sheet = read_sheet(name, text)
    keys = len(sheet.header) - len(columns)
    if sheet.header[keys:] != columns or sheet.header[:keys] not in _KEYS:
        raise TableError(f"{name}: the columns are {', '.join(sheet.header)}")
    rows: dict[str, Mapping[str, Cell]] = {}
    for line, row in sheet.lines:
        key = ".".join(row[:keys])
        if key in rows:
            raise sheet.fail(line, f"{key} is there twice")
        try:
            cells = [parse_cell(text) for text in row[keys:]]
        except ValueError as error:
            raise sheet.fail(line, str(error)) from None
        rows[key] = MappingProxyType(dict(zip(columns, cells, strict=True)))
    rules, notes = _split_comments(sheet.comments)
    _check_explained(name, rows, rules)
    return Table(name, columns, MappingProxyType(rows), MappingProxyType(rules), notes)


_KEYS: Final = (("action",), ("object", "action"))
_RULE_COMMENT: Final = re.compile(r"((?:if:[a-z_]+,?\s+)+)(.+)")


def _split_comments(comments: Iterable[str]) -> tuple[dict[str, str], tuple[str, ...]]:
    rules: dict[str, str] = {}
    notes: list[str] = []
    for comment in comments:
        found = _RULE_COMMENT.fullmatch(comment)
        if found is None:
            notes.append(comment)
            continue
        rules.update({name: found[2] for name in re.findall(r"if:([a-z_]+)", found[1])})
    return rules, tuple(notes)


def _check_explained(
    name: str, rows: Mapping[str, Mapping[str, Cell]], rules: Mapping[str, str]
) -> None:
    used = {rule for row in rows.values() for cell in row.values() for rule in cell.rules}
    if used - rules.keys():
        raise TableError(f"{name}: the comments do not explain {sorted(used - rules.keys())}")


def read_text(name: str) -> str:
    """The text of one of the product's own table files."""
    return (files(__package__) / "tables" / f"{name}.csv").read_text(encoding="utf-8")


def _load(name: str, *columns: str) -> Table:
    return parse_table(name, read_text(name), columns)


FOLDER: Final = _load(
    "folder_levels",
    *("owner", "edit_delete", "edit", "view", "invited", "project_admin", "hub_admin", "stranger"),
)
MACHINE: Final = _load(
    "machine_roles",
    *("owner", "co_owner", "manager", "user", "invited", "project_admin", "hub_admin", "stranger"),
)
DRIVE: Final = _load(
    "drive_levels",
    *("owner", "co_owner", "attach_write", "attach_read"),
    *("invited", "project_admin", "hub_admin", "stranger"),
)
PROJECT: Final = _load("project_roles", "admin_own", "admin_others", "member_own", "member_others")
SERVICE: Final = _load("service_actions", "person", "project_admin", "hub_admin")
GATES: Final = _load("gates", "tag", "key", "workshop_over", "live", "trashed", "deleting")

OF_KIND: Final[Mapping[ThingKind, Table]] = MappingProxyType(
    {ThingKind.FOLDER: FOLDER, ThingKind.MACHINE: MACHINE, ThingKind.DRIVE: DRIVE}
)
PERMISSIONS: Final = (FOLDER, MACHINE, DRIVE, PROJECT, SERVICE)

ANSWERS: Final[Mapping[str, str]] = MappingProxyType(
    {"accept": "accept_or_decline", "decline": "accept_or_decline"}
)
"""The two halves of one action: only one of them may wait behind a gate."""


def _pairs() -> Iterator[tuple[tuple[ThingKind, str, ThingKind], str]]:
    sheet = read_sheet("pairs", read_text("pairs"))
    for line, (kind, action, other, other_action) in sheet.lines:
        for known, name in ((kind, action), (other, other_action)):
            if name not in OF_KIND[ThingKind(known)].rows:
                raise sheet.fail(line, f"there is no action {known}.{name}")
        yield (ThingKind(kind), action, ThingKind(other)), other_action


PAIRS: Final[Mapping[tuple[ThingKind, str, ThingKind], str]] = MappingProxyType(dict(_pairs()))
"""For an action on two things: what it asks of the second."""


def _in_project() -> Iterator[tuple[tuple[ThingKind, str], str]]:
    sheet = read_sheet("in_project", read_text("in_project"))
    for line, (kind, action, row) in sheet.lines:
        if action not in OF_KIND[ThingKind(kind)].rows:
            raise sheet.fail(line, f"there is no action {kind}.{action}")
        if row not in PROJECT.rows:
            raise sheet.fail(line, f"there is no row {row} of project_roles")
        yield (ThingKind(kind), action), row


IN_PROJECT: Final[Mapping[tuple[ThingKind, str], str]] = MappingProxyType(dict(_in_project()))
"""For an action on a thing in a project: the row of ``project_roles`` that says what a role in
that project opens of it. What is not named is opened by ownership and grants alone."""


def _names() -> Iterator[str]:
    for kind, table in OF_KIND.items():
        yield from (f"{kind}.{action}" for action in table.rows)
    yield from (f"service.{action}" for action in SERVICE.rows)


ACTIONS: Final = frozenset(_names())
"""Every action as routes spell it: `folder.rename_file`, `service.create_folder`, …"""

PROJECT_ACTIONS: Final = frozenset(f"project.{row}" for row in PROJECT.rows)
"""Every action in a project as routes spell it: `project.member.invite`, …"""
