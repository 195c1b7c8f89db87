"""The rows that say what each session should have, and what its node says that it has."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import mounts, sessions, things
from jupyterhub_vmshare.mounts.desired import DesiredMount
from jupyterhub_vmshare.mounts.messages import FolderWanted, SessionSeen
from jupyterhub_vmshare.mounts.sessions import Session
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.model import SharedThing


@dataclass(frozen=True, slots=True)
class Mount:
    """One folder in one session. Without a ``level`` it should not be there; without a
    ``seen_level`` it is not."""

    session_id: str
    thing_id: str
    name: str
    level: str | None
    grant_id: str
    owner: str
    until: datetime | None
    direct: bool
    state: str
    seen_level: str | None
    seen_name: str | None
    because: str | None
    seen_direct: bool
    cut_open: int
    held: int

    @classmethod
    def of(cls, row: sa.Row[Any]) -> Mount:
        """From a row of ``mounts``."""
        return cls(**{name: getattr(row, name) for name in cls.__slots__})

    @property
    def wanted(self) -> DesiredMount | None:
        """What should be there, as `desired` says it."""
        if self.level is None:
            return None
        return DesiredMount(
            *(self.thing_id, self.name, self.level, self.grant_id, self.owner),
            until=self.until,
            direct=self.direct,
        )

    @property
    def is_settled(self) -> bool:
        """Whether what is there is what should be."""
        if self.level is None:
            return self.seen_level is None
        return self.state == "mounted" and (self.seen_level, self.seen_name) == (
            self.level,
            self.name,
        )

    def order(self) -> FolderWanted:
        """The folder as the agent is told of it."""
        until = None if self.until is None else self.until.timestamp()
        return FolderWanted(
            *(self.thing_id, self.name, self.level or "", self.grant_id, self.owner),
            until=until,
            direct=self.direct,
        )


async def of_sessions(conn: AsyncConnection, ids: Sequence[str]) -> dict[str, list[Mount]]:
    """The rows of these sessions, by session."""
    found: dict[str, list[Mount]] = {session_id: [] for session_id in ids}
    query = mounts.select().where(mounts.c.session_id.in_(ids)).order_by(mounts.c.thing_id)
    for row in await conn.execute(query):
        found[row.session_id].append(Mount.of(row))
    return found


def is_aligned(rows: Sequence[Mount], wanted: Mapping[str, DesiredMount]) -> bool:
    """Whether the rows say already what should be there."""
    return {r.thing_id: r.wanted for r in rows if r.level is not None} == dict(wanted)


async def align(
    tx: Transaction, session: Session, rows: Sequence[Mount], wanted: Mapping[str, DesiredMount]
) -> None:
    """Write down what should be there, as a new version of the session's list."""
    there = {row.thing_id: row for row in rows}
    for thing_id, row in there.items():
        if row.level is not None and thing_id not in wanted:
            await _set(tx, row, level=None, until=None)
    for thing_id, mount in wanted.items():
        if thing_id not in there:
            key = {"session_id": session.id, "thing_id": thing_id}
            new = {**key, "state": "waiting", "cut_open": 0, **_columns(mount)}
            await tx.conn.execute(mounts.insert().values(new))
        elif there[thing_id].wanted != mount:
            await _set(tx, there[thing_id], **_columns(mount))
    await raise_version(tx, session)


def _columns(mount: DesiredMount) -> dict[str, Any]:
    return {
        "name": mount.name,
        "level": mount.level,
        "grant_id": mount.grant,
        "owner": mount.owner,
        "until": mount.until,
        "direct": mount.direct,
    }


async def raise_version(tx: Transaction, session: Session) -> None:
    """A later list: what an earlier leader may still send is refused from now on."""
    query = sessions.update().where(sessions.c.id == session.id)
    await tx.conn.execute(query.values(version=sessions.c.version + 1))


