"""The documentation's tables are the service's own."""

from __future__ import annotations

from pathlib import Path

import pytest

from jupyterhub_vmshare.policy import mount_operations, tables
from scripts import permission_tables as reference

ALL = (*tables.PERMISSIONS, tables.GATES)


def rows_of(page: str) -> list[list[str]]:
    lines = [line for line in page.splitlines() if line.startswith("| ") and "---" not in line]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


@pytest.mark.parametrize("table", ALL, ids=[table.name for table in ALL])
def test_a_page_has_every_cell(table: tables.Table) -> None:
    head, *rows = rows_of(reference.render(table))
    assert len(rows) == len(table.rows)
    for row, cells in zip(rows, table.rows.values(), strict=True):
        assert len(row) == len(head)
        shown = row[-len(table.columns) :]
        for text, cell in zip(shown, cells.values(), strict=True):
            assert (text == "✓") == (str(cell) == "yes")
            assert (text == "–") == (str(cell) == "no")


@pytest.mark.parametrize("table", ALL, ids=[table.name for table in ALL])
def test_a_page_explains_every_rule_it_uses(table: tables.Table) -> None:
    page = reference.render(table)
    for row in table.rows.values():
        for cell in row.values():
            for rule in cell.rules:
                assert f"\n- *{rule.replace('_', ' ')}*: " in page
    assert ".csv" not in page


def test_the_page_of_mounts_has_every_operation() -> None:
    assert len(rows_of(reference.render_mounts())) == len(mount_operations.OPERATIONS) + 1


def test_what_has_not_changed_is_not_written_again(tmp_path: Path) -> None:
    first = reference.write(tmp_path)
    before = {path: path.stat().st_mtime_ns for path in first}
    (tmp_path / "folder_levels.md").write_text("old", encoding="utf-8")
    reference.write(tmp_path)
    changed = {path.name for path in first if path.stat().st_mtime_ns != before[path]}
    assert changed == {"folder_levels.md"}
    index = (tmp_path / "index.md").read_text("utf-8")
    assert all(f"\n{path.stem}\n" in index for path in first if path.stem != "index")
