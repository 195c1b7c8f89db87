"""What machines and drives have in common as things that people have: a row, a name, an end.

Every verb runs inside the caller's transaction.
"""

from __future__ import annotations

from typing import Any

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.db.tables import things
from jupyterhub_vmshare.errors import ChangedMeanwhile
from jupyterhub_vmshare.machines import model
from jupyterhub_vmshare.machines.audience import everyone_on
from jupyterhub_vmshare.machines.model import Drive, Machine
from jupyterhub_vmshare.machines.names import checked, demand_free
from jupyterhub_vmshare.machines.telling import tell_renamed
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.projects.model import Project
from jupyterhub_vmshare.sharing import store
from jupyterhub_vmshare.sharing.ending import end_all
from jupyterhub_vmshare.sharing.facts import permitted
from jupyterhub_vmshare.sharing.handing import cancel_open
from jupyterhub_vmshare.sharing.model import SharedThing
from jupyterhub_vmshare.words import EndedWhy, ThingKind, ThingState


async def insert_thing(
    tx: Transaction,
    thing_id: str,
    kind: ThingKind,
    owner: str,
    name: str,
    within: Project | None = None,
) -> None:
    """The row that grants point at; ``within``: in a project, which is held."""
    # What a machine opens is its content, which a project's role never does.
    opened = within is not None and within.new_things_open and kind is ThingKind.DRIVE
    await tx.conn.execute(
        things.insert().values(
            id=thing_id,
            kind=kind,
            owner=owner,
            name=name,
            state=ThingState.LIVE,
            created_at=tx.at,
            within_id=None if within is None else within.id,
            project_name=None if within is None else within.name,
            opened=opened,
        )
    )


async def change_thing(tx: Transaction, thing_id: str, **changes: Any) -> None:
    """Change what is the same for all kinds of things, and raise the version."""
    changed = things.update().where(things.c.id == thing_id)
    await tx.conn.execute(changed.values(version=things.c.version + 1, **changes))


async def rename(tx: Transaction, person: Person, thing_id: str, version: int, name: str) -> None:
    """Another name for everybody; what a machine calls itself stays."""
    held = await store.lock(tx, thing_id)
    await permitted(tx.conn, person, "rename", thing_id, tx.at)
    kind = held.kind.value
    name = checked(name, f"{kind} name")
    if held.version != version:
        raise ChangedMeanwhile(f"Somebody else changed this {kind} meanwhile; look at it again.")
    if name == held.name:
        return
    await demand_free(tx, held.kind, held.owner, name, besides=thing_id)
    await call_it(tx, held, name, person.name)


async def call_it(tx: Transaction, held: SharedThing, name: str, by: str) -> None:
    """Another name, which is free."""
    await change_thing(tx, held.id, name=name)
    row: Machine | Drive
    if held.kind is ThingKind.MACHINE:
        row = await model.machine(tx.conn, held.id)
    else:
        row = await model.drive(tx.conn, held.id)
    await tell_renamed(tx, row, by, held.name)


async def end(tx: Transaction, held: SharedThing, person: Person) -> frozenset[str]:
    """Nobody has it any more, and nobody is offered it; who had it until now."""
    audience = await everyone_on(tx.conn, held.id, tx.at)
    await end_all(tx, held, EndedWhy.THING_DELETED, person.name)
    await cancel_open(tx, held, person.name)
    await change_thing(tx, held.id, state=ThingState.DELETING)
    return audience
