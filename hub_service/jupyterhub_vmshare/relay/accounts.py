"""Whether somebody's account on a machine should be open, and whether the machine has obeyed."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.api.contract.ways import LaterRight, Locked, RightView
from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.db.tables import machine_accounts as table
from jupyterhub_vmshare.db.tables import things
from jupyterhub_vmshare.db.upsert import insert_new
from jupyterhub_vmshare.errors import WrongState
from jupyterhub_vmshare.relay.rights import Account, Right

NOTHING: Final = Right(frozenset())
FORMER: Final = (
    "Somebody who had your name before had an account on this machine, which is being locked. "
    "Try again in a moment."
)
_NOTHING_CUT: Final[dict[str, Any]] = {"channels": 0, "processes": 0, "remaining": 0}


@dataclass(frozen=True, slots=True)
class AccountRow:
    """One of them."""

    machine_id: str
    person: str
    account: str
    uid: int
    is_open: bool
    sudo: bool
    version: int
    allowed: dict[str, Any]
    seen: int | None
    channels: int
    processes: int
    remaining: int
    because: str | None
    seen_at: datetime | None

    @classmethod
    def of(cls, row: Any) -> AccountRow:
        """From a row of the table."""
        return cls(**{name: getattr(row, name) for name in cls.__dataclass_fields__})

    @property
    def is_to_be_locked(self) -> bool:
        """Its machine has not obeyed yet."""
        return not self.is_open and (self.seen is None or self.seen < self.version)

    def holds(self, right: Right) -> bool:
        """Whether the row says just that."""
        return self.allowed == as_json(right) and self.sudo == right.sudo

    def view(self) -> RightView:
        """As the relay is told."""
        later = [
            LaterRight.model_validate({"at": at, "allowed": left})
            for at, left in self.allowed["later"]
        ]
        allowed = frozenset(self.allowed["allowed"]) if self.is_open else frozenset()
        return RightView(
            person=self.person,
            machine_id=self.machine_id,
            version=self.version,
            allowed=allowed,
            later=later if self.is_open else [],
            because=self.because,
        )


def as_json(right: Right) -> dict[str, Any]:
    """As it is kept."""
    later = [[at.isoformat(), sorted(left)] for at, left in right.later]
    return {"allowed": sorted(right.allowed), "later": later}


async def rows(conn: AsyncConnection, *where: sa.ColumnElement[bool]) -> list[AccountRow]:
    """Those for which it holds, by machine and person."""
    query = table.select().where(*where).order_by(table.c.machine_id, table.c.person)
    return [AccountRow.of(row) for row in await conn.execute(query)]


WATCHED: Final = sa.or_(table.c.is_open, table.c.seen.is_(None), table.c.seen < table.c.version)
"""What there may be something to do about."""


async def opened(
    tx: Transaction, person: str, machine_id: str, account: Account, right: Right
) -> AccountRow:
    """The account should be open, to just that; the version grows where that is news."""
    key = {"machine_id": machine_id, "person": person}
    values = {
        "account": account.name,
        "uid": account.uid,
        "is_open": True,
        "sudo": right.sudo,
        "allowed": as_json(right),
        "because": None,
    }
    if not await insert_new(tx.conn, table, {**key, **values, **_NOTHING_CUT, "version": 1}):
        row = await locked_row(tx, person, machine_id)
        if row.uid != account.uid and (row.is_open or row.is_to_be_locked):
            raise WrongState(FORMER)
        if row.is_open and row.holds(right):
            return row
        await _set(tx, row, **values, **_NOTHING_CUT, version=row.version + 1)
    return await locked_row(tx, person, machine_id)


async def lock_all_of(tx: Transaction, person: str, because: str) -> None:
    """No account of theirs stays open, whatever was given to it."""
    for row in await rows(tx.conn, table.c.person == person, table.c.is_open):
        await narrowed(tx, row, Right(frozenset(), because=because))


async def narrowed(tx: Transaction, row: AccountRow, right: Right) -> None:
    """An open account has another right by now. What takes its programs away locks it."""
    lost = set(row.allowed["allowed"]) - right.allowed
    keeps = "connect" in right.allowed and "open_terminal" not in lost
    keeps = keeps and not (row.sudo and not right.sudo)
    await _set(
        tx,
        row,
        is_open=keeps,
        sudo=right.sudo and keeps,
        allowed=as_json(right),
        because=right.because,
        version=row.version + 1,
        **_NOTHING_CUT,
    )


async def obeyed(tx: Transaction, said: Locked) -> None:
    """What a relay says of a lock; the event tells what was cut."""
    row = await locked_row(tx, said.person, said.machine_id)
    done = said.because is None and said.remaining == 0 and row.version == said.version
    await _set(
        tx,
        row,
        seen=said.version if done else row.seen,
        # Several relays may have had links, and each says what it cut.
        channels=row.channels + said.channels,
        processes=row.processes + said.processes,
        remaining=said.remaining,
        seen_at=tx.at,
    )
    if done and row.is_to_be_locked:
        await _tell(tx, said)


async def given_up(tx: Transaction, row: AccountRow) -> None:
    """Its machine is no more."""
    await _set(tx, row, is_open=False, seen=row.version)


async def locked_row(tx: Transaction, person: str, machine_id: str) -> AccountRow:
    """One, held until the transaction ends."""
    query = table.select().where(table.c.person == person, table.c.machine_id == machine_id)
    return AccountRow.of((await tx.conn.execute(query.with_for_update())).one())


async def _set(tx: Transaction, row: AccountRow, **values: Any) -> None:
    here = (table.c.person == row.person, table.c.machine_id == row.machine_id)
    await tx.conn.execute(table.update().where(*here).values(**values))


async def _tell(tx: Transaction, said: Locked) -> None:
    query = sa.select(things.c.name, things.c.owner).where(things.c.id == said.machine_id)
    thing = (await tx.conn.execute(query)).one_or_none()
    if thing is not None:
        await tx.record(
            NewEvent(
                "machine.link_cut",
                actor=None,
                audience=frozenset({thing.owner, said.person}),
                thing_id=said.machine_id,
                thing_name=thing.name,
                data={
                    "person": said.person,
                    "channels": said.channels,
                    "processes": said.processes,
                },
            )
        )
