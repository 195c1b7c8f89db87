"""Machines and drives as one person sees them: a page of their list, or one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Generic, TypeVar

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.tables import (
    answers,
    attachments,
    drives,
    grants,
    machines,
    project_members,
    team_members,
    things,
)
from jupyterhub_vmshare.db.types import Moment
from jupyterhub_vmshare.machines.model import DRIVES, MACHINES, Attachment, Drive, Machine
from jupyterhub_vmshare.policy.decide import actions, effective
from jupyterhub_vmshare.policy.model import Person, Thing
from jupyterhub_vmshare.sharing import facts
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.store import active
from jupyterhub_vmshare.sharing.within import owned
from jupyterhub_vmshare.words import GrantState, ProjectRole, ReceiverKind, ThingKind, ThingState

T = TypeVar("T", Machine, Drive)


@dataclass(frozen=True, slots=True)
class OnOther:
    """A drive on a machine, seen from one of the two; the other by id and name."""

    attachment: Attachment
    other_id: str
    other_name: str | None
    """None where the person may not see it."""


@dataclass(frozen=True, slots=True)
class Seen(Generic[T]):
    """One machine or drive, and how the person stands to it."""

    row: T
    level: str
    """``owner``, or the level that counts; of an invitation, the one it offers."""
    ends_at: datetime | None
    actions: tuple[str, ...]
    shared_with: int | None
    """Grants that are pending or live; None where the person may not see who has it."""
    created_at: datetime
    version: int
    is_invitation: bool
    """Only that, and nothing else, may be seen of it."""
    attachments: Sequence[OnOther]
    """Those whose other end the person may see."""


_ASKER: Final[sa.BindParameter[str]] = sa.bindparam("asker", type_=sa.String)
_AT: Final = sa.bindparam("at", type_=Moment)


_MINE: Final = sa.and_(
    project_members.c.project_id == things.c.within_id, project_members.c.person == _ASKER
)
_WITH_A_MEMBERSHIP_THAT_IS_OVER: Final = sa.exists().where(
    _MINE,
    project_members.c.ended_at.is_(None),
    project_members.c.ends_at <= _AT,
)


@lru_cache
def listed(kind: ThingKind) -> sa.Subquery:
    """The ids of the things of a kind in a person's list: what ``see_in_list`` says in SQL.

    Unlike a folder, what a team was given is in a member's list only once they accepted it.
    """
    there = (things.c.kind == kind, things.c.state != ThingState.TRASHED)
    own = sa.select(things.c.id).where(*there, things.c.owner == _ASKER, owned(_AT))
    live = (
        *there,
        things.c.owner != _ASKER,
        grants.c.state == GrantState.ACTIVE,
        sa.or_(grants.c.ends_at.is_(None), grants.c.ends_at > _AT),
    )
    granted = sa.select(things.c.id).join(grants, grants.c.thing_id == things.c.id)
    direct = granted.where(
        *live,
        grants.c.receiver_kind == ReceiverKind.PERSON,
        grants.c.receiver == _ASKER,
        ~_WITH_A_MEMBERSHIP_THAT_IS_OVER,
    )
    accepted = (
        granted.join(answers, answers.c.grant_id == grants.c.id)
        .join(team_members, team_members.c.team == grants.c.receiver)
        .where(*live, grants.c.receiver_kind == ReceiverKind.TEAM)
        .where(answers.c.person == _ASKER, answers.c.answer == "accepted")
        .where(team_members.c.person == _ASKER)
    )
    in_projects = (
        sa.select(things.c.id)
        .join(project_members, _MINE)
        .where(*there, things.c.owner != _ASKER, active(_AT))
    )
    # Of machines, members see their own; of drives, each other's.
    if kind is ThingKind.MACHINE:
        in_projects = in_projects.where(
            project_members.c.role == ProjectRole.ADMINISTRATOR,
            things.c.within_id.in_(sa.bindparam("administers", expanding=True)),
        )
    return sa.union(own, direct, accepted, in_projects).subquery("listed")


async def machines_of(
    conn: AsyncConnection,
    person: Person,
    at: datetime,
    *,
    after: str | None,
    limit: int,
    within: str | None = None,
) -> list[Seen[Machine]]:
    """A page of the person's machines, the newest first; ``within``: of those in one project."""
    ids = await _page(conn, ThingKind.MACHINE, person, at, after, limit, within)
    return await _machines(conn, person, ids, at)


async def drives_of(
    conn: AsyncConnection,
    person: Person,
    at: datetime,
    *,
    after: str | None,
    limit: int,
    within: str | None = None,
) -> list[Seen[Drive]]:
    """A page of the person's drives, the newest first; ``within``: of those in one project."""
    ids = await _page(conn, ThingKind.DRIVE, person, at, after, limit, within)
    return await _drives(conn, person, ids, at)


async def one_machine(
    conn: AsyncConnection, person: Person, machine_id: str, at: datetime
) -> Seen[Machine]:
    """One machine. Raises ``NotFound`` to whom it is not there."""
    await permitted(conn, person, "see_in_list", machine_id, at)
    [found] = await _machines(conn, person, [machine_id], at)
    return found


