"""Projects, members, links and asks, as the other files of this room hand them around."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from jupyterhub_vmshare.db.tables import project_asks, project_links, project_members, projects
from jupyterhub_vmshare.errors import BadInput
from jupyterhub_vmshare.sharing.store import active as active
from jupyterhub_vmshare.words import AskState, MemberEnded, ProjectKind, ProjectRole, ProjectState

QUOTAS: Final = (
    *("machines", "cores", "ram_gib", "drives", "drive_gib"),
    *("machine_snapshots", "folder_gib"),
)
"""What a project's quota may limit."""

MOST_DESCRIPTION: Final = 4000
"""Characters of a description."""


@dataclass(frozen=True, slots=True)
class Project:
    """A project. ``quota`` has what is limited, by the names in ``QUOTAS``."""

    id: str
    kind: ProjectKind
    name: str
    description: str
    state: ProjectState
    created_by: str
    created_at: datetime
    answered_by: str | None
    answered_at: datetime | None
    because: str | None
    quota: Mapping[str, int]
    members_may_create: bool
    members_see_each_other: bool
    new_things_open: bool
    version: int

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Project:
        """From a row of ``projects``."""
        told = {name: getattr(row, name) for name in cls.__slots__}
        return cls(
            **{**told, "kind": ProjectKind(row.kind), "state": ProjectState(row.state)},
        )


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a project, or who was in it."""

    project_id: str
    person: str
    role: ProjectRole
    since: datetime
    ends_at: datetime | None
    ended_at: datetime | None
    ended_why: MemberEnded | None
    version: int

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Member:
        """From a row of ``project_members``."""
        told = {name: getattr(row, name) for name in cls.__slots__}
        why = None if row.ended_why is None else MemberEnded(row.ended_why)
        return cls(**{**told, "role": ProjectRole(row.role), "ended_why": why})

    def is_active(self, at: datetime) -> bool:
        """Whether they are in it now; at the very moment of the end date they are not."""
        return self.ended_at is None and (self.ends_at is None or self.ends_at > at)


@dataclass(frozen=True, slots=True)
class Link:
    """An invitation link. Its code is known to whoever was shown it, and to nobody else."""

    id: str
    project_id: str
    note: str
    made_by: str
    made_at: datetime
    ends_at: datetime
    uses: int
    used: int
    revoked_at: datetime | None

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Link:
        """From a row of ``project_links``."""
        return cls(**{name: getattr(row, name) for name in cls.__slots__})

    def is_open(self, at: datetime) -> bool:
        """Whether somebody may still ask with it."""
        return self.revoked_at is None and self.ends_at > at and self.used < self.uses


@dataclass(frozen=True, slots=True)
class Ask:
    """Somebody's wish to join."""

    id: str
    project_id: str
    link_id: str
    person: str
    state: AskState
    asked_at: datetime
    answered_by: str | None
    answered_at: datetime | None

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Ask:
        """From a row of ``project_asks``."""
        told = {name: getattr(row, name) for name in cls.__slots__}
        return cls(**{**told, "state": AskState(row.state)})


def described(text: str) -> str:
    """A description, if it may be one. Raises ``BadInput``."""
    if len(text) > MOST_DESCRIPTION:
        raise BadInput(f"A description has at most {MOST_DESCRIPTION} characters. Shorten it.")
    return text


PROJECTS: Final = projects.select()
MEMBERS: Final = project_members.select()
LINKS: Final = project_links.select()
ASKS: Final = project_asks.select()
