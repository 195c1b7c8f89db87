"""JupyterLab's own file browser and notebooks, where shared folders are mounted."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.fixtures.mounted_hub import eventually
from tests.journeys.lab import Lab

KEEP_NOTICES = """
window.notices = [];
new MutationObserver(() => {
    for (const each of document.querySelectorAll('[role="alert"]')) {
        if (!window.notices.includes(each)) {
            window.notices.push(each);
        }
    }
}).observe(document, {childList: true, subtree: true});
"""


class MountedLab(Lab):
    """What a person does outside of the panel."""

    def __init__(self, page: Page, person: str) -> None:
        super().__init__(page, person)
        page.add_init_script(KEEP_NOTICES)

    # --- the file browser ---

    @property
    def browser(self) -> Locator:
        """JupyterLab's file browser."""
        return self.page.get_by_role("region", name="File Browser Section")

    @property
    def files(self) -> Locator:
        """What it lists: the rest of it is not ours."""
        return self.browser.get_by_role("list")

    def show_files(self, path: str) -> None:
        """The file browser, at a path of it."""
        self.page.goto(f"{self.home}/tree/{path}?reset")
        expect(self.browser).to_contain_text(f"/{path}/")

    def file(self, name: str) -> Locator:
        """A row of the file browser."""
        its_name = self.page.get_by_text(name, exact=True)
        return self.browser.get_by_role("listitem").filter(has=its_name)

    def delete_file(self, name: str) -> None:
        """With the file browser's menu, and yes."""
        self.file(name).click(button="right")
        self.page.get_by_role("menuitem", name=re.compile("^Delete")).click()
        asked = self.page.get_by_role("dialog").filter(has_text="Are you sure")
        asked.get_by_role("button", name=re.compile("^(Delete|Move to Trash)$")).click()
        expect(asked).to_be_hidden()

    @property
    def place(self) -> Locator:
        """The line above the files."""
        return self.browser.get_by_role("status")

    # --- a notebook ---

    def open_notebook(self, path: str) -> None:
        """As a link to it does; waits for its kernel."""
        self.page.goto(f"{self.home}/tree/{path}?reset")
        expect(self.notebook).to_be_visible()
        expect(self.page.get_by_text(re.compile("\\| Idle$"))).to_be_visible()

    @property
    def notebook(self) -> Locator:
        """The notebook that is open."""
        return self.page.get_by_role("main").get_by_role("region", name="main area content")

    @property
    def bar(self) -> Locator:
        """Why a document can't be saved."""
        return self.page.get_by_role("main").get_by_role("status")

    def write(self, text: str) -> None:
        """Into the first cell, in place of what is in it."""
        cell = self.notebook.get_by_role("textbox").first
        cell.click()
        self.page.keyboard.press("Control+A")
        self.page.keyboard.insert_text(text)
        expect(cell).to_contain_text(text)

    def save(self) -> None:
        """With the keyboard."""
        self.page.keyboard.press("Control+S")

    def save_copy(self, path: str) -> None:
        """With the button above the document; the copy is in front afterwards."""
        self.bar.get_by_role("button", name="Save a copy…").click()
        self.answer("Save a copy of", path, "Save")
        tab = self.page.get_by_role("tab", name=path, exact=True)
        expect(tab).to_have_attribute("aria-selected", "true")

    @property
    def dirty(self) -> Locator:
        """Tabs of documents with what is not saved: JupyterLab marks them by looks alone."""
        return self.page.locator(".lm-TabBar-tab.jp-mod-dirty")

    def was_told(self, text: str) -> None:
        """That one notification says so, or has: they go after seconds, on a busy machine before
        one looks."""
        script = "text => window.notices.filter(each => each.textContent.includes(text)).length"
        eventually(lambda: self.page.evaluate(script, text), lambda count: count == 1)

    def mounted(self, *names: str, level: str | None = None) -> bool:
        """Whether the service says that folders are mounted in this session, at that level."""
        sessions = self.do("GET", "/sessions")["items"]
        mounts = [each for session in sessions for each in session["mounts"]]
        there = [each for each in mounts if each["state"] == "mounted"]
        return set(names) <= {each["name"] for each in there if level in {None, each["level"]}}
