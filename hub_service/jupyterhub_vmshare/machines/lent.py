"""Drives on machines of people who may attach them no more: they are taken off again.

A revoke, a lower level, an end date and leaving a team end what somebody attached by that right.
What an owner of a machine took elsewhere with it was never theirs by a grant, and stays.
"""

from __future__ import annotations

from datetime import datetime

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import Database
from jupyterhub_vmshare.db.tables import answers, attachments, events, grants, team_members
from jupyterhub_vmshare.errors import NotFound
from jupyterhub_vmshare.machines import model
from jupyterhub_vmshare.machines.drives import want_off
from jupyterhub_vmshare.machines.model import Attachment, Desired
from jupyterhub_vmshare.machines.telling import tell_of_attachment
from jupyterhub_vmshare.policy.decide import decide
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import load_one


async def take_back(db: Database) -> None:
    """Want every drive off where whoever attached it had a right that has ended."""
    query = attachments.select().where(attachments.c.desired == Desired.ATTACHED)
    async with db.read() as conn:
        found = [Attachment.of(row) for row in await conn.execute(query)]
        lost = [one for one in found if await _is_lost(conn, one, db.clock())]
    for one in lost:
        async with db.write() as tx:
            await store.lock(tx, one.drive_id)
            await store.lock(tx, one.machine_id)
            here = await model.attachments_of(
                tx.conn, drive_id=one.drive_id, machine_id=one.machine_id
            )
            same = [each for each in here if each.id == one.id and each.desired is one.desired]
            if same and await _is_lost(tx.conn, one, tx.at):
                await want_off(tx, one)
                drive = await model.drive(tx.conn, one.drive_id)
                machine = await model.machine(tx.conn, one.machine_id)
                await tell_of_attachment(tx, "detach_asked", drive, machine, None)


async def _is_lost(conn: AsyncConnection, one: Attachment, at: datetime) -> bool:
    return not await _may(conn, one, at) and await _was_given(conn, one)


async def _may(conn: AsyncConnection, one: Attachment, at: datetime) -> bool:
    query = sa.select(team_members.c.team).where(team_members.c.person == one.by)
    who = Person(one.by, teams=frozenset((await conn.execute(query)).scalars()))
    action = "attach_read_only" if one.read_only else "attach_read_write"
    try:
        return decide(who, action, await load_one(conn, who, one.drive_id), at).allowed
    except NotFound:
        return False


async def _was_given(conn: AsyncConnection, one: Attachment) -> bool:
    """Whether a grant of theirs was open when they attached it: to them, or to a team of theirs."""
    answered = sa.select(answers.c.grant_id).where(answers.c.person == one.by)
    direct = sa.and_(grants.c.receiver == one.by, grants.c.receiver_kind == "person")
    query = sa.select(grants.c.ended_at).where(
        grants.c.thing_id == one.drive_id,
        sa.or_(sa.and_(direct, grants.c.answered_at.is_not(None)), grants.c.id.in_(answered)),
    )
    since = await _attached_at(conn, one)
    ends = (await conn.execute(query)).scalars().all()
    return any(end is None or since is None or end >= since for end in ends)


async def _attached_at(conn: AsyncConnection, one: Attachment) -> datetime | None:
    """When somebody asked for it last, by the log of events."""
    query = (
        sa.select(events.c.at, events.c.data)
        .where(events.c.thing_id == one.drive_id, events.c.type == "drive.attach_asked")
        .order_by(events.c.id.desc())
    )
    for at, data in await conn.execute(query):
        if data.get("machine_id") == one.machine_id:
            return at if isinstance(at, datetime) else None
    return None
