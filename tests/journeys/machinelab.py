"""JupyterLab with our panel, as a person works with machines and drives in it."""

from __future__ import annotations

import re

from playwright.sync_api import Locator, Page, expect

from tests.journeys.mountedlab import MountedLab


class MachineLab(MountedLab):
    """One person's JupyterLab, where the site offers machines."""

    def machine(self, label: str) -> Locator:
        """A machine's row in the panel, by what it is called there."""
        listed = self.panel.get_by_role("list", name="Machines")
        name = self.page.get_by_role("button", name=label, exact=True)
        return listed.get_by_role("listitem").filter(has=name)

    def drive(self, label: str) -> Locator:
        """A drive's row in the panel."""
        listed = self.panel.get_by_role("list", name="Drives")
        name = self.page.get_by_role("button", name=label, exact=True)
        return listed.get_by_role("listitem").filter(has=name)

    def new_machine(self) -> Locator:
        """Opens the dialog that makes one."""
        self.panel.get_by_role("button", name="New machine…").click()
        dialog = self.page.get_by_role("dialog").filter(has_text="New machine")
        expect(dialog).to_be_visible()
        return dialog

    def menu(self, row: Locator) -> Locator:
        """Opens a row's menu."""
        row.get_by_role("button", name=re.compile("^Actions for ")).click()
        menu = self.page.get_by_role("menu").filter(visible=True)
        expect(menu).to_be_visible()
        return menu

    def offered(self, row: Locator) -> list[str]:
        """What a row's menu offers."""
        menu = self.menu(row)
        names = menu.get_by_role("menuitem").all_inner_texts()
        self.page.keyboard.press("Escape")
        expect(menu).to_be_hidden()
        return [name.strip() for name in names if name.strip() and "Browser Menu" not in name]

    def choose(self, row: Locator, item: str) -> None:
        """One of the things in a row's menu."""
        self.menu(row).get_by_role("menuitem", name=item).click()

    def open_machine(self, label: str) -> Locator:
        """Opens a machine's page; the part of the main area that shows it."""
        self.machine(label).get_by_role("button", name=label, exact=True).click()
        page = self.page.get_by_role("group", name=re.compile("^Machine ")).filter(visible=True)
        expect(page).to_be_visible()
        return page

    def open_files(self, label: str) -> Locator:
        """Opens the files of a machine; the part of the main area that shows them."""
        self.choose(self.machine(label), "Files")
        shown = self.page.get_by_role("tabpanel").filter(visible=True)
        return shown.filter(has=self.page.get_by_role("group", name=re.compile("^Machine ")))

    def share_machine(self, label: str) -> Locator:
        """Opens the dialog with those who have a machine or a drive."""
        row = self.machine(label)
        self.choose(row, "People and Sharing…")
        dialog = self.page.get_by_role("dialog").filter(visible=True)
        expect(dialog.get_by_role("region", name="Who has access")).to_be_visible()
        return dialog

    def add_to_invite(self, dialog: Locator, *names: str) -> None:
        """Writes names into the field of whom to invite."""
        field = dialog.get_by_role("combobox", name="Invite people")
        for name in names:
            field.fill(name)
            field.press("Enter")

    def accept_thing(self, name: str) -> None:
        """Accepts an invitation to a machine or a drive."""
        invitation = self.invitation(name)
        invitation.get_by_role("button", name=f'Accept "{name}"').click()
        expect(invitation).to_have_count(0)

    def co_own_page(self, dialog: Locator) -> Page:
        """From a share dialog to the hub's page on which a co-owner is made."""
        dialog.get_by_role("button", name="Add a co-owner…").click()
        expect(dialog).to_contain_text("more than one is rarely wise")
        with self.page.expect_popup() as opened:
            dialog.get_by_role("link", name="Open the page").click()
        return opened.value

    def make_co_owner(self, dialog: Locator, name: str) -> None:
        """Asks somebody to be one, on the hub's page."""
        page = self.co_own_page(dialog)
        page.get_by_label("Whom?").fill(name)
        page.get_by_role("button", name="Make them a co-owner").click()
        expect(page.get_by_role("status")).to_contain_text(f"{name} was asked to be a co-owner")
        page.close()
