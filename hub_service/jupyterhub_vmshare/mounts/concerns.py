"""Whose sessions an event may concern."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

_ROOMS: Final = frozenset({"grant", "folder", "team", "session", "hand_over", "override"})

_MEMBERS: Final = frozenset(
    {
        *("project.joined", "project.left", "project.removed"),
        *("project.member_ended", "project.member_changed"),
    }
)

_ANSWERS: Final = frozenset({"grant.accepted", "grant.declined", "grant.left"})


class Happened(Protocol):
    """What of an event is looked at."""

    @property
    def type(self) -> str: ...
    @property
    def audience(self) -> Collection[str]: ...
    @property
    def data(self) -> Mapping[str, Any]: ...


def concerned(event: Happened) -> frozenset[str] | None:
    """The people whose sessions may have to change; None where that may be anybody.

    Who hears of a change of a folder, of their teams or of a grant of their own is in the event's
    audience. What becomes of a team's or a project's grant concerns all members, and somebody who
    joins in the same instant may not be among those who hear; a member's answer is theirs alone.
    An owner's limit, or a project's, decides how everybody has their folders.
    """
    if event.type in ("quota.changed", "project.quota_changed"):
        return None
    if event.type == "project.changed":
        return frozenset(event.audience) if "name" in event.data["changed"] else frozenset()
    if event.type in _MEMBERS:
        return frozenset({str(event.data["person"])})
    room = event.type.partition(".")[0]
    if room not in _ROOMS and event.type != "mount.chosen":
        return frozenset()
    if room == "grant" and event.data.get("receiver_kind", "person") != "person":
        is_ones_own = event.type in _ANSWERS or event.data.get("why") == "team_left"
        return frozenset(event.audience) if is_ones_own else None
    return frozenset(event.audience)
