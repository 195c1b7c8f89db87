"""Who has a thing and by which source: direct and team grants of each person together.

Made from the grants on one thing and the members of the teams that received some, by the same
function that decides: the strongest source counts.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jupyterhub_vmshare.policy.decide import effective
from jupyterhub_vmshare.policy.model import Answer, Holding, Thing, column_of
from jupyterhub_vmshare.sharing.model import Grant
from jupyterhub_vmshare.words import GrantState, ReceiverKind


@dataclass(frozen=True, slots=True)
class AccessSource:
    """One grant through which somebody has (or may have) a thing, and their answer to it."""

    grant: Grant
    answer: Answer

    @property
    def team(self) -> str | None:
        """The team that received it; None where the person did."""
        return self.grant.receiver if self.grant.receiver_kind is ReceiverKind.TEAM else None


@dataclass(frozen=True, slots=True)
class Access:
    """One person with everything they hold. ``level``: what counts now; None: nothing yet.

    ``ends_at`` is when the last of it ends; ``accepted``: so that it counts in sessions, too.
    """

    person: str
    level: str | None
    ends_at: datetime | None
    accepted: bool
    sources: tuple[AccessSource, ...]

    @property
    def has_declined(self) -> bool:
        """Whether all that is left of it is their no."""
        return all(source.answer == "declined" for source in self.sources)


Members = Mapping[str, Sequence[tuple[str, Answer]]]
"""By grant: who is in the team that received it, and what they said."""


def access_of(thing: Thing, live: Sequence[Grant], members: Members, at: datetime) -> list[Access]:
    """Everybody but the owner, by name, with what they hold."""
    held: dict[str, list[AccessSource]] = {}
    for grant in live:
        for person, answer in _receivers(grant, members):
            if person != thing.owner:
                held.setdefault(person, []).append(AccessSource(grant, answer))
    return [_access(thing, person, held[person], at) for person in sorted(held)]


def _receivers(grant: Grant, members: Members) -> Sequence[tuple[str, Answer]]:
    if grant.receiver_kind is not ReceiverKind.PERSON:
        return members.get(grant.id, ())
    answer: Answer = "accepted" if grant.state is GrantState.ACTIVE else "none"
    return [(grant.receiver, answer)]


def _access(thing: Thing, person: str, sources: list[AccessSource], at: datetime) -> Access:
    theirs = replace(thing, holdings=tuple(_holding(thing, source) for source in sources))
    found = effective(theirs, at)
    return Access(
        person=person,
        level=None if found is None else found.level,
        ends_at=None if found is None else found.gone_at,
        accepted=any(source.answer == "accepted" for source in sources),
        sources=tuple(sources),
    )


def _holding(thing: Thing, source: AccessSource) -> Holding:
    grant = source.grant
    column = "stranger" if thing.kind is None else column_of(thing.kind, grant.level)
    return Holding(
        column=column,
        via="grant" if source.team is None else "team_grant",
        level=grant.level,
        grant_id=grant.id,
        giver=grant.giver,
        receiver=grant.receiver,
        state=grant.state,
        ends_at=grant.ends_at,
        answer="accepted" if source.team is None else source.answer,
        parent_id=grant.parent_id,
        ticks=frozenset(grant.ticks or ()),
    )
