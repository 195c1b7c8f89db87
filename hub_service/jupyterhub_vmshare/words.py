"""The words of the product: levels, states and reasons, as every room spells them.

Nothing here decides anything; the tables in ``policy`` do.
"""

from __future__ import annotations

from enum import StrEnum
from typing import Final


class ThingKind(StrEnum):
    """What can be shared. The prefix of a thing's id tells its kind."""

    FOLDER = "folder"
    MACHINE = "machine"
    DRIVE = "drive"


ID_PREFIX: Final[dict[ThingKind, str]] = {
    ThingKind.FOLDER: "fld",
    ThingKind.MACHINE: "mch",
    ThingKind.DRIVE: "drv",
}


class ThingState(StrEnum):
    """Where a thing is in its life."""

    LIVE = "live"
    TRASHED = "trashed"
    DELETING = "deleting"


class EntryOrder(StrEnum):
    """By what the entries of a directory are sorted."""

    NAME = "name"
    SIZE = "size"
    MODIFIED = "modified"


class ReceiverKind(StrEnum):
    """Who can receive a grant."""

    PERSON = "person"
    TEAM = "team"
    PROJECT = "project"


class GrantState(StrEnum):
    """A pending grant is an invitation and gives nothing yet."""

    PENDING = "pending"
    ACTIVE = "active"
    ENDED = "ended"


class EndedWhy(StrEnum):
    """Why a grant ended."""

    DECLINED = "declined"
    CANCELLED = "cancelled"
    REVOKED = "revoked"
    LEFT = "left"
    EXPIRED = "expired"
    SUPERSEDED = "superseded"
    TEAM_LEFT = "team_left"
    GIVER_LOST = "giver_lost"
    HANDED_OVER = "handed_over"
    THING_DELETED = "thing_deleted"


LEVELS: Final[dict[ThingKind, tuple[str, ...]]] = {
    ThingKind.FOLDER: ("view", "edit", "edit_delete"),
    ThingKind.MACHINE: ("use", "manage", "co_own"),
    ThingKind.DRIVE: ("attach_read", "attach_write", "co_own"),
}
"""The levels of each kind, weakest first."""


class ProjectKind(StrEnum):
    """What a project is for."""

    RESEARCH = "research"
    WORKSHOP = "workshop"


class ProjectState(StrEnum):
    """Where a project is in its life: only an active one has members."""

    REQUESTED = "requested"
    ACTIVE = "active"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class ProjectRole(StrEnum):
    """What somebody is in a project."""

    ADMINISTRATOR = "administrator"
    MEMBER = "member"


class MemberEnded(StrEnum):
    """Why somebody is no longer in a project."""

    LEFT = "left"
    REMOVED = "removed"
    EXPIRED = "expired"
    NAME_TAKEN_OVER = "name_taken_over"
    """The hub has given their name to somebody else."""


class AskState(StrEnum):
    """What became of somebody's wish to join a project."""

    WAITING = "waiting"
    ACCEPTED = "accepted"
    DECLINED = "declined"
    CANCELLED = "cancelled"


class CredentialKind(StrEnum):
    """Through what a person acts (who may do what differs by it)."""

    PANEL = "panel"
    """The visitor's OAuth token, limited to one notebook server."""
    KERNEL = "kernel"
    """A notebook server's own token, or a token the person made for the command line."""
    PAGE = "page"
    """The service's own OAuth login, in a browser, on a page of the service."""
