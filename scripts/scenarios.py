"""Lists the scenarios of tests/scenarios.md that no test carries, and ids that are no scenario's.

A test carries a scenario by `@pytest.mark.scenario("F2")` in Python (several ids may follow one
another), or by a comment `// scenario: F2, F3` in TypeScript. Naming an id that the list does not
have is a mistake, and ends with 1; scenarios still waiting for their test do not.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
LISTED = re.compile(r"^- \*\*([A-Z]+\d+)\*\* (.+)$", re.MULTILINE)
IN_TYPESCRIPT = re.compile(r"//\s*scenario:\s*([A-Z]+\d+(?:\s*,\s*[A-Z]+\d+)*)")


def listed(root: Path) -> dict[str, str]:
    """Each scenario's id with the first line of its text, in the list's order."""
    text = (root / "tests" / "scenarios.md").read_text(encoding="utf-8")
    return {found[1]: found[2] for found in LISTED.finditer(text)}


def in_python(source: str) -> Iterator[str]:
    """The ids in marks: `mark.scenario("F2")`, wherever the mark stands."""
    for node in ast.walk(ast.parse(source)):
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "scenario"
        ):
            for argument in node.args:
                if isinstance(argument, ast.Constant) and isinstance(argument.value, str):
                    yield argument.value


def in_typescript(source: str) -> Iterator[str]:
    """The ids in comments: `// scenario: F2, F3`."""
    for found in IN_TYPESCRIPT.finditer(source):
        yield from re.split(r"\s*,\s*", found[1])


def carried(root: Path) -> dict[str, list[str]]:
    """Each id that some test carries, with the files that do."""
    where: dict[str, list[str]] = {}
    for path in sorted((root / "tests").rglob("*.py")):
        for scenario in in_python(path.read_text(encoding="utf-8")):
            where.setdefault(scenario, []).append(path.relative_to(root).as_posix())
    for path in sorted((root / "labextension").glob("*/**/*.test.ts*")):
        for scenario in in_typescript(path.read_text(encoding="utf-8")):
            where.setdefault(scenario, []).append(path.relative_to(root).as_posix())
    return where


def main(root: Path = ROOT) -> int:
    """Prints the scenarios without a test; returns 1 when a test names one that is not listed."""
    wanted, found = listed(root), carried(root)
    missing = [scenario for scenario in wanted if scenario not in found]
    for scenario in missing:
        print(f"{scenario:<5}{wanted[scenario]}")
    print(f"{len(wanted) - len(missing)} of {len(wanted)} scenarios have a test.")
    unknown = sorted(found.keys() - wanted.keys())
    for scenario in unknown:
        tests = ", ".join(sorted(set(found[scenario])))
        print(f"{scenario} is not in tests/scenarios.md, but {tests} carries it.", file=sys.stderr)
    return 1 if unknown else 0


if __name__ == "__main__":
    sys.exit(main())
