"""What a person sees of sharing: their invitations, and a thing's people."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import answers, grants, things
from jupyterhub_vmshare.policy.model import Answer, Person, Thing
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.access import Access, access_of
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.handovers import HandOver, done_on
from jupyterhub_vmshare.sharing.model import Grant, SharedThing
from jupyterhub_vmshare.sharing.projects import grants_for, membership_of
from jupyterhub_vmshare.sharing.teams import members_with_answers
from jupyterhub_vmshare.words import GrantState, ReceiverKind, ThingKind, ThingState


@dataclass(frozen=True, slots=True)
class Invitation:
    """A grant that waits for the person's answer, with what they may know of the thing.

    ``answer`` is their own to what a team of theirs was given; a no may become a yes.
    """

    grant: Grant
    thing: SharedThing
    answer: Answer = "none"


_MINE: Final = sa.and_(
    grants.c.receiver_kind == ReceiverKind.PERSON,
    grants.c.receiver == sa.bindparam("asker"),
    grants.c.state == GrantState.PENDING,
)
_MY_TEAMS: Final = sa.and_(
    grants.c.receiver_kind == ReceiverKind.TEAM,
    grants.c.receiver.in_(sa.bindparam("teams", expanding=True)),
    grants.c.state == GrantState.ACTIVE,
    things.c.owner != sa.bindparam("asker"),
)
_MY_PROJECTS: Final = grants.c.id.in_(sa.bindparam("of_projects", expanding=True))
_ANSWERED: Final = sa.and_(
    answers.c.grant_id == grants.c.id, answers.c.person == sa.bindparam("asker")
)


async def invitations(
    conn: AsyncConnection,
    person: Person,
    at: datetime,
    *,
    before: str | None,
    limit: int,
    declined: bool = False,
) -> list[Invitation]:
    """The person's open invitations, newest first; ``before`` is the last id of the last page.

    What a team or a project of theirs was given waits for their answer too; ``declined``: instead,
    what of that they said no to, and may still accept.
    """
    groups = sa.or_(_MY_TEAMS, _MY_PROJECTS)
    if declined:
        waits = sa.and_(groups, answers.c.answer == "declined")
    else:
        waits = sa.or_(_MINE, sa.and_(groups, answers.c.answer.is_(None)))
    query = (
        sa.select(grants, *_thing_columns())
        .join(things, things.c.id == grants.c.thing_id)
        .outerjoin(answers, _ANSWERED)
        .where(
            waits,
            sa.or_(grants.c.ends_at.is_(None), grants.c.ends_at > at),
            things.c.state != ThingState.DELETING,
        )
        .order_by(grants.c.id.desc())
        .limit(limit)
    )
    if before is not None:
        query = query.where(grants.c.id < before)
    of_projects = await grants_for(conn, person.name, at)
    told = {"asker": person.name, "teams": sorted(person.teams), "of_projects": of_projects}
    answer: Answer = "declined" if declined else "none"
    rows = await conn.execute(query, told)
    return [Invitation(Grant.of(row), _thing(row), answer) for row in rows]


@dataclass(frozen=True, slots=True)
class PeopleOf:
    """A thing's owner, every grant on it that is pending or live, and who has it through which.

    ``administrators``: of the project that it belongs to; they keep it.
    """

    owner: str
    grants: list[Grant]
    people: list[Access]
    handed_over: list[HandOver]
    administrators: list[str]


async def people_of(conn: AsyncConnection, person: Person, thing_id: str, at: datetime) -> PeopleOf:
    """Who has a thing, directly, through teams and by its project.

    Who declined is told to the owner alone. Of a project whose members don't see each other, others
    than its administrators see themself alone among them.
    """
    thing = await permitted(conn, person, "see_people", thing_id, at)
    live = [grant for grant in await store.live_on(conn, thing_id) if not grant.is_over(at)]
    members = await members_with_answers(conn, live)
    project = await membership_of(conn, thing, live, at)
    people = access_of(thing, live, {**members, **project.answers}, at, project)
    if not _keeps(person, thing):
        hidden = project.hidden_from(person.name)
        people = [one for one in people if not one.has_declined and one.person not in hidden]
    done = await done_on(conn, thing_id)
    return PeopleOf(thing.owner, live, people, done, sorted(project.administrators))


def _keeps(person: Person, thing: Thing) -> bool:
    if thing.personal:
        return thing.owner == person.name
    return thing.project in person.administers


def _thing_columns() -> list[sa.ColumnElement[Any]]:
    return [column.label(f"its_{column.name}") for column in things.columns]


def _thing(row: sa.Row[Any]) -> SharedThing:
    return SharedThing(
        id=row.its_id,
        kind=ThingKind(row.its_kind),
        owner=row.its_owner,
        name=row.its_name,
        state=ThingState(row.its_state),
        version=row.its_version,
        project_id=row.its_project_id,
        within_id=row.its_within_id,
        project_name=row.its_project_name,
    )
