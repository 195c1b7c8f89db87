"""Which folders stand in a person's list: the one rule that is written in SQL as well.

It says what ``decide(person, "see_in_list", …)`` says, invitations left out; a property test holds
the two together.
"""

from __future__ import annotations

from datetime import datetime
from functools import lru_cache
from typing import Final, Literal

import sqlalchemy as sa

from jupyterhub_vmshare.db.hints import not_by_index
from jupyterhub_vmshare.db.tables import aliases, answers, grants, things
from jupyterhub_vmshare.db.types import Moment
from jupyterhub_vmshare.sharing.facts import RECEIVED
from jupyterhub_vmshare.words import GrantState, ThingKind, ThingState

Relation = Literal["mine", "shared_with_me"]

IS_LIVE_FOLDER: Final = sa.and_(
    not_by_index(things.c.kind) == ThingKind.FOLDER,
    not_by_index(things.c.state) == ThingState.LIVE,
)
"""Of the things at the other end of grants."""

_ASKER: Final[sa.BindParameter[str]] = sa.bindparam("asker", type_=sa.String)


@lru_cache
def listed(state: ThingState = ThingState.LIVE, relation: Relation | None = None) -> sa.Subquery:
    """The folders of a person's list, each once: ``id, name, alias, label``.

    What is in the trash is its owner's alone. To be executed with what ``asking(person, at=…)``
    says; put together once, since building it takes longer than running it.
    """
    ways = []
    if relation != "shared_with_me":
        ways.append(_own(state))
    if relation != "mine" and state is ThingState.LIVE:
        ways.append(_shared())
    if not ways:
        ways.append(_own(state).where(sa.false()))
    found = sa.union(*ways).subquery("found")
    mine = sa.and_(aliases.c.thing_id == found.c.id, aliases.c.person == _ASKER)
    label = sa.func.coalesce(aliases.c.alias, found.c.name)
    return (
        sa.select(found.c.id, found.c.name, aliases.c.alias, label.label("label"))
        .outerjoin(aliases, mine)
        .subquery("listed")
    )


def _own(state: ThingState) -> sa.Select[tuple[str, str]]:
    return sa.select(things.c.id, things.c.name).where(
        things.c.owner == _ASKER, things.c.kind == ThingKind.FOLDER, things.c.state == state
    )


def _shared() -> sa.Select[tuple[str, str]]:
    # A team's or a project's grant is active at once; a member's own "no" takes it off their list.
    declined = sa.exists().where(
        answers.c.grant_id == grants.c.id,
        answers.c.person == _ASKER,
        answers.c.answer == "declined",
    )
    return (
        sa.select(things.c.id, things.c.name)
        .join(grants, grants.c.thing_id == things.c.id)
        .where(
            RECEIVED,
            # Whoever owns a folder has it, whatever their team was given.
            things.c.owner != _ASKER,
            live_at(sa.bindparam("at", type_=Moment)),
            ~declined,
            IS_LIVE_FOLDER,
        )
    )


def live_at(at: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """Accepted grants that have not run out: the date counts before anybody has written it down."""
    return sa.and_(
        grants.c.state == GrantState.ACTIVE,
        sa.or_(grants.c.ends_at.is_(None), grants.c.ends_at > at),
    )
