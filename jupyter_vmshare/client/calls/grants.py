"""Sharing: grants, and the invitations that wait for an answer."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

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
    NewGrant,
    NewGrants,
    PeopleOfThing,
)


def people_of(folder_id: str) -> Call[PeopleOfThing]:
    """Who has a folder: its owner, the grants on it, and each person with what they hold."""
    return get(f"folders/{segment(folder_id)}/people", PeopleOfThing)


def invite(folder_id: str, grants: Sequence[NewGrant]) -> Call[GrantResults]:
    """Invite several at once; each gets a result of its own."""
    asked = NewGrants(grants=list(grants))
    path = f"folders/{segment(folder_id)}/grants"
    return send("POST", path, reads(GrantResults), asked, key=True)


def stop_sharing(folder_id: str) -> Call[Cut]:
    """End every grant on a folder, pending ones too."""
    return send("DELETE", f"folders/{segment(folder_id)}/grants", reads(Cut), repeatable=True)


def change_grant(
    grant_id: str, version: int, *, level: str | None = None, ends_at: datetime | str | None = ""
) -> Call[GrantChanged]:
    """Change a pending or live grant.

    Args:
        grant_id: Which.
        version: That of the `GrantView` seen; somebody else's change in between is refused.
        level: The new level; None leaves it.
        ends_at: The new end; None takes it away; an empty string leaves it.
    """
    given: dict[str, Any] = {} if level is None else {"level": level}
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
