"""Sharing: grants, and the invitations that wait for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

from jupyter_vmshare.client.call import Call, Paged, get, reads, segment, send
from jupyterhub_vmshare.api.contract.grants import (
    Acceptance,
    Answered,
    Cut,
    GrantChange,
    GrantChanged,
    GrantResults,
    InvitationsPage,
    InvitationView,
    Lineage,
    NewGrant,
    NewGrants,
    NewUse,
    NewUses,
    PeopleOfThing,
)
from jupyterhub_vmshare.api.contract.machines import MachineView, NextMachine

_NOUNS: Final = {"mch_": "machines", "drv_": "drives"}


def thing_path(thing_id: str) -> str:
    """Where a folder, a machine or a drive is; its id tells which it is."""
    return f"{_NOUNS.get(thing_id[:4], 'folders')}/{segment(thing_id)}"


def people_of(thing_id: str) -> Call[PeopleOfThing]:
    """Who has it: its owner, the grants on it, and each person with what they hold."""
    return get(f"{thing_path(thing_id)}/people", PeopleOfThing)


def invite(thing_id: str, grants: Sequence[NewGrant]) -> Call[GrantResults]:
    """Invite several to a folder or a drive at once; each gets a result of its own."""
    asked = NewGrants(grants=list(grants))
    return send("POST", f"{thing_path(thing_id)}/grants", reads(GrantResults), asked, key=True)


def invite_users(machine_id: str, grants: Sequence[NewUse]) -> Call[GrantResults]:
    """Invite several to use a machine; each gets a result of its own."""
    asked, path = NewUses(grants=list(grants)), f"{thing_path(machine_id)}/users"
    return send("POST", path, reads(GrantResults), asked, key=True)


def invite_managers(machine_id: str, grants: Sequence[NewUse]) -> Call[GrantResults]:
    """Invite several to manage a machine's users; each gets a result of its own."""
    asked, path = NewUses(grants=list(grants)), f"{thing_path(machine_id)}/managers"
    return send("POST", path, reads(GrantResults), asked, key=True)


def stop_sharing(thing_id: str) -> Call[Cut]:
    """End every grant on it but co-owners', pending ones too."""
    return send("DELETE", f"{thing_path(thing_id)}/grants", reads(Cut), repeatable=True)


def leave(thing_id: str) -> Call[Cut]:
    """Give up what the caller has of it."""
    return send("POST", f"{thing_path(thing_id)}/leave", reads(Cut))


def lineage(grant_id: str) -> Call[Lineage]:
    """What ends with a grant: it, and all that was given from it."""
    return get(f"grants/{segment(grant_id)}/lineage", Lineage)


def change_grant(
    grant_id: str,
    version: int,
    *,
    level: str | None = None,
    ends_at: datetime | str | None = "",
    ticks: Sequence[str] | None = None,
    profile: str | None = None,
) -> Call[GrantChanged]:
    """Change a pending or live grant.

    Args:
        grant_id: Which.
        version: That of the `GrantView` seen; somebody else's change in between is refused.
        level: The new level; None leaves it.
        ends_at: The new end; None takes it away; an empty string leaves it.
        ticks: Of a machine's: what it lets its receiver do there; None leaves them.
        profile: The name of a choice of ticks, instead.
    """
    new = {"level": level, "ticks": ticks, "profile": profile}
    given: dict[str, Any] = {name: value for name, value in new.items() if value is not None}
    if ends_at != "":
        given["ends_at"] = ends_at
    path = f"grants/{segment(grant_id)}"
    return send("PATCH", path, reads(GrantChanged), GrantChange(**given), version=version)


def revoke(grant_id: str) -> Call[Cut]:
    """End one grant; a pending one is cancelled."""
    return send("DELETE", f"grants/{segment(grant_id)}", reads(Cut))


def invitations(declined: bool = False) -> Paged[InvitationView]:
    """The invitations that wait for the caller's answer, newest first.

    ``declined``: instead, what teams of the caller have and the caller said no to.
    """
    only = {"declined": "true"} if declined else {}
    return Paged(
        lambda after: get("invitations", InvitationsPage, after=after, **only),
        lambda page: list(page.items),
    )


def accept(grant_id: str, alias: str | None = None) -> Call[Answered]:
    """Say yes, under a name of one's own if ``alias`` is given; for oneself where a team has it."""
    asked = None if alias is None else Acceptance(alias=alias)
    path = f"invitations/{segment(grant_id)}/accept"
    return send("POST", path, reads(Answered), asked, repeatable=True)


def decline(grant_id: str) -> Call[Answered]:
    """Say no; for oneself where a team has it."""
    path = f"invitations/{segment(grant_id)}/decline"
    return send("POST", path, reads(Answered), repeatable=True)


def use_drive_elsewhere(machine_id: str, drive_id: str, next_id: str) -> Call[MachineView]:
    """Have a drive of a machine that the caller owns, or co-owns, on another machine of theirs."""
    path = f"{thing_path(machine_id)}/drives/{segment(drive_id)}/move"
    return send("POST", path, reads(MachineView), NextMachine(machine_id=next_id))
