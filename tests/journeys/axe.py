"""axe-core, asked about one part of a page."""

from __future__ import annotations

import json
from typing import Any

from playwright.sync_api import Locator

from tests.fixtures.hub_process import ROOT

AXE = ROOT / "node_modules/axe-core/axe.min.js"


def violations(part: Locator) -> list[Any]:
    """What axe objects to in one part of the page: rule, why, and the first offenders."""
    page = part.page
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(AXE.read_text())
    found = part.first.evaluate("async node => (await axe.run(node)).violations")
    told = [
        {"rule": v["id"], "help": v["help"], "where": [n["html"][:200] for n in v["nodes"][:3]]}
        for v in found
    ]
    print(json.dumps(told, indent=1))
    return told
