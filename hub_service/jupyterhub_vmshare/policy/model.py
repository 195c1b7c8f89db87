"""What a decision is made from, and what it says.

Plain frozen values: whoever loads the facts builds a `Person` and a `Thing` (with what that
person holds on it), and `decide` answers from them alone.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from jupyterhub_vmshare.words import EndedWhy, GrantState, ThingKind, ThingState

Via = Literal[
    "ownership",
    "grant",
    "team_grant",
    "project_grant",
    "project_override",
    "project_role",
    "hub_admin",
    "hand_over",
]
"""How a person comes to hold something. `project_override` is an administrator's level for one
member of a project on a folder: it replaces the project's level and caps the member's grants."""

Answer = Literal["none", "accepted", "declined"]
"""What one member said to a grant that a team or a project received."""

Status = Literal[200, 403, 404, 409]

LEVEL_COLUMN: Final[dict[ThingKind, dict[str, str]]] = {
    ThingKind.FOLDER: {"view": "view", "edit": "edit", "edit_delete": "edit_delete"},
    ThingKind.MACHINE: {"use": "user", "manage": "manager", "co_own": "co_owner"},
    ThingKind.DRIVE: {
        "attach_read": "attach_read",
        "attach_write": "attach_write",
        "co_own": "co_owner",
    },
}
"""The column of the permission table that each level opens."""


@dataclass(frozen=True, slots=True)
class Decision:
    """The answer to "may they?", with the rule that gave it and a sentence for the person.

    `status` is 404 when the person may not see the thing, 409 when only its state is in the way.
    `limits` names rules that hold by narrowing: `as_invitation` (show name, owner, level and end
    date, nothing else), `team_mates`, `self`, `administers`, `same_team`, `own_grant`, `leaver`.
    The caller who gets an allowed decision with limits owes that narrowing.
    """

    allowed: bool
    rule: str
    because: str
    status: Status
    limits: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Holding:
    """One source: a thing that gives (or gave, or may give) one person something on a thing.

    `column` is the permission table's column that it opens in full effect: `decide` itself sees
    to what is pending, unanswered, declined or over. Moments are aware, in UTC.
    `answer` is this person's own answer where a team or a project is the receiver.
    """

    column: str
    via: Via
    level: str | None = None
    grant_id: str | None = None
    giver: str | None = None
    receiver: str | None = None
    state: GrantState | None = None
    ends_at: datetime | None = None
    ended_at: datetime | None = None
    ended_why: EndedWhy | None = None
    answer: Answer = "accepted"
    ticks: frozenset[str] = frozenset()
    parent_id: str | None = None


OWNERSHIP: Final = Holding("owner", "ownership")
"""What the owner of a personal thing holds. Project administrators hold `owner` by
`project_role` on the project's folders."""


def column_of(kind: ThingKind, level: str) -> str:
    """The column that a level opens; a level that the kind does not have opens none."""
    return LEVEL_COLUMN[kind].get(level, "stranger")


@dataclass(frozen=True, slots=True)
class Person:
    """Who asks. `hub_admin` and `administers` count through the service's own pages alone:
    whoever builds a `Person` for any other credential leaves them empty."""

    name: str
    teams: frozenset[str] = frozenset()
    hub_admin: bool = False
    administers: frozenset[str] = frozenset()
    organizer: bool = False
    """The site lets everybody make projects and workshops, or the person's hub role does."""
    projects: frozenset[str] = frozenset()
    """Projects of which they are an active member."""


Fact = Literal[
    "key_half_missing",
    "workshop_over",
    "co_owner_remains",
    "workshop_admin",
    "members_may_create",
    "granted",
    "volume_owner",
    "machine_granted",
    "may_view_workshops",
    "opened",
    "administrator_remains",
    "members_see_each_other",
    "both_confirm",
]
"""What a loader may state about a thing, for the rules that look at more than the sources."""


@dataclass(frozen=True, slots=True)
class Thing:
    """A machine, drive or folder, and everything that one person holds or held on it."""

    id: str
    kind: ThingKind | None
    owner: str
    name: str
    state: ThingState = ThingState.LIVE
    personal: bool = True
    """False: it belongs to the project that `owner` names."""
    cloneable: bool = False
    fast: bool = False
    """Mounted directly, where the level allows that."""
    tag: str | None = None
    """The project whose active members alone get in, by its id."""
    of_member: bool = False
    """The person who asks is an active member of that project."""
    project_name: str | None = None
    """What the project of it is called."""
    project: str | None = None
    owner_teams: frozenset[str] = frozenset()
    owner_gone: bool = False
    """The owner's hub account is gone or blocked."""
    facts: frozenset[Fact] = frozenset()
    holdings: tuple[Holding, ...] = ()
    """What the person who asks holds here, ended ones too."""


@dataclass(frozen=True, slots=True)
class Target:
    """Whom or what a request is about, beside the thing; None where that is not known yet.

    `teams` are those of `person`; `givers` are the givers of the grant concerned and of all
    grants that it flows from.
    """

    person: str | None = None
    teams: frozenset[str] | None = None
    givers: frozenset[str] | None = None


NOBODY: Final = Target()


@dataclass(frozen=True, slots=True)
class Effective:
    """What counts now: the strongest live holding, at the column it opens after any cap.

    `ends_at` is the last moment up to which they keep at least this level, `gone_at` the last
    moment of any access at all; None is "no end date". Several sources may carry either.
    """

    holding: Holding
    column: str
    level: str | None
    ends_at: datetime | None
    gone_at: datetime | None
