"""What a machine or a drive needs when it changes hands: a name that is free at its new owner's.

Drives stay where they are, and whosever they are.
"""

from __future__ import annotations

from dataclasses import replace

from jupyterhub_vmshare.db.database import Transaction
from jupyterhub_vmshare.machines.names import checked, demand_free
from jupyterhub_vmshare.machines.things import call_it
from jupyterhub_vmshare.policy.model import Person
from jupyterhub_vmshare.sharing.model import SharedThing


async def settle(
    tx: Transaction, receiver: Person, thing: SharedThing, name: str | None = None
) -> SharedThing:
    """Make it ready to be the receiver's, under another name (for everybody) if one is given.

    To be called in the transaction of the acceptance, before it, with its row held.

    Raises:
        NameTaken: the receiver has something of that name; ``suggestion`` is free.
    """
    wanted = thing.name if name is None else checked(name, f"{thing.kind.value} name")
    await demand_free(tx, thing.kind, receiver.name, wanted, besides=thing.id)
    if wanted == thing.name:
        return thing
    await call_it(tx, thing, wanted, receiver.name)
    return replace(thing, name=wanted, version=thing.version + 1)
