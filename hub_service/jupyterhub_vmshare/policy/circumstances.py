"""What a rule or a gate may look at: names and dates are settled here, once, into plain facts."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Literal

from jupyterhub_vmshare.policy.model import Fact, Holding, Person, Target, Thing
from jupyterhub_vmshare.words import ThingState

Reach = Literal["all", "unanswered", "declined"]
"""For which actions a source counts: `unanswered` is a member's level on a folder before they
accept, `declined` what is left after a no (they may still accept)."""

GATES: Final = ("tag", "key", "workshop_over")


@dataclass(frozen=True, slots=True)
class Source:
    """A live holding, as the column it opens now. Two that open the same are equal, whoever gave
    them, so that what follows from a set of sources can be remembered."""

    column: str
    reach: Reach = "all"
    ticks: frozenset[str] = frozenset()
    holding: Holding | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Circumstances:
    """Facts about the request, beside its sources. Hashable, and free of names."""

    state: ThingState | None = None
    personal: bool = True
    cloneable: bool = False
    owner_gone: bool = False
    facts: frozenset[Fact] = frozenset()
    closed: frozenset[str] = frozenset()
    """The project gates that are closed for this person."""
    team_shared: bool = False
    """Giver and owner, and the receiver once known, share a team."""
    receiver_known: bool = False
    receiver_is_asker: bool = False
    grant_known: bool = False
    grant_is_own: bool = False
    thing_known: bool = False
    organizer: bool = False
    administers: bool = False
    """The project of the thing, or any project where there is no thing."""
    sees_people: bool = False


def settle(person: Person, thing: Thing, target: Target) -> Circumstances:
    """The facts for an action on `thing`."""
    return Circumstances(
        state=thing.state,
        personal=thing.personal,
        cloneable=thing.cloneable,
        owner_gone=thing.owner_gone,
        facts=thing.facts,
        closed=_closed(person, thing),
        team_shared=_team_shared(person, thing, target),
        receiver_known=target.person is not None,
        receiver_is_asker=target.person == person.name,
        grant_known=target.givers is not None,
        grant_is_own=target.givers is not None and person.name in target.givers,
        thing_known=True,
    )


def settle_service(
    person: Person, thing: Thing | None, target: Target, sees_people: bool
) -> Circumstances:
    """The facts for an action that belongs to no thing, though it may be about one."""
    return Circumstances(
        receiver_known=target.person is not None,
        receiver_is_asker=target.person == person.name,
        thing_known=thing is not None,
        organizer=person.organizer,
        administers=(
            bool(person.administers) if thing is None else thing.project in person.administers
        ),
        sees_people=sees_people,
    )


def is_over(moment: datetime | None, at: datetime) -> bool:
    """Whether an end date has come; at the very moment it has."""
    return moment is not None and moment <= at


def _closed(person: Person, thing: Thing) -> frozenset[str]:
    if thing.tag is None and not thing.facts:
        return frozenset()
    known = thing.tag in person.projects or thing.tag in person.administers
    is_member = known or thing.of_member
    shut = {
        "tag": thing.tag is not None and not is_member,
        "key": "key_half_missing" in thing.facts,
        "workshop_over": "workshop_over" in thing.facts,
    }
    return frozenset(gate for gate in GATES if shut[gate])


def _team_shared(person: Person, thing: Thing, target: Target) -> bool:
    common = person.teams & thing.owner_teams
    return bool(common if target.teams is None else common & target.teams)
