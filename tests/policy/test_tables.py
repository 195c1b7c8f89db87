"""The loader is strict, and the product's tables are what was agreed."""

from __future__ import annotations

import csv
import hashlib
from importlib.resources import files

import pytest

from jupyterhub_vmshare.policy import mount_operations, phrases, rule_sentences, tables
from jupyterhub_vmshare.policy.model import LEVEL_COLUMN
from jupyterhub_vmshare.policy.mount_operations import parse_operations, parse_outcome
from jupyterhub_vmshare.policy.rules import RULES
from jupyterhub_vmshare.policy.tables import TableError, parse_cell, parse_table, read_sheet
from jupyterhub_vmshare.words import LEVELS, ThingKind

GOOD = "# if:personal  the folder is personal\naction,owner,view\nleave,no,if:personal\n"


def parse(text: str) -> tables.Table:
    return parse_table("trial", text, ("owner", "view"))


def test_a_good_table_is_read() -> None:
    table = parse(GOOD)
    assert table.cell("leave", "owner") == tables.NO
    assert table.cell("leave", "view").rules == ("personal",)
    assert table.rules == {"personal": "the folder is personal"}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        pytest.param(GOOD.replace("no,if", "maybe,if"), "is no cell", id="a word that is no cell"),
        pytest.param(GOOD.replace("no,if", "Yes,if"), "is no cell", id="a capital letter"),
        pytest.param(GOOD.replace("no,if", ",if"), "empty or padded", id="an empty cell"),
        pytest.param(GOOD.replace("no,if", "no ,if"), "empty or padded", id="a padded cell"),
        pytest.param(GOOD.replace("if:p", "if:im"), "unknown", id="a rule that nobody wrote"),
        pytest.param(GOOD + "leave,no,no\n", "twice", id="an action that is there twice"),
        pytest.param(GOOD + "clone,no\n", "2 cells", id="a row that is too short"),
        pytest.param(GOOD + "clone,no,no,no\n", "4 cells", id="a row that is too long"),
        pytest.param(GOOD.replace("owner,view", "view,owner"), "columns", id="columns swapped"),
        pytest.param(GOOD.replace("owner,view", "view,view"), "twice", id="a column twice"),
        pytest.param("# nothing\n", "no header", id="a file without a header"),
        pytest.param(GOOD.split("\n", 1)[1], "do not explain", id="a rule without explanation"),
    ],
)
def test_a_table_that_is_not_right_stops_the_service(text: str, said: str) -> None:
    with pytest.raises(TableError, match=said):
        parse(text)


@pytest.mark.parametrize("text", ["if:", "if:personal+", "if:personal,cloneable", "yes!", "NO", ""])
def test_what_is_no_cell(text: str) -> None:
    with pytest.raises(ValueError, match="cell"):
        parse_cell(text)


def test_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        tables.FOLDER.rows["leave"] = {}  # type: ignore[index]
    with pytest.raises(TypeError):
        tables.FOLDER.rows["leave"]["view"] = tables.YES  # type: ignore[index]


def rows_of(name: str) -> list[list[str]]:
    text = (files("jupyterhub_vmshare.policy") / "tables" / f"{name}.csv").read_text("utf-8")
    return list(csv.reader(line for line in text.splitlines() if not line.startswith("#")))


# Who may do what is agreed outside this repository: a change of a cell is a change of this list.
AGREED = {
    "folder_levels": "653ee0683391a6d1",
    "machine_roles": "9c53fd2c2db4411f",
    "drive_levels": "a138fe4b94ab226d",
    "project_roles": "e05c637ac0b239c7",
    "service_actions": "9611ad81ef1ec611",
    "mount_operations": "4af0b02db9412a95",
}


@pytest.mark.parametrize("name", AGREED)
def test_tables_are_what_was_agreed(name: str) -> None:
    text = "\n".join(",".join(row) for row in rows_of(name))
    assert hashlib.sha256(text.encode()).hexdigest()[:16] == AGREED[name]


def test_the_loader_reads_what_the_files_say() -> None:
    for table in tables.PERMISSIONS:
        header, *rows = rows_of(table.name)
        keys = len(header) - len(table.columns)
        for row in rows:
            read = table.rows[".".join(row[:keys])]
            assert [str(cell) for cell in read.values()] == row[keys:]
        assert len(rows) == len(table.rows)


