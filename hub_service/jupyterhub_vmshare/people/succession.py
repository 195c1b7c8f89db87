"""Names that the hub gives a second time: what their former holder had is set aside.

People are known by the hub's names. When an account is deleted and another one is made under its
name, the hub tells by a later moment of its making. Then all that the database has under that name
goes on under another one that nobody can have in the hub, as the things of anybody who left; the
new holder finds nothing of it. Nothing happens on a guess: a hub that does not answer, or does not
say since when, changes nothing.
"""

from __future__ import annotations

import hashlib
import math
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

import sqlalchemy as sa

from jupyterhub_vmshare.db.database import Database, NewEvent, Transaction
from jupyterhub_vmshare.db.tables import (
    grants,
    hand_overs,
    metadata,
    name_holders,
    project_asks,
    project_members,
    projects,
    things,
)
from jupyterhub_vmshare.db.upsert import insert_new
from jupyterhub_vmshare.people.hub import Hub
from jupyterhub_vmshare.people.memory import ShortMemory
from jupyterhub_vmshare.words import ReceiverKind

HELD: Final = (
    *("things.owner", "grants.receiver", "grants.giver", "answers.person", "aliases.person"),
    *("hand_overs.owner", "hand_overs.receiver", "hand_overs.by", "accounts.owner"),
    *(
        "sessions.person",
        "mount_choices.person",
        "shown_folders.person",
        "uploads.person",
        "clones.owner",
    ),
    *("event_audience.person", "idempotency.person", "uids.person", "attachments.by"),
    *("machine_snapshots.owner", "projects.created_by", "projects.answered_by"),
    *("project_members.person", "project_links.made_by"),
    *("project_asks.person", "project_asks.answered_by"),
    *("project_overrides.person", "project_overrides.set_by"),
    *("things.untag_owner", "things.untag_admin"),
)
"""The columns in which a name means whoever had it then."""

OTHERS: Final = (
    # The hub says who is in a team by now; the audit trail is not rewritten.
    *("team_members.person", "events.actor", "name_holders.name"),
    "mounts.owner",  # what a node was told
    "machine_accounts.person",  # as relays know the links that they are to cut
)
"""Those in which it means whoever has it now, or nobody."""


@dataclass(frozen=True, slots=True)
class Former:
    """Somebody whose name is somebody else's since ``until``; what was theirs is ``aside``'s."""

    name: str
    aside: str
    until: datetime


Listener = Callable[[Transaction, Former], Awaitable[None]]


class Succession:
    """Notices that a name has another holder, before that one sees or does anything.

    Args:
        db: Where it is kept since when each name has been somebody's.
        hub: Says since when.
        acts: False: it is only written down. For a hub whose accounts were made anew for the
            people who had them.
    """

    def __init__(self, db: Database, hub: Hub, *, acts: bool = True) -> None:
        self._db, self._hub, self._acts = db, hub, acts
        self._looked_at = ShortMemory[None](max_age=math.inf, size=20_000)
        self._listeners: list[Listener] = []

    def on_change(self, listener: Listener) -> None:
        """Have ``listener`` called in the transaction that sets a former holder's things aside."""
        self._listeners.append(listener)

    async def check_token(self, token: str, name: str) -> None:
        """Whether this token's person is a new one. A token is one holder's for ever: asked once.

        Raises ``HubUnreachable``.
        """
        key = hashlib.sha256(token.encode()).hexdigest()
        await self._looked_at.get(key, lambda: self.check(name))

    async def check(self, name: str) -> None:
        """The same for whoever has the name now. Raises ``HubUnreachable``."""
        await self.person(name)

    async def person(self, name: str) -> str | None:
        """The hub's name of a person; None if there is none. For whoever is about to be given
        something, so that it is theirs: what the former holder has must not stand in its way, and
        nobody who has the name later is to get it. Raises ``HubUnreachable``.
        """
        holder = await self._hub.holder(name)
        if holder is not None and holder.since is not None:
            await self._look_at(holder.name, holder.since)
        return holder.name if holder else None

    async def knows(self, name: str) -> bool:
        """Whether the hub has somebody of exactly this name. Raises ``HubUnreachable``."""
        return await self.person(name) == name

    async def _look_at(self, name: str, created: datetime) -> None:
        async with self._db.read() as conn:
            known = await conn.scalar(_since(name))
        if known is not None and created <= known:
            return
        async with self._db.write() as tx:
            await self._succeed(tx, name, created)

    async def _succeed(self, tx: Transaction, name: str, created: datetime) -> None:
        if await insert_new(tx.conn, name_holders, {"name": name, "created_at": created}):
            return
        known = (await tx.conn.scalars(_since(name).with_for_update())).one()
        if created <= known:
            return  # another request, or another replica, was here just now
        ours = name_holders.update().where(name_holders.c.name == name)
        await tx.conn.execute(ours.values(created_at=created))
        if self._acts:
            former = Former(name, _aside(name, created), created)
            await _set_aside(tx, former)
            for listener in self._listeners:
                await listener(tx, former)
            told = {"name": name, "aside": former.aside}
            await tx.record(
                NewEvent("name.given_again", None, frozenset({former.aside}), data=told)
            )


def _since(name: str) -> sa.Select[datetime]:
    return sa.select(name_holders.c.created_at).where(name_holders.c.name == name)


def _aside(name: str, until: datetime) -> str:
    # No user of JupyterHub can have a slash in their name.
    return f"{name[:200]}/{until.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}"


async def _set_aside(tx: Transaction, former: Former) -> None:
    """All that the name has meant so far, it means under the other name."""
    await _hold(tx, former.name)
    for place in HELD:
        table_name, _, column_name = place.partition(".")
        table = metadata.tables[table_name]
        column = table.c[column_name]
        theirs = [column == former.name]
        if column is grants.c.receiver:
            theirs.append(grants.c.receiver_kind == ReceiverKind.PERSON)
        if column in (grants.c.receiver, hand_overs.c.receiver):
            # Whoever has asked for the new holder meanwhile has meant them.
            theirs.append(table.c.created_at < former.until)
        await tx.conn.execute(table.update().where(*theirs).values({column: former.aside}))


async def _hold(tx: Transaction, name: str) -> None:
    """Hold every project that the name is in or asks to be in, then every thing that it has to do
    with: the order in which everybody holds them, for whoever changes members does the same.
    """
    theirs = sa.union(
        sa.select(project_members.c.project_id).where(project_members.c.person == name),
        sa.select(project_asks.c.project_id).where(project_asks.c.person == name),
    )
    first = sa.select(projects.c.id).where(projects.c.id.in_(theirs)).order_by(projects.c.id)
    await tx.conn.execute(first.with_for_update())
    received = sa.select(grants.c.thing_id).where(
        sa.or_(grants.c.receiver == name, grants.c.giver == name)
    )
    offered = sa.select(hand_overs.c.thing_id).where(
        sa.or_(hand_overs.c.receiver == name, hand_overs.c.by == name, hand_overs.c.owner == name)
    )
    concerned = sa.or_(things.c.owner == name, things.c.id.in_(received), things.c.id.in_(offered))
    held = sa.select(things.c.id).where(concerned).order_by(things.c.id).with_for_update()
    await tx.conn.execute(held)
