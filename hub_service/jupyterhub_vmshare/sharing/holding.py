"""What one person holds on a thing, from the rows that ``facts`` loads."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa

from jupyterhub_vmshare.policy.model import OWNERSHIP, Answer, Holding, Person, Via, column_of
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.sharing.store import TEAM_LEFT
from jupyterhub_vmshare.sharing.within import ownership_of, roles_in, until_membership_ends
from jupyterhub_vmshare.words import (
    EndedWhy,
    GrantState,
    MemberEnded,
    ProjectRole,
    ReceiverKind,
    ThingKind,
)

VIA: Final[dict[ReceiverKind, Via]] = {
    ReceiverKind.PERSON: "grant",
    ReceiverKind.TEAM: "team_grant",
    ReceiverKind.PROJECT: "project_grant",
}


def holdings_of(
    person: Person, thing: SharedThing, rows: Sequence[sa.Row[Any]]
) -> tuple[Holding, ...]:
    """What the person holds, or held; ``rows`` are all of this thing."""
    if thing.owner == person.name:
        # Whoever owns a thing needs nothing that a team of theirs was given.
        return (OWNERSHIP,) if thing.within_id is None else ownership_of(rows[0])
    held = [*_offered(rows[0]), *_role(person, thing, rows[0]), *roles_in(person, thing, rows[0])]
    for row in (row for row in rows if row.held_id is not None):
        if row.held_receiver_kind == ReceiverKind.PROJECT:
            held.extend(_as_member(person, thing.kind, row))
        else:
            held.append(until_membership_ends(_holding(person, thing.kind, row), row))
    return tuple(held)


def _role(person: Person, thing: SharedThing, row: sa.Row[Any]) -> Iterator[Holding]:
    """An administrator's hold on what belongs to the project, on the service's own pages."""
    is_one = row.member_role == ProjectRole.ADMINISTRATOR and row.member_ended_at is None
    if is_one and thing.project_id in person.administers:
        yield Holding("owner", "project_role", "owner", ends_at=row.member_ends_at)


def _as_member(person: Person, of: ThingKind, row: sa.Row[Any]) -> Iterator[Holding]:
    """What the project has, as long as the person is in it; and their own level in its place."""
    held = _holding(person, of, row)
    ends = [date for date in (held.ends_at, row.member_ends_at) if date is not None]
    held = replace(held, ends_at=min(ends, default=None))
    left_at = row.member_ended_at
    if left_at is not None:
        # Of what the project was given since, or they had declined, they never had anything.
        if row.held_created_at <= left_at and held.answer != "declined":
            is_date = row.member_ended_why == MemberEnded.EXPIRED
            why = EndedWhy.EXPIRED if is_date else EndedWhy.TEAM_LEFT
            yield _over(held, left_at, why)
        return
    yield held
    if row.override_level is not None:
        level = row.override_level
        yield replace(
            held,
            column=column_of(of, level),
            via="project_override",
            level=level,
            giver=row.override_by,
        )


def _offered(row: sa.Row[Any]) -> tuple[Holding, ...]:
    """The owner's offer to hand it over, which waits as an invitation does."""
    if row.offered_by is None:
        return ()
    offer = Holding("owner", "hand_over", "owner", giver=row.offered_by, state=GrantState.PENDING)
    return (offer,)


def _holding(person: Person, of: ThingKind, row: sa.Row[Any]) -> Holding:
    kind = ReceiverKind(row.held_receiver_kind)
    held = Holding(
        column=column_of(of, row.held_level),
        via=VIA[kind],
        level=row.held_level,
        grant_id=row.held_id,
        giver=row.held_giver,
        receiver=row.held_receiver,
        state=GrantState(row.held_state),
        ends_at=row.held_ends_at,
        ended_at=row.held_ended_at,
        ended_why=EndedWhy(row.held_ended_why) if row.held_ended_why else None,
        answer=_answer(kind, row.held_answer),
        parent_id=row.held_parent_id,
        ticks=frozenset(row.held_ticks or ()),
    )
    if row.held_answer != TEAM_LEFT or row.held_receiver in person.teams:
        return held
    return _with_the_team_left(held, row.held_answered_at)


def _with_the_team_left(held: Holding, at: datetime) -> Holding:
    """What the team has is no longer theirs, unless it had ended before they left."""
    if held.ended_at is not None and held.ended_at <= at:
        return held
    return _over(held, at, EndedWhy.TEAM_LEFT)


def _over(held: Holding, at: datetime, why: EndedWhy) -> Holding:
    return replace(held, answer="accepted", state=GrantState.ENDED, ended_at=at, ended_why=why)


def _answer(kind: ReceiverKind, answer: str | None) -> Answer:
    """A person's grant is answered by its state; a team's by each member's own row."""
    if kind is ReceiverKind.PERSON or answer == "accepted":
        return "accepted"
    return "declined" if answer == "declined" else "none"