def is_known(session: Session, there: Sequence[Mount], seen: SessionSeen) -> bool:
    """Whether what the node says is what was written down already: most of what a service hears
    that was started again."""
    if (session.told, session.view, session.because) != (seen.version, seen.view, None):
        return False
    names = {row.thing_id: row.name for row in there}
    told = [_observed(row, seen, names) for row in there]
    return all(_agrees(row, values) for row, values in zip(there, told, strict=True))


async def observe(
    tx: Transaction, session: Session, seen: SessionSeen, names: Mapping[str, str]
) -> None:
    """Write down what the session's node says, and tell its person what changed.

    ``names``: the directories' names in the list that was obeyed; there may be a later one by now.
    """
    for row in (await of_sessions(tx.conn, [session.id]))[session.id]:
        values = _observed(row, seen, names)
        if not _agrees(row, values):
            await _set(tx, row, seen_at=tx.at, **values)
            await _tell_change(tx, session, row, values)
    query = sessions.update().where(sessions.c.id == session.id)
    await tx.conn.execute(query.values(told=seen.version, view=seen.view, because=None))


def _observed(row: Mount, seen: SessionSeen, names: Mapping[str, str]) -> dict[str, Any]:
    folder = next((folder for folder in seen.folders if folder.folder == row.thing_id), None)
    cut = next((cut for cut in seen.cut if cut.folder == row.thing_id), None)
    held = next((held for held in seen.held if held.folder == row.thing_id), None)
    state = "gone" if folder is None else folder.state
    level = None if folder is None else folder.level
    return {
        "state": state,
        "seen_level": level,
        "seen_name": names.get(row.thing_id) if level is not None else None,
        "because": None if folder is None else folder.because,
        "seen_direct": folder is not None and folder.direct,
        "held": 0 if held is None else held.processes,
        "cut_open": row.cut_open if cut is None else cut.open,
    }


def _agrees(row: Mount, values: Mapping[str, Any]) -> bool:
    return all(getattr(row, key) == value for key, value in values.items())


async def _tell_change(
    tx: Transaction, session: Session, row: Mount, values: Mapping[str, Any]
) -> None:
    before, level, name = row.seen_level, values["seen_level"], values["seen_name"] or row.name
    if level is not None and before is None:
        await _tell(tx, "mounted", session, row, name, level=level)
    elif level is not None and (level, name) != (before, row.seen_name):
        await _tell(tx, "changed", session, row, name, **{"from": before, "to": level})
    elif level is None and before is not None:
        await _tell(tx, "unmounted", session, row, row.seen_name or row.name, level=before)
    if values["state"] == "failed" and row.state != "failed":
        await _tell(tx, "failed", session, row, name)
    if bool(values["held"]) != bool(row.held):
        await _tell_owner(tx, session, row, values["held"])


async def _tell_owner(tx: Transaction, session: Session, row: Mount, processes: int) -> None:
    """What nobody can cut is said to the owner, who may want the session to end."""
    found = (
        await tx.conn.execute(things.select().where(things.c.id == row.thing_id))
    ).one_or_none()
    if found is None:
        return
    keepers = await store.keepers(tx.conn, SharedThing.of(found), tx.at)
    counted = {"processes": processes} if processes else {}
    await tx.record(
        NewEvent(
            f"mount.{'held' if processes else 'let_go'}",
            actor=None,
            audience=frozenset(keepers),
            thing_id=row.thing_id,
            thing_name=found.name,
            data={**session.told_of, "person": session.person, **counted},
        )
    )


async def _tell(
    tx: Transaction, verb: str, session: Session, row: Mount, name: str, **more: str | None
) -> None:
    # Under the session's own name for it: after a revoke the owner's is no longer theirs to know.
    await tx.record(
        NewEvent(
            f"mount.{verb}",
            actor=None,
            audience=frozenset({session.person}),
            thing_id=row.thing_id,
            thing_name=name,
            data={**session.told_of, "name": name, **more},
        )
    )


async def _set(tx: Transaction, row: Mount, **values: Any) -> None:
    which = (mounts.c.session_id == row.session_id, mounts.c.thing_id == row.thing_id)
    await tx.conn.execute(mounts.update().where(*which).values(**values))
