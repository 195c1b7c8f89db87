"""Events of machines, drives and snapshots."""

from __future__ import annotations

from typing import Any

from jupyterhub_vmshare.db.database import NewEvent, Transaction
from jupyterhub_vmshare.machines.audience import everyone_on
from jupyterhub_vmshare.machines.model import Drive, Machine, Snapshot
from jupyterhub_vmshare.projects.model import Project
from jupyterhub_vmshare.sharing import store


async def tell(
    tx: Transaction,
    verb: str,
    thing: Machine | Drive,
    actor: str | None,
    *,
    also: frozenset[str] = frozenset(),
    **data: Any,
) -> None:
    """Record ``machine.<verb>`` or ``drive.<verb>`` for everybody who has it.

    ``also``: who had it until just now.
    """
    kind = "machine" if isinstance(thing, Machine) else "drive"
    await tx.record(
        NewEvent(
            f"{kind}.{verb}",
            actor=actor,
            audience=also | await everyone_on(tx.conn, thing.id, tx.at),
            thing_id=thing.id,
            thing_name=thing.name,
            data=data,
        )
    )


def where(within: Project | None) -> dict[str, Any]:
    """What the event of something new says of the project in which it was made."""
    return {} if within is None else {"project_id": within.id, "project": within.name}


async def tell_renamed(tx: Transaction, thing: Machine | Drive, actor: str, before: str) -> None:
    """Record that a thing has the name that it has by now."""
    names: dict[str, Any] = {"from": before, "to": thing.name}
    await tell(tx, "renamed", thing, actor, also=frozenset(), **names)


async def tell_of_attachment(
    tx: Transaction,
    verb: str,
    drive: Drive,
    machine: Machine,
    actor: str | None,
    **data: Any,
) -> None:
    """Record ``drive.<verb>`` for everybody who has the drive: what is on a machine, those who
    only use the machine need not hear."""
    told = {"machine_id": machine.id, "machine_name": machine.name, **data}
    audience = await everyone_on(tx.conn, drive.id, tx.at)
    keepers = await store.keepers(tx.conn, await store.thing_of(tx.conn, machine.id), tx.at)
    await tx.record(
        NewEvent(
            f"drive.{verb}",
            actor=actor,
            audience=audience | keepers,
            thing_id=drive.id,
            thing_name=drive.name,
            data=told,
        )
    )


async def tell_of_snapshot(
    tx: Transaction, verb: str, snapshot: Snapshot, actor: str | None, **data: Any
) -> None:
    """Record ``machine_snapshot.<verb>`` for its owner."""
    await tx.record(
        NewEvent(
            f"machine_snapshot.{verb}",
            actor=actor,
            audience=frozenset({snapshot.owner, *({actor} if actor else ())}),
            thing_id=snapshot.machine_id,
            thing_name=snapshot.machine_name,
            data={"snapshot_id": snapshot.id, "name": snapshot.name, **data},
        )
    )
