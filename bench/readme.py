"""``bench/README.md``: each benchmark's last results, between two marks of its own."""

from __future__ import annotations

import inspect
import re
from collections.abc import Sequence
from pathlib import Path

from bench.rounds import Report

README = Path(__file__).with_name("README.md")


def section(title: str, doc: str | None, reports: Sequence[Report], about: str) -> str:
    """A benchmark's part of the page: what was measured, what came out, on what."""
    parts = [f"## {title}", inspect.cleandoc(doc or "").replace("``", "`")]
    for report in reports:
        parts += [f"### {report.title}", str(report)]
    return "\n\n".join([*parts, f"*{about}*"])


def keep(path: Path, name: str, section: str) -> None:
    """Put the section between its marks, in place of the last one."""
    text = path.read_text()
    begin, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    found = re.search(f"{re.escape(begin)}.*{re.escape(end)}", text, re.DOTALL)
    if found is None:
        raise ValueError(f"{path} has no marks for {name}.")
    path.write_text(f"{text[: found.start()]}{begin}\n{section}\n{end}{text[found.end() :]}")
