"""Which folders stand in a person's list: the one rule that is written in SQL as well.

It says what ``decide(person, "see_in_list", …)`` says, invitations left out; a property test holds
the two together.
"""

from __future__ import annotations

from datetime import datetime
from typing import Literal

import sqlalchemy as sa

from jupyterhub_vmshare.db.tables import aliases, answers, grants, things
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing.facts import received_by
from jupyterhub_vmshare.words import GrantState, ThingKind, ThingState

Relation = Literal["mine", "shared_with_me"]


def listed(
    person: Person,
    at: datetime,
    *,
    state: ThingState = ThingState.LIVE,
    relation: Relation | None = None,
) -> sa.Subquery:
    """The folders of a person's list, each once: ``id, name, alias, label``.

    What is in the trash is its owner's alone.
    """
    ways = []
    if relation != "shared_with_me":
        ways.append(_own(person, state))
    if relation != "mine" and state is ThingState.LIVE:
        ways.append(_shared(person, at))
    if not ways:
        ways.append(_own(person, state).where(sa.false()))
    found = sa.union(*ways).subquery("found")
    mine = sa.and_(aliases.c.thing_id == found.c.id, aliases.c.person == person.name)
    label = sa.func.coalesce(aliases.c.alias, found.c.name)
    return (
        sa.select(found.c.id, found.c.name, aliases.c.alias, label.label("label"))
        .outerjoin(aliases, mine)
        .subquery("listed")
    )


def _own(person: Person, state: ThingState) -> sa.Select[tuple[str, str]]:
    return sa.select(things.c.id, things.c.name).where(
        things.c.owner == person.name,
        things.c.kind == ThingKind.FOLDER,
        things.c.state == state,
    )


def _shared(person: Person, at: datetime) -> sa.Select[tuple[str, str]]:
    # A team's or a project's grant is active at once; a member's own "no" takes it off their list.
    declined = sa.exists().where(
        answers.c.grant_id == grants.c.id,
        answers.c.person == person.name,
        answers.c.answer == "declined",
    )
    return (
        sa.select(things.c.id, things.c.name)
        .join(grants, grants.c.thing_id == things.c.id)
        .where(
            received_by(person),
            live_at(at),
            ~declined,
            things.c.kind == ThingKind.FOLDER,
            things.c.state == ThingState.LIVE,
        )
    )


def live_at(at: datetime) -> sa.ColumnElement[bool]:
    """Accepted grants that have not run out: the date counts before anybody has written it down."""
    return sa.and_(
        grants.c.state == GrantState.ACTIVE,
        sa.or_(grants.c.ends_at.is_(None), grants.c.ends_at > at),
    )
