"""A live view of invitations and folders for notebooks, with buttons to answer.

It follows the service's events and looks again when something happened; nothing is polled. In a
kernel it lives in the kernel's own event loop; elsewhere in a thread.
"""

# mypy: disallow-untyped-calls=False
# (ipywidgets has no types.)
from __future__ import annotations

import asyncio
import contextlib
import threading
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from ipywidgets.widgets.widget_box import HBox, VBox
from ipywidgets.widgets.widget_button import Button
from ipywidgets.widgets.widget_string import HTML, Text

from jupyter_vmshare.client import AsyncClient, NameTaken, VMShareError
from jupyter_vmshare.client.stream import Happened, Lost
from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.folders import AsyncFolder, FolderTable
from jupyter_vmshare.widgets.moments import shown
from jupyterhub_vmshare.api.contract.folders import FolderView
from jupyterhub_vmshare.api.contract.grants import InvitationView

if TYPE_CHECKING:
    from jupyter_vmshare.widgets.connect import VMShare

# Several events of one change (a share with ten people) are one new look.
SETTLED = 0.15
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
        self._life = _Life(self._live)

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
        """Follow the service's events for ever."""
        news = asyncio.Event()
        async with self._client as client:
            looking = asyncio.create_task(self._look_at(client, news))
            try:
                async with contextlib.aclosing(client.stream()) as messages:
                    async for message in messages:
                        if isinstance(message, Lost):
                            self._say(message.because)
                        elif not isinstance(message, Happened) or _matters(message):
                            # An open stream means that something may have been missed.
                            news.set()
            except VMShareError as error:
                self._say(str(error))
            finally:
                looking.cancel()

    async def _look_at(self, client: AsyncClient, news: asyncio.Event) -> None:
        while True:
            await news.wait()
            await asyncio.sleep(SETTLED)
            news.clear()
            try:
                invitations = [view async for view in client.invitations()]
                self._show(invitations, [view async for view in client.folders()])
                self._say("")
            except VMShareError as error:
                self._say(str(error))

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


class _Life:
    """Runs something for ever until it is ended: in the running loop, or in a thread of its own."""

    def __init__(self, live: Callable[[], Any]) -> None:
        try:
            self._loop = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = asyncio.new_event_loop()
            self._task = self._loop.create_task(live())
            threading.Thread(target=self._run, name="vmshare-panel", daemon=True).start()
        else:
            self._task = self._loop.create_task(live())

    def end(self) -> None:
        """End it; harmless when it has ended."""
        with contextlib.suppress(RuntimeError):  # its loop is closed already
            self._loop.call_soon_threadsafe(self._task.cancel)

    def _run(self) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            self._loop.run_until_complete(self._task)
        self._loop.close()


def _matters(message: Happened) -> bool:
    return message.event.type.startswith(INTERESTING)


def _line(view: InvitationView) -> str:
    until = f" until {shown(view.ends_at)}" if view.ends_at else ""
    gone = "" if view.available else " (in the trash now)"
    whom = "you" if view.receiver.kind.value == "person" else view.receiver.name
    what = f"{view.thing_name}: {cards.level(view.level)}{until}{gone}"
    return f"{view.giver} invites {whom} to {what}"
