"""Invitation links: whoever has one may ask to become a member.

The code is shown once, to who made it, and kept as a hash. It never is part of a path or a query:
pages take it behind the ``#``, which browsers keep to themselves.
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import project_links
from jupyterhub_vmshare.errors import BadInput, Conflict, NotFound
from jupyterhub_vmshare.folders.names import checked
from jupyterhub_vmshare.ids import new_id
from jupyterhub_vmshare.projects.model import LINKS, Link, Project
from jupyterhub_vmshare.projects.standing import Asker, locked, permitted
from jupyterhub_vmshare.projects.telling import tell_administrators

LASTS: Final = timedelta(days=14)
"""How long a link may be used where nobody says."""

MOST_OPEN: Final = 50
"""Links of one project that may be open at a time."""


async def make(
    tx: Transaction,
    asker: Asker,
    project_id: str,
    *,
    note: str,
    uses: int,
    ends_at: datetime | None,
) -> tuple[Link, str]:
    """A new link and its code, which nobody can be told again."""
    project = await locked(tx, project_id)
    await permitted(tx.conn, asker, "member.invite", project, tx.at, whose="others")
    if ends_at is not None and ends_at <= tx.at:
        raise BadInput("The link would be over already. Choose a later end.")
    if await _open(tx.conn, project.id, tx.at) >= MOST_OPEN:
        raise Conflict(f"{MOST_OPEN} links of this project are open. Revoke one first.")
    code, link_id = secrets.token_urlsafe(24), new_id("lnk")
    await tx.conn.execute(
        project_links.insert().values(
            id=link_id,
            project_id=project.id,
            code_hash=hash_of(code),
            note=checked(note, "note") if note else "",
            made_by=asker.name,
            made_at=tx.at,
            ends_at=ends_at or tx.at + LASTS,
            uses=uses,
        )
    )
    await tell_administrators(tx, "link_made", project, asker.name, link_id=link_id)
    return await one(tx.conn, link_id), code


async def revoke(tx: Transaction, asker: Asker, project_id: str, link_id: str) -> None:
    """End a link. Who has asked with it already goes on waiting."""
    project = await locked(tx, project_id)
    await permitted(tx.conn, asker, "member.invite", project, tx.at, whose="others")
    link = await one(tx.conn, link_id)
    if link.project_id != project.id:
        raise NotFound
    if link.revoked_at is None:
        query = project_links.update().where(project_links.c.id == link_id)
        await tx.conn.execute(query.values(revoked_at=tx.at))
        await tell_administrators(tx, "link_revoked", project, asker.name, link_id=link_id)


async def page(
    conn: AsyncConnection,
    asker: Asker,
    project: Project,
    at: datetime,
    *,
    after: str | None,
    limit: int,
) -> list[Link]:
    """A project's links, the newest first."""
    await permitted(conn, asker, "member.invite", project, at, whose="others")
    query = LINKS.where(project_links.c.project_id == project.id)
    if after is not None:
        query = query.where(project_links.c.id < after)
    rows = await conn.execute(query.order_by(project_links.c.id.desc()).limit(limit))
    return [Link.of(row) for row in rows]


async def by_code(conn: AsyncConnection, code: str, at: datetime) -> Link:
    """The open link that has this code. Raises ``NotFound``, whatever is wrong with it."""
    row = (await conn.execute(LINKS.where(project_links.c.code_hash == hash_of(code)))).first()
    link = None if row is None else Link.of(row)
    if link is None or not link.is_open(at):
        raise NotFound("This link is not valid (any more). Ask whoever gave it to you for another.")
    return link


async def one(conn: AsyncConnection, link_id: str) -> Link:
    """One link by its id. Raises ``NotFound``."""
    row = (await conn.execute(LINKS.where(project_links.c.id == link_id))).one_or_none()
    if row is None:
        raise NotFound
    return Link.of(row)


def hash_of(code: str) -> str:
    """What is kept of a code. It has 192 random bits, so that its hash tells nothing."""
    return hashlib.sha256(code.encode()).hexdigest()


async def _open(conn: AsyncConnection, project_id: str, at: datetime) -> int:
    query = sa.select(sa.func.count()).where(
        project_links.c.project_id == project_id,
        project_links.c.revoked_at.is_(None),
        project_links.c.ends_at > at,
        project_links.c.used < project_links.c.uses,
    )
    return int(await conn.scalar(query) or 0)
