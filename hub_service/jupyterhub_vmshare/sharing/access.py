"""Who has a thing and by which source: each person's grants together, direct, by team, by project.

Made from the grants on one thing and the members of those that received some, by the same function
that decides: the strongest source counts, and an override caps.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from jupyterhub_vmshare.policy.decide import effective
from jupyterhub_vmshare.policy.model import Answer, Holding, Thing, column_of
from jupyterhub_vmshare.sharing.holding import VIA
from jupyterhub_vmshare.sharing.model import Grant
from jupyterhub_vmshare.sharing.projects import NO_PROJECT, MembershipOf
from jupyterhub_vmshare.words import GrantState, ReceiverKind


@dataclass(frozen=True, slots=True)
class AccessSource:
    """One grant through which somebody has (or may have) a thing, and their answer to it."""

    grant: Grant
    answer: Answer

    override: str | None = None
    """Of a project's: an administrator's level for this member, in the place of the project's."""
    until: datetime | None = None
    """Of a project's: when their membership ends."""

    @property
    def team(self) -> str | None:
        """The team that received it; None where none did."""
        return self.grant.receiver if self.grant.receiver_kind is ReceiverKind.TEAM else None

    @property
    def project(self) -> str | None:
        """The name of the project that received it; None where none did."""
        return self.grant.receiver if self.grant.receiver_kind is ReceiverKind.PROJECT else None

    @property
    def ends_at(self) -> datetime | None:
        """When it ends, by its own date or with their membership."""
        return min((d for d in (self.grant.ends_at, self.until) if d is not None), default=None)


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


def access_of(
    thing: Thing,
    live: Sequence[Grant],
    members: Members,
    at: datetime,
    project: MembershipOf = NO_PROJECT,
) -> list[Access]:
    """Everybody but the owner, by name, with what they hold."""
    held: dict[str, list[AccessSource]] = {}
    for grant in live:
        for person, answer in _receivers(grant, members):
            if not thing.personal or person != thing.owner:
                source = _source(grant, person, answer, project)
                held.setdefault(person, []).append(source)
    return [_access(thing, person, held[person], at) for person in sorted(held)]


def _source(grant: Grant, person: str, answer: Answer, project: MembershipOf) -> AccessSource:
    if grant.receiver_kind is not ReceiverKind.PROJECT:
        return AccessSource(grant, answer)
    override, until = project.overrides.get(person), project.until.get(person)
    return AccessSource(grant, answer, override, until)


def _receivers(grant: Grant, members: Members) -> Sequence[tuple[str, Answer]]:
    if grant.receiver_kind is not ReceiverKind.PERSON:
        return members.get(grant.id, ())
    answer: Answer = "accepted" if grant.state is GrantState.ACTIVE else "none"
    return [(grant.receiver, answer)]


def _access(thing: Thing, person: str, sources: list[AccessSource], at: datetime) -> Access:
    held = tuple(one for source in sources for one in _holdings(thing, source))
    theirs = replace(thing, holdings=held)
    found = effective(theirs, at)
    return Access(
        person=person,
        level=None if found is None else found.level,
        ends_at=None if found is None else found.gone_at,
        accepted=any(source.answer == "accepted" for source in sources),
        sources=tuple(sources),
    )


def _holdings(thing: Thing, source: AccessSource) -> Iterator[Holding]:
    held = _holding(thing, source)
    yield held
    if source.override is not None and thing.kind is not None:
        column = column_of(thing.kind, source.override)
        yield replace(held, column=column, via="project_override", level=source.override)


def _holding(thing: Thing, source: AccessSource) -> Holding:
    grant = source.grant
    column = "stranger" if thing.kind is None else column_of(thing.kind, grant.level)
    return Holding(
        column=column,
        via=VIA[grant.receiver_kind],
        level=grant.level,
        grant_id=grant.id,
        giver=grant.giver,
        receiver=grant.receiver,
        state=grant.state,
        ends_at=source.ends_at,
        answer="accepted" if grant.receiver_kind is ReceiverKind.PERSON else source.answer,
        parent_id=grant.parent_id,
        ticks=frozenset(grant.ticks or ()),
    )
