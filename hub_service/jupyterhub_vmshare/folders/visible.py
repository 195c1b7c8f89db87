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
from jupyterhub_vmshare.db.tables import aliases, answers, grants, project_members, things
from jupyterhub_vmshare.db.types import Moment
from jupyterhub_vmshare.sharing.facts import RECEIVED
from jupyterhub_vmshare.sharing.store import TO_PROJECT, active
from jupyterhub_vmshare.words import GrantState, ProjectRole, ThingKind, ThingState

Relation = Literal["mine", "shared_with_me"]

IS_LIVE_FOLDER: Final = sa.and_(
    not_by_index(things.c.kind) == ThingKind.FOLDER,
    not_by_index(things.c.state) == ThingState.LIVE,
)
"""Of the things at the other end of grants."""

_ASKER: Final[sa.BindParameter[str]] = sa.bindparam("asker", type_=sa.String)


@lru_cache
def listed(state: ThingState = ThingState.LIVE, relation: Relation | None = None) -> sa.Subquery:
    """The folders of a person's list, each once: ``id, name, alias, label, project_id``.

    What is in the trash is its owner's alone; a project's, its administrators' on the service's own
    pages. To be executed with what ``asking(person, at=…)``
    says; put together once, since building it takes longer than running it.
    """
    ways = []
    if relation != "shared_with_me":
        ways.append(_own(state))
    if relation != "mine":
        ways.append(_administered(state))
    if relation != "mine" and state is ThingState.LIVE:
        ways += [_shared(), _of_projects()]
    if not ways:
        ways.append(_own(state).where(sa.false()))
    found = sa.union(*ways).subquery("found")
    mine = sa.and_(aliases.c.thing_id == found.c.id, aliases.c.person == _ASKER)
    label = sa.func.coalesce(aliases.c.alias, found.c.name)
    return (
        sa.select(
            *(found.c.id, found.c.name, aliases.c.alias),
            *(label.label("label"), found.c.project_id),
        )
        .outerjoin(aliases, mine)
        .subquery("listed")
    )


_Found = sa.Select[tuple[str, str, str | None]]
_SHOWN: Final = (things.c.id, things.c.name, things.c.project_id)
_AT: Final = sa.bindparam("at", type_=Moment)
# A team's or a project's grant is active at once; a member's own "no" takes it off their list.
_DECLINED: Final = sa.exists().where(
    answers.c.grant_id == grants.c.id,
    answers.c.person == _ASKER,
    answers.c.answer == "declined",
)


def _own(state: ThingState) -> _Found:
    return sa.select(*_SHOWN).where(
        things.c.owner == _ASKER, things.c.kind == ThingKind.FOLDER, things.c.state == state
    )


def _shared() -> _Found:
    return (
        sa.select(*_SHOWN)
        .join(grants, grants.c.thing_id == things.c.id)
        .where(
            RECEIVED,
            # Whoever owns a folder has it, whatever their team was given.
            things.c.owner != _ASKER,
            live_at(_AT),
            ~_DECLINED,
            IS_LIVE_FOLDER,
        )
    )


def _of_projects() -> _Found:
    return (
        sa.select(*_SHOWN)
        .join(grants, grants.c.thing_id == things.c.id)
        .join(project_members, project_members.c.project_id == things.c.project_id)
        .where(
            *(project_members.c.person == _ASKER, active(_AT)),
            *(TO_PROJECT, live_at(_AT), ~_DECLINED, IS_LIVE_FOLDER),
        )
    )


def _administered(state: ThingState) -> _Found:
    return (
        sa.select(*_SHOWN)
        .join(project_members, project_members.c.project_id == things.c.project_id)
        .where(
            things.c.project_id.in_(sa.bindparam("administers", expanding=True)),
            *(project_members.c.person == _ASKER, active(_AT)),
            project_members.c.role == ProjectRole.ADMINISTRATOR,
            *(things.c.kind == ThingKind.FOLDER, things.c.state == state),
        )
    )


def live_at(at: datetime | sa.BindParameter[datetime]) -> sa.ColumnElement[bool]:
    """Accepted grants that have not run out: the date counts before anybody has written it down."""
    return sa.and_(
        grants.c.state == GrantState.ACTIVE,
        sa.or_(grants.c.ends_at.is_(None), grants.c.ends_at > at),
    )
