"""What holds for the repository as a whole: one version, small files, the list of scenarios."""

from __future__ import annotations

import json
import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from jupyter_vmshare import __version__

ROOT = Path(__file__).resolve().parent.parent
LONGEST = 400
SOURCE_SUFFIXES = {".py", ".ts", ".tsx"}
GENERATED = {"labextension/src/api/schema.ts"}


def files() -> list[str]:
    """The files that are, or would be, committed."""
    listed = subprocess.run(
        ["git", "ls-files", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT,
        check=True,
        capture_output=True,
        text=True,
    ).stdout.splitlines()
    return [name for name in listed if (ROOT / name).is_file()]


def test_no_source_file_asks_for_a_second_room() -> None:
    lines = {
        name: (ROOT / name).read_bytes().count(b"\n")
        for name in files()
        if Path(name).suffix in SOURCE_SUFFIXES and name not in GENERATED
    }
    assert {name: count for name, count in lines.items() if count > LONGEST} == {}


def test_python_and_node_agree_on_the_version() -> None:
    assert json.loads((ROOT / "package.json").read_text("utf-8"))["version"] == __version__


def test_the_lock_file_names_no_host() -> None:
    packages = json.loads((ROOT / "package-lock.json").read_text("utf-8"))["packages"]
    assert [name for name, package in packages.items() if "resolved" in package] == []


def scenarios_script() -> dict[str, Any]:
    return runpy.run_path(str(ROOT / "scripts" / "scenarios.py"))


def test_every_scenario_that_a_test_carries_is_listed() -> None:
    script = scenarios_script()
    assert set(script["carried"](ROOT)) - set(script["listed"](ROOT)) == set()


@pytest.mark.parametrize(
    ("suffix", "source", "ids"),
    [
        pytest.param(".py", '@pytest.mark.scenario("F2")\ndef test(): ...', ["F2"], id="a mark"),
        pytest.param(".py", 'pytestmark = [mark.scenario("F2", "F3")]', ["F2", "F3"], id="two"),
        pytest.param(".py", '# scenario("F2")', [], id="a comment in Python is no mark"),
        pytest.param(".ts", "// scenario: F2, W1\nit('…')", ["F2", "W1"], id="TypeScript"),
    ],
)
def test_an_id_is_found_where_a_test_carries_it(suffix: str, source: str, ids: list[str]) -> None:
    script = scenarios_script()
    reader = script["in_python"] if suffix == ".py" else script["in_typescript"]
    assert list(reader(source)) == ids


def test_no_scenario_is_listed_twice() -> None:
    text = (ROOT / "tests" / "scenarios.md").read_text("utf-8")
    ids = re.findall(r"^- \*\*(\w+)\*\*", text, re.MULTILINE)
    assert len(ids) == len(set(ids)) >= 54
