"""Machines in words: where one is, the steps while it comes up, and its card."""

from __future__ import annotations

from dataclasses import dataclass
from html import escape
from typing import Final, Literal

from jupyter_vmshare.widgets import cards
from jupyter_vmshare.widgets.moments import shown
from jupyterhub_vmshare.api.contract.machines import MachineView

_STATES: Final = {
    "making": "Being made…",
    "starting": "Starting…",
    "running": "Running",
    "stopping": "Stopping…",
    "stopped": "Stopped",
    "rebooting": "Rebooting…",
    "resizing": "Changing its size…",
    "rebuilding": "Getting a fresh system disk…",
    "changing": "Changing…",
    "deleting": "Being deleted…",
    "failed": "Failed",
    "missing": "Lost by the cloud",
}
_MOVING: Final = frozenset(
    {
        *("making", "starting", "stopping", "rebooting"),
        *("resizing", "rebuilding", "changing", "deleting"),
    }
)
_MARKS: Final = {"done": "✓", "now": "●", "next": "○", "failed": "✗"}
_FAR: Final = {"done": "done", "now": "under way", "next": "to come", "failed": "failed"}
How = Literal["done", "now", "next", "failed"]


@dataclass(frozen=True, slots=True)
class Step:
    """One thing that has to happen until a machine runs."""

    what: str
    how: How


def state_of(view: MachineView) -> str:
    """Where it was when the service last told; of an invitation's machine it tells nothing."""
    return view.state.value if view.state else "invited"


def state_name(view: MachineView) -> str:
    """The same for reading."""
    return _STATES.get(state_of(view), state_of(view))


def is_under_way(view: MachineView) -> bool:
    """Whether it is on its way to what was wanted."""
    return state_of(view) in _MOVING


def has_failed(view: MachineView) -> bool:
    """Whether it is not as it was wanted, and no longer on its way there."""
    stands = view.because is not None and not is_under_way(view)
    return stands or state_of(view) in ("failed", "missing")


def coming_up(view: MachineView) -> list[Step]:
    """The steps of a machine that comes up, as the panel shows them; none where it does not."""
    state = state_of(view)
    comes = state in ("making", "starting", "rebuilding")
    if not comes or view.desired is None or view.desired.value != "running":
        return []
    is_made = state == "starting"
    steps = [] if is_made else _making(is_asked=state != "making" or view.step is not None)
    steps.append(Step("Start it", "now" if is_made else "next"))
    attached: dict[str, How] = {"attached": "done", "failed": "failed", "attaching": "next"}
    return steps + [
        Step(f"Attach {drive.drive_name!r}", attached[drive.state.value])
        for drive in view.drives
        if drive.state.value in attached
    ]


def step_now(view: MachineView) -> str:
    """What is being done just now, or else where it is."""
    now = [step.what for step in coming_up(view) if step.how == "now"]
    return now[0] if now else state_name(view)


def html_of(view: MachineView) -> str:
    """The machine's card."""
    steps = "".join(map(_step, coming_up(view)))
    return cards.card(
        view.name,
        cards.facts(_facts(view)),
        f'<ol aria-label="While it comes up" style="margin:4px 0">{steps}</ol>' if steps else "",
    )


def _facts(view: MachineView) -> list[tuple[str, str]]:
    return [
        ("Owner", view.owner),
        ("Level", cards.level(view.level)),
        ("State", state_name(view)),
        ("Because", view.because or ""),
        ("Tried again", shown(view.retry_at)),
        ("On it", ", ".join(view.on)),
        ("Size", view.size or ""),
        ("Made from", view.made_from or ""),
        ("Drives", ", ".join(drive.drive_name for drive in view.drives)),
        ("Stops", shown(view.stops_at)),
        ("Until", shown(view.ends_at)),
    ]


def _step(step: Step) -> str:
    # The mark is for the eye; who does not see it hears the words.
    mark = f'<span aria-hidden="true">{_MARKS[step.how]}</span>'
    return f"<li>{escape(step.what)} {mark} <small>{_FAR[step.how]}</small></li>"


def _making(*, is_asked: bool) -> list[Step]:
    return [
        Step("Ask the cloud for it", "done" if is_asked else "now"),
        Step("Prepare its disk", "now" if is_asked else "next"),
    ]
