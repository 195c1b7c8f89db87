"""JupyterLab's own terminals, read as a screen reader reads them, and typed in."""

from __future__ import annotations

import itertools
import re

from playwright.sync_api import Locator, expect

from tests.fixtures.mounted_hub import eventually
from tests.journeys.machinelab import MachineLab

_SETTINGS = "@jupyterlab/terminal-extension:plugin"
PATIENCE = 60.0
_NUMBERS = itertools.count(1)


class TerminalTab:
    """The terminal that is in front."""

    def __init__(self, lab: MachineLab) -> None:
        self._lab = lab
        self._page = lab.page

    @property
    def node(self) -> Locator:
        """Its widget."""
        return self._page.locator(".jp-Terminal").filter(visible=True)

    @property
    def text(self) -> str:
        """What is on its screen, line by line."""
        rows = self.node.locator(".xterm-accessibility-tree [role=listitem]")
        return "\n".join(row.rstrip() for row in rows.all_inner_texts()).replace("\xa0", " ")

    def sees(self, what: str) -> str:
        """Wait until the screen shows that (a regular expression)."""
        return eventually(lambda: self.text, lambda text: bool(re.search(what, text)), PATIENCE)

    def line(self, line: str) -> None:
        """Types a line."""
        self.node.locator("textarea.xterm-helper-textarea").focus()
        self._page.keyboard.type(line)
        self._page.keyboard.press("Enter")

    def says(self, command: str, what: str) -> str:
        """What a command writes (a group of the expression), and not what was there before."""
        number = next(_NUMBERS)
        self.line(f"clear; echo '#'{number}'#'; {command}")
        found = re.search(what, self.sees(rf"(?s)#{number}#.*{what}").partition(f"#{number}#")[2])
        assert found is not None
        return found[1]


class TerminalLab:
    """One person's JupyterLab, of which its terminals are used."""

    def __init__(self, lab: MachineLab) -> None:
        self.lab, self.page = lab, lab.page

    def read_aloud(self) -> None:
        """Chooses the screen reader's mode, and loads JupyterLab again."""
        url = f"/user/{self.lab.person}/lab/api/settings/{_SETTINGS}"
        status, told = self.lab.fetch("PUT", url, {"raw": '{"screenReaderMode": true}'})
        assert status < 300, told
        self.lab.load()

    def card(self, label: str | re.Pattern[str]) -> Locator:
        """One of the launcher's cards, by what it says."""
        return self.page.locator(".jp-LauncherCard").filter(has_text=label)

    @property
    def front(self) -> TerminalTab:
        """The terminal that is in front, once there is one."""
        tab = TerminalTab(self.lab)
        expect(tab.node).to_have_count(1)
        return tab

    def tabs(self, name: str | re.Pattern[str]) -> Locator:
        """Tabs of the main area."""
        return self.page.locator("#jp-main-dock-panel").get_by_role("tab", name=name)
