"""A live view of invitations and folders for notebooks, with buttons to answer.

It follows the service's events and looks again when something happened; nothing is polled. In a
kernel it lives in the kernel's own event loop; elsewhere in a thread.
"""

# mypy: disallow-untyped-calls=False
# (ipywidgets has no types.)
from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ipywidgets.widgets.widget_box import HBox, VBox
from ipywidgets.widgets.widget_button import Button
from ipywidgets.widgets.widget_string import HTML, Text

from jupyter_vmshare.client import AsyncClient, NameTaken, VMShareError
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.folders import AsyncFolder, FolderTable
from jupyter_vmshare.widgets.life import Life, followed
from jupyter_vmshare.widgets.moments import shown
from jupyterhub_vmshare.api.contract.events import EventView
from jupyterhub_vmshare.api.contract.folders import FolderView
from jupyterhub_vmshare.api.contract.grants import InvitationView

if TYPE_CHECKING:
    from jupyter_vmshare.widgets.connect import VMShare

INTERESTING = ("grant.", "folder.", "team.", "hand_over.")


class Panel(VBox):
    """Invitations with Accept and Decline, and folders; kept up to date until ``close()``."""

    def __init__(self, share: VMShare, client: AsyncClient) -> None:
        self._share, self._client = share, client
        self._status = HTML()
        self._invitations = VBox()
        self._folders = HTML()
        super().__init__([self._status, self._invitations, self._folders])
        self.look()
        self._life = Life(self._live, "vmshare-panel")

    def look(self) -> None:
        """Ask the service again now, and show what it says."""
        try:
            self._show(list(self._share.client.invitations()), list(self._share.client.folders()))
            self._say("")
        except VMShareError as error:
            self._say(str(error))

    def close(self) -> None:
        """Stop following the service, and take the view away."""
        self._life.end()
        super().close()

    async def _live(self) -> None:
        async with self._client as client:
            await followed(client, _matters, lambda: self._look(client), self._say)

    async def _look(self, client: AsyncClient) -> None:
        invitations = [view async for view in client.invitations()]
        self._show(invitations, [view async for view in client.folders()])

    def _show(self, invitations: list[InvitationView], folders: list[FolderView]) -> None:
        heading = HTML(cards.card("Invitations", note=str(len(invitations) or "none")))
        self._invitations.children = [heading, *(_Row(view, self) for view in invitations)]
        table = FolderTable([AsyncFolder(view, self._client) for view in folders], "Your folders")
        self._folders.value = table._repr_html_()

    def answer(self, say: Callable[[], object]) -> str | None:
        """Send an answer, look again, and return a free name when the name was taken."""
        try:
            say()
        except NameTaken as error:
            self._say(str(error))
            return error.suggestion or ""
        except VMShareError as error:
            self._say(str(error))
        else:
            self.look()
        return None

    def _say(self, sentence: str) -> None:
        # role=status: a screen reader reads it when it changes.
        self._status.value = (
            f'<div role="status">{cards.paragraph(sentence)}</div>' if sentence else ""
        )


class _Row(HBox):
    """One invitation and its answers."""

    def __init__(self, view: InvitationView, panel: Panel) -> None:
        self._view, self._panel = view, panel
        self._alias = Text(
            value=view.suggested_alias or "",
            description="Name for you",
            tooltip="You have a folder of that name already: choose a name of your own for this",
        )
        self._alias.layout.display = "" if view.suggested_alias else "none"
        accept = self._button("Accept", "success", self._accept)
        accept.disabled = not view.available
        decline = self._button("Decline", "", self._decline)
        super().__init__([HTML(cards.paragraph(_line(view))), self._alias, accept, decline])

    def _button(self, text: str, style: str, act: Callable[[Any], None]) -> Any:
        to = f"{self._view.giver}’s invitation to {self._view.thing_name}"
        button = Button(description=text, button_style=style, tooltip=f"{text} {to}")
        button.on_click(act)
        return button

    def _accept(self, _button: Any) -> None:
        client, alias = self._panel._share.client, self._alias.value or None
        free = self._panel.answer(lambda: client.accept(self._view.id, alias))
        if free is not None:
            self._alias.value = free
            self._alias.layout.display = ""

    def _decline(self, _button: Any) -> None:
        client = self._panel._share.client
        self._panel.answer(lambda: client.decline(self._view.id))


def _matters(event: EventView) -> bool:
    return event.type.startswith(INTERESTING)


def _line(view: InvitationView) -> str:
    until = f" until {shown(view.ends_at)}" if view.ends_at else ""
    gone = "" if view.available else " (in the trash now)"
    whom = "you" if view.receiver.kind.value == "person" else view.receiver.name
    what = f"{view.thing_name}: {cards.level(view.level)}{until}{gone}"
    return f"{view.giver} invites {whom} to {what}"
