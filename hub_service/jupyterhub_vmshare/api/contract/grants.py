"""Wire models of grants and invitations. One form for folders, machines and drives."""

from __future__ import annotations

from enum import StrEnum
from typing import Literal, Self

from pydantic import Field, model_validator

from jupyterhub_vmshare.api.contract.base import Asked, Page, PersonName, Problem, Timestamp, Told
from jupyterhub_vmshare.words import EndedWhy, GrantState, ReceiverKind, ThingKind


class Receiver(Told):
    """Who receives: a person, a team or a project."""

    kind: ReceiverKind = ReceiverKind.PERSON
    name: PersonName


MembersAnswer = Literal["none", "accepted", "declined"]
"""What a member of a team says to what the team was given."""


class Tick(StrEnum):
    """What a machine's grant lets its receiver do there."""

    TERMINAL = "terminal"
    FILES = "files"
    UPLOAD = "upload"
    DOWNLOAD = "download"
    APPS = "apps"
    INVITE = "invite"
    POWER = "power"


class Profile(StrEnum):
    """Names for choices of ticks; all others are called custom."""

    STANDARD = "standard"
    EVERYTHING = "everything"
    FILES = "files"
    READING = "reading"
    PROGRAMS = "programs"


class Ticked(Asked):
    """Ticks of a machine's grant, one by one or by a profile's name."""

    ticks: list[Tick] | None = Field(
        None, max_length=7, description="Of a machine's; null: as is usual at the level."
    )
    profile: Profile | None = Field(None, description="Instead of `ticks`.")

    @model_validator(mode="after")
    def _one_of_two(self) -> Self:
        if self.ticks is not None and self.profile is not None:
            raise ValueError("name ticks or a profile, one of the two")
        return self


class NewUse(Ticked):
    """One receiver's invitation to a machine, at the level that the route names."""

    receiver: str = Field(description="The hub's exact name.", max_length=1000)
    receiver_kind: ReceiverKind = Field(
        ReceiverKind.PERSON, description="A team has to be one of the caller's own."
    )
    ends_at: Timestamp | None = Field(None, description="When it ends by itself; null: never.")


class NewUses(Asked):
    """Several invitations at once; each gets a result of its own."""

    grants: list[NewUse] = Field(min_length=1, max_length=200)


class NewGrant(NewUse):
    """One receiver's invitation."""

    level: str = Field(description="A level of the thing's kind.", max_length=32)


class NewGrants(Asked):
    """Several invitations at once; each gets a result of its own."""

    grants: list[NewGrant] = Field(min_length=1, max_length=200)


class GrantChange(Ticked):
    """What to change of a pending or live grant; a field left out stays as it is."""

    level: str | None = Field(None, max_length=32)
    ends_at: Timestamp | None = Field(None, description="null takes the end date away.")


class GrantView(Told):
    """A grant as people who may see the thing's people see it."""

    id: str
    thing_id: str
    thing_kind: ThingKind
    receiver: Receiver
    giver: PersonName
    level: str
    state: GrantState
    parent_id: str | None = None
    created_at: Timestamp
    answered_at: Timestamp | None = None
    ends_at: Timestamp | None = None
    ended_at: Timestamp | None = None
    ended_why: EndedWhy | None = None
    ticks: list[Tick] | None = Field(None, description="Of a machine's, below co-ownership.")
    profile: str | None = Field(
        None, description="The name of that choice of ticks; custom: it has none."
    )
    team: str | None = Field(
        None, description="Of a machine's or a drive's: ends when giver or receiver leaves it."
    )
    version: int = Field(description="The ETag, as a number.")


class Lineage(Told):
    """What ends when a grant does: it, and all that flows from it."""

    grants: list[GrantView]


class Answered(GrantView):
    """A grant after the caller's answer. What a team was given stays active, whatever they say."""

    answer: MembersAnswer


class GrantResult(Told):
    """What became of one receiver of a batch: a grant, or a problem."""

    receiver: str
    grant: GrantView | None = None
    problem: Problem | None = None


class GrantResults(Told):
    """In the order of the request."""

    results: list[GrantResult]


class HolderView(Told):
    """A running session that still has something open of a folder that it had as a fast mount, and
    has no more. That can't be cut; it ends with the session."""

    folder_id: str
    session_id: str
    person: PersonName
    server_name: str = Field(description="Empty: the person's default server.")
    processes: int = Field(description="Programs that were seen to hold something.")


class LinkCut(Told):
    """Somebody who was on a machine: their connections are cut, their account there is locked, and
    what ran under it has ended."""

    person: PersonName
    machine_id: str
    channels: int = Field(description="Terminals, transfers and forwarded ports that were open.")
    processes: int = Field(description="Programs of theirs that were ended.")
    remaining: int = Field(description="Programs that can't be ended yet: they wait for a disk.")
    confirmed: bool = Field(
        description="False: the machine has not said so yet, and is told until it has."
    )


