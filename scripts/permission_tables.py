"""Renders the permission tables as pages of the documentation (Markdown, MyST).

    python scripts/permission_tables.py docs/reference/permissions

The pages come from the tables that the service itself decides by, so they cannot differ.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Final

from jupyterhub_vmshare.policy import mount_operations
from jupyterhub_vmshare.policy.phrases import LEVEL_NAMES
from jupyterhub_vmshare.policy.sources import level_of
from jupyterhub_vmshare.policy.tables import (
    DRIVE,
    FOLDER,
    GATES,
    MACHINE,
    PROJECT,
    SERVICE,
    Cell,
    Table,
)
from jupyterhub_vmshare.words import LEVELS, ThingKind

TITLES: Final[Mapping[str, str]] = {
    FOLDER.name: "Folders",
    MACHINE.name: "Machines",
    DRIVE.name: "Drives",
    PROJECT.name: "Projects",
    SERVICE.name: "The service",
    GATES.name: "Gates and states",
}
MOUNTS: Final = "mount_operations"

_COLUMNS: Final[Mapping[str, str]] = {
    "owner": "Owner",
    "co_owner": "Co-owner",
    "invited": "Invited",
    "project_admin": "Project administrator",
    "hub_admin": "Hub admin",
    "stranger": "Anybody else",
    "person": "Anybody",
    "admin_own": "Administrator, own",
    "admin_others": "Administrator, others'",
    "member_own": "Member, own",
    "member_others": "Member, others'",
    "workshop_over": "Workshop over",
}


def render(table: Table) -> str:
    """One decision table as a page: what its comments say, the rules, then a row an action."""
    parts = [f"# {TITLES[table.name]}", *map(_text, table.notes), _grid(table)]
    if table.rules:
        parts += ["## Rules", "\n".join(_rules(table))]
    return "\n\n".join(parts) + "\n"


def render_mounts() -> str:
    """The table of what system calls answer in a mounted folder."""
    levels = LEVELS[ThingKind.FOLDER]
    rows = [["Operation", *(LEVEL_NAMES[level] for level in levels)]]
    for operation, outcomes in mount_operations.OPERATIONS.items():
        rows.append([_text(operation), *(_outcome(outcomes[level]) for level in levels)])
    parts = ["# Mounted folders", *map(_text, mount_operations.NOTES), "\n".join(_lines(rows))]
    return "\n\n".join(parts) + "\n"


def pages() -> dict[str, str]:
    """Every page by its file name, with an index of them."""
    tables = (FOLDER, MACHINE, DRIVE, PROJECT, SERVICE, GATES)
    found = {f"{table.name}.md": render(table) for table in tables}
    found[f"{MOUNTS}.md"] = render_mounts()
    return {"index.md": _index([name.removesuffix(".md") for name in found]), **found}


def write(directory: Path) -> list[Path]:
    """Writes the pages that differ from what is there; says which all of them are."""
    directory.mkdir(parents=True, exist_ok=True)
    written = []
    for name, text in pages().items():
        path = directory / name
        # Sphinx builds again whatever is newer, so what is the same stays untouched.
        if not path.exists() or path.read_text(encoding="utf-8") != text:
            path.write_text(text, encoding="utf-8")
        written.append(path)
    return written


def _index(names: list[str]) -> str:
    return "\n".join(
        [
            "# Who may do what",
            "",
            "These tables are the ones that the service decides by: what the panel offers, what a",
            "request is answered and what *why* tells come from them.",
            "",
            "✓ always · – never · *a rule* where that rule holds; each page explains its rules.",
            "",
            "```{toctree}",
            "---",
            "maxdepth: 1",
            "---",
            *names,
            "```",
            "",
        ]
    )


def _grid(table: Table) -> str:
    keys = ["Thing", "Action"] if any("." in row for row in table.rows) else ["Action"]
    rows = [[*keys, *(_column(table, column) for column in table.columns)]]
    for row, cells in table.rows.items():
        names = [_name(part) for part in row.split(".")]
        rows.append([*names, *(_cell(cell) for cell in cells.values())])
    return "\n".join(_lines(rows))


def _rules(table: Table) -> Iterator[str]:
    used = {rule for row in table.rows.values() for cell in row.values() for rule in cell.rules}
    for rule in sorted(used):
        explained = table.rules[rule]
        if explained == "as in machine_roles.csv":
            explained = MACHINE.rules[rule]
        yield f"- *{rule.replace('_', ' ')}*: {_text(explained)}"


def _lines(rows: list[list[str]]) -> Iterator[str]:
    head, *body = rows
    yield f"| {' | '.join(head)} |"
    yield f"|{'|'.join(' --- ' for _ in head)}|"
    for row in body:
        yield f"| {' | '.join(row)} |"


def _column(table: Table, column: str) -> str:
    kinds = {FOLDER.name: ThingKind.FOLDER, MACHINE.name: ThingKind.MACHINE}
    kind = kinds.get(table.name, ThingKind.DRIVE if table is DRIVE else None)
    level = None if kind is None else level_of(kind, column)
    if level is not None:
        return LEVEL_NAMES[level]
    return _COLUMNS.get(column, column.capitalize())


def _cell(cell: Cell) -> str:
    if cell.rules:
        return " and ".join(f"*{rule.replace('_', ' ')}*" for rule in cell.rules)
    return "✓" if cell.opens else "–"


def _name(part: str) -> str:
    return "all others" if part == "*" else f"`{part}`"


def _outcome(found: mount_operations.Outcome) -> str:
    if found.kind in ("errno", "signal"):
        return " or ".join(f"`{name}`" for name in found.names) + (
            " at its open" if found.at_open else ""
        )
    return {"ok": "✓", "not_applicable": "–"}.get(found.kind, "no effect")


def _text(words: str) -> str:
    """Text of a table's comment, so that nothing in it is taken for Markdown or a table."""
    for sign in ("\\", "*", "_", "|", "<"):
        words = words.replace(sign, f"\\{sign}")
    return words


def main() -> None:
    """Writes the pages into the directory that is named."""
    if len(sys.argv) != 2:
        raise SystemExit("usage: python scripts/permission_tables.py DIRECTORY")
    for path in write(Path(sys.argv[1])):
        print(path)


if __name__ == "__main__":
    main()
