"""Handing over: the offers that wait, and their answers."""

from __future__ import annotations

from jupyter_vmshare.client.call import Call, Paged, get, nothing, reads, segment, send
from jupyterhub_vmshare.api.contract.drives import DriveView
from jupyterhub_vmshare.api.contract.hand_overs import (
    FolderTaken,
    HandOversPage,
    HandOverView,
    LeftThing,
    LeftThingsPage,
    Taking,
)
from jupyterhub_vmshare.api.contract.machines import MachineView


def hand_overs() -> Paged[HandOverView]:
    """Offers to the caller, and of the caller's things, newest first."""
    return Paged(
        lambda after: get("hand-overs", HandOversPage, after=after), lambda page: list(page.items)
    )


def take_over(hand_over_id: str, name: str | None = None) -> Call[FolderTaken]:
    """Say yes, under another name (for everybody) if the caller has a folder of that name."""
    asked = None if name is None else Taking(name=name)
    path = f"hand-overs/{segment(hand_over_id)}/accept"
    return send("POST", path, reads(FolderTaken), asked, repeatable=True)


def take_machine_over(hand_over_id: str, name: str | None = None) -> Call[MachineView]:
    """The same of a machine."""
    asked = None if name is None else Taking(name=name)
    path = f"hand-overs/{segment(hand_over_id)}/machine"
    return send("POST", path, reads(MachineView), asked, repeatable=True)


def take_drive_over(hand_over_id: str, name: str | None = None) -> Call[DriveView]:
    """The same of a drive."""
    asked = None if name is None else Taking(name=name)
    path = f"hand-overs/{segment(hand_over_id)}/drive"
    return send("POST", path, reads(DriveView), asked, repeatable=True)


def refuse_hand_over(hand_over_id: str) -> Call[None]:
    """Say no: the thing stays its owner's."""
    path = f"hand-overs/{segment(hand_over_id)}/decline"
    return send("POST", path, nothing, repeatable=True)


def cancel_hand_over(hand_over_id: str) -> Call[None]:
    """Take an offer back."""
    return send("DELETE", f"hand-overs/{segment(hand_over_id)}", nothing, repeatable=True)


def leavers_things() -> Paged[LeftThing]:
    """What people left whose hub account is gone; for hub admins on the service's own pages."""
    return Paged(
        lambda after: get("leavers/things", LeftThingsPage, after=after),
        lambda page: list(page.items),
    )
