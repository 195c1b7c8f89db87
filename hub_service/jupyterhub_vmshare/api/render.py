"""Grants and invitations as the wire shows them."""

from __future__ import annotations

from collections.abc import Sequence

from jupyterhub_vmshare.api.contract.grants import (
    AccessSourceView,
    Answered,
    Cut,
    GrantResult,
    GrantView,
    HandedOver,
    HolderView,
    InSessions,
    InvitationView,
    LinkCut,
    MembersAnswer,
    PeopleOfThing,
    PersonWithAccess,
    Receiver,
    Tick,
)
from jupyterhub_vmshare.api.problems import problem
from jupyterhub_vmshare.api.taking import Taken
from jupyterhub_vmshare.errors import VMShareError
from jupyterhub_vmshare.mounts.reach import Holder
from jupyterhub_vmshare.relay.accounts import AccountRow
from jupyterhub_vmshare.sharing.access import Access
from jupyterhub_vmshare.sharing.handovers import HandOver
from jupyterhub_vmshare.sharing.listing import Invitation, PeopleOf
from jupyterhub_vmshare.sharing.model import Grant
from jupyterhub_vmshare.sharing.ticks import profile_of
from jupyterhub_vmshare.sharing.verbs import kind_of
from jupyterhub_vmshare.words import ReceiverKind, ThingState

CANNOT_UNDO = (
    "What was read or downloaded before stays where it was copied; "
    "a download that is running stops within seconds."
)


def grant_view(grant: Grant) -> GrantView:
    """A grant, for people who may see the thing's people."""
    return GrantView(
        id=grant.id,
        thing_id=grant.thing_id,
        thing_kind=kind_of(grant.thing_id),
        receiver=Receiver(kind=grant.receiver_kind, name=grant.receiver),
        giver=grant.giver,
        level=grant.level,
        state=grant.state,
        parent_id=grant.parent_id,
        created_at=grant.created_at,
        answered_at=grant.answered_at,
        ends_at=grant.ends_at,
        ended_at=grant.ended_at,
        ended_why=grant.ended_why,
        ticks=None if grant.ticks is None else [Tick(tick) for tick in grant.ticks],
        profile=profile_of(grant.ticks),
        team=grant.team,
        version=grant.version,
    )


def answered_view(grant: Grant, answer: MembersAnswer) -> Answered:
    """A grant after an answer, for whoever gave it."""
    return Answered(**grant_view(grant).model_dump(), answer=answer)


def people_view(told: PeopleOf) -> PeopleOfThing:
    """A thing's people, for those who may see them."""
    return PeopleOfThing(
        owner=told.owner,
        grants=[grant_view(grant) for grant in told.grants],
        people=[_person_view(one) for one in told.people],
        administrators=told.administrators,
        handed_over=[_handed_over_view(one) for one in told.handed_over],
    )


def _handed_over_view(done: HandOver) -> HandedOver:
    return HandedOver(
        id=done.id,
        owner_before=done.owner,
        owner=done.receiver,
        by=done.by,
        at=done.answered_at or done.created_at,
    )


def _person_view(access: Access) -> PersonWithAccess:
    sources = [
        AccessSourceView(
            grant_id=source.grant.id,
            giver=source.grant.giver,
            level=source.grant.level,
            team=source.team,
            project=source.project,
            override=source.override,
            parent_id=source.grant.parent_id,
            ends_at=source.ends_at,
            answer=source.answer,
        )
        for source in access.sources
    ]
    return PersonWithAccess(
        name=access.person,
        level=access.level,
        ends_at=access.ends_at,
        accepted=access.accepted,
        sources=sources,
    )


def result_view(receiver: str, result: Grant | VMShareError) -> GrantResult:
    """What became of one receiver of a batch."""
    if isinstance(result, Grant):
        return GrantResult(receiver=receiver, grant=grant_view(result))
    return GrantResult(receiver=receiver, problem=problem(result))


def cut_view(
    ended: Sequence[Grant],
    reached: Taken,
    declined: Sequence[Grant] = (),
    offered_to: str | None = None,
) -> Cut:
    """What ended, what that reached in sessions and on machines, and what can't be undone."""
    return Cut(
        offered_to=offered_to,
        ended=[grant_view(grant) for grant in ended],
        declined=[grant_view(grant) for grant in declined],
        cannot_undo=CANNOT_UNDO,
        **in_sessions(reached).model_dump(),
    )


def in_sessions(taken: Taken) -> InSessions:
    """What a change reached in running sessions and on machines."""
    reached = taken.sessions
    return InSessions(
        sessions_cut=reached.sessions,
        descriptors_cut=reached.descriptors,
        unconfirmed=reached.unconfirmed,
        in_sessions=reached.sentence,
        holders=[holder_view(holder) for holder in reached.holders],
        links=[link_view(link) for link in taken.links],
    )


def link_view(row: AccountRow) -> LinkCut:
    """Somebody who is off a machine, or will be."""
    return LinkCut(
        person=row.person,
        machine_id=row.machine_id,
        channels=row.channels,
        processes=row.processes,
        remaining=row.remaining,
        confirmed=not row.is_to_be_locked,
    )


def holder_view(holder: Holder) -> HolderView:
    """A session that holds what was taken from it, for the folder's owner."""
    return HolderView(
        folder_id=holder.folder_id,
        session_id=holder.session_id,
        person=holder.person,
        server_name=holder.server_name,
        processes=holder.processes,
    )


def receivers(grants: Sequence[Grant]) -> set[str] | None:
    """The people whose rights hang on these grants; None where that may be anybody."""
    if any(grant.receiver_kind is not ReceiverKind.PERSON for grant in grants):
        return None
    return {grant.receiver for grant in grants}


def invitation_view(invitation: Invitation, suggested_alias: str | None) -> InvitationView:
    """An invitation, for its receiver: nothing of what is inside."""
    grant, thing = invitation.grant, invitation.thing
    return InvitationView(
        id=grant.id,
        thing_id=thing.id,
        thing_kind=thing.kind,
        thing_name=thing.name,
        owner=thing.shown_owner,
        giver=grant.giver,
        level=grant.level,
        receiver=Receiver(kind=grant.receiver_kind, name=grant.receiver),
        created_at=grant.created_at,
        ends_at=grant.ends_at,
        available=thing.state is ThingState.LIVE,
        version=grant.version,
        suggested_alias=suggested_alias,
        answer="declined" if invitation.answer == "declined" else "none",
    )
