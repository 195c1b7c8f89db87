"""Wire models of projects."""

from __future__ import annotations

from pydantic import Field

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Timestamp, Told
from jupyterhub_vmshare.api.contract.grants import GrantView, InSessions
from jupyterhub_vmshare.words import AskState, ProjectKind, ProjectRole, ProjectState

_Name = Field(min_length=1, max_length=1000, description="What it is called, for everybody.")
_Description = Field("", max_length=4000)


class ProjectQuota(Asked):
    """What a project may hold; null is no limit."""

    machines: int | None = Field(None, ge=0, le=1_000_000)
    cores: int | None = Field(None, ge=0, le=1_000_000)
    ram_gib: int | None = Field(None, ge=0, le=1_000_000)
    drives: int | None = Field(None, ge=0, le=1_000_000)
    drive_gib: int | None = Field(None, ge=0, le=100_000_000)
    machine_snapshots: int | None = Field(None, ge=0, le=1_000_000)
    folder_gib: int | None = Field(None, ge=0, le=100_000_000)


class ProjectMeter(Told):
    """What a project holds of one thing that its quota may limit."""

    name: str = Field(description="As the quota calls it.")
    used: int = Field(description="What is being deleted counts until it is gone.")
    limit: int | None = Field(None, description="Null: there is none.")
    left: int | None = Field(None, description="Null: as much as is liked.")


class ProjectMeters(Told):
    """What a project holds, and how much is left."""

    meters: list[ProjectMeter]


class ProjectRequest(Asked):
    """A project that somebody wishes for."""

    name: str = _Name
    description: str = _Description
    quota: ProjectQuota = Field(default_factory=ProjectQuota)


class NewProject(ProjectRequest):
    """A project that is made at once."""

    administrators: list[PersonName] = Field(
        default_factory=list, max_length=50, description="Empty: the caller."
    )


class ProjectApproval(Asked):
    """The yes to a request."""

    quota: ProjectQuota | None = Field(None, description="Null: as it was asked for.")


class ProjectRefusal(Asked):
    """The no to a request."""

    because: str = Field(min_length=1, max_length=4000, description="For whoever asked.")


class ProjectChange(Asked):
    """What to change of a project; a field left out stays as it is."""

    name: str | None = Field(None, min_length=1, max_length=1000)
    description: str | None = Field(None, max_length=4000)
    members_may_create: bool | None = None
    members_see_each_other: bool | None = None
    new_things_open: bool | None = Field(
        None, description="New drives and snapshots are open to members."
    )


class ProjectView(Told):
    """A project as the caller sees it; ``actions`` is what they may do in it now."""

    id: str
    kind: ProjectKind
    name: str
    description: str
    state: ProjectState
    role: ProjectRole | None = Field(None, description="The caller's; null: they are not in it.")
    member_until: Timestamp | None = Field(None, description="When the caller's membership ends.")
    ask_id: str | None = Field(None, description="The caller has asked to join, and waits.")
    created_by: PersonName
    created_at: Timestamp
    because: str | None = Field(None, description="What was said with a refusal.")
    administrators: list[PersonName]
    members: int
    quota: ProjectQuota
    members_may_create: bool
    members_see_each_other: bool
    new_things_open: bool
    actions: list[str]
    version: int


class ProjectsPage(Page):
    """Projects, the newest first; requests, the oldest first."""

    items: list[ProjectView]


class MemberView(Told):
    """Somebody in a project."""

    person: PersonName
    role: ProjectRole
    since: Timestamp
    ends_at: Timestamp | None = None
    version: int


class MembersPage(Page):
    """Members, by name."""

    items: list[MemberView]


class StaysBehind(Told):
    """How much of somebody's stays in a project."""

    machines: int
    drives: int
    snapshots: int


class MembershipEnded(InSessions):
    """What somebody lost with a membership, and what of theirs stays in the project."""

    person: PersonName
    ended: list[GrantView] = Field(
        default_factory=list,
        description="What they were given of machines and drives there, and what flowed from it.",
    )
    stays: StaysBehind = Field(
        description="What they made there and can't reach any more; administrators can."
    )
    cannot_undo: str = Field(description="What stays with the person, in a sentence.")


class MemberChange(Asked):
    """What to change of a member; a field left out stays as it is."""

    role: ProjectRole | None = None
    ends_at: Timestamp | None = Field(None, description="When it ends by itself; null: never.")


class NewLink(Asked):
    """An invitation link that is wanted."""

    note: str = Field("", max_length=255, description="For whom it is; shown to administrators.")
    uses: int = Field(1, ge=1, le=10_000, description="How many people may ask with it.")
    ends_at: Timestamp | None = Field(None, description="Null: in 14 days.")


class LinkView(Told):
    """An invitation link, without its code."""

    id: str
    note: str
    made_by: PersonName
    made_at: Timestamp
    ends_at: Timestamp
    uses: int
    used: int
    is_open: bool


class LinkMade(LinkView):
    """A new link, with the code that is shown this once."""

    code: str


class LinksPage(Page):
    """Links, the newest first."""

    items: list[LinkView]


class LinkCode(Asked):
    """The code of an invitation link."""

    code: str = Field(min_length=1, max_length=200)


class LinkLeadsTo(Told):
    """What somebody who has a link may know of its project."""

    project_id: str
    name: str
    description: str
    administrators: list[PersonName]


class AskView(Told):
    """Somebody's wish to join a project."""

    id: str
    project_id: str
    person: PersonName
    state: AskState
    asked_at: Timestamp
    answered_by: PersonName | None = None


class AsksPage(Page):
    """Wishes to join, the first one first."""

    items: list[AskView]


class LetIn(Asked):
    """The yes to somebody's wish to join."""

    ends_at: Timestamp | None = Field(None, description="When their membership ends; null: never.")


class ListAsked(Asked):
    """How much of a list; its ``after`` is the ``next`` of the page before."""

    limit: int = Field(50, ge=1, le=200)


class ProjectsAsked(ListAsked):
    """Which page of projects."""

    after: str | None = Field(None, pattern="^prj_[0-9a-hjkmnp-tv-z]{26}$")


class MembersAsked(ListAsked):
    """Which page of members."""

    after: str | None = Field(None, min_length=1, max_length=255)


class LinksAsked(ListAsked):
    """Which page of links."""

    after: str | None = Field(None, pattern="^lnk_[0-9a-hjkmnp-tv-z]{26}$")


class AsksAsked(ListAsked):
    """Which page of wishes to join."""

    after: str | None = Field(None, pattern="^ask_[0-9a-hjkmnp-tv-z]{26}$")