def test_every_rule_in_a_table_is_a_function_with_a_sentence() -> None:
    used = {
        rule
        for table in (*tables.PERMISSIONS, tables.GATES)
        for row in table.rows.values()
        for cell in row.values()
        for rule in cell.rules
    }
    assert used == RULES.keys()
    assert used == rule_sentences._FAILED.keys()


def test_every_level_has_a_column_and_a_name() -> None:
    for kind, levels in LEVELS.items():
        assert tuple(LEVEL_COLUMN[kind]) == levels
        assert set(LEVEL_COLUMN[kind].values()) <= set(tables.OF_KIND[kind].columns)
        assert set(levels) <= phrases.LEVEL_NAMES.keys()


def test_levels_stand_in_the_tables_strongest_first() -> None:
    for kind, columns in LEVEL_COLUMN.items():
        table = tables.OF_KIND[kind].columns
        places = [table.index(column) for column in columns.values()]
        assert places == sorted(places, reverse=True)


def test_no_action_of_the_service_is_called_like_one_of_a_thing() -> None:
    for table in tables.OF_KIND.values():
        assert not table.rows.keys() & tables.SERVICE.rows.keys()


def test_every_action_of_a_folder_says_which_states_it_makes_sense_in() -> None:
    named = {row.removeprefix("folder.") for row in tables.GATES.rows if row.startswith("folder.")}
    answers = set(tables.ANSWERS)
    assert named == set(tables.FOLDER.rows) | answers


def test_gates_name_actions_that_there_are() -> None:
    for row in tables.GATES.rows:
        kind, action = row.split(".")
        known = tables.OF_KIND[ThingKind(kind)].rows.keys() | tables.ANSWERS.keys()
        assert action in known or action == "*"


CONTENT = {
    ThingKind.FOLDER: (
        "list_files",
        "read_file",
        "download",
        "write_file",
        "upload",
        "mount_read_only",
    ),
    ThingKind.MACHINE: ("connect", "open_terminal", "run_kernel", "read_files", "open_app"),
    ThingKind.DRIVE: ("attach_read_only", "attach_read_write", "clone"),
}


def test_a_project_role_or_the_hubs_admin_scope_opens_no_content() -> None:
    for kind, actions in CONTENT.items():
        for action in actions:
            for column in ("project_admin", "hub_admin", "stranger", "invited"):
                assert tables.OF_KIND[kind].cell(action, column) == tables.NO


def test_mount_operations_are_read_whole() -> None:
    header, *rows = rows_of("mount_operations")
    sheet = read_sheet("mount_operations", tables.read_text("mount_operations"))
    assert len(parse_operations(sheet)) == len(rows)
    assert header == ["operation", "view", "edit", "edit_delete"]


@pytest.mark.parametrize(
    ("text", "kind", "names", "at_open"),
    [
        ("ok", "ok", (), False),
        ("-", "not_applicable", (), False),
        ("no effect", "no_effect", (), False),
        ("EROFS", "errno", ("EROFS",), False),
        ("EROFS or EPERM", "errno", ("EROFS", "EPERM"), False),
        ("EROFS at its open", "errno", ("EROFS",), True),
        ("SIGBUS", "signal", ("SIGBUS",), False),
    ],
)
def test_outcomes_of_mount_operations(
    text: str, kind: str, names: tuple[str, ...], at_open: bool
) -> None:
    found = parse_outcome(text)
    assert (found.kind, found.names, found.at_open) == (kind, names, at_open)


@pytest.mark.parametrize("text", ["EVERYTHING", "yes", "SIGNOTHING", "EROFS and EPERM", "ok at"])
def test_what_is_no_outcome(text: str) -> None:
    with pytest.raises(ValueError, match="no outcome"):
        parse_outcome(text)


def test_an_editor_can_not_unlink_what_is_established() -> None:
    refused = mount_operations.outcome("unlink or rmdir established", "edit")
    assert (refused.kind, refused.names) == ("errno", ("EPERM",))
    assert mount_operations.outcome("unlink or rmdir fresh own", "edit") == mount_operations.OK
    assert any("(600)" in note for note in mount_operations.NOTES)
    assert mount_operations.FRESH_SECONDS == 600
