"""Step one of an answer: what a person holds on a thing now, as sources."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Final

from jupyterhub_vmshare.policy.circumstances import Reach, Source, is_over
from jupyterhub_vmshare.policy.model import LEVEL_COLUMN, Holding, Person, Thing
from jupyterhub_vmshare.policy.tables import ANSWERS, OF_KIND, PROJECT
from jupyterhub_vmshare.words import GrantState, ThingKind

GRANTS: Final = frozenset({"grant", "team_grant", "project_grant", "project_override"})
"""The ways that are grants, with a state and perhaps an end date."""

GROUPS: Final = frozenset({"team_grant", "project_grant"})
"""The ways whose receiver is a group of people."""

MEMBERSHIPS: Final = frozenset({"team_grant", "project_grant", "project_override"})
"""The ways on which each member has an answer of their own."""

ANSWERING: Final = frozenset({"accept_or_decline", *ANSWERS})
"""Answering an invitation, whichever way."""

_STRENGTH: Final = {
    kind: {column: place for place, column in enumerate(table.columns)}
    for kind, table in OF_KIND.items()
}
_NO_STRENGTH: Final = 1_000
_ROLES: Final = frozenset({"project_admin", *PROJECT.columns})
_LEVEL: Final = {
    kind: {column: level for level, column in columns.items()}
    for kind, columns in LEVEL_COLUMN.items()
}
_LONG_AGO: Final = datetime(1970, 1, 1, tzinfo=UTC)

STRANGER: Final = Source("stranger")
PERSON: Final = Source("person")
HUB_ADMIN: Final = Source("hub_admin", holding=Holding("hub_admin", "hub_admin"))
PROJECT_ADMIN: Final = Source("project_admin", holding=Holding("project_admin", "project_role"))


def sources(person: Person, thing: Thing, at: datetime) -> tuple[Source, ...]:
    """What counts now, strongest column first; a stranger's column where nothing does."""
    held = list(held_sources(thing, at))
    if person.hub_admin:
        held.append(HUB_ADMIN)
    return tuple(sorted(held, key=lambda source: _weight(thing, source))) or (STRANGER,)


def held_sources(thing: Thing, at: datetime) -> Iterator[Source]:
    """The sources that come of the thing's holdings alone."""
    cap = cap_of(thing, at)
    for holding in thing.holdings:
        if is_open(holding, at) and thing.kind is not None:
            yield from _opened(thing.kind, thing, holding, cap)


def service_sources(person: Person) -> tuple[Source, ...]:
    """The columns of the service's own table that a person holds."""
    held = [PERSON]
    if person.administers:
        held.append(PROJECT_ADMIN)
    if person.hub_admin:
        held.append(HUB_ADMIN)
    return tuple(held)


def counts(source: Source, action: str) -> bool:
    """Whether a source reaches this action: mounts and aliases wait for a member's yes, and
    after a no there is only the answer left, which may be changed."""
    if source.reach == "unanswered":
        return not (action.startswith("mount_") or action == "choose_alias")
    return source.reach == "all" or action in ANSWERING


def is_open(holding: Holding, at: datetime) -> bool:
    """Whether it is an invitation or live: neither ended nor past its end date."""
    if is_over(holding.ends_at, at) or holding.ended_at is not None:
        return False
    if holding.state is None:
        return holding.via not in GRANTS
    return holding.state is not GrantState.ENDED


def is_live(holding: Holding, at: datetime) -> bool:
    """Whether it is open and no longer waits for its receiver's answer."""
    return is_open(holding, at) and holding.state is not GrantState.PENDING


def is_ended(holding: Holding, at: datetime) -> bool:
    """Whether it is a grant, or an invitation, that is over."""
    return holding.via in GRANTS and holding.state is not None and not is_open(holding, at)


def ended_at(holding: Holding) -> datetime:
    """When it ended: the moment in the record, or its end date where none stands there yet."""
    known = [moment for moment in (holding.ended_at, holding.ends_at) if moment is not None]
    return min(known, default=_LONG_AGO)


def cap_of(thing: Thing, at: datetime) -> Holding | None:
    """An administrator's override for this member of a folder's project; the lowest, if several."""
    overrides = [
        holding
        for holding in thing.holdings
        if holding.via == "project_override" and is_live(holding, at)
    ]
    if thing.kind is not ThingKind.FOLDER or not overrides:
        return None
    return max(overrides, key=lambda holding: strength(ThingKind.FOLDER, holding.column))


def strength(kind: ThingKind, column: str) -> int:
    """The place of a column in its table: the lower, the stronger."""
    return _STRENGTH[kind].get(column, _NO_STRENGTH)


def level_of(kind: ThingKind, column: str) -> str | None:
    """The level that opens a column; None for columns that no level opens."""
    return _LEVEL[kind].get(column)


def _opened(
    kind: ThingKind, thing: Thing, holding: Holding, cap: Holding | None
) -> Iterator[Source]:
    if holding.via == "hub_admin" or _is_replaced(kind, holding, cap):
        return
    if holding.state is GrantState.PENDING or holding.column == "invited":
        yield Source("invited", holding=holding)
        return
    if holding.via in MEMBERSHIPS and holding.answer != "accepted":
        yield from _unaccepted(kind, holding, cap)
        return
    yield Source(_column(kind, thing, holding, cap), ticks=holding.ticks, holding=holding)


def _unaccepted(kind: ThingKind, holding: Holding, cap: Holding | None) -> Iterator[Source]:
    said_no = holding.answer == "declined"
    yield Source("invited", "declined" if said_no else "all", holding=holding)
    # Machines and drives reach into people's work: there, nothing counts before a yes.
    if kind is ThingKind.FOLDER and not said_no:
        reach: Reach = "unanswered"
        yield Source(_capped(kind, holding, cap), reach, holding.ticks, holding)


def _is_replaced(kind: ThingKind, holding: Holding, cap: Holding | None) -> bool:
    if holding.via == "project_override":
        return kind is not ThingKind.FOLDER
    return holding.via == "project_grant" and cap is not None


def _column(kind: ThingKind, thing: Thing, holding: Holding, cap: Holding | None) -> str:
    if holding.via == "project_role" and thing.personal:
        # A project's role opens of what belongs to a person what its own table says.
        return holding.column if holding.column in _ROLES else "stranger"
    if holding.via in GRANTS:
        return _capped(kind, holding, cap)
    return holding.column


def _capped(kind: ThingKind, holding: Holding, cap: Holding | None) -> str:
    if cap is None:
        return holding.column
    return max(holding.column, cap.column, key=lambda column: strength(kind, column))


def _weight(thing: Thing, source: Source) -> int:
    return 0 if thing.kind is None else strength(thing.kind, source.column)
