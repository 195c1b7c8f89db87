"""Who is in a project: roles, end dates, leaving, being removed. Never without an administrator."""

from __future__ import annotations

from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import project_members
from jupyterhub_vmshare.errors import BadInput, ChangedMeanwhile, Forbidden, NotFound
from jupyterhub_vmshare.folders.joining import make_room_for_member
from jupyterhub_vmshare.policy.projects import Whose, decide_in_project
from jupyterhub_vmshare.policy.rule_sentences import LAST_ADMINISTRATOR
from jupyterhub_vmshare.projects.model import MEMBERS, Member, Project, active
from jupyterhub_vmshare.projects.standing import Asker, locked, member_of, permitted, standing
from jupyterhub_vmshare.projects.telling import tell_administrators
from jupyterhub_vmshare.sharing.model import wire
from jupyterhub_vmshare.sharing.parting import Lost
from jupyterhub_vmshare.sharing.projects import asked_anew, lost
from jupyterhub_vmshare.words import MemberEnded, ProjectRole

UNSET: Final = object()


async def page(
    conn: AsyncConnection,
    asker: Asker,
    project: Project,
    at: datetime,
    *,
    after: str | None,
    limit: int,
) -> list[Member]:
    """Members by name; oneself alone where members don't see each other."""
    stands = await permitted(conn, asker, "member.list", project, at, whose="own")
    query = MEMBERS.where(project_members.c.project_id == project.id, active(at))
    if not decide_in_project(asker.name, "member.list", stands, whose="others").allowed:
        query = query.where(project_members.c.person == asker.name)
    if after is not None:
        query = query.where(project_members.c.person > after)
    rows = await conn.execute(query.order_by(project_members.c.person).limit(limit))
    return [Member.of(row) for row in rows]


async def join(
    tx: Transaction, project: Project, person: str, ends_at: datetime | None, actor: str
) -> None:
    """Make somebody a member, anew where they were one before. The project is held."""
    values: dict[str, Any] = {
        "role": ProjectRole.MEMBER,
        "since": tx.at,
        "ends_at": _future(tx, ends_at),
        "ended_at": None,
        "ended_why": None,
    }
    ours = _row(project.id, person)
    before = (await tx.conn.execute(MEMBERS.where(ours))).one_or_none()
    if before is not None and before.ended_at is None:
        # It ran out, and nobody has written that down: what they had by it must not come back.
        await lost(tx, project.id, person)
    if before is None:
        await tx.conn.execute(
            project_members.insert().values(project_id=project.id, person=person, **values)
        )
    else:
        again = project_members.update().where(ours)
        await tx.conn.execute(again.values(version=project_members.c.version + 1, **values))
    await asked_anew(tx, project.id, person)
    await make_room_for_member(tx, project.id, person)
    await tell_administrators(tx, "joined", project, actor, also=[person], person=person)


async def change(
    tx: Transaction,
    asker: Asker,
    project_id: str,
    person: str,
    version: int,
    *,
    role: ProjectRole | None = None,
    ends_at: Any = UNSET,
) -> Member:
    """Promote, demote, or give an end date (None: none). Raises ``ChangedMeanwhile``."""
    project = await locked(tx, project_id)
    whose: Whose = "own" if person == asker.name else "others"
    await permitted(tx.conn, asker, "member.change_role", project, tx.at, whose=whose)
    member = await _one(tx, project, person)
    if member.version != version:
        raise ChangedMeanwhile("Somebody else changed this member first; load them again.")
    changes: dict[str, Any] = {}
    if role is not None and role is not member.role:
        changes["role"] = role
    if ends_at is not UNSET and ends_at != member.ends_at:
        changes["ends_at"] = _future(tx, ends_at)
    if not changes:
        return member
    if changes.get("role") is ProjectRole.MEMBER or changes.get("ends_at"):
        await _demand_another(tx, project, member)
    again = project_members.update().where(_row(project.id, person))
    await tx.conn.execute(again.values(version=project_members.c.version + 1, **changes))
    changed = await _one(tx, project, person)
    until = None if changed.ends_at is None else wire(changed.ends_at)
    told = {"person": person, "role": changed.role.value, "ends_at": until}
    await tell_administrators(tx, "member_changed", project, asker.name, also=[person], **told)
    return changed


async def remove(tx: Transaction, asker: Asker, project_id: str, person: str) -> Lost:
    """Take somebody out of the project; what they lost with it."""
    project = await locked(tx, project_id)
    whose: Whose = "own" if person == asker.name else "others"
    await permitted(tx.conn, asker, "member.remove", project, tx.at, whose=whose)
    member = await _one(tx, project, person)
    await _demand_another(tx, project, member)
    return await end(tx, project, member, MemberEnded.REMOVED, asker.name)


async def leave(tx: Transaction, asker: Asker, project_id: str) -> Lost:
    """Go out of the project oneself; what one lost with it."""
    project = await locked(tx, project_id)
    await permitted(tx.conn, asker, "member.leave", project, tx.at, whose="own")
    member = await _one(tx, project, asker.name)
    return await end(tx, project, member, MemberEnded.LEFT, asker.name)


async def end(
    tx: Transaction, project: Project, member: Member, why: MemberEnded, actor: str | None
) -> Lost:
    """Their membership is over, and what the project has is not theirs. The project is held.

    Locks are taken in one order everywhere: the teams' mirror, projects, things, people's lists.
    """
    gone = await lost(tx, project.id, member.person)
    await tx.conn.execute(
        project_members.update()
        .where(_row(project.id, member.person))
        .values(ended_at=tx.at, ended_why=why, version=project_members.c.version + 1)
    )
    verb = {MemberEnded.LEFT: "left", MemberEnded.REMOVED: "removed"}.get(why, "member_ended")
    also = [member.person]
    await tell_administrators(tx, verb, project, actor, also=also, person=member.person)
    return gone


async def one(
    conn: AsyncConnection, asker: Asker, project: Project, person: str, at: datetime
) -> Member:
    """One member, to whoever may see them. Raises ``NotFound``."""
    stands = await standing(conn, asker, project, at)
    whose: Whose = "own" if person == asker.name else "others"
    may = decide_in_project(asker.name, "member.list", stands, whose=whose).allowed
    member = await member_of(conn, project.id, person, at) if may else None
    if member is None:
        raise NotFound
    return member


async def _one(tx: Transaction, project: Project, person: str) -> Member:
    member = await member_of(tx.conn, project.id, person, tx.at)
    if member is None:
        raise NotFound
    return member


async def _demand_another(tx: Transaction, project: Project, member: Member) -> None:
    """Whoever the change is about, an administrator stays, and not only until a date."""
    if member.role is not ProjectRole.ADMINISTRATOR:
        return
    stands = await standing(tx.conn, Asker(member.person), project, tx.at)
    if "administrator_remains" not in stands.facts:
        raise Forbidden(LAST_ADMINISTRATOR, rule="if.not_last_administrator")


def _row(project_id: str, person: str) -> sa.ColumnElement[bool]:
    return sa.and_(project_members.c.project_id == project_id, project_members.c.person == person)


def _future(tx: Transaction, moment: datetime | None) -> datetime | None:
    if moment is not None and moment <= tx.at:
        raise BadInput("The end date is over already. Choose a later one.")
    return moment