class InSessions(Told):
    """What a change reached in running sessions and on machines, as far as it is confirmed."""

    sessions_cut: int = Field(
        0, description="Running sessions in which a mount was closed or its level lowered."
    )
    descriptors_cut: int = Field(0, description="Open files of theirs that were cut.")
    unconfirmed: int = Field(
        0, description="Running sessions in which that is under way, and not confirmed yet."
    )
    in_sessions: str | None = Field(
        None, description="The same in a sentence; null where no session was concerned."
    )
    holders: list[HolderView] = Field(
        default_factory=list,
        description="Sessions in which something is left that can't be cut, only ended.",
    )
    links: list[LinkCut] = Field(
        default_factory=list, description="Of a machine: who was on it, and is not any more."
    )


class Cut(InSessions):
    """What a revoke or a leave reached, and what it can't undo."""

    ended: list[GrantView] = Field(default_factory=list)
    declined: list[GrantView] = Field(
        default_factory=list,
        description="What teams of the caller have, and keep, without the caller.",
    )
    offered_to: PersonName | None = Field(
        None,
        description="Of a machine that its owner leaves: the co-owner who was asked to take it "
        "over. It is the caller's until they do.",
    )
    cannot_undo: str = Field(description="What stays with the person, in a sentence.")


class Tagged(InSessions):
    """A thing behind its project's gate, and for whom that closed it."""

    id: str
    tagged: bool


class GrantChanged(GrantView, InSessions):
    """A grant after a change, and what that reached in running sessions."""

    lowered: list[GrantView] = Field(
        default_factory=list,
        description="What was given on from it, and would have been more than it is now.",
    )


class InvitationView(Told):
    """A grant that waits for the caller's answer: name, owner, level, dates; nothing inside.

    Where ``receiver`` is a team, the folder is in the caller's list already: yes mounts it, and no
    takes it off the list, for the caller alone.
    """

    id: str
    thing_id: str
    thing_kind: ThingKind
    thing_name: str
    owner: PersonName
    giver: PersonName
    level: str
    receiver: Receiver
    created_at: Timestamp
    ends_at: Timestamp | None = None
    available: bool = Field(description="False while the thing is in the trash.")
    version: int
    suggested_alias: str | None = Field(
        None, description="Set when the caller already has something of that name."
    )
    answer: Literal["none", "declined"] = Field(
        "none", description="declined: no was said to it, and yes still can be."
    )


class InvitationsPage(Page):
    """The caller's open invitations, newest first."""

    items: list[InvitationView]


class Acceptance(Asked):
    """The answer yes; ``alias`` when the name is taken on the caller's side."""

    alias: str | None = Field(None, min_length=1, max_length=255)


class PeopleOfThing(Told):
    """Who has a thing: its owner, every pending or live grant, and each person's sources."""

    owner: PersonName
    grants: list[GrantView]
    people: list[PersonWithAccess] = Field(
        default_factory=list,
        description="Everybody but the owner, by name; members of teams and projects one by one.",
    )
    administrators: list[PersonName] = Field(
        default_factory=list,
        description="Of the project that it belongs to: on the service's own pages they do what an "
        "owner does.",
    )
    handed_over: list[HandedOver] = Field(
        default_factory=list, description="How it came to its owner, newest first."
    )


class HandedOver(Told):
    """How a thing came to its owner; ``by`` is a hub admin where the one before was gone."""

    id: str
    owner_before: PersonName
    owner: PersonName
    by: PersonName
    at: Timestamp


class PersonWithAccess(Told):
    """One person, and through which grants they have a thing; the strongest counts."""

    name: PersonName
    level: str | None = Field(None, description="What counts now; null: nothing yet.")
    ends_at: Timestamp | None = Field(None, description="When the last of it ends.")
    accepted: bool = Field(description="False: it waits for their answer, and mounts nothing.")
    sources: list[AccessSourceView]


class AccessSourceView(Told):
    """One grant through which somebody has a thing: from whom, as what, until when."""

    grant_id: str
    giver: PersonName
    level: str
    team: str | None = Field(None, description="The team that received it; null: none did.")
    project: str | None = Field(None, description="The project whose members all have it.")
    override: str | None = Field(
        None,
        description="An administrator's level for this member, in the place of the project's; it "
        "caps what else they were given.",
    )
    parent_id: str | None = Field(None, description="The grant that its giver gave from.")
    ends_at: Timestamp | None = None
    answer: MembersAnswer = Field(description="This person's own.")
