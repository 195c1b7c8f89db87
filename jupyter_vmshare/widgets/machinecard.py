"""The card of a machine in a notebook: what it is like, and buttons for what one may do."""

# mypy: disallow-untyped-calls=False
# (ipywidgets has no types.)
from __future__ import annotations

from collections.abc import Callable
from typing import Any

from ipywidgets.widgets.widget_box import HBox, VBox
from ipywidgets.widgets.widget_button import Button
from ipywidgets.widgets.widget_string import HTML

from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.machinewords import has_failed, html_of, step_now
from jupyterhub_vmshare.api.contract.machines import MachineView

Ask = Callable[["MachineCard", str], None]


class MachineCard(VBox):
    """A machine, kept up to date until ``close()``.

    Args:
        view: The machine.
        ask: Takes the card and a verb: ``start``, ``stop`` or ``reboot``.
        gone: Told when the card is closed.
    """

    def __init__(self, view: MachineView, ask: Ask, gone: Callable[[], None]) -> None:
        self.view, self._ask, self._gone = view, ask, gone
        self._facts, self._status = HTML(), HTML()
        self._said: tuple[str, str] = ("", "")
        self._buttons = {verb: self._button(verb) for verb in ("start", "stop", "reboot")}
        super().__init__([self._facts, self._status, HBox([*self._buttons.values()])])
        self.show(view)

    def show(self, view: MachineView) -> None:
        """Show it as it is now."""
        self.view = view
        self._facts.value = html_of(view)
        self._offer(_offered(view))
        # A screen reader hears where it is when that changes.
        self._tell(view.because or step_now(view), self._said[1])

    def say(self, sentence: str) -> None:
        """Say that something went wrong; with nothing, that nothing is wrong any more."""
        self._tell(self._said[0], sentence)

    def end(self, sentence: str) -> None:
        """Say why there is nothing to be done here any more."""
        self._facts.value = cards.card(self.view.name)
        self._offer({})
        self._tell(sentence, "")

    def close(self) -> None:
        """Take the card away; what nobody looks at is not followed."""
        self._gone()
        super().close()

    def _offer(self, offered: dict[str, str]) -> None:
        for verb, button in self._buttons.items():
            text = offered.get(verb, verb.capitalize())
            button.description, button.tooltip = text, f"{text}: {self.view.name}"
            button.layout.display = "" if verb in offered else "none"
            button.disabled = False

    def _tell(self, where: str, wrong: str) -> None:
        if (where, wrong) != self._said:
            self._said = where, wrong
            told = "".join(cards.paragraph(text) for text in (where, wrong) if text)
            self._status.value = f'<div role="status">{told}</div>'

    def _button(self, verb: str) -> Any:
        def press(_button: Any) -> None:
            for button in self._buttons.values():
                button.disabled = True
            self.say("")
            self._ask(self, verb)

        button = Button()
        button.on_click(press)
        return button


def _offered(view: MachineView) -> dict[str, str]:
    """What its buttons say; what one may not do just now is not there."""
    desired = view.desired.value if view.desired else ""
    is_on = desired == "running" and not has_failed(view)
    offered = {"stop": "Stop", "reboot": "Reboot"} if is_on else {}
    if not is_on and desired != "deleted":
        offered = {"start": "Try again" if has_failed(view) else "Start"}
    return {verb: text for verb, text in offered.items() if verb in view.actions}
