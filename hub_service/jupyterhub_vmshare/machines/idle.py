"""Machines that nobody uses stop by themselves, where their policy says so.

Whoever knows of activity (the relay) calls ``heard``. A machine of which nothing was heard lately
is never stopped: not knowing is no reason.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from jupyterhub_vmshare.cloud.port import Capabilities
from jupyterhub_vmshare.db.database import Database, Transaction
from jupyterhub_vmshare.db.tables import machines
from jupyterhub_vmshare.machines import model
from jupyterhub_vmshare.machines.life import permitted_now, want
from jupyterhub_vmshare.machines.model import MACHINES, Desired, Machine
from jupyterhub_vmshare.machines.telling import tell
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.facts import permitted

WARNED_BEFORE: Final = timedelta(minutes=10)
_KNOWN_FOR: Final = timedelta(minutes=5)


async def heard(tx: Transaction, machine_id: str, *, active: bool) -> None:
    """Somebody looked whether the machine is in use, just now."""
    seen = {"heard_at": tx.at, **({"active_at": tx.at, "warned_at": None} if active else {})}
    await tx.conn.execute(machines.update().where(machines.c.id == machine_id).values(**seen))


async def watched(conn: AsyncConnection) -> list[str]:
    """The machines that run, and stop when nobody uses them."""
    query = sa.select(machines.c.id).where(
        machines.c.idle_minutes.is_not(None), machines.c.desired == Desired.RUNNING
    )
    return sorted((await conn.scalars(query)).all())


async def set_policy(tx: Transaction, person: Person, machine_id: str, minutes: int | None) -> None:
    """Say after how many minutes without use it stops; None: never."""
    await store.lock(tx, machine_id)
    await permitted(tx.conn, person, "edit_idle_policy", machine_id, tx.at)
    machine = await model.machine(tx.conn, machine_id)
    if machine.idle_minutes == minutes:
        return
    changed = machines.update().where(machines.c.id == machine_id)
    await tx.conn.execute(changed.values(idle_minutes=minutes, warned_at=None))
    await tell(tx, "idle_policy_changed", machine, person.name, minutes=minutes)


async def keep_on(
    tx: Transaction, person: Person, machine_id: str, can: Capabilities, hours: int
) -> None:
    """Put off the idle stop for so many hours from now."""
    machine = await permitted_now(tx, person, "keep_on", machine_id, can)
    until = tx.at + timedelta(hours=hours)
    changed = machines.update().where(machines.c.id == machine_id)
    await tx.conn.execute(changed.values(keep_on_until=until, warned_at=None))
    await tell(tx, "kept_on", machine, person.name, hours=hours)


def stops_at(machine: Machine) -> datetime | None:
    """When it stops by itself if nobody uses it until then; None: it does not."""
    if machine.idle_minutes is None or machine.active_at is None:
        return None
    idle = machine.active_at + timedelta(minutes=machine.idle_minutes)
    return max(idle, machine.keep_on_until) if machine.keep_on_until else idle


async def look(db: Database) -> None:
    """Warn of, and stop, what has been idle for long enough."""
    query = MACHINES.where(
        machines.c.idle_minutes.is_not(None),
        machines.c.heard_at >= db.clock() - _KNOWN_FOR,
        machines.c.desired == Desired.RUNNING,
    )
    async with db.read() as conn:
        found = [Machine.of(row) for row in await conn.execute(query)]
    for machine in found:
        until = stops_at(machine)
        if until is not None and until - WARNED_BEFORE <= db.clock():
            async with db.write() as tx:
                await _act(tx, machine.id)


async def _act(tx: Transaction, machine_id: str) -> None:
    await store.lock(tx, machine_id)
    machine = await model.machine(tx.conn, machine_id)
    until = stops_at(machine)
    if until is None or machine.desired is not Desired.RUNNING:
        return
    if until <= tx.at:
        await want(tx, machine, desired=Desired.STOPPED, warned_at=None)
        await tell(tx, "asked", machine, None, what="stop", why="idle")
    elif machine.warned_at is None and until - WARNED_BEFORE <= tx.at:
        warned = sa.update(machines).where(machines.c.id == machine_id)
        await tx.conn.execute(warned.values(warned_at=tx.at))
        minutes = max(1, round((until - tx.at).total_seconds() / 60))
        await tell(tx, "idle_warned", machine, None, minutes=minutes)
