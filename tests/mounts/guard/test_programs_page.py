"""The page about programs at Edit says what the tests see."""

from __future__ import annotations

from tests.mounts.guard.programs import EPERM, EXISTS, FORBIDDEN, PARTLY, USES
from tests.mounts.guard.stage import ROOT

PAGE = ROOT / "docs/explanation/edit-and-programs.md"
WORDS = {"ok": "works", PARTLY: "in part"} | dict.fromkeys((EPERM, EXISTS, FORBIDDEN), "refused")


def test_the_page_has_every_use_as_it_is() -> None:
    rows = [line.strip("| ").split(" | ") for line in PAGE.read_text().splitlines()
            if line.startswith("| ")]  # fmt: skip
    said = {name: tuple(cells[:3]) for name, *cells in rows[1:]}
    wanted = {
        use.name: tuple(WORDS[outcome] for outcome in (use.fresh, use.later, use.others))
        for use in USES
    }
    assert said == wanted
