"""Changing what was given: its level, its ticks, its end date."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.errors import BadInput, ChangedMeanwhile, Conflict
from jupyterhub_vmshare.policy.decide import granting
from jupyterhub_vmshare.policy.model import OWNERSHIP, Person, Target, Thing
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.ending import PROJECTS_OWN, target_of
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.inviting import (
    NeedsConfirmation,
    check_end,
    check_level,
    ticks_given,
)
from jupyterhub_vmshare.sharing.lowering import keep_within
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.ticks import first
from jupyterhub_vmshare.sharing.verbs import in_one_team, inviting, verb
from jupyterhub_vmshare.steps import reached
from jupyterhub_vmshare.words import LEVELS, ReceiverKind, ThingKind

UNSET = object()
"""A field that a change leaves as it is; None would take it away."""


@dataclass(frozen=True, slots=True)
class Wished:
    """What is to be another than it is; None (or ``UNSET``) leaves it."""

    level: str | None = None
    ends_at: datetime | object | None = UNSET
    ticks: Sequence[str] | None = None
    confirmed: bool = False
    """On a page of the service's own, where co-ownership is given."""


async def change(
    tx: Transaction,
    person: Person,
    grant_id: str,
    version: int,
    *,
    level: str | None = None,
    ends_at: datetime | object | None = UNSET,
    ticks: Sequence[str] | None = None,
    confirmed: bool = False,
) -> list[Grant]:
    """Change a pending or live grant; it, and what was lowered with it.

    Raises ``ChangedMeanwhile`` when it is not at ``version``.
    """
    thing, grant = await store.locked_grant(tx, grant_id)
    action, about = verb(thing.kind, "change_level"), await target_of(tx.conn, grant)
    facts = await permitted(tx.conn, person, action, thing.id, tx.at, target=about)
    if grant.is_over(tx.at):
        raise Conflict(f"{grant.receiver}'s access has ended; invite them again.")
    if grant.version != version:
        raise ChangedMeanwhile("Somebody else changed this meanwhile; look again.")
    wished = Wished(level, ends_at, ticks, confirmed)
    await _demand_raise(tx, person, thing, grant, wished)
    changes = _changes(thing, grant, tx.at, wished)
    changes |= _ticks(thing.kind, person, facts, grant, wished, tx.at, about)
    if not changes:
        return [grant]
    changed = await store.update(tx, grant, **changes)
    marks = {"from": grant.level, "to": changed.level}
    await store.tell(tx, "changed", thing, changed, person.name, **marks)
    lowered = await keep_within(tx, thing, changed, person.name)
    reached("sharing.change.changed")
    return [changed, *lowered]


async def _demand_raise(
    tx: Transaction, person: Person, thing: SharedThing, grant: Grant, wished: Wished
) -> None:
    """Whoever raises a level has to be somebody who may invite at it."""
    level, order = wished.level, LEVELS[thing.kind]
    if level is None:
        return
    check_level(thing.kind, level)
    if order.index(level) <= order.index(grant.level):
        return
    if in_one_team(thing.kind):
        # The receiver and their team are known since the invitation. Of folders, who may change a
        # level may raise it, also in the trash.
        await permitted(tx.conn, person, inviting(thing.kind, level), thing.id, tx.at)
    if level == "co_own" and grant.receiver_kind is not ReceiverKind.PERSON:
        raise BadInput("People become co-owners one by one, not as a team.")
    if level == "co_own" and not wished.confirmed:
        raise NeedsConfirmation(thing.kind)


def _changes(thing: SharedThing, grant: Grant, at: datetime, wished: Wished) -> dict[str, Any]:
    changes: dict[str, Any] = {}
    if wished.level is not None and wished.level != grant.level:
        changes["level"] = wished.level
        if wished.level == "co_own":
            changes["parent_id"] = None  # an owner's stands by itself
    if wished.ends_at is not UNSET and wished.ends_at != grant.ends_at:
        if grant.receiver_kind is ReceiverKind.PROJECT:
            raise Conflict(PROJECTS_OWN)
        if isinstance(wished.ends_at, datetime):
            check_end(wished.ends_at, at)
        changes["ends_at"] = wished.ends_at
    return changes


def _ticks(
    kind: ThingKind,
    person: Person,
    facts: Thing,
    grant: Grant,
    wished: Wished,
    at: datetime,
    about: Target,
) -> dict[str, Any]:
    """The ticks, where they are chosen, or are another level's usual ones from now on."""
    level = wished.level or grant.level
    if wished.ticks is None and _keeps_ticks(kind, grant, level):
        return {}
    through = granting(person, verb(kind, "change_level"), facts, at, about) or OWNERSHIP
    ticks = ticks_given(kind, level, wished.ticks, through)
    return {} if ticks == grant.ticks else {"ticks": ticks}


def _keeps_ticks(kind: ThingKind, grant: Grant, level: str) -> bool:
    """Whether what was ticked stays as it is: what was the level's usual choice goes with it."""
    if level == grant.level:
        return True
    is_custom = grant.ticks is not None and grant.ticks != first(kind, grant.level)
    return is_custom and first(kind, level) is not None
