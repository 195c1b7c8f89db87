"""Whose sessions an event may concern."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from typing import Any, Final, Protocol

_ROOMS: Final = frozenset({"grant", "folder", "team", "session"})


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
    audience. Of a team's or a project's grant its members hear nothing.
    """
    room = event.type.partition(".")[0]
    if room not in _ROOMS and event.type != "mount.chosen":
        return frozenset()
    if room == "grant" and event.data.get("receiver_kind", "person") != "person":
        return None
    return frozenset(event.audience)