async def one_drive(
    conn: AsyncConnection, person: Person, drive_id: str, at: datetime
) -> Seen[Drive]:
    """One drive. Raises ``NotFound`` to whom it is not there."""
    await permitted(conn, person, "see_in_list", drive_id, at)
    [found] = await _drives(conn, person, [drive_id], at)
    return found


async def _page(
    conn: AsyncConnection,
    kind: ThingKind,
    person: Person,
    at: datetime,
    after: str | None,
    limit: int,
    within: str | None,
) -> list[str]:
    found = listed(kind)
    query = sa.select(found.c.id).order_by(found.c.id.desc()).limit(limit)
    if after is not None:
        query = query.where(found.c.id < after)
    if within is not None:
        there = sa.select(things.c.id).where(things.c.within_id == within)
        query = query.where(found.c.id.in_(there))
    told = {"asker": person.name, "at": at, "administers": sorted(person.administers)}
    return list((await conn.execute(query, told)).scalars())


async def _machines(
    conn: AsyncConnection, person: Person, ids: Sequence[str], at: datetime
) -> list[Seen[Machine]]:
    rows = await conn.execute(MACHINES.where(machines.c.id.in_(ids)))
    found = {row.id: (row, Machine.of(row)) for row in rows}
    # An owner of a machine takes its drives elsewhere, whosever they are.
    ends = attachments.c.machine_id, attachments.c.drive_id
    on = await _others(conn, person, ends, "use_drive_elsewhere", ids, at)
    return await _seen(conn, person, ids, found, on, at)


async def _drives(
    conn: AsyncConnection, person: Person, ids: Sequence[str], at: datetime
) -> list[Seen[Drive]]:
    rows = await conn.execute(DRIVES.where(drives.c.id.in_(ids)))
    found = {row.id: (row, Drive.of(row)) for row in rows}
    ends = attachments.c.drive_id, attachments.c.machine_id
    on = await _others(conn, person, ends, "detach", ids, at)
    return await _seen(conn, person, ids, found, on, at)


async def _seen(
    conn: AsyncConnection,
    person: Person,
    ids: Sequence[str],
    found: Mapping[str, tuple[sa.Row[Any], T]],
    on: Mapping[str, list[OnOther]],
    at: datetime,
) -> list[Seen[T]]:
    held = await facts.load(conn, person, ids)
    counts = await _grants_on(conn, ids, at)
    made = []
    for thing_id in ids:
        if thing_id in found and thing_id in held:
            row, thing = found[thing_id][1], held[thing_id]
            basis = found[thing_id][0]
            made.append(_one(person, row, thing, basis, counts, on.get(thing_id, []), at))
    return made


def _one(
    person: Person,
    row: T,
    thing: Thing,
    basis: sa.Row[Any],
    counts: Mapping[str, int],
    on: Sequence[OnOther],
    at: datetime,
) -> Seen[T]:
    may = actions(person, thing, at)
    holds = effective(thing, at)
    offered = next((h for h in thing.holdings if h.state is GrantState.PENDING), None)
    level = holds.level if holds is not None else offered.level if offered is not None else None
    sees = "see_people" in may
    # By a role in its project, which gives no level: a member's, or an administrator's.
    by_role = "project" if "see_in_list" in may and offered is None else ""
    return Seen(
        row=row,
        level=level or by_role,
        ends_at=holds.gone_at if holds is not None else offered.ends_at if offered else None,
        actions=may,
        shared_with=counts.get(thing.id, 0) if sees else None,
        created_at=basis.created_at,
        version=basis.version,
        is_invitation=not sees and not by_role,
        attachments=on if sees else (),
    )


async def _grants_on(conn: AsyncConnection, ids: Sequence[str], at: datetime) -> Mapping[str, int]:
    query = (
        sa.select(grants.c.thing_id, sa.func.count())
        .where(grants.c.thing_id.in_(ids))
        .where(sa.or_(grants.c.state == "pending", grants.c.state == "active"))
        .where(sa.or_(grants.c.ends_at.is_(None), grants.c.ends_at > at))
        .group_by(grants.c.thing_id)
    )
    return {row[0]: row[1] for row in await conn.execute(query)}


async def _others(
    conn: AsyncConnection,
    person: Person,
    ends: tuple[sa.Column[str], sa.Column[str]],
    all_by: str,
    ids: Sequence[str],
    at: datetime,
) -> Mapping[str, list[OnOther]]:
    """What is attached to each of these: all of it to whom ``all_by`` is open.

    A user of a machine holds nothing on its drives.
    """
    query = attachments.select().where(ends[0].in_(ids)).order_by(attachments.c.id)
    rows = (await conn.execute(query)).all()
    concerned = {getattr(row, end.name) for row in rows for end in ends}
    known = await facts.load(conn, person, sorted(concerned))
    may = {thing_id: actions(person, thing, at) for thing_id, thing in known.items()}
    found: dict[str, list[OnOther]] = {}
    for row in rows:
        one, another = (getattr(row, end.name) for end in ends)
        if all_by in may.get(one, ()) or "see_people" in may.get(another, ()):
            seen = OnOther(Attachment.of(row), another, known[another].name)
            found.setdefault(one, []).append(seen)
    return found
