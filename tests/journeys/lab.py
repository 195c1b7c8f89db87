"""JupyterLab with our panel, as a person works with it: by roles and names, never by looks."""

from __future__ import annotations

import json
import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from tests.fixtures.real_hub import RealHub


class Lab:
    """One person's JupyterLab in a browser."""

    def __init__(self, page: Page, person: str) -> None:
        self.page = page
        self.person = person
        self.home = ""

    # --- the way in ---

    def sign_in(self, hub: RealHub) -> None:
        """Through the hub's form, onto the person's own server, to the panel.

        The server is not started by the page that the hub shows first: that one goes there by
        itself, in the middle of what is done here.
        """
        still = f"{hub.url}/hub/token"
        self.page.goto(f"{hub.url}/hub/login?next=%2Fhub%2Ftoken")
        self.page.get_by_label("Username").fill(self.person)
        self.page.get_by_label("Password").fill("any")
        self.page.get_by_role("button", name="Sign in").click()
        self.page.wait_for_url(still)
        hub.start_server(self.person)
        self.home = f"{hub.url}/user/{self.person}/lab"
        self.load()

    def load(self) -> None:
        """Loads JupyterLab with its first layout, and opens the panel in it."""
        self.page.goto(f"{self.home}?reset")
        self.show_panel()

    def show_panel(self) -> None:
        """Opens the panel in the left side bar."""
        tab = self.page.get_by_role("tab", name=re.compile("^Folders and machines"))
        expect(tab).to_be_visible()
        if not self.panel.is_visible():
            tab.click()
        expect(self.panel).to_be_visible()

    @property
    def panel(self) -> Locator:
        """The panel."""
        return self.page.get_by_role("region", name="Folders and machines")

    def narrow(self, width: int) -> None:
        """Drags the side bar's border until the panel is about so many pixels wide."""
        box = self.panel.bounding_box()
        assert box is not None
        border, middle = box["x"] + box["width"] + 1, box["y"] + box["height"] / 2
        self.page.mouse.move(border, middle)
        self.page.mouse.down()
        self.page.mouse.move(box["x"] + width, middle, steps=5)
        self.page.mouse.up()

    def choose_theme(self, name: str) -> None:
        """Stores the person's choice as the settings editor does, and loads JupyterLab again."""
        plugin = "@jupyterlab/apputils-extension:themes"
        url = f"/user/{self.person}/lab/api/settings/{plugin}"
        status, told = self.fetch("PUT", url, {"raw": json.dumps({"theme": name})})
        assert status < 300, told
        self.load()
        expect(self.page.locator("body")).to_have_attribute("data-jp-theme-name", name)

    # --- folders ---

    def folder(self, label: str) -> Locator:
        """A folder's row in the panel."""
        grid = self.panel.get_by_role("grid", name="Folders")
        name = self.page.get_by_role("button", name=label, exact=True)
        return grid.get_by_role("row").filter(has=name)

    def make_folder(self, name: str) -> None:
        """With the panel's button."""
        self.panel.get_by_role("button", name="New folder").first.click()
        self.answer("New folder", name, "Create")
        expect(self.folder(name)).to_be_visible()

    def open_folder(self, label: str) -> Locator:
        """Opens a folder's tab; the part of the main area that shows it."""
        self.folder(label).get_by_role("button", name=label, exact=True).click()
        return self.folder_view(label)

    def folder_view(self, label: str) -> Locator:
        """The tab of a folder that is open."""
        tab = self.page.get_by_role("tab", name=label, exact=True)
        expect(tab).to_be_visible()
        shown = self.page.get_by_role("tabpanel").filter(visible=True)
        return shown.filter(has=self.page.get_by_role("group", name="Folder"))

    def act(self, label: str, command: str) -> None:
        """Something of a folder's menu."""
        self.folder(label).get_by_role("button", name=f'Actions for "{label}"').click()
        self.page.get_by_role("menuitem", name=command).click()

    def answer(self, title: str, text: str, button: str) -> None:
        """Answers a dialog that asks for a name."""
        dialog = self.page.get_by_role("dialog").filter(has_text=title)
        dialog.get_by_role("textbox").fill(text)
        dialog.get_by_role("button", name=button, exact=True).click()
        expect(dialog).to_be_hidden()

    def confirm(self, button: str) -> None:
        """Says yes to a question."""
        dialog = self.page.get_by_role("dialog")
        dialog.get_by_role("button", name=button, exact=True).click()
        expect(dialog).to_be_hidden()

    # --- sharing ---

    def share_dialog(self, label: str) -> Locator:
        """Opens the dialog in which a folder is shared."""
        self.act(label, "Share…")
        dialog = self.page.get_by_role("dialog").filter(has_text=f'Share "{label}"')
        expect(dialog).to_be_visible()
        return dialog

    def close_dialog(self) -> None:
        """Closes the dialog that is open."""
        self.page.get_by_role("dialog").get_by_role("button", name="Close", exact=True).click()
        expect(self.page.get_by_role("dialog")).to_be_hidden()

    def invite(self, dialog: Locator, **levels: str) -> None:
        """Invites people at levels (``ben="View"``) in one go."""
        field = dialog.get_by_role("combobox", name="Invite people")
        for name, level in levels.items():
            field.fill(name)
            field.press("Enter")
            dialog.get_by_role("combobox", name=f"Level of {name}").select_option(label=level)
        dialog.get_by_role("button", name=re.compile("^Invite [0-9]+ p")).click()

    def holder(self, dialog: Locator, name: str) -> Locator:
        """Somebody's row under "Who has access"."""
        access = dialog.get_by_role("region", name="Who has access")
        its_name = self.page.get_by_text(name, exact=True)
        return access.get_by_role("listitem").filter(has=its_name)

    def invitation(self, name: str) -> Locator:
        """An invitation in the panel."""
        listed = self.panel.get_by_role("list", name="Invitations").get_by_role("listitem")
        accept = self.page.get_by_role("button", name=f'Decline "{name}"')
        return listed.filter(has=accept)

    @property
    def invitation_form(self) -> Locator:
        """Where another name is asked for, in place of an invitation's buttons."""
        listed = self.panel.get_by_role("list", name="Invitations").get_by_role("listitem")
        return listed.filter(has=self.page.get_by_role("button", name="Accept", exact=True))

    def accept(self, name: str) -> None:
        """Accepts an invitation for which no other name is needed."""
        self.invitation(name).get_by_role("button", name=f'Accept "{name}"').click()
        expect(self.folder(name)).to_be_visible()

    # --- by hand ---

    def fetch(self, method: str, url: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """A request as a script on the page would send it: status and JSON (or text)."""
        script = """async ([method, url, body, more]) => {
            const xsrf = document.cookie.match(/(?:^|; )_xsrf=([^;]+)/)[1];
            const headers = {'X-XSRFToken': xsrf, 'Content-Type': 'application/json', ...more};
            const answer = await fetch(url, {method, headers, body});
            const text = await answer.text();
            return [answer.status, text.startsWith('{') ? JSON.parse(text) : text];
        }"""
        sent = None if body is None else json.dumps(body)
        status, told = self.page.evaluate(script, [method, url, sent, headers])
        return int(status), told

    def call(self, method: str, path: str, body: Any = None, **headers: str) -> tuple[int, Any]:
        """A request to the service, through the person's own server."""
        url = f"/user/{self.person}/vmshare/api{path}"
        return self.fetch(method, url, body, **headers)

    def do(self, method: str, path: str, body: Any = None, **headers: str) -> dict[str, Any]:
        """The same, for what has to work."""
        status, told = self.call(method, path, body, **headers)
        assert status < 300, f"{self.person}: {method} {path}: {status} {told}"
        return dict(told) if told else {}

    def folder_id(self, label: str) -> str:
        """The id of a folder that the person sees."""
        listed = self.do("GET", "/folders")["items"]
        return next(str(folder["id"]) for folder in listed if folder["label"] == label)

    def make_and_share(self, name: str, **levels: str) -> str:
        """A folder shared with people (``ben="view"``) by the API: the ground for a journey."""
        folder = str(self.do("POST", "/folders", {"name": name})["id"])
        grants = [{"receiver": who, "level": level} for who, level in levels.items()]
        if grants:
            self.do("POST", f"/folders/{folder}/grants", {"grants": grants})
        return folder
