"""Asking to join, by a link, and the administrators' answers."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import project_asks, project_links
from jupyterhub_vmshare.errors import Conflict, NotFound
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.projects import links, members
from jupyterhub_vmshare.projects.model import ASKS, Ask, Project
from jupyterhub_vmshare.projects.standing import (
    Asker,
    administrators_of,
    locked,
    member_of,
    permitted,
    project_of,
)
from jupyterhub_vmshare.projects.telling import tell_administrators
from jupyterhub_vmshare.words import AskState, ProjectState


async def look(conn: AsyncConnection, code: str, at: datetime) -> tuple[Project, list[str]]:
    """The project that a link leads to, and its administrators. Raises ``NotFound``."""
    link = await links.by_code(conn, code, at)
    project = await project_of(conn, link.project_id)
    if project.state is not ProjectState.ACTIVE:
        raise NotFound
    return project, [one.person for one in await administrators_of(conn, [project.id], at)]


async def ask(tx: Transaction, person: str, code: str) -> Ask:
    """Ask to become a member; whoever asks again is told of what waits already."""
    project = await locked(tx, (await links.by_code(tx.conn, code, tx.at)).project_id)
    # Anew: another one may have used it up before the project was held.
    link = await links.by_code(tx.conn, code, tx.at)
    if project.state is not ProjectState.ACTIVE:
        raise NotFound
    if await member_of(tx.conn, project.id, person, tx.at) is not None:
        raise Conflict(f"You are in {project.name} already.")
    waiting = await _waiting_of(tx.conn, project.id, person)
    if waiting is not None:
        return waiting
    ask_id = new_id("ask")
    await tx.conn.execute(
        project_asks.insert().values(
            id=ask_id,
            project_id=project.id,
            link_id=link.id,
            person=person,
            state=AskState.WAITING,
            asked_at=tx.at,
        )
    )
    used = project_links.update().where(project_links.c.id == link.id)
    await tx.conn.execute(used.values(used=project_links.c.used + 1))
    await tell_administrators(tx, "asked", project, person, also=[person], person=person)
    return await _one(tx.conn, project.id, ask_id)


async def accept(
    tx: Transaction, asker: Asker, project_id: str, ask_id: str, ends_at: datetime | None
) -> Ask:
    """Let somebody in, until a date or for good."""
    project, asked = await _to_answer(tx, asker, project_id, ask_id)
    answered = await _answer(tx, asked, AskState.ACCEPTED, asker.name)
    await members.join(tx, project, asked.person, ends_at, asker.name)
    return answered


async def decline(tx: Transaction, asker: Asker, project_id: str, ask_id: str) -> Ask:
    """Don't let somebody in."""
    project, asked = await _to_answer(tx, asker, project_id, ask_id)
    answered = await _answer(tx, asked, AskState.DECLINED, asker.name)
    told = [asked.person]
    await tell_administrators(
        tx, "ask_declined", project, asker.name, also=told, person=asked.person
    )
    return answered


async def cancel(tx: Transaction, person: str, project_id: str, ask_id: str) -> None:
    """Take one's own wish back."""
    project = await locked(tx, project_id)
    asked = await _one(tx.conn, project.id, ask_id)
    if asked.person != person:
        raise NotFound
    _demand_waiting(asked)
    await _answer(tx, asked, AskState.CANCELLED, person)
    await tell_administrators(tx, "ask_cancelled", project, person, also=[person], person=person)


async def waiting(
    conn: AsyncConnection,
    asker: Asker,
    project: Project,
    at: datetime,
    *,
    after: str | None,
    limit: int,
) -> list[Ask]:
    """Who waits for an answer, the first one first."""
    await permitted(conn, asker, "member.answer_request", project, at, whose="others")
    query = ASKS.where(
        project_asks.c.project_id == project.id, project_asks.c.state == AskState.WAITING
    )
    if after is not None:
        query = query.where(project_asks.c.id > after)
    rows = await conn.execute(query.order_by(project_asks.c.id).limit(limit))
    return [Ask.of(row) for row in rows]


async def _to_answer(
    tx: Transaction, asker: Asker, project_id: str, ask_id: str
) -> tuple[Project, Ask]:
    project = await locked(tx, project_id)
    await permitted(tx.conn, asker, "member.answer_request", project, tx.at, whose="others")
    asked = await _one(tx.conn, project.id, ask_id)
    _demand_waiting(asked)
    return project, asked


def _demand_waiting(asked: Ask) -> None:
    if asked.state is not AskState.WAITING:
        raise Conflict(f"This does not wait for an answer any more: it was {asked.state}.")


async def _answer(tx: Transaction, asked: Ask, state: AskState, by: str) -> Ask:
    query = project_asks.update().where(project_asks.c.id == asked.id)
    await tx.conn.execute(query.values(state=state, answered_by=by, answered_at=tx.at))
    return await _one(tx.conn, asked.project_id, asked.id)


async def _waiting_of(conn: AsyncConnection, project_id: str, person: str) -> Ask | None:
    query = ASKS.where(
        project_asks.c.project_id == project_id,
        project_asks.c.person == person,
        project_asks.c.state == AskState.WAITING,
    )
    row = (await conn.execute(query)).one_or_none()
    return None if row is None else Ask.of(row)


async def _one(conn: AsyncConnection, project_id: str, ask_id: str) -> Ask:
    query = ASKS.where(project_asks.c.id == ask_id, project_asks.c.project_id == project_id)
    row = (await conn.execute(query)).one_or_none()
    if row is None:
        raise NotFound
    return Ask.of(row)
